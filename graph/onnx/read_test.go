package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func readBytes(b []byte) (*graph.Model, error) {
	return ReadAt(bytes.NewReader(b), int64(len(b)), "m.onnx")
}

// TestRich reads a model with something of everything and looks at it.
func TestRich(t *testing.T) {
	m := parse(t, marshal(t, richModel()))
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	call := g.Nodes[0]
	if call.Overload != "v2" || call.Inputs[1] != nil || call.Outputs[1] != nil || call.Inputs[2] != g.Value("w") || call.Str("s", "") != "\xff\x00" {
		t.Errorf("node %v: %+v", call, call)
	}
	if x, err := call.Attr("st").Tensor.Load(); err != nil || x.String() != "float32[2,3]" || tensor.Data[float32](x)[5] != 4 {
		t.Errorf("sparse attribute: %v %v", x, err)
	}
	if x, err := g.Value("S").Init.Load(); err != nil || tensor.Data[float32](x)[1] != 3 {
		t.Errorf("sparse initializer: %v %v", x, err)
	}
	inner := g.Nodes[1].Attr("then_branch").Graph
	if inner.Nodes[0].Inputs[0] != g.Value("x") || inner.Nodes[0].Inputs[1] != inner.Value("c") || inner.Value("x") != nil {
		t.Error("the subgraph does not see the values around it")
	}
	for name, want := range map[string]string{"x": "float32[N]", "y": "float32[N,?]", "q": "seq(float32[])", "o": "optional(seq(float32[]))",
		"d": "map(float32[])", "few": "sparse(float32[...])", "a": "?", "S": "float32[2,3]", "b": "float32[4]"} {
		if got := g.Value(name).Type.String(); got != want {
			t.Errorf("type of %s: %s, want %s", name, got, want)
		}
	}
	if v := g.Value("w"); !v.IsInput() || v.Init == nil || v.IsConst() {
		t.Error("w is not both an input and an initializer")
	}
	f := m.Function("local", "Call", "v2")
	if f == nil || f.Body.Nodes[0].Attrs[0].RefName != "f" || f.Defaults[0].I != 2 || f.Body.Value("s").Type.String() != "float32[N]" {
		t.Errorf("function %+v", f)
	}
	if len(m.Opsets) != 2 || m.Opset("ai.onnx") != 17 || m.Metadata[0] != (graph.Pair{Key: "a", Value: "b"}) {
		t.Errorf("model %+v", m)
	}
}

