package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/safetensors"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var arrays = []*graph.Data{
	graph.NewData("a\"b/ü", tensor.Of([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6.5})),
	graph.NewData("empty", tensor.Of([]int{0, 4}, []float64{})),
	graph.NewData("scalar", tensor.Scalar(-0.25)),
	graph.NewData("half", tensor.Of([]int{3}, []tensor.F16{1, 0x3c00, 7})),
	graph.NewData("brain", tensor.Of([]int{1}, []tensor.BF16{0x3f80})),
	graph.NewData("count", tensor.Vector[int64](1, -2)),
	graph.NewData("flags", tensor.Vector(true, false, true)),
	graph.NewData("bytes", tensor.Vector[uint8](255, 0)),
}

func write(t *testing.T, list []*graph.Data) string {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, list); err != nil {
		t.Fatal(err)
	}
	return file(t, b.Bytes())
}

func file(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	for _, list := range [][]*graph.Data{arrays, nil} {
		got, err := safetensors.ReadFile(write(t, list))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(list) {
			t.Fatalf("%d arrays, want %d", len(got), len(list))
		}
		for i, want := range list {
			x, err := got[i].Load()
			if err != nil {
				t.Fatal(err)
			}
			w, _ := want.Load()
			if got[i].Name != want.Name || x.String() != w.String() {
				t.Errorf("%q %v, want %q %v", got[i].Name, x, want.Name, w)
			}
			var streamed, written bytes.Buffer
			if err := got[i].Stream(func(b []byte) error { streamed.Write(b); return nil }); err != nil {
				t.Fatal(err)
			}
			if err := binary.Write(&written, binary.LittleEndian, w.Store().Data); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(streamed.Bytes(), written.Bytes()) {
				t.Errorf("%q: other elements are streamed", want.Name)
			}
		}
		again, err := os.ReadFile(write(t, got))
		if first, _ := os.ReadFile(write(t, list)); err != nil || !bytes.Equal(again, first) {
			t.Errorf("what was read is written otherwise (%v)", err)
		}
	}
}

// TestFormat holds a file to the format's text.
func TestFormat(t *testing.T) {
	got, err := os.ReadFile(write(t, []*graph.Data{graph.NewData("w", tensor.Of([]int{1, 2}, []float32{1, -2}))}))
	if err != nil {
		t.Fatal(err)
	}
	head := `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`
	want := slices.Concat([]byte{byte(len(head)), 0, 0, 0, 0, 0, 0, 0}, []byte(head), []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0})
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := graph.NewData("a", tensor.Scalar[float32](1))
	for _, list := range [][]*graph.Data{{one, one}, {graph.NewData("s", tensor.Scalar("text"))}, {graph.NewData("__metadata__", tensor.Scalar[float32](1))}} {
		if err := safetensors.Write(&bytes.Buffer{}, list); err == nil {
			t.Errorf("%q %v is written", list[0].Name, list[0].DType)
		}
	}
}

// TestBroken: whatever is wrong with a file is an error that names it.
func TestBroken(t *testing.T) {
	with := func(head string, elements int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
		return append(append(b, head...), make([]byte, elements)...)
	}
	one := func(dtype, shape, offsets string) string {
		return `{"w":{"dtype":"` + dtype + `","shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	if _, err := safetensors.ReadFile(file(t, with(one("F32", "[2]", "[0,8]"), 8))); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":     {},
		"length":    binary.LittleEndian.AppendUint64(nil, 1<<62),
		"no json":   with("{", 0),
		"list":      with("[]", 0),
		"type":      with(one("F33", "[2]", "[0,8]"), 8),
		"size":      with(one("F32", "[3]", "[0,8]"), 8),
		"negative":  with(one("F32", "[-2]", "[0,8]"), 8),
		"overflow":  with(one("F32", "[4611686018427387904,4611686018427387904,4]", "[0,0]"), 8),
		"behind":    with(one("F32", "[2]", "[4,12]"), 8),
		"backwards": with(one("F32", "[2]", "[8,0]"), 8),
		"before":    with(one("F32", "[2]", "[-8,0]"), 8),
		"overlap":   with(`{"v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8),
		"entry":     with(`{"w":7}`, 8),
		"flood":     with("["+strings.Repeat("{", 1<<20), 0),
	} {
		path := file(t, b)
		if _, err := safetensors.ReadFile(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
	}
	if _, err := safetensors.ReadFile(t.TempDir()); err == nil {
		t.Error("a folder is read")
	}
	// A file that is cut after it was opened.
	path := file(t, with(one("F32", "[2]", "[0,8]"), 8))
	list, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 60); err != nil {
		t.Fatal(err)
	}
	if _, err := list[0].Load(); err == nil {
		t.Error("elements are read that are not there")
	}
	if err := list[0].Stream(func([]byte) error { return nil }); err == nil {
		t.Error("elements are streamed that are not there")
	}
}

func FuzzReadFile(f *testing.F) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, arrays); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := safetensors.ReadFile(file(t, b))
		if err != nil {
			return
		}
		for _, d := range list {
			if x, err := d.Load(); err != nil || x.Len() != d.Len() {
				t.Errorf("%q: %v, %v", d.Name, x, err)
			}
		}
	})
}
