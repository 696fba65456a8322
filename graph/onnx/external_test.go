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
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onnxloss/onnxloss/graph"
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
	os.Symlink("nowhere", dir+"/dangling")
	os.Symlink("sub/w.bin", dir+"/inner")
	if err := os.WriteFile(dir+`/back\slash`, data, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dir+"/pipe", 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, offset, length, want string }{
		{"w.bin", "4", "8", ""}, {"w.bin", "4", "", ""}, {"sub/w.bin", "4", "8", ""},
		{"w.bin", "", "", ""}, {"w.bin", "8", "", "needs 8 bytes at offset 8, but the file has 12"}, {"w.bin", "13", "8", "the file has 12"}, {"w.bin", "13", "0", "raw data of 0 bytes, want 8"},
		{"w.bin", "4", "7", "raw data of 7 bytes, want 8"}, {"w.bin", "-4", "", `offset "-4"`}, {"w.bin", "0", "9223372036854775808", `length`},
		{"w.bin", "9223372036854775807", "8", "the file has 12"},
		{"inner", "4", "8", ""}, {`back\slash`, "4", "8", ""}, {"dangling", "", "", "no such file"}, {".", "", "", `".": not a file`},
		{"w.bin\n", "", "", `"w.bin\n": no such file`}, {"w.bin\x00", "", "", "invalid argument"}, {"/dev/zero", "", "", "not a path inside"},
		{"../out.bin", "", "", "not a path inside the model's folder"}, {top + "/out.bin", "", "", "not a path inside"}, {"sub/../../out.bin", "", "", "not a path inside"},
		{"", "", "", "external data without a location"}, {"link", "", "", "link is a link to "}, {"none", "", "", "no such file"}, {"sub", "", "", `"sub": not a file`}, {"pipe", "", "", `"pipe": not a file`},
	} {
		t.Run(fmt.Sprint(c.name, c.offset), func(t *testing.T) {
			m, err := ReadFile(externalModel(t, dir, c.name, c.offset, c.length))
			if err != nil { // without a look at the file
				if c.want == "" || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `tensor "w": `) {
					t.Errorf("%v, want %s", err, c.want)
				}
				return
			}
			defer m.Close()
			if err := CheckExternal(m); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("CheckExternal: %v, want %s", err, c.want)
			}
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
	if _, err := parse(t, b).Graph.Value("w").Init.Load(); err == nil || !strings.Contains(err.Error(), "its folder is unknown") {
		t.Error(err)
	}
}

