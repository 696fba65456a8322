package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/text"
)

// shapedText is a detector whose layout rests on the elements of a constant.
const shapedText = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,3,3] image) => (float[1,9,6] scores, float[1,9,4] boxes)
<float[6,2,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12}, float[4,2,1,1] v = {1,2,3,4,5,6,7,8}, int64[3] shape = {1,-1,9}> {
  z = Conv(image, w)
  s = Sigmoid(z)
  rows = Reshape(s, shape)
  scores = Transpose <perm = [0,2,1]> (rows)
  d = Conv(image, v)
  e = Exp(d)
  places = Reshape(e, shape)
  boxes = Transpose <perm = [0,2,1]> (places)
}`

// fields calls do for each record of a message, and gives what it gives.
func fields(t *testing.T, b []byte, do func(num uint64, rec, body []byte) []byte) (out []byte) {
	t.Helper()
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		var body []byte
		switch length, k := binary.Uvarint(b[n:]); tag & 7 {
		case 0:
			n += k
		case 1:
			n += 8
		case 2:
			body = b[n+k:][:length]
			n += k + int(length)
		case 5:
			n += 4
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		out = append(out, do(tag>>3, b[:n], body)...)
		b = b[n:]
	}
	return out
}

// outsideModel writes the detector with the elements of constant name in the file
// w.bin beside it.
func outsideModel(t *testing.T, dir, name string) string {
	t.Helper()
	m, err := text.Parse(shapedText)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "m.onnx")
	if err := onnx.WriteFile(path, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	same := func(_ uint64, rec, _ []byte) []byte { return rec }
	var raw []byte
	tensor := func(b []byte) []byte {
		own := false
		fields(t, b, func(num uint64, rec, body []byte) []byte {
			own = own || num == 8 && string(body) == name
			return nil
		})
		if !own {
			return fields(t, b, same)
		}
		out := fields(t, b, func(num uint64, rec, body []byte) []byte {
			if num == 9 {
				raw = body
				return nil
			}
			return rec
		})
		out = append(out, record(13, append(record(1, []byte("location")), record(2, []byte("w.bin"))...))...)
		return append(out, 14<<3, 1)
	}
	b = fields(t, b, func(num uint64, rec, body []byte) []byte {
		if num != 7 {
			return rec
		}
		return record(7, fields(t, body, func(num uint64, rec, body []byte) []byte {
			if num != 5 {
				return rec
			}
			return record(5, tensor(body))
		}))
	})
	if raw == nil {
		t.Fatalf("no constant %q", name)
	}
	for file, b := range map[string][]byte{path: b, filepath.Join(dir, "w.bin"): raw} {
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestDataUnreadable holds every command to exit 1, the data file's name and
// nothing left behind, where the file is missing, short, refused or no file.
// Weights are not looked at to find the head, so inspect does without them.
func TestDataUnreadable(t *testing.T) {
	faults := map[string]func(path string) error{
		"missing":    os.Remove,
		"short":      func(path string) error { return os.Truncate(path, 7) },
		"empty":      func(path string) error { return os.Truncate(path, 0) },
		"folder":     func(path string) error { os.Remove(path); return os.Mkdir(path, 0o777) },
		"link out":   func(path string) error { os.Remove(path); return os.Symlink("../secret", path) },
		"link broke": func(path string) error { os.Remove(path); return os.Symlink("none", path) },
		"no access": func(path string) error {
			if os.Geteuid() == 0 {
				return fs.SkipAll // root reads everything
			}
			return os.Chmod(path, 0)
		},
	}
	for _, name := range []string{"w", "shape"} {
		for fault, do := range faults {
			t.Run(name+" "+fault, func(t *testing.T) {
				top := t.TempDir()
				dir, other := filepath.Join(top, "m"), filepath.Join(top, "other")
				for _, d := range []string{dir, other} {
					if err := os.Mkdir(d, 0o777); err != nil {
						t.Fatal(err)
					}
				}
				path := outsideModel(t, dir, name)
				if err := os.WriteFile(filepath.Join(top, "secret"), make([]byte, 99), 0o666); err != nil {
					t.Fatal(err)
				}
				train := filepath.Join(dir, "train.onnx")
				if code, _, stderr := call(context.Background(), "rewrite", path, "-o", train, "--loss", "ce", "-q"); code != 0 {
					t.Fatal(stderr)
				}
				if err := do(filepath.Join(dir, "w.bin")); err == fs.SkipAll {
					t.Skip("root reads everything")
				} else if err != nil {
					t.Fatal(err)
				}
				before := names(t, dir)
				for _, args := range [][]string{
					{"inspect", path}, {"inspect", path, "--json"}, {"inspect", path, "--why", "z"},
					{"rewrite", path, "-o", filepath.Join(dir, "new.onnx"), "--loss", "ce"},
					{"rewrite", path, "-o", filepath.Join(other, "new.onnx"), "--loss", "ce", "--no-verify"},
					{"rewrite", path, "-o", filepath.Join(dir, "new.onnx"), "--loss", "ce", "--no-verify"},
					{"rewrite", path, "-o", "-", "--loss", "ce", "--no-verify"},
					{"verify", train}, {"verify", train, "--original", path},
					{"run", path}, {"run", train}, {"compare", path, "--losses", "ce,bce"},
				} {
					code, stdout, stderr := call(context.Background(), args...)
					if args[0] == "inspect" && name == "w" {
						if code != 0 {
							t.Errorf("%q: exit %d, %s", args, code, stderr)
						}
						continue
					}
					if text := stdout + stderr; code != exitBad || !strings.Contains(text, "w.bin") || !strings.Contains(text, name) {
						t.Errorf("%q: exit %d, %s%s", args, code, stdout, stderr)
					}
				}
				if after := append(names(t, dir), names(t, other)...); !slices.Equal(after, before) {
					t.Errorf("files %q, before %q", after, before)
				}
			})
		}
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// TestDataShort says how many bytes are wanted, and how many there are.
func TestDataShort(t *testing.T) {
	dir := t.TempDir()
	path := outsideModel(t, dir, "shape")
	if err := os.Truncate(filepath.Join(dir, "w.bin"), 7); err != nil {
		t.Fatal(err)
	}
	_, _, stderr := call(context.Background(), "inspect", path)
	if want := fmt.Sprintf("onnxloss: %s: tensor \"shape\": external data \"w.bin\": needs 24 bytes at offset 0, but the file has 7\n", path); stderr != want {
		t.Errorf("%s, want %s", stderr, want)
	}
}
