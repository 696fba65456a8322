package grad

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Seed is a value whose adjoint is known: where the reverse pass starts.
type Seed struct {
	Value, Adjoint *graph.Value
}

// Of appends the derivatives of the sum of y's elements by each of xs and
// returns them in the order of xs, each in the shape and type of its x. A
// value that y does not depend on has the derivative nil.
//
// The error is a *MissingError for the nodes between the xs and y that have no
// gradient.
func Of(y *graph.Value, xs ...*graph.Value) ([]*graph.Value, error) {
	defer y.Graph().Scope("grad")()
	p := newPass(y.Graph(), xs)
	return p.run([]Seed{{y, ones(y)}}, xs)
}

// From appends the derivatives by each of xs of a function whose adjoints by the
// values of seeds are given: Of from halfway.
func From(seeds []Seed, xs ...*graph.Value) ([]*graph.Value, error) {
	if len(seeds) == 0 {
		return make([]*graph.Value, len(xs)), nil
	}
	g := seeds[0].Value.Graph()
	defer g.Scope("grad")()
	return newPass(g, xs).run(seeds, xs)
}

// Missing is a node without a gradient, and why it has none.
type Missing struct {
	Node *graph.Node
	Err  error
}

func (m Missing) String() string { return fmt.Sprintf("node %v: %v", m.Node, m.Err) }

// MissingError is the error of differentiating through nodes that have no gradient:
// all of them, from the last to the first.
type MissingError struct{ Nodes []Missing }

func (e *MissingError) Error() string {
	words := make([]string, len(e.Nodes))
	for i, m := range e.Nodes {
		words[i] = m.String()
	}
	return strings.Join(words, "; ")
}

// Unwrap is why each node has no gradient.
func (e *MissingError) Unwrap() []error {
	list := make([]error, len(e.Nodes))
	for i, m := range e.Nodes {
		list[i] = m.Err
	}
	return list
}

// pass is one reverse pass over a graph.
type pass struct {
	graph   *graph.Graph
	nodes   []*graph.Node                   // of the function
	depends map[*graph.Value]bool           // on an x, differentiably
	parts   map[*graph.Value][]*graph.Value // contributions to each value's adjoint
	missing []Missing
}

// newPass marks what depends on xs.
func newPass(g *graph.Graph, xs []*graph.Value) *pass {
	p := &pass{graph: g, nodes: g.Nodes, depends: map[*graph.Value]bool{}, parts: map[*graph.Value][]*graph.Value{}}
	for _, x := range xs {
		p.depends[x] = true
	}
	for _, n := range p.nodes {
		p.spread(n)
	}
	return p
}

// run goes from seeds back to xs.
func (p *pass) run(seeds []Seed, xs []*graph.Value) ([]*graph.Value, error) {
	for _, s := range seeds {
		p.parts[s.Value] = append(p.parts[s.Value], s.Adjoint)
	}
	for _, n := range slices.Backward(p.nodes) {
		if err := p.node(n); err != nil {
			p.missing = append(p.missing, Missing{n, err})
			if p.graph.Err() != nil { // which sticks, and would be found at every node
				break
			}
		}
	}
	if p.missing != nil {
		return nil, &MissingError{p.missing}
	}
	dx := make([]*graph.Value, len(xs))
	for i, x := range xs {
		dx[i] = p.adjoint(x)
	}
	return dx, p.graph.Err()
}

// spread marks the float outputs of a node that reads a marked value, itself or in a
// subgraph.
func (p *pass) spread(n *graph.Node) {
	if !slices.ContainsFunc(n.Inputs, p.marked) && !slices.ContainsFunc(n.Captures(), p.marked) {
		return
	}
	for _, out := range n.Outputs {
		if out != nil && out.Type.DType.IsFloat() {
			p.depends[out] = true
		}
	}
}

// marked reports whether v depends on an x.
func (p *pass) marked(v *graph.Value) bool { return v != nil && p.depends[v] }

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
		if p.marked(out) {
			c.Dy[i] = p.adjoint(out)
			reached = reached || c.Dy[i] != nil
		}
	}
	if !reached {
		return nil
	}
	for i, in := range n.Inputs {
		c.Want[i] = p.marked(in)
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
