package onnxgo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	onnxfile "github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// refused are the models of testdata/models that onnx-go's decoder refuses,
// with its reason.
var refused = map[string]string{
	"retinanet":   "No data found", // the weights are in a file beside the model
	"yolo_anchor": "No data found", // a constant without elements
}

// stated are the models whose opset the forms of their nodes do not tell, with
// the reason.
var stated = map[string]int64{
	"two_stage": 16, // RoiAlign has another default from 16 on
}

// TestModelsGiveTheSame runs whole models by way of onnx-go and directly.
func TestModelsGiveTheSame(t *testing.T) {
	folder := filepath.Join(orttest.Root(t), "testdata", "models")
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, error %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".onnx")
		t.Run(name, func(t *testing.T) {
			m, err := onnxfile.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			feeds := orttest.Inputs(t, m.Graph, map[string]int{"batch": 2, "height": 64, "width": 96}, 7)
			plan, err := interp.New(m, interp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := plan.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := NewBackend(WithOpset(stated[name])) // 0 is unstated
			decoded := onnx.NewModel(b)
			if err := decoded.UnmarshalBinary(text); err != nil {
				if refused[name] == "" || !strings.Contains(err.Error(), refused[name]) {
					t.Fatal(err)
				}
				return
			}
			if refused[name] != "" {
				t.Fatalf("decoded, want %q", refused[name])
			}
			got := runModel(t, b, decoded, feeds[m.Graph.Inputs[0].Name])
			for i, o := range m.Graph.Outputs {
				if err := conform.Compare(got[i], want[o.Name]); err != nil {
					t.Errorf("output %q: %v", o.Name, err)
				}
			}
		})
	}
}

