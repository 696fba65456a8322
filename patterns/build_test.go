package patterns_test

import (
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// net builds small networks for tests. Its methods fail the test on error.
type net struct {
	t testing.TB
	m *graph.Model
	x *graph.Value // the feature map [1, 8, 16, 16]
}

func newNet(t testing.TB) *net {
	m := graph.New(13)
	x, err := m.Graph.AddInput("image", graph.TensorOf(tensor.Float32, graph.Static(1, 8, 16, 16)))
	if err != nil {
		t.Fatal(err)
	}
	return &net{t, m, x}
}

// weights is a constant of zeros.
func (n *net) weights(shape ...int) *graph.Value {
	t, err := tensor.Make(tensor.Float32, shape...)
	if err != nil {
		n.t.Fatal(err)
	}
	return op.Const(n.m.Graph, "w", t)
}

// floats is a constant vector.
func (n *net) floats(x ...float32) *graph.Value {
	return op.Const(n.m.Graph, "c", tensor.Vector(x...))
}

// ints is a constant vector of integers.
func (n *net) ints(x ...int64) *graph.Value {
	return op.Const(n.m.Graph, "i", tensor.Vector(x...))
}

// do appends one node.
func (n *net) do(name string, attrs []*graph.Attr, in ...*graph.Value) *graph.Value {
	return n.many(name, 1, attrs, in...)[0]
}

func (n *net) many(name string, outs int, attrs []*graph.Attr, in ...*graph.Value) []*graph.Value {
	n.t.Helper()
	in = slices.Clone(in)
	for i, v := range in {
		if v == nil {
			in[i] = op.Omit
		}
	}
	r := op.Apply(name, outs, attrs, in...)
	if err := n.m.Graph.Err(); err != nil {
		n.t.Fatal(err)
	}
	return r
}

// conv is a 1×1 convolution of x to out channels.
func (n *net) conv(x *graph.Value, out int) *graph.Value {
	n.t.Helper()
	return n.do("Conv", nil, x, n.weights(out, int(x.Shape()[1].Value), 1, 1), n.weights(out))
}

// half is x at half the size.
func (n *net) half(x *graph.Value) *graph.Value {
	return n.do("MaxPool", []*graph.Attr{graph.Ints("kernel_shape", 2, 2), graph.Ints("strides", 2, 2)}, x)
}

func (n *net) reshape(x *graph.Value, to ...int64) *graph.Value {
	return n.do("Reshape", nil, x, n.ints(to...))
}

func (n *net) transpose(x *graph.Value, perm ...int64) *graph.Value {
	return n.do("Transpose", []*graph.Attr{graph.Ints("perm", perm...)}, x)
}

// slice is x[start:stop:step] along axis.
func (n *net) slice(x *graph.Value, axis, start, stop, step int64) *graph.Value {
	return n.do("Slice", nil, x, n.ints(start), n.ints(stop), n.ints(axis), n.ints(step))
}

func (n *net) concat(axis int64, in ...*graph.Value) *graph.Value {
	return n.do("Concat", []*graph.Attr{graph.Int("axis", axis)}, in...)
}

func (n *net) softmax(x *graph.Value, axis int64) *graph.Value {
	return n.do("Softmax", []*graph.Attr{graph.Int("axis", axis)}, x)
}

// output makes v a graph output.
func (n *net) output(vs ...*graph.Value) {
	for _, v := range vs {
		n.m.Graph.AddOutput(v)
	}
}
