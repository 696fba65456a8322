package variant

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// convert writes the operators whose form differs between opsets 11 and 17 in
// that of the given one. Models with functions, or with operators that one of
// the two has not or means otherwise, stay as they are.
func convert(v *Variant, opset int64) error {
	facts := op.InferModel(v.Model)
	if len(v.Model.Functions) > 0 || v.Model.Opset("") == opset {
		return nil
	}
	if slices.ContainsFunc(v.Model.Graph.Nodes, func(n *graph.Node) bool { return n.Op == "RoiAlign" }) {
		return nil
	}
	rule := func(r *rebuild, n *graph.Node) ([]*graph.Value, error) {
		x := r.at[n.Input(0)]
		axes := n.Ints("axes")
		if axes == nil && n.Input(1) != nil {
			axes, _ = facts.Of(n.Input(1)).Ints()
		}
		switch n.Op {
		case "Squeeze", "Unsqueeze", "ReduceSum":
			if axes == nil {
				return nil, fmt.Errorf("node %v: axes that are not known", n)
			}
		}
		switch n.Op {
		case "Squeeze":
			return []*graph.Value{op.Squeeze(x, axes...)}, nil
		case "Unsqueeze":
			return []*graph.Value{op.Unsqueeze(x, axes...)}, nil
		case "ReduceSum":
			return []*graph.Value{op.ReduceSum(x, axes, n.Int("keepdims", 1) != 0)}, nil
		case "Split":
			return r.split(n)
		case "Softmax", "LogSoftmax":
			return r.softmax(n)
		}
		return nil, nil
	}
	err := v.changedTo(opset, v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
		if n.Domain != "" {
			return as(r, n)
		}
		outs, err := rule(r, n)
		if err != nil || outs == nil {
			if err == nil {
				err = as(r, n)
			}
			return err
		}
		for i, o := range n.Outputs {
			r.at[o] = outs[i]
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tidy(v.Model)
}

// split is n, a Split into parts of known sizes, in the form of r's opset.
func (r *rebuild) split(n *graph.Node) ([]*graph.Value, error) {
	axis := n.Int("axis", 0)
	var sizes []int64
	for _, o := range n.Outputs {
		d := o.Shape()[axis]
		if !d.IsKnown() {
			return nil, fmt.Errorf("node %v: parts of unknown size", n)
		}
		sizes = append(sizes, d.Value)
	}
	return op.Split(r.at[n.Inputs[0]], axis, sizes...), nil
}

// softmax is n in the form of r's opset, if it is over one axis in both.
func (r *rebuild) softmax(n *graph.Node) ([]*graph.Value, error) {
	rank := int64(len(n.Output(0).Shape()))
	axis := n.Int("axis", -1)
	if r.src.Opset("") < 13 {
		if axis = n.Int("axis", 1); axis >= 0 && axis != rank-1 {
			return nil, fmt.Errorf("node %v: a softmax over several axes", n)
		}
	}
	if n.Op == "Softmax" {
		return []*graph.Value{op.Softmax(r.at[n.Inputs[0]], axis)}, nil
	}
	return []*graph.Value{op.LogSoftmax(r.at[n.Inputs[0]], axis)}, nil
}

// nameSizes gives the sizes of the image names, and takes those of what is
// computed from it away.
func nameSizes(v *Variant, _ *rand.Rand) error {
	x := v.Model.Graph.Inputs[0]
	if len(x.Shape()) != 4 {
		return nil
	}
	x.Type.Shape = x.Shape().Clone()
	for d := 1; d < 4; d++ {
		if s := x.Type.Shape[d]; s.IsKnown() && s.Value != 3 {
			name := fmt.Sprint("s", d)
			v.Sizes[name] = int(s.Value)
			x.Type.Shape[d] = graph.Named(name)
		}
	}
	graphs := []*graph.Graph{v.Model.Graph}
	for _, f := range v.Model.Functions {
		graphs = append(graphs, f.Body)
	}
	for _, g := range graphs {
		for _, n := range g.Nodes {
			for _, o := range n.Outputs {
				if o != nil {
					o.Type.Shape = nil
				}
			}
		}
	}
	return nil
}
