package fuse

import (
	"maps"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestCutNames: the operators that are listed are in the table, once, and have as many
// inputs as their list says.
func TestCutNames(t *testing.T) {
	for _, c := range []struct {
		list   map[string]bool
		inputs []int
	}{{elementwise, []int{1, 3}}, {broadcasting, []int{2}}, {alongAxis, []int{1}}} {
		for _, name := range slices.Sorted(maps.Keys(c.list)) {
			o := op.Lookup("", name)
			if o == nil || o.In.Min != o.In.Max || !slices.Contains(c.inputs, o.In.Max) || o.Out.Max != 1 {
				t.Errorf("%s: no such operator, or it has other inputs: %+v", name, o)
			}
		}
	}
}

// TestCut: where steps of rank 3 can be cut.
func TestCut(t *testing.T) {
	axes := func(n ...int64) *tensor.Tensor { return tensor.Of([]int{len(n)}, n) }
	attr := func(n ...int64) []*graph.Attr { return []*graph.Attr{graph.Ints("axes", n...)} }
	for _, c := range []struct {
		name  string
		since int64
		attrs []*graph.Attr
		axes  *tensor.Tensor
		want  cut
	}{
		{"Exp", 13, nil, nil, eachCut},
		{"Add", 14, nil, nil, eachCut},
		{"Add", 6, nil, nil, noCut},
		{"Softmax", 13, nil, nil, rowCut},
		{"Softmax", 11, nil, nil, noCut},
		{"Softmax", 11, []*graph.Attr{graph.Int("axis", 2)}, nil, rowCut},
		{"ReduceMax", 13, attr(-1), nil, rowCut},
		{"ReduceMax", 13, attr(2), nil, rowCut},
		{"ReduceMax", 13, attr(1), nil, noCut},
		{"ReduceMax", 13, attr(1, 2), nil, noCut},
		{"ReduceMax", 13, nil, axes(2), noCut},
		{"ReduceMax", 18, nil, axes(2), rowCut},
		{"ReduceMax", 18, attr(2), nil, noCut},
		{"ReduceSum", 13, nil, axes(-1), rowCut},
		{"ReduceSum", 11, attr(-1), nil, rowCut},
		{"Unsqueeze", 13, nil, axes(3), eachCut},
		{"Unsqueeze", 13, nil, axes(2), noCut},
		{"Unsqueeze", 11, attr(-1), nil, eachCut},
		{"CumSum", 14, nil, nil, noCut},
	} {
		spec := &op.Spec{
			Node: &graph.Node{Op: c.name, Attrs: c.attrs}, Since: c.since, Const: []*tensor.Tensor{nil, c.axes},
			Types: []graph.Type{graph.TensorOf(tensor.Float32, graph.Static(2, 3, 4))},
		}
		if got := cutOf(&plan.Step{Op: op.Lookup("", c.name), Spec: spec, In: []plan.Ref{{}}}); got != c.want {
			t.Errorf("%s since %d, %v, axes %v: %d, want %d", c.name, c.since, c.attrs, c.axes, got, c.want)
		}
	}
}
