package grad

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Of appends the derivatives of the sum of y's elements by each of xs and
// returns them in the order of xs, each in the shape and type of its x. A
// value that y does not depend on has the derivative nil.
//
// The error names the first node between an x and y whose operator has no
// gradient rule, with the table's reason.
func Of(y *graph.Value, xs ...*graph.Value) ([]*graph.Value, error) {
	p := &pass{graph: y.Graph(), depends: map[*graph.Value]bool{}, parts: map[*graph.Value][]*graph.Value{}}
	nodes := p.graph.Nodes
	for _, x := range xs {
		p.depends[x] = true
	}
	for _, n := range nodes {
		p.spread(n)
	}
	leave := p.graph.Scope("grad")
	defer leave()
	p.parts[y] = []*graph.Value{ones(y)}
	for i := len(nodes) - 1; i >= 0; i-- {
		if err := p.node(nodes[i]); err != nil {
			return nil, fmt.Errorf("node %v: %w", nodes[i], err)
		}
	}
	dx := make([]*graph.Value, len(xs))
	for i, x := range xs {
		dx[i] = p.adjoint(x)
	}
	return dx, p.graph.Err()
}

// pass is one reverse pass over a graph.
type pass struct {
	graph   *graph.Graph
	depends map[*graph.Value]bool           // on an x, differentiably
	parts   map[*graph.Value][]*graph.Value // contributions to each value's adjoint
}

// spread marks the float outputs of a node that reads a marked value.
func (p *pass) spread(n *graph.Node) {
	for _, in := range n.Inputs {
		if in == nil || !p.depends[in] {
			continue
		}
		for _, out := range n.Outputs {
			if out != nil && out.Type.DType.IsFloat() {
				p.depends[out] = true
			}
		}
		return
	}
}

// ones builds a one for each element of v, of v's type. Elements may be
// infinite, so v/v and v−v+1 would not do.
func ones(v *graph.Value) *graph.Value {
	one := op.Like(v, 1)
	if s := v.Shape(); s != nil && len(s) == 0 {
		return one
	}
	return op.Cast(op.Not(op.Less(v, v)), v.Type.DType)
}

// adjoint adds up v's contributions; it is nil if there are none.
func (p *pass) adjoint(v *graph.Value) *graph.Value {
	parts := p.parts[v]
	if len(parts) == 0 {
		return nil
	}
	sum := parts[0]
	for _, d := range parts[1:] {
		sum = op.Add(sum, d)
	}
	p.parts[v] = []*graph.Value{sum}
	return sum
}

// node applies the gradient rule of n, if an adjoint reaches its outputs and
// one of its inputs depends on an x.
func (p *pass) node(n *graph.Node) error {
	c := &op.Grad{
		Node: n, Dy: make([]*graph.Value, len(n.Outputs)),
		Dx: make([]*graph.Value, len(n.Inputs)), Want: make([]bool, len(n.Inputs)),
	}
	reached := false
	for i, out := range n.Outputs {
		if out != nil && p.depends[out] {
			c.Dy[i] = p.adjoint(out)
			reached = reached || c.Dy[i] != nil
		}
	}
	wanted := false
	for i, in := range n.Inputs {
		c.Want[i] = in != nil && p.depends[in]
		wanted = wanted || c.Want[i]
	}
	if !reached || !wanted {
		return nil
	}
	row := op.Lookup(n.Domain, n.Op)
	switch {
	case row == nil:
		return &op.UnsupportedError{Ops: []string{n.Op}}
	case row.Grad == nil:
		return fmt.Errorf("no gradient: %s", row.NoGrad)
	}
	if err := row.Grad(c); err != nil {
		return err
	}
	for i, in := range n.Inputs {
		if !c.Want[i] || c.Dx[i] == nil {
			continue
		}
		d, err := sumTo(c.Dx[i], in)
		if err != nil {
			return op.InputError(n, i, "%v", err)
		}
		p.parts[in] = append(p.parts[in], d)
	}
	return p.graph.Err()
}

// sumTo is the adjoint of broadcasting x to the shape of d: d summed over the
// axes that x lacks or has with size 1.
func sumTo(d, x *graph.Value) (*graph.Value, error) {
	from, to := d.Shape(), x.Shape()
	if from == nil || to == nil || len(from) < len(to) {
		return nil, fmt.Errorf("an adjoint of shape %v for a value of shape %v", from, to)
	}
	skip := len(from) - len(to)
	var lead, kept []int64
	for i := range from {
		switch {
		case i < skip:
			lead = append(lead, int64(i))
		case to[i-skip].IsKnown() && to[i-skip].Value == 1 && !(from[i].IsKnown() && from[i].Value == 1):
			kept = append(kept, int64(i))
		}
	}
	if kept != nil {
		d = op.ReduceSum(d, kept, true)
	}
	if lead != nil {
		d = op.ReduceSum(d, lead, false)
	}
	return d, nil
}
