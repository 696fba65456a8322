package onnx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func smallFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.onnx")
	if err := os.WriteFile(path, marshal(t, smallModel()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// list is the names in a folder.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// append1 adds a node to g that negates its first output, as output "neg".
func append1(t testing.TB, m *graph.Model) {
	t.Helper()
	g := m.Graph
	v, err := g.Declare("neg", g.Outputs[0].Type)
	if err == nil {
		err = g.AddNode(&graph.Node{Op: "Neg", Inputs: []*graph.Value{g.Outputs[0]}, Outputs: []*graph.Value{v}})
	}
	if err == nil {
		g.AddOutput(v)
		_, err = g.AddInit("extra", tensor.Vector[float32](1, 2, 3))
	}
	if err != nil {
		t.Fatal(err)
	}
	m.SetMeta("added", "yes")
}

// TestAppend: what was not touched is as it was, for every model, and only a
// few pieces are copied.
func TestAppend(t *testing.T) {
	eachModel(t, func(t *testing.T, path string) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := read(t, path)
		defer Close(m)
		if len(m.Graph.Outputs) == 0 || m.Graph.Value("neg") != nil {
			return
		}
		append1(t, m)
		if err := m.Check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		r, err := encode(m, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.parts) > 20 {
			t.Errorf("%s: %d parts", path, len(r.parts))
		}
		got, want := plain(t, path, encoded(t, m)), plain(t, path, file)
		g := got.Graph
		n, i, o := len(g.Node)-1, len(g.Initializer)-1, len(g.Output)-1
		if g.Node[n].GetOpType() != "Neg" || g.Initializer[i].GetName() != "extra" || g.Output[o].GetName() != "neg" {
			t.Errorf("%s: what was added is not there", path)
		}
		g.Node, g.Initializer, g.Output = g.Node[:n], g.Initializer[:i], g.Output[:o]
		got.MetadataProps = got.MetadataProps[:len(got.MetadataProps)-1]
		if !proto.Equal(got, want) {
			t.Errorf("%s: something else changed", path)
		}
	})
}

// TestKeep edits the rich model in each way there is; the rest stays.
func TestKeep(t *testing.T) {
	infos := func(p *pb.ModelProto) (names []string) {
		for _, v := range p.Graph.ValueInfo {
			names = append(names, v.GetName())
		}
		return names
	}
	for _, c := range []struct {
		name string
		edit func(m *graph.Model) error
		want func(p *pb.ModelProto)
	}{
		{"metadata", func(m *graph.Model) error { m.SetMeta("a", "c"); return nil },
			func(p *pb.ModelProto) { p.MetadataProps[0].Value = ptr("c") }},
		{"opset", func(m *graph.Model) error { m.SetOpset("", 18); return nil },
			func(p *pb.ModelProto) { p.OpsetImport[0].Version = ptr(int64(18)) }},
		{"rename initializer", func(m *graph.Model) error { return m.Graph.Value("text").Rename("TEXT") },
			func(p *pb.ModelProto) { p.Graph.Initializer[2].Name = ptr("TEXT") }},
		{"rename sparse initializer", func(m *graph.Model) error { return m.Graph.Value("S").Rename("T") },
			func(p *pb.ModelProto) {
				p.Graph.SparseInitializer[0].Values.Name = ptr("T")
				p.Graph.Node[2].Input[0] = "T"
			}},
		{"rename input", func(m *graph.Model) error { return m.Graph.Value("x").Rename("X") },
			func(p *pb.ModelProto) {
				p.Graph.Input[0].Name = ptr("X")
				p.Graph.Node[0].Input[0] = "X"
				for _, a := range p.Graph.Node[1].Attribute {
					a.G.Node[0].Input[0] = "X"
				}
			}},
		{"rename annotated value", func(m *graph.Model) error { return m.Graph.Value("b").Rename("B") },
			func(p *pb.ModelProto) {
				p.Graph.Node[0].Output[2] = "B"
				p.Graph.ValueInfo[0].Name = ptr("B")
				p.Graph.QuantizationAnnotation[0].TensorName = ptr("B")
			}},
		{"attribute", func(m *graph.Model) error { m.Graph.Nodes[0].SetAttr(graph.Int("i", 5)); return nil },
			func(p *pb.ModelProto) { p.Graph.Node[0].Attribute[1].I = ptr(int64(5)) }},
		{"remove node", func(m *graph.Model) error {
			m.Graph.Outputs = m.Graph.Outputs[:2]
			return m.Graph.RemoveNodes(map[*graph.Node]bool{m.Graph.Nodes[2]: true})
		}, func(p *pb.ModelProto) { p.Graph.Node, p.Graph.Output = p.Graph.Node[:2], p.Graph.Output[:2] }},
		{"output with value_info", func(m *graph.Model) error { m.Graph.AddOutput(m.Graph.Value("b")); return nil },
			func(p *pb.ModelProto) {
				p.Graph.Output = append(p.Graph.Output, value("b", tensorType(1, 4)))
				p.Graph.ValueInfo = p.Graph.ValueInfo[1:]
			}},
		{"input made of an initializer", func(m *graph.Model) error { m.Graph.MakeInput(m.Graph.Value("raw")); return nil },
			func(p *pb.ModelProto) { p.Graph.Input = append(p.Graph.Input, value("raw", tensorType(10, 2))) }},
		{"inside a subgraph", func(m *graph.Model) error {
			g := m.Graph.Nodes[1].Attr("then_branch").Graph
			g.Nodes[0].SetInput(1, m.Graph.Value("w"))
			return nil
		}, func(p *pb.ModelProto) { p.Graph.Node[1].Attribute[0].G.Node[0].Input[1] = "w" }},
		{"inside a function", func(m *graph.Model) error { m.Functions[0].Body.Nodes[1].SetOp("", "Chop"); return nil },
			func(p *pb.ModelProto) {
				p.Functions[0].Node[1].OpType = ptr("Chop")
			}},
		{"another function", func(m *graph.Model) error {
			m.Functions = append(m.Functions, &graph.Function{Name: "Empty", Domain: "local", Body: graph.NewGraph(m, nil)})
			m.Dirty = true
			return nil
		}, func(p *pb.ModelProto) {
			p.Functions = append(p.Functions, &pb.FunctionProto{Name: ptr("Empty"), Domain: ptr("local")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := richModel()
			m := parse(t, marshal(t, p))
			if err := c.edit(m); err != nil {
				t.Fatal(err)
			}
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
			c.want(p)
			got := &pb.ModelProto{}
			if err := proto.Unmarshal(encoded(t, m), got); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, p) {
				a, b := prototext.Format(got), prototext.Format(p)
				i := 0
				for i < len(a) && i < len(b) && a[i] == b[i] {
					i++
				}
				t.Errorf("got  …%.200s\nwant …%.200s", a[max(0, i-80):], b[max(0, i-80):])
			}
			if c.name == "remove node" && !slices.Equal(infos(got), []string{"b", "nobody"}) {
				t.Error(infos(got))
			}
		})
	}
}

// TestRemovedValue: value_info and annotations of values that are gone go too.
func TestRemovedValue(t *testing.T) {
	p := smallModel()
	p.Graph.Node = append(p.Graph.Node, node("Neg", names1("x"), names1("dead")))
	p.Graph.ValueInfo = []*pb.ValueInfoProto{value("dead", tensorType(1)), value("nobody", tensorType(1))}
	p.Graph.QuantizationAnnotation = []*pb.TensorAnnotation{{TensorName: ptr("dead")}, {TensorName: ptr("w")}}
	m := parse(t, marshal(t, p))
	if err := m.Graph.RemoveNodes(map[*graph.Node]bool{m.Graph.Nodes[1]: true}); err != nil {
		t.Fatal(err)
	}
	p.Graph.Node, p.Graph.ValueInfo, p.Graph.QuantizationAnnotation = p.Graph.Node[:1], p.Graph.ValueInfo[1:], p.Graph.QuantizationAnnotation[1:]
	if !bytes.Equal(encoded(t, m), marshal(t, p)) {
		t.Error("something was kept or lost")
	}
}

// TestNew writes a model that was made in memory, with everything in it.
func TestNew(t *testing.T) {
	old := parse(t, marshal(t, richModel()))
	m := *old
	m.Source, m.Origin, m.Dirty = nil, nil, true
	got := plain(t, "new", encoded(t, &m))
	for _, n := range got.Graph.Node {
		if n.GetOpType() == "Call" && (len(n.Attribute) != 12 || n.GetOverload() != "v2") {
			t.Errorf("%v", n)
		}
	}
	again := parse(t, encoded(t, &m))
	if err := again.Check(); err != nil {
		t.Fatal(err)
	}
	if again.Graph.NumValues() != old.Graph.NumValues() || len(again.Functions) != 1 || again.Metadata[0] != old.Metadata[0] {
		t.Errorf("%+v", again)
	}
	for _, name := range []string{"st", "t"} {
		a, b := old.Graph.Nodes[0].Attr(name).Tensor, again.Graph.Nodes[0].Attr(name).Tensor
		x, err := a.Load()
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.Load()
		if err != nil || !bytes.Equal(appendLE(nil, x, 0, x.Len()), appendLE(nil, y, 0, y.Len())) {
			t.Errorf("%s: %v %v %v", name, x, y, err)
		}
	}
}

func TestWriteFile(t *testing.T) {
	in := smallFile(t)
	dir := filepath.Dir(in)
	m := read(t, in)
	append1(t, m)
	want := encoded(t, m)
	out := filepath.Join(dir, "out.onnx")
	expect := func(path string, opts Options, is error, has string) {
		t.Helper()
		before := list(t, dir)
		err := WriteFile(path, m, opts)
		if err == nil || is != nil && !errors.Is(err, is) || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), has) || strings.Contains(err.Error(), ".onnxloss-") {
			t.Errorf("%s: %v, want %v %s", path, err, is, has)
		}
		if !slices.Equal(list(t, dir), before) {
			t.Errorf("left behind: %v", list(t, dir))
		}
	}
	if err := WriteFile(out, m, Options{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(out); !bytes.Equal(b, want) {
		t.Error("other bytes")
	}
	expect(out, Options{}, fs.ErrExist, "file already exists")
	if err := os.Chmod(out, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(out, m, Options{Force: true}); err != nil {
		t.Error(err)
	}
	if info, _ := os.Stat(out); info.Mode().Perm() != 0o640 {
		t.Errorf("permissions %v", info.Mode())
	}
	expect(in, Options{Force: true}, ErrInput, "the output is the input")
	for _, link := range []func(a, b string) error{os.Link, os.Symlink} {
		name := filepath.Join(dir, "link.onnx")
		if err := link(in, name); err != nil {
			t.Fatal(err)
		}
		expect(name, Options{Force: true}, ErrInput, "")
		os.Remove(name)
	}
	expect(dir, Options{Force: true}, nil, "is a directory")
	expect(filepath.Join(dir, "none", "out.onnx"), Options{}, fs.ErrNotExist, "no such file")
	expect("/dev/full", Options{Force: true}, nil, "no space left on device")
	no := errors.New("no")
	expect(filepath.Join(dir, "checked.onnx"), Options{Check: func(path string) error {
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, want) {
			t.Error("the file to check is not complete")
		}
		return no
	}}, no, "")
}

// TestReplace: whatever fails, nothing is left and the old file is whole.
func TestReplace(t *testing.T) {
	for _, force := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "f")
		if force {
			if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		before := list(t, filepath.Dir(path))
		err := Replace(path, force, func(f *os.File) error {
			f.WriteString("half")
			return &fs.PathError{Op: "write", Path: f.Name(), Err: errors.New("no space left on device")}
		})
		if err == nil || err.Error() != "no space left on device" {
			t.Error(err)
		}
		if !slices.Equal(list(t, filepath.Dir(path)), before) {
			t.Error(list(t, filepath.Dir(path)))
		}
	}
	path := filepath.Join(t.TempDir(), "f")
	err := Replace(path, false, func(f *os.File) error { return os.WriteFile(path, []byte("theirs"), 0o666) })
	if !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "theirs" || len(list(t, filepath.Dir(path))) != 1 {
		t.Errorf("%q", b)
	}
}

// TestTooLarge: a model above the format's limit is refused before a byte is written.
func TestTooLarge(t *testing.T) {
	m := graph.New(13)
	for _, name := range []string{"a", "b"} {
		d := &graph.Data{Name: name, DType: tensor.Float32, Dims: []int{1 << 28}}
		v, err := m.Graph.Declare(name, d.Type())
		if err != nil {
			t.Fatal(err)
		}
		m.Graph.SetInit(v, d)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := WriteFile(path, m, Options{}); err == nil || !strings.Contains(err.Error(), "limited to 2 GiB") {
		t.Error(err)
	}
	if len(list(t, filepath.Dir(path))) != 0 {
		t.Error("something was written")
	}
}

// TestDrafts: files of a folder get their names together, or none does.
func TestDrafts(t *testing.T) {
	dir := t.TempDir()
	put := func(fail error) *Drafts {
		d := NewDrafts(dir)
		for _, name := range []string{"a", "b"} {
			err := d.Write(filepath.Join(dir, name), func(f *os.File) error {
				f.WriteString(name)
				return fail
			})
			if err != fail {
				t.Fatal(err)
			}
		}
		return d
	}
	put(errors.New("no space")).Drop()
	expectFolder(t, dir)
	d := put(nil)
	NewDrafts(dir).Drop() // which sweeps
	if path, err := d.Place(); err != nil {
		t.Fatal(path, err)
	}
	d.Drop()
	expectFolder(t, dir, "a", "b")
	if b, err := os.ReadFile(dir + "/b"); err != nil || string(b) != "b" {
		t.Errorf("%q %v", b, err)
	}
}