// runModel sets the inputs, runs and gives the outputs.
func runModel(t *testing.T, b *Backend, m *onnx.Model, inputs ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	for i, x := range inputs {
		g, err := toGorgonia(x)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.SetInput(i, g); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Run(); err != nil {
		t.Fatal(err)
	}
	outputs, err := m.GetOutputTensors()
	if err != nil {
		t.Fatal(err)
	}
	var list []*tensor.Tensor
	for _, g := range outputs {
		x, err := fromGorgonia(g)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// builder makes small models, whose names are those of their values.
type builder struct {
	t *testing.T
	*graph.Graph
}

func newModel(t *testing.T, opset int64) (builder, *graph.Model) {
	m := graph.New(opset)
	return builder{t, m.Graph}, m
}

func (b builder) input(name string, d tensor.DType, s graph.Shape) {
	if _, err := b.AddInput(name, graph.TensorOf(d, s)); err != nil {
		b.t.Fatal(err)
	}
}

func (b builder) init(name string, x *tensor.Tensor) {
	if _, err := b.AddInit(name, x); err != nil {
		b.t.Fatal(err)
	}
}

// node adds an operator; "" leaves an input out.
func (b builder) node(op string, in, out []string, attrs ...*graph.Attr) {
	n := &graph.Node{Op: op, Attrs: attrs}
	for _, name := range in {
		n.Inputs = append(n.Inputs, b.Value(name))
	}
	for _, name := range out {
		v, err := b.Declare(name, graph.TensorOf(tensor.Float32, nil))
		if err != nil {
			b.t.Fatal(err)
		}
		n.Outputs = append(n.Outputs, v)
	}
	if err := b.AddNode(n); err != nil {
		b.t.Fatal(err)
	}
}

func (b builder) outputs(names ...string) {
	for _, name := range names {
		b.AddOutput(b.Value(name))
	}
}

// decode writes m and decodes it by onnx-go.
func decode(t *testing.T, m *graph.Model, options ...Option) (*Backend, *onnx.Model) {
	t.Helper()
	var file bytes.Buffer
	if err := onnxfile.Write(&file, m); err != nil {
		t.Fatal(err)
	}
	b := NewBackend(options...)
	d := onnx.NewModel(b)
	if err := d.UnmarshalBinary(file.Bytes()); err != nil {
		t.Fatal(err)
	}
	return b, d
}

func wantFloats(t *testing.T, got *tensor.Tensor, want ...float32) {
	t.Helper()
	if err := conform.Compare(got, tensor.Of(got.Shape, want)); err != nil {
		t.Errorf("%v; got %v, want %v", err, tensor.Data[float32](got), want)
	}
}

// One value read twice by a node, an input left out, an output that is read
// too, a symbolic dimension, and runs with other shapes.
func TestWhatTheDecoderKeepsBarely(t *testing.T) {
	b, m := newModel(t, 11)
	b.input("x", tensor.Float32, graph.Shape{graph.Named("n")})
	b.init("top", tensor.Scalar(float32(10)))
	b.node("Mul", []string{"x", "x"}, []string{"square"})
	b.node("Clip", []string{"square", "", "top"}, []string{"y"})
	b.node("Neg", []string{"y"}, []string{"z"})
	b.outputs("y", "z", "square")
	back, d := decode(t, m)
	for range 2 {
		out := runModel(t, back, d, tensor.Vector[float32](1, -2, 4))
		wantFloats(t, out[0], 1, 4, 10)
		wantFloats(t, out[1], -1, -4, -10)
		wantFloats(t, out[2], 1, 4, 16)
		out = runModel(t, back, d, tensor.Vector[float32](3))
		wantFloats(t, out[1], -9)
	}
}

func TestOutputsAreTheCallers(t *testing.T) {
	b, m := newModel(t, 11)
	b.input("x", tensor.Float32, graph.Static(2))
	b.init("c", tensor.Vector[float32](5, 6))
	b.node("Identity", []string{"x"}, []string{"y"})
	b.node("Identity", []string{"c"}, []string{"z"})
	b.outputs("y", "z")
	back, d := decode(t, m)
	x := gorgonia.New(gorgonia.WithShape(2), gorgonia.WithBacking([]float32{1, 2}))
	if err := d.SetInput(0, x); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := back.Run(); err != nil {
			t.Fatal(err)
		}
		out, err := d.GetOutputTensors()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][]float32{{1, 2}, {5, 6}} {
			data := out[i].Data().([]float32)
			if !slices.Equal(data, want) {
				t.Fatalf("output %d: %v, want %v", i, data, want)
			}
			data[0] = 100
		}
	}
}

func TestErrors(t *testing.T) {
	x := gorgonia.New(gorgonia.WithShape(2), gorgonia.WithBacking([]float32{1, 2.5}))
	for _, c := range []struct {
		name, want string
		give       bool
		build      func(b builder)
	}{
		{"an input that is not given", `input "x" is not set`, false, func(b builder) {
			b.input("x", tensor.Float32, graph.Static(2))
			b.node("Neg", []string{"x"}, []string{"y"})
		}},
		{"a number that the declared type does not have", `input "x": float32[2], want elements of type int64`, true, func(b builder) {
			b.input("x", tensor.Int64, graph.Static(2))
			b.node("Neg", []string{"x"}, []string{"y"})
		}},
		{"shapes that do not fit", `node "→y" (Add)`, true, func(b builder) {
			b.input("x", tensor.Float32, graph.Static(2))
			b.init("c", tensor.Vector[float32](1, 2, 3))
			b.node("Add", []string{"x", "c"}, []string{"y"})
		}},
		{"forms of different opsets", "node 0 (Squeeze) wants at least 13, node 1 (Clip) at most 10", true, func(b builder) {
			b.input("x", tensor.Float32, graph.Static(2))
			b.init("axes", tensor.Vector[int64](0))
			b.node("Squeeze", []string{"x", "axes"}, []string{"w"})
			b.node("Clip", []string{"w"}, []string{"y"}, graph.Float("min", 0))
		}},
	} {
		b, m := newModel(t, 13)
		c.build(b)
		b.outputs("y")
		back, d := decode(t, m)
		if c.give {
			if err := d.SetInput(0, x); err != nil {
				t.Fatal(err)
			}
		}
		if err := back.Run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestUnknownOperatorsAreListedTogether(t *testing.T) {
	b, m := newModel(t, 11)
	b.input("x", tensor.Float32, graph.Static(2))
	b.node("Frobnicate", []string{"x"}, []string{"w"})
	b.node("Defenestrate", []string{"w"}, []string{"y"})
	b.outputs("y")
	back, d := decode(t, m)
	if err := d.SetInput(0, gorgonia.New(gorgonia.WithShape(2), gorgonia.Of(gorgonia.Float32))); err != nil {
		t.Fatal(err)
	}
	var missing *onnx.ErrNotImplemented
	if err := back.Run(); !errors.As(err, &missing) || missing.Operator != "Defenestrate, Frobnicate" {
		t.Errorf("error %v", err)
	}
}

func TestOpsetIsInferred(t *testing.T) {
	node := func(name string, inputs int, attrs ...string) operation {
		o := operation{name: name, in: make([]*value, inputs), attrs: map[string]any{}}
		for _, a := range attrs {
			o.attrs[a] = int64(0)
		}
		return o
	}
	for _, c := range []struct {
		want int64
		ops  []operation
	}{
		{11, nil},
		{11, []operation{node("Relu", 1), node("Softmax", 1, "axis")}},
		{10, []operation{node("Clip", 1, "min", "max"), node("Relu", 1)}},
		{9, []operation{node("Upsample", 2)}},
		{8, []operation{node("Upsample", 1, "scales"), node("Conv", 3)}},
		{10, []operation{node("Resize", 2)}},
		{13, []operation{node("Unsqueeze", 2), node("Relu", 1)}},
		{14, []operation{node("HardSwish", 1)}},
		{18, []operation{node("ReduceMean", 2)}},
		{12, []operation{node("Einsum", 2), node("Unsqueeze", 1, "axes")}},
	} {
		got, err := inferOpset(c.ops)
		if err != nil || got != c.want {
			t.Errorf("%v: %d, error %v, want %d", c.ops, got, err, c.want)
		}
	}
}

// The meaning of Softmax on more than two axes is what only WithOpset can tell.
func TestWithOpset(t *testing.T) {
	b, m := newModel(t, 13)
	b.input("x", tensor.Float32, graph.Static(1, 2, 2))
	b.node("Softmax", []string{"x"}, []string{"y"}, graph.Int("axis", 1))
	b.outputs("y")
	x := tensor.Of([]int{1, 2, 2}, make([]float32, 4))
	back, d := decode(t, m)
	wantFloats(t, runModel(t, back, d, x)[0], 0.25, 0.25, 0.25, 0.25)
	back, d = decode(t, m, WithOpset(13), WithThreads(1), WithMaxMemory(1<<20))
	wantFloats(t, runModel(t, back, d, x)[0], 0.5, 0.5, 0.5, 0.5)
}