// TestGather: in another folder the elements lie in one file that is named
// after the model, and nothing has a name that the model gave.
func TestGather(t *testing.T) {
	from := t.TempDir()
	data := []byte{9, 9, 9, 9, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 9}
	if err := os.Mkdir(from+"/sub", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from+"/sub/w.bin", data, 0o666); err != nil {
		t.Fatal(err)
	}
	m := read(t, externalModel(t, from, "sub/w.bin", "4", ""))
	m.SetMeta("k", "v")
	if err := WriteFile(from+"/beside.onnx", m, Options{Data: func(string, int64) { t.Error("data was written beside itself") }}); err != nil {
		t.Fatal(err)
	}
	expectFolder(t, from, "beside.onnx", "m.onnx", "sub")
	to := t.TempDir()
	name, size := "", int64(0)
	opts := Options{Force: true, Data: func(n string, s int64) { name, size = n, s }}
	for range 2 { // the second time the data is there
		if err := WriteFile(to+"/one.onnx", m, opts); err != nil {
			t.Fatal(err)
		}
		if !isDataOf(name, to+"/one.onnx") || size != 8 {
			t.Errorf("%s of %d bytes", name, size)
		}
		expectFolder(t, to, "one.onnx", name)
		if b, err := os.ReadFile(filepath.Join(to, name)); err != nil || !bytes.Equal(b, data[4:12]) {
			t.Errorf("%x %v", b, err)
		}
		n := read(t, to+"/one.onnx")
		if x, err := n.Graph.Value("w").Init.Load(); err != nil || tensor.Data[float32](x)[1] != -2 {
			t.Error(x, err)
		}
	}
	got := plain(t, "one", encoded(t, read(t, to+"/one.onnx"))).Graph.Initializer[0].ExternalData
	if len(got) != 3 || got[0].GetValue() != name || got[1].GetValue() != "0" || got[2].GetValue() != "8" {
		t.Errorf("%v: the check sum was that of another file", got)
	}
	other := t.TempDir()
	no := errors.New("no")
	if err := WriteFile(other+"/m.onnx", m, Options{Check: func(path string) error {
		if x, err := read(t, path).Graph.Value("w").Init.Load(); err != nil || tensor.Data[float32](x)[1] != -2 {
			t.Error("the draft does not have its data: ", x, err)
		}
		return no
	}}); !errors.Is(err, no) {
		t.Error(err)
	}
	expectFolder(t, other)
	os.Remove(from + "/sub/w.bin")
	if err := WriteFile(other+"/m.onnx", m, Options{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `external data "sub/w.bin"`) {
		t.Error(err)
	}
	expectFolder(t, other)
}

// expectFolder fails the test if dir has other files.
func expectFolder(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// away moves the elements of p, of the given size, to a file.
func away(p *pb.TensorProto, name string, off, size int) {
	p.FloatData, p.Int64Data, p.DataLocation = nil, nil, pb.TensorProto_EXTERNAL.Enum()
	p.ExternalData = []*pb.StringStringEntryProto{{Key: ptr("location"), Value: ptr(name)}, {Key: ptr("offset"), Value: ptr(fmt.Sprint(off))}, {Key: ptr("length"), Value: ptr(fmt.Sprint(size))}}
}

// TestGatherEverywhere: references are found and rewritten wherever tensors may
// be, and the rest of the model stays as it was.
func TestGatherEverywhere(t *testing.T) {
	from := t.TempDir()
	data := make([]byte, 10000)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for _, name := range []string{"a.bin", "b.bin"} {
		if err := os.WriteFile(filepath.Join(from, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	p := richModel()
	attrs := p.Graph.Node[0].Attribute
	inner := p.Graph.Node[1].Attribute[0].G
	p.Functions[0].Node[0].Attribute = append(p.Functions[0].Node[0].Attribute, attr("t", pb.AttributeProto_TENSOR, func(a *pb.AttributeProto) { a.T = floats("", 1, 2) }))
	p.Functions[0].AttributeProto = append(p.Functions[0].AttributeProto, attr("d", pb.AttributeProto_TENSOR, func(a *pb.AttributeProto) { a.T = floats("", 1) }))
	tensors := []*pb.TensorProto{
		p.Graph.Initializer[0], attrs[3].T, attrs[7].Tensors[1], attrs[8].SparseTensor.Values, attrs[9].SparseTensors[0].Values, inner.Initializer[0],
		p.Graph.SparseInitializer[0].Values, p.Functions[0].Node[0].Attribute[1].T, p.Functions[0].AttributeProto[1].T, p.TrainingInfo[0].Algorithm.Initializer[0],
	}
	places := []int{0, 0, 4, 4000, 9992, 1001, 16, 24, 8, 7}
	want := map[*pb.TensorProto][]byte{}
	for i, x := range tensors {
		size := 4 * len(x.FloatData)
		if x.Int64Data != nil {
			size = 8 * len(x.Int64Data)
		}
		away(x, []string{"a.bin", "b.bin", "./a.bin"}[i%3], places[i], size)
		want[x] = data[places[i]:][:size]
	}
	// Indices of values that are inside.
	ix := attrs[9].SparseTensors[0].Indices
	if err := os.WriteFile(from+"/ix", []byte{1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}, 0o666); err != nil {
		t.Fatal(err)
	}
	away(ix, "ix", 0, 16)
	want[ix] = []byte{1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}

	path := from + "/m.onnx"
	if err := os.WriteFile(path, marshal(t, p), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, edit := range []func(m *graph.Model){
		func(m *graph.Model) {},
		func(m *graph.Model) { m.SetMeta("a", "b") },
		func(m *graph.Model) { m.Graph.Nodes[0].SetInput(0, m.Graph.Nodes[0].Inputs[0]) },
		func(m *graph.Model) { m.Functions[0].Body.Nodes[1].SetOp("", "Split") },
	} {
		m := read(t, path)
		edit(m)
		to := t.TempDir()
		name := ""
		if err := WriteFile(to+"/m.onnx", m, Options{Data: func(n string, _ int64) { name = n }}); err != nil {
			t.Fatal(err)
		}
		expectFolder(t, to, "m.onnx", name)
		b, err := os.ReadFile(to + "/m.onnx")
		if err != nil {
			t.Fatal(err)
		}
		moved, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		// Put the bytes in place of the references, on both sides.
		got, old := &pb.ModelProto{}, proto.Clone(p).(*pb.ModelProto)
		if err := proto.Unmarshal(b, got); err != nil {
			t.Fatal(err)
		}
		inline(got, func(string) []byte { return moved })
		inline(old, func(name string) []byte {
			if name == "ix" {
				return want[ix]
			}
			return data
		})
		if !proto.Equal(got, old) {
			t.Errorf("got  %s\nwant %s", prototext.Format(got), prototext.Format(old))
		}
	}
}

// inline puts elements where p has references.
func inline(p proto.Message, file func(name string) []byte) {
	protorange.Range(p.ProtoReflect(), func(at protopath.Values) error {
		m, ok := at.Index(-1).Value.Interface().(protoreflect.Message)
		if !ok {
			return nil
		}
		if x, ok := m.Interface().(*pb.TensorProto); ok && x.GetDataLocation() == pb.TensorProto_EXTERNAL {
			r, err := (&tensorMessage{head: x}).reference()
			if err != nil {
				panic(err)
			}
			x.RawData, x.ExternalData, x.DataLocation = file(r.location)[r.Off:][:r.Len], nil, nil
		}
		return nil
	})
}

// TestExternalFiles finds names in attributes, subgraphs and training.
func TestExternalFiles(t *testing.T) {
	p := richModel()
	for i, x := range []*pb.TensorProto{p.TrainingInfo[0].Algorithm.Initializer[0], p.Graph.Node[1].Attribute[0].G.Initializer[0], p.Graph.Node[0].Attribute[3].T, p.Graph.Initializer[0]} {
		away(x, string(rune('a'+i)), 0, []int{8, 8, 16, 8}[i])
	}
	names, err := ExternalFiles(parse(t, marshal(t, p)))
	if err != nil || !slices.Equal(names, []string{"a", "b", "c", "d"}) {
		t.Error(names, err)
	}
}

// TestChangedMeanwhile: a file of external data that changes while it is copied
// is an error, and nothing is left.
func TestChangedMeanwhile(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	data := from + "/w"
	for _, change := range []func() error{
		func() error { return os.WriteFile(data, []byte("longer than it was"), 0o666) },
		func() error { return os.Truncate(data, 4) },
		func() error { return os.Chtimes(data, time.Time{}, time.Unix(1, 0)) },
		func() error {
			return errors.Join(os.Rename(data, data+"2"), os.WriteFile(data, []byte("12345678"), 0o666))
		},
		func() error { return os.Remove(data) },
	} {
		if err := os.WriteFile(data, []byte("12345678"), 0o666); err != nil {
			t.Fatal(err)
		}
		m := read(t, externalModel(t, from, "w", "", ""))
		g, err := gather(m, to)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := g.write(m, to+"/m.onnx", Options{Context: t.Context()}); err == nil || !strings.Contains(err.Error(), `external data "w": `) {
			t.Error(err)
		}
		expectFolder(t, to)
	}
}

// TestOwnData: what a model that is replaced had goes, unless a copy of it or
// another name of the data would lose it.
func TestOwnData(t *testing.T) {
	var in [2]string
	for i := range in {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/w", []byte{byte(i), 0, 0, 0, 0, 0, 0, 0}, 0o666); err != nil {
			t.Fatal(err)
		}
		in[i] = externalModel(t, dir, "w", "", "")
	}
	for _, c := range []struct {
		what string
		do   func(dir, data string) error
		kept bool
	}{
		{"nothing", func(dir, data string) error { return nil }, false},
		{"a copy of the model", func(dir, data string) error {
			b, err := os.ReadFile(dir + "/out.onnx")
			return errors.Join(err, os.WriteFile(dir+"/copy", b, 0o666))
		}, true},
		{"a link to a model", func(dir, data string) error {
			other := filepath.Join(filepath.Dir(in[0]), "copy")
			b, err := os.ReadFile(dir + "/out.onnx")
			return errors.Join(err, os.WriteFile(other, b, 0o666), os.Symlink(other, dir+"/link"))
		}, true},
		{"a link to the data", func(dir, data string) error { return os.Link(data, dir+"/backup") }, true},
		{"data that is a link", func(dir, data string) error {
			return errors.Join(os.Rename(data, dir+"/moved"), os.Symlink("moved", data))
		}, true},
		{"the model is gone", func(dir, data string) error { return os.Remove(dir + "/out.onnx") }, true},
		{"the model is another's", func(dir, data string) error { return os.WriteFile(dir+"/out.onnx", []byte("text"), 0o666) }, true},
	} {
		dir := t.TempDir()
		data := ""
		opts := Options{Force: true, Data: func(name string, _ int64) { data = filepath.Join(dir, name) }}
		if err := WriteFile(dir+"/out.onnx", read(t, in[0]), opts); err != nil {
			t.Fatal(err)
		}
		old := data
		if err := c.do(dir, old); err != nil {
			t.Fatal(err)
		}
		if err := WriteFile(dir+"/out.onnx", read(t, in[1]), opts); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(old); (err == nil) != c.kept || old == data {
			t.Errorf("%s: the old data is kept: %v, want %v", c.what, err == nil, c.kept)
		}
	}
}

// TestAtOnce lets models with external data replace each other: one is left, with
// its data and nothing else.
func TestAtOnce(t *testing.T) {
	to := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/w", []byte{byte(i % 4), 0, 0, 0, 0, 0, 0, 0}, 0o666); err != nil {
			t.Fatal(err)
		}
		m := read(t, externalModel(t, dir, "w", "", ""))
		wg.Go(func() {
			for range 20 {
				if err := WriteFile(to+"/out.onnx", m, Options{Force: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := read(t, to+"/out.onnx").Graph.Value("w").Init.Load(); err != nil {
		t.Error(err)
	}
	if got := list(t, to); len(got) != 2 {
		t.Errorf("left %q", got)
	}
}
