package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// externalModel is smallModel with w in the file name.
func externalModel(t *testing.T, dir, name, offset, length string) string {
	p := smallModel()
	w := p.Graph.Initializer[0]
	w.FloatData, w.DataLocation = nil, pb.TensorProto_EXTERNAL.Enum()
	for _, kv := range [][2]string{{"location", name}, {"offset", offset}, {"length", length}, {"checksum", "x"}} {
		if kv[1] != "" {
			w.ExternalData = append(w.ExternalData, &pb.StringStringEntryProto{Key: ptr(kv[0]), Value: ptr(kv[1])})
		}
	}
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(path, marshal(t, p), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExternal(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "model")
	if err := os.MkdirAll(dir+"/sub", 0o777); err != nil {
		t.Fatal(err)
	}
	data := []byte{9, 9, 9, 9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}
	for _, name := range []string{dir + "/w.bin", dir + "/sub/w.bin", top + "/out.bin"} {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	os.Symlink("../out.bin", dir+"/link")
	if err := syscall.Mkfifo(dir+"/pipe", 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, offset, length, want string }{
		{"w.bin", "4", "8", ""}, {"w.bin", "4", "", ""}, {"sub/w.bin", "4", "8", ""},
		{"w.bin", "", "", ""}, {"w.bin", "8", "", "8 bytes at 8 wanted, the file has 12"}, {"w.bin", "13", "0", "the file has 12"},
		{"w.bin", "4", "7", "raw data of 7 bytes, want 8"}, {"w.bin", "-4", "", `offset "-4"`}, {"w.bin", "0", "9223372036854775808", `length`},
		{"w.bin", "9223372036854775807", "8", "the file has 12"},
		{"../out.bin", "", "", "not a path inside the model's folder"}, {top + "/out.bin", "", "", "not a path inside"}, {"sub/../../out.bin", "", "", "not a path inside"},
		{"", "", "", "not a path inside"}, {"link", "", "", "escapes"}, {"none", "", "", "no such file"}, {"sub", "", "", "sub: not a file"}, {"pipe", "", "", "pipe: not a file"},
	} {
		t.Run(fmt.Sprint(c.name, c.offset), func(t *testing.T) {
			m := read(t, externalModel(t, dir, c.name, c.offset, c.length))
			d := m.Graph.Value("w").Init
			if d.External != c.name || d.Bytes != 8 {
				t.Errorf("%+v", d)
			}
			x, err := d.Load()
			if c.want == "" && (err != nil || c.offset == "4" && tensor.Data[float32](x)[1] != -2) {
				t.Errorf("%v %v", x, err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `tensor "w": `)) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	b, err := os.ReadFile(externalModel(t, dir, "w.bin", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, b).Graph.Value("w").Init.Load(); err == nil || !strings.Contains(err.Error(), "has no folder") {
		t.Error(err)
	}
}

func TestExternalCopied(t *testing.T) {
	from := t.TempDir()
	data := []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}
	if err := os.Mkdir(from+"/sub", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from+"/sub/w.bin", data, 0o666); err != nil {
		t.Fatal(err)
	}
	m := read(t, externalModel(t, from, "sub/w.bin", "", ""))
	m.SetMeta("k", "v")
	if err := WriteFile(from+"/beside.onnx", m, Options{}); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for i, name := range []string{"one.onnx", "two.onnx"} { // the second time the data is there
		if err := WriteFile(filepath.Join(to, name), m, Options{}); err != nil {
			t.Fatal(i, err)
		}
		n := read(t, filepath.Join(to, name))
		if x, err := n.Graph.Value("w").Init.Load(); err != nil || tensor.Data[float32](x)[1] != -2 {
			t.Error(i, x, err)
		}
	}
	if err := os.WriteFile(to+"/sub/w.bin", []byte("another!"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(to+"/three.onnx", m, Options{})
	if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), `external data "sub/w.bin": file already exists, with other content`) {
		t.Error(err)
	}
	if err := WriteFile(to+"/three.onnx", m, Options{Force: true}); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(to + "/sub/w.bin"); !bytes.Equal(b, data) {
		t.Errorf("%q", b)
	}
	other := t.TempDir()
	no := errors.New("no")
	if err := WriteFile(other+"/m.onnx", m, Options{Check: func(string) error { return no }}); !errors.Is(err, no) {
		t.Error(err)
	}
	if _, err := os.Stat(other + "/sub/w.bin"); err == nil {
		t.Error("data was left though the model was not written")
	}
	os.Remove(from + "/sub/w.bin")
	if err := WriteFile(other+"/m.onnx", m, Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "external data") {
		t.Error(err)
	}
}

// TestExternalFiles finds names in attributes, subgraphs, functions and training.
func TestExternalFiles(t *testing.T) {
	away := func(p *pb.TensorProto, name string) {
		p.FloatData, p.Int64Data, p.DataLocation = nil, nil, pb.TensorProto_EXTERNAL.Enum()
		p.ExternalData = []*pb.StringStringEntryProto{{Key: ptr("location"), Value: ptr(name)}}
	}
	p := richModel()
	away(p.Graph.Initializer[0], "d")
	away(p.Graph.Node[0].Attribute[3].T, "c")
	away(p.Graph.Node[1].Attribute[0].G.Initializer[0], "b")
	away(p.TrainingInfo[0].Algorithm.Initializer[0], "a")
	names, err := ExternalFiles(parse(t, marshal(t, p)))
	if err != nil || !slices.Equal(names, []string{"a", "b", "c", "d"}) {
		t.Error(names, err)
	}
}
