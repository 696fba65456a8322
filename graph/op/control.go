package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var controlVersions = []int64{11, 13, 16, 19, 21, 23, 24, 25}

func init() {
	Register(
		&Op{
			Name: "If", Equation: "outputs = those of then_branch if cond, else of else_branch",
			Flow:     flow.Flow{Pass: flow.Untraced},
			Versions: append([]int64{1}, controlVersions...), In: Arity{1, 1}, Out: Arity{1, -1}, Containers: true,
			Infer: inferIf, Kernel: makeIf, NoGrad: "a branch's gradient would have to be built inside a subgraph; heads and losses have none",
		},
		&Op{
			Name: "Loop", Equation: "state = body(i, cond, state) until i = trip count or not cond; scan outputs are the body's, stacked",
			Flow:     flow.Flow{Pass: flow.Untraced},
			Versions: append([]int64{1}, controlVersions...), In: Arity{0, -1}, Out: Arity{1, -1}, Containers: true,
			Infer: inferLoop, Kernel: makeLoop, NoGrad: "the number of steps, and so the graph of the adjoint, is not known before the run",
		},
	)
}

// branchGraph is the subgraph in attribute name; nil if there is none.
func branchGraph(n *graph.Node, name string) *graph.Graph {
	if a := n.Attr(name); a != nil {
		return a.Graph
	}
	return nil
}

func inferIf(c *Infer) error {
	var outs [2][]Fact
	for i, name := range []string{"then_branch", "else_branch"} {
		g := branchGraph(c.Node, name)
		if g == nil {
			return attrError(name, "missing", "a graph")
		}
		if c.Body == nil {
			return nil
		}
		var err error
		if outs[i], err = c.Body(g, nil); err != nil {
			return err
		}
		if len(outs[i]) != len(c.Out) {
			return fmt.Errorf("%s has %d outputs, want %d", name, len(outs[i]), len(c.Out))
		}
	}
	taken := -1
	if t := c.Input(0).Const(); t != nil && t.DType == tensor.Bool && t.Len() == 1 {
		taken = 1
		if tensor.Data[bool](t)[0] {
			taken = 0
		}
	}
	for i := range c.Out {
		if taken >= 0 {
			c.Out[i] = outs[taken][i]
			continue
		}
		c.Out[i].Type = commonType(outs[0][i].Type, outs[1][i].Type)
	}
	return nil
}

// commonType is what values of types a and b have in common.
func commonType(a, b graph.Type) graph.Type {
	if a.Kind != b.Kind {
		return graph.Type{}
	}
	if a.DType != b.DType {
		a.DType = tensor.Invalid
	}
	if len(a.Shape) != len(b.Shape) || b.Shape == nil {
		a.Shape = nil
	} else {
		a.Shape = a.Shape.Clone()
		for i := range a.Shape {
			if !a.Shape[i].Same(b.Shape[i]) {
				a.Shape[i] = graph.Unknown()
			}
		}
	}
	switch {
	case a.Elem == nil:
	case b.Elem == nil:
		a.Elem = nil
	default:
		e := commonType(*a.Elem, *b.Elem)
		a.Elem = &e
	}
	return a
}

func makeIf(s *Spec) (Kernel, error) {
	then, err := s.Body("then_branch")
	if err != nil {
		return nil, err
	}
	other, err := s.Body("else_branch")
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		cond, err := truthOf(x.In[0])
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		branch := other
		if cond {
			branch = then
		}
		out, err := branch(x, nil)
		if err != nil {
			return err
		}
		if len(out) != len(x.Out) {
			return fmt.Errorf("the branch returned %d outputs, want %d", len(out), len(x.Out))
		}
		for i, t := range out {
			x.Set(i, t)
		}
		return nil
	}, nil
}

// truthOf is the only element of t, a bool.
func truthOf(t *tensor.Tensor) (bool, error) {
	if t.DType != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("%v, want one bool", t)
	}
	return tensor.Data[bool](t)[0], nil
}
