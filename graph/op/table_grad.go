package op

import "github.com/onnxloss/onnxloss/graph"

// Grad is one node as its gradient rule sees it. The rule builds, for every
// input that Needs says is wanted, the adjoint of that input from the adjoints
// of the outputs, and hands it to Set. A rule may leave the adjoint in the
// shape that broadcasting gave the operand, and never adds adjoints up: the
// package grad sums over broadcast axes, accumulates and prunes.
type Grad struct {
	Node *graph.Node
	// Dy are the adjoints of the outputs; nil where an output has none.
	Dy []*graph.Value
	// Dx are the adjoints of the inputs, set by the rule.
	Dx []*graph.Value
	// Want says of which inputs the adjoint is wanted.
	Want []bool
}

// In is input i; nil if it is left out.
func (c *Grad) In(i int) *graph.Value { return c.Node.Input(i) }

// Out is output i; nil if it is not wanted by anyone.
func (c *Grad) Out(i int) *graph.Value { return c.Node.Output(i) }

// Needs reports whether the adjoint of input i is wanted.
func (c *Grad) Needs(i int) bool { return i < len(c.Want) && c.Want[i] && c.In(i) != nil }

// Set states the adjoint of input i.
func (c *Grad) Set(i int, v *graph.Value) {
	if i < len(c.Dx) {
		c.Dx[i] = v
	}
}
