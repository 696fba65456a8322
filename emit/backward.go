package emit

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Gradients appends the derivatives of the sum of y's elements by each of xs,
// in reverse mode, by the operator table's rules, and gives them in the order
// of xs. What this driver does, the rules do not: it sums adjoints over the
// axes along which an operand was broadcast, adds up what several readers of a
// value contribute, and builds nothing that no x asks for. A value that y does
// not depend on has the derivative nil.
//
// The error names the first node on the way from an x to y that has no rule,
// with the table's reason.
func Gradients(y *graph.Value, xs ...*graph.Value) ([]*graph.Value, error) {
	b := &backward{graph: y.Graph(), depends: map[*graph.Value]bool{}, parts: map[*graph.Value][]*graph.Value{}}
	nodes := b.graph.Nodes
	for _, x := range xs {
		b.depends[x] = true
	}
	for _, n := range nodes {
		b.spread(n)
	}
	leave := b.graph.Scope("grad")
	defer leave()
	b.parts[y] = []*graph.Value{ones(y)}
	for i := len(nodes) - 1; i >= 0; i-- {
		if err := b.node(nodes[i]); err != nil {
			return nil, fmt.Errorf("node %v: %w", nodes[i], err)
		}
	}
	dx := make([]*graph.Value, len(xs))
	for i, x := range xs {
		dx[i] = b.adjoint(x)
	}
	return dx, b.graph.Err()
}

// backward is one reverse pass.
type backward struct {
	graph   *graph.Graph
	depends map[*graph.Value]bool           // on an x, differentiably
	parts   map[*graph.Value][]*graph.Value // contributions to each value's adjoint
}

// spread marks the float outputs of a node that reads a marked value: through
// integers and booleans nothing is differentiated.
func (b *backward) spread(n *graph.Node) {
	for _, in := range n.Inputs {
		if in == nil || !b.depends[in] {
			continue
		}
		for _, out := range n.Outputs {
			if out != nil && out.Type.DType.IsFloat() {
				b.depends[out] = true
			}
		}
		return
	}
}

// ones has the shape and type of v, which may be infinite.
func ones(v *graph.Value) *graph.Value {
	one := op.Like(v, 1)
	if s := v.Shape(); s != nil && len(s) == 0 {
		return one
	}
	return op.Cast(op.Not(op.Less(v, v)), v.Type.DType)
}

// adjoint is the sum of v's contributions; nil if it has none.
func (b *backward) adjoint(v *graph.Value) *graph.Value {
	parts := b.parts[v]
	if len(parts) == 0 {
		return nil
	}
	sum := parts[0]
	for _, p := range parts[1:] {
		sum = op.Add(sum, p)
	}
	b.parts[v] = []*graph.Value{sum}
	return sum
}

func (b *backward) node(n *graph.Node) error {
	c := &op.Grad{
		Node: n, Dy: make([]*graph.Value, len(n.Outputs)),
		Dx: make([]*graph.Value, len(n.Inputs)), Want: make([]bool, len(n.Inputs)),
	}
	reached := false
	for i, out := range n.Outputs {
		if out != nil && b.depends[out] {
			c.Dy[i] = b.adjoint(out)
			reached = reached || c.Dy[i] != nil
		}
	}
	wanted := false
	for i, in := range n.Inputs {
		c.Want[i] = in != nil && b.depends[in]
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
		b.parts[in] = append(b.parts[in], d)
	}
	return b.graph.Err()
}

// sumTo is the adjoint of broadcasting x to the shape of d: d summed over the
// axes that x lacks or has at size 1.
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
