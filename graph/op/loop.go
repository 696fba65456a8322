package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// bodyOf checks that the node's body takes in inputs and gives at least out
// outputs.
func bodyOf(n *graph.Node, in, out int) (*graph.Graph, error) {
	g := branchGraph(n, "body")
	switch {
	case g == nil:
		return nil, attrError("body", "missing", "a graph")
	case len(g.Inputs) != in:
		return nil, fmt.Errorf("the body has %d inputs, want %d", len(g.Inputs), in)
	case len(g.Outputs) < out:
		return nil, fmt.Errorf("the body has %d outputs, want at least %d", len(g.Outputs), out)
	}
	return g, nil
}

func inferLoop(c *Infer) error {
	states := max(len(c.In)-2, 0)
	g, err := bodyOf(c.Node, 2+states, 1+states)
	if err != nil || c.Body == nil {
		return err
	}
	in := make([]Fact, 2+states)
	in[0].Type = graph.TensorOf(tensor.Int64, graph.Shape{})
	in[1].Type = graph.TensorOf(tensor.Bool, graph.Shape{})
	for i := range states {
		in[2+i].Type = withoutShape(c.Input(2 + i).Type)
	}
	out, err := c.Body(g, in)
	if err != nil {
		return err
	}
	for i := range c.Out {
		switch {
		case 1+i >= len(out):
			return fmt.Errorf("the body has %d outputs, want %d", len(out), 1+len(c.Out))
		case i < states:
			c.Out[i].Type = commonType(c.Input(2+i).Type, out[1+i].Type)
		default:
			c.Out[i].Type = stackedType(out[1+i].Type, graph.Unknown())
		}
	}
	return nil
}

// withoutShape is t with nothing known of its shape: that of a loop's state
// may differ from step to step.
func withoutShape(t graph.Type) graph.Type {
	t.Shape = nil
	if t.Elem != nil {
		e := withoutShape(*t.Elem)
		t.Elem = &e
	}
	return t
}

// stackedType is the type of n tensors of type t, stacked.
func stackedType(t graph.Type, n graph.Dim) graph.Type {
	if t.Shape == nil {
		return graph.TensorOf(t.DType, nil)
	}
	return graph.TensorOf(t.DType, append(graph.Shape{n}, t.Shape...))
}

func makeLoop(s *Spec) (Kernel, error) {
	states := max(len(s.Node.Inputs)-2, 0)
	g, err := bodyOf(s.Node, 2+states, 1+states)
	if err != nil {
		return nil, err
	}
	body, err := s.Body("body")
	if err != nil {
		return nil, err
	}
	if len(s.Node.Outputs) > len(g.Outputs)-1 {
		return nil, fmt.Errorf("the body has %d outputs, want %d", len(g.Outputs), 1+len(s.Node.Outputs))
	}
	return func(x *Call) error { return runLoop(x, g, body, states, s.DType) }, nil
}

func runLoop(x *Call, g *graph.Graph, body Body, states int, dtype func(tensor.DType) tensor.DType) error {
	trips, cond := int64(-1), true
	var err error
	if x.Has(0) {
		if trips, err = intOf(x, 0); err != nil {
			return err
		}
		trips = max(trips, 0)
	}
	if x.Has(1) {
		if cond, err = truthOf(x.In[1]); err != nil {
			return x.InputError(1, "%v", err)
		}
	}
	scans := make([]stack, max(len(x.Out)-states, 0))
	for i := range scans {
		scans[i].x = x
		defer scans[i].free()
	}
	state := make([]*tensor.Tensor, states)
	for i := range state {
		if state[i] = x.In[2+i]; state[i] == nil {
			return x.InputError(2+i, "is missing")
		}
	}
	for i := int64(0); cond && (trips < 0 || i < trips); i++ {
		if err := x.Context.Err(); err != nil {
			return err
		}
		out, err := body(x, append([]*tensor.Tensor{tensor.Scalar(i), tensor.Scalar(cond)}, state...))
		if err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
		if cond, err = truthOf(out[0]); err != nil {
			return fmt.Errorf("step %d: the condition is %w", i, err)
		}
		copy(state, out[1:1+states])
		for k := range scans {
			if err := scans[k].add(out[1+states+k]); err != nil {
				return err
			}
		}
	}
	for i, t := range state {
		x.Set(i, t)
	}
	return finishScans(scans, g.Outputs[1+states:], states, dtype)
}

// finishScans makes the stacks the outputs from number at on; what the body
// declares stands for a step's type where there was no step.
func finishScans(scans []stack, declared []*graph.Value, at int, dtype func(tensor.DType) tensor.DType) error {
	for k := range scans {
		d, shape := emptyStep(declared[k].Type)
		if err := scans[k].output(at+k, 0, false, dtype(d), shape); err != nil {
			return fmt.Errorf("output %d: %w", at+k, err)
		}
	}
	return nil
}

// emptyStep is a type for the steps of a loop that made none.
func emptyStep(t graph.Type) (tensor.DType, []int) {
	if t.DType == tensor.Invalid {
		t.DType = tensor.Float32
	}
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = int(max(d.Value, 0))
	}
	return t.DType, shape
}