// TestReadErrors: what is wrong, and where.
func TestReadErrors(t *testing.T) {
	change := func(f func(m *pb.ModelProto)) []byte {
		m := smallModel()
		f(m)
		return marshal(t, m)
	}
	deep := smallModel()
	for range limits.Depth {
		m := smallModel()
		m.Graph.Node = append(m.Graph.Node, node("If", nil, nil, attr("then_branch", pb.AttributeProto_GRAPH, func(a *pb.AttributeProto) { a.G = deep.Graph })))
		deep = m
	}
	nested := tensorType(1)
	for range limits.Nesting {
		nested = &pb.TypeProto{Value: &pb.TypeProto_SequenceType{SequenceType: &pb.TypeProto_Sequence{ElemType: nested}}}
	}
	group := protowire.AppendTag(nil, 50, protowire.StartGroupType)
	small := marshal(t, smallModel())
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "m.onnx: not an ONNX model: the file is empty"},
		{"text", []byte("<!DOCTYPE html>"), "m.onnx: not an ONNX model: offset 0x0: field 7: wire type 4"},
		{"no graph", []byte{8, 8}, "not an ONNX model: it has no graph"},
		{"two graphs", append(bytes.Clone(small), small...), "a second graph"},
		{"graph a number", []byte{7 << 3, 1}, "model: wire type 0, want 2"},
		{"field zero", []byte{0, 1}, "field number 0"},
		{"group open", group, "group 50 does not end"},
		{"groups nested", bytes.Repeat(group, 100), "nested deeper"},
		{"group ended by another", append(bytes.Clone(group), 51<<3&0x7f|4|0x80, 3), "inside group 50"},
		{"long varint", bytes.Repeat([]byte{0xff}, 20), "broken varint"},
		{"huge length", []byte{7<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "bytes, but only 0 are left"},
		{"no operator", change(func(m *pb.ModelProto) { m.Graph.Node[0].OpType = nil }), "has no operator"},
		{"unknown input", change(func(m *pb.ModelProto) { m.Graph.Initializer = nil }), `m.onnx: node "→y" (Add): input 1 "w": no such value`},
		{"unknown output", change(func(m *pb.ModelProto) { m.Graph.Output[0].Name = ptr("Y") }), `graph "small": output "Y": no such value`},
		{"defined twice", change(func(m *pb.ModelProto) { m.Graph.Node = append(m.Graph.Node, m.Graph.Node[0]) }), `node "" (Add): output 0: graph "small": value "y" is defined twice`},
		{"node makes input", change(func(m *pb.ModelProto) { m.Graph.Node[0].Output[0] = "x" }), `value "x" is defined twice`},
		{"initializer twice", change(func(m *pb.ModelProto) { m.Graph.Initializer = append(m.Graph.Initializer, floats("w")) }), `initializer "w" is defined twice`},
		{"initializer nameless", change(func(m *pb.ModelProto) { m.Graph.Initializer[0].Name = nil }), "a value has no name"},
		{"input twice", change(func(m *pb.ModelProto) { m.Graph.Input = append(m.Graph.Input, m.Graph.Input[0]) }), `value "x" is defined twice`},
		{"dims", change(func(m *pb.ModelProto) { m.Graph.Initializer[0].Dims = []int64{1 << 40, 1 << 40} }), `tensor "w": dimension 0 is`},
		{"elements", change(func(m *pb.ModelProto) { m.Graph.Initializer[0].Dims = []int64{1 << 20, 1 << 20, 1 << 20} }), "too many elements"},
		{"negative", change(func(m *pb.ModelProto) { m.Graph.Initializer[0].Dims[0] = -2 }), "dimension 0 is -2"},
		{"deep", marshal(t, deep), "graphs nested deeper than 64"},
		{"type", change(func(m *pb.ModelProto) { m.Graph.Input[0].Type = nested }), "recursion"},
		{"attribute", change(func(m *pb.ModelProto) {
			m.Graph.Node[0].Attribute = []*pb.AttributeProto{attr("t", pb.AttributeProto_TENSOR, func(*pb.AttributeProto) {})}
		}), `node "→y" (Add): attribute "t" has no value`},
		{"attribute twice", change(func(m *pb.ModelProto) {
			a := attr("a", pb.AttributeProto_INT, func(a *pb.AttributeProto) { a.I = ptr(int64(1)) })
			m.Graph.Node[0].Attribute = []*pb.AttributeProto{a, a}
		}), `attribute "a" is given twice`},
		{"cycle", change(func(m *pb.ModelProto) {
			m.Graph.Node[0].Input[0] = "b"
			m.Graph.Node = append(m.Graph.Node, node("Neg", names1("y"), names1("a")), node("Abs", names1("a"), names1("b")), node("Neg", names1("b"), names1("c")))
		}), `graph "small" has a cycle: "→a" (Neg) → "→b" (Abs) → "→y" (Add) → "→a" (Neg)`},
		{"cycle of one", change(func(m *pb.ModelProto) { m.Graph.Node[0].Input[0] = "y" }), `cycle: "→y" (Add) → "→y" (Add)`},
		{"cycle by a subgraph", change(func(m *pb.ModelProto) {
			g := &pb.GraphProto{Name: ptr("g"), Node: []*pb.NodeProto{node("Neg", names1("y"), names1("i"))}}
			m.Graph.Node[0].Attribute = []*pb.AttributeProto{attr("body", pb.AttributeProto_GRAPH, func(a *pb.AttributeProto) { a.G = g })}
		}), `cycle: "→y" (Add)`},
		{"rank", change(func(m *pb.ModelProto) { m.Graph.Initializer[0].Dims = make([]int64, limits.Rank+1) }), "more than 1024 TensorProto.dims"},
		{"function twice", change(func(m *pb.ModelProto) { m.Functions = []*pb.FunctionProto{richFunction(), richFunction()} }), `function "Call" is defined twice`},
		{"function recursive", change(func(m *pb.ModelProto) {
			f := richFunction()
			f.Node[1].OpType, f.Node[1].Domain, f.Node[1].Overload = f.Name, f.Domain, f.Overload
			m.Functions = []*pb.FunctionProto{f}
		}), `function "Call" calls itself`},
		{"function's value", change(func(m *pb.ModelProto) {
			f := richFunction()
			f.Node[0].Input[0] = "x"
			m.Functions = []*pb.FunctionProto{f}
		}), `function "Call": node "→s" (Elu): input 0 "x": no such value`},
		{"sparse", change(func(m *pb.ModelProto) {
			m.Graph.SparseInitializer = []*pb.SparseTensorProto{{Values: floats("s", 1)}}
		}), "sparse tensor without values or indices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readBytes(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.onnx: ") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestUnsorted: nodes in any order are read, and the file stays as it is.
func TestUnsorted(t *testing.T) {
	p := smallModel()
	p.Graph.Node[0].Input[0] = "b"
	p.Graph.Node = append(p.Graph.Node, node("Abs", names1("a"), names1("b")), node("Neg", names1("x"), names1("a")))
	b := marshal(t, p)
	m := parse(t, b)
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	if m.Graph.Nodes[0].Op != "Neg" || m.Graph.Nodes[2].Op != "Add" {
		t.Errorf("order %v", m.Graph.Nodes)
	}
	if !bytes.Equal(encoded(t, m), b) {
		t.Error("other bytes")
	}
	m.SetMeta("k", "v")
	if err := parse(t, encoded(t, m)).Check(); err != nil {
		t.Error(err)
	}
}

// TestTruncated cuts files at every byte: an error, or a shorter model that is whole.
func TestTruncated(t *testing.T) {
	for name, file := range map[string][]byte{"small": marshal(t, smallModel()), "rich": marshal(t, richModel())} {
		whole := 0
		for n := range file {
			m, err := readBytes(file[:n])
			if err == nil {
				whole++
				exercise(t, m)
				continue
			}
			if !strings.HasPrefix(err.Error(), "m.onnx: ") {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
		if whole == 0 || whole > 40 {
			t.Errorf("%s: %d of %d cut files are read", name, whole, len(file))
		}
	}
	file, err := os.ReadFile("../../testdata/models/yolov1.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(file)-200; n += max(1, len(file)/5000) {
		if _, err := readBytes(file[:n]); err == nil {
			t.Errorf("yolov1 cut at %d of %d is read", n, len(file))
		}
	}
}

// TestFlipped changes every byte of a file: no panic, and what is read can be
// written and read again.
func TestFlipped(t *testing.T) {
	file := marshal(t, richModel())
	for i := range file {
		for _, x := range []byte{1, 0x80, 0xff} {
			b := bytes.Clone(file)
			b[i] ^= x
			if m, err := readBytes(b); err == nil {
				exercise(t, m)
			}
		}
	}
}

// exercise does with a model that was read what may be done with any.
func exercise(t testing.TB, m *graph.Model) {
	t.Helper()
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	CheckVersions(m)
	eachData(m, func(d *graph.Data) { d.Load() })
	var a, b bytes.Buffer
	if err := Write(&a, m); err != nil || int64(a.Len()) != m.Source.Size {
		t.Fatalf("%d of %d bytes written: %v", a.Len(), m.Source.Size, err)
	}
	m.SetMeta("k", "v")
	m.Graph.Origin = nil
	if err := Write(&b, m); err != nil {
		t.Fatal(err)
	}
	again, err := readBytes(b.Bytes())
	if err != nil {
		t.Fatal("what was written is not read: ", err)
	}
	if v, _ := again.Meta("k"); v != "v" || len(again.Graph.Nodes) != len(m.Graph.Nodes) || again.Graph.NumValues() != m.Graph.NumValues() {
		t.Fatal("another model was read than was written")
	}
}

func TestCheckVersions(t *testing.T) {
	for _, c := range []struct {
		ir, opset int64
		want      string
	}{
		{3, 7, ""}, {13, 27, ""}, {8, 28, "m.onnx: opset 28 is not supported (7 to 27 are)"}, {8, 6, "opset 6"},
		{14, 13, "m.onnx: IR version 14 is not supported (3 to 13 are)"}, {2, 13, "IR version 2"}, {8, 0, "opset 0"},
	} {
		p := smallModel()
		p.IrVersion, p.OpsetImport[0].Version = &c.ir, &c.opset
		m, err := readBytes(marshal(t, p))
		if err != nil {
			t.Fatal(err)
		}
		err = CheckVersions(m)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("IR %d, opset %d: %v, want %q", c.ir, c.opset, err, c.want)
		}
	}
	p := smallModel()
	p.OpsetImport = nil
	m, _ := readBytes(marshal(t, p))
	if err := CheckVersions(m); err == nil || !strings.Contains(err.Error(), "does not import") {
		t.Error(err)
	}
}

// TestStream reads a model from a stream.
func TestStream(t *testing.T) {
	file := marshal(t, smallModel())
	m, err := Read(bytes.NewBuffer(bytes.Clone(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer Close(m)
	if !bytes.Equal(encoded(t, m), file) {
		t.Error("other bytes")
	}
	if _, err := Read(strings.NewReader("no")); err == nil || !strings.HasPrefix(err.Error(), "standard input: not an ONNX model") {
		t.Error(err)
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), "is a directory, expected an ONNX file") {
		t.Error(err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none.onnx")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestShrunk: a file that became shorter gives an error where it is read.
func TestShrunk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(path, marshal(t, smallModel()), 0o666); err != nil {
		t.Fatal(err)
	}
	m := read(t, path)
	if err := os.Truncate(path, 20); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Graph.Value("w").Init.Load(); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Error(err)
	}
	if err := WriteFile(path+"2", m, Options{}); err == nil || !strings.Contains(err.Error(), "was truncated") {
		t.Error(err)
	}
	if _, err := os.Stat(path + "2"); err == nil {
		t.Error("a broken file was left")
	}
}
