package match

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// Inlined is a model without calls of its own functions.
type Inlined struct {
	Model *graph.Model
	// Origin is the value of the original model that a value of Model stands
	// for; nil for values inside functions. It is itself nil where the model
	// has no functions and is its own inlining.
	Origin map[*graph.Value]*graph.Value
	// Uniform is set where functions were inlined whose operator sets are the
	// model's, so that Model runs.
	Uniform bool
}

// Of is the value of the original model that v stands for; nil if it has none.
func (i *Inlined) Of(v *graph.Value) *graph.Value {
	if i.Origin == nil {
		return v
	}
	return i.Origin[v]
}

// Bounds on what inlining makes: functions that call functions grow with
// every level.
const (
	maxInlined = 1 << 18 // nodes, beside 16 for each that the file has
	maxCalls   = 64
)

// Inline puts the bodies of functions in the place of their calls, in a copy
// of the model; a model without functions is not copied.
func Inline(m *graph.Model) (*Inlined, error) {
	if len(m.Functions) == 0 {
		return &Inlined{Model: m}, nil
	}
	c := &copier{from: m, in: &Inlined{Origin: map[*graph.Value]*graph.Value{}, Uniform: true}, named: map[name]*graph.Function{}}
	for _, f := range slices.Backward(m.Functions) { // of two the first counts
		c.named[name{graph.CanonicalDomain(f.Domain), f.Name, f.Overload}] = f
	}
	if err := c.fits(); err != nil {
		return nil, err
	}
	whole := *m
	whole.Opsets, whole.Functions, whole.Origin, whole.Dirty = slices.Clone(m.Opsets), nil, nil, true
	c.in.Model = &whole
	for _, f := range m.Functions {
		for _, o := range f.Opsets {
			switch v := whole.Opset(o.Domain); {
			case v == 0:
				whole.SetOpset(o.Domain, o.Version)
			case v != o.Version:
				c.in.Uniform = false
			}
		}
	}
	g := graph.NewGraph(c.in.Model, nil)
	g.Name, g.Doc = m.Graph.Name, m.Graph.Doc
	c.in.Model.Graph = g
	at := map[*graph.Value]*graph.Value{}
	if err := c.graph(g, m.Graph, at, "", 0, true); err != nil {
		return nil, err
	}
	return c.in, nil
}

type copier struct {
	from  *graph.Model
	in    *Inlined
	calls int
	named map[name]*graph.Function
}

// name is what a call names a function by.
type name struct{ domain, op, overload string }

// function is the function that n calls; nil if n is an operator.
func (c *copier) function(n *graph.Node) *graph.Function {
	return c.named[name{graph.CanonicalDomain(n.Domain), n.Op, n.Overload}]
}

var errTooDeep = errors.New("functions are nested too deeply, or call each other without end")

// fits is an error if the inlined model would be larger than its file has any
// reason to be. Each body is counted once.
func (c *copier) fits() error {
	own := count(c.from.Graph)
	size := map[*graph.Function]int{}
	for _, f := range c.from.Functions {
		own += count(f.Body)
	}
	n, ok := c.size(c.from.Graph, size, own, 0)
	if limit := maxInlined + 16*own; !ok || n > limit {
		return fmt.Errorf("%w: %d nodes would become more than %d", errTooDeep, own, limit)
	}
	return nil
}

// count is the number of nodes of g and its subgraphs, functions not followed.
func count(g *graph.Graph) int {
	n := len(g.Nodes)
	for _, x := range g.Nodes {
		for _, b := range x.Subgraphs() {
			n += count(b)
		}
	}
	return n
}

// size is the number of nodes of g with functions inlined, or one above the
// limit, and whether calls end.
func (c *copier) size(g *graph.Graph, known map[*graph.Function]int, own, depth int) (n int, ok bool) {
	limit := maxInlined + 16*own
	if depth > maxCalls {
		return 0, false
	}
	for _, x := range g.Nodes {
		n++
		for _, b := range x.Subgraphs() {
			k, ok := c.size(b, known, own, depth+1)
			if !ok {
				return 0, false
			}
			n = min(n+k, limit+1)
		}
		f := c.function(x)
		if f == nil {
			continue
		}
		k, seen := known[f]
		if !seen {
			if k, ok = c.size(f.Body, known, own, depth+1); !ok {
				return 0, false
			}
			known[f] = k
		}
		n = min(n+k, limit+1)
	}
	return n, true
}

// declare makes the copy of v in g.
func (c *copier) declare(g *graph.Graph, v *graph.Value, at map[*graph.Value]*graph.Value, scope string, outer bool) (*graph.Value, error) {
	w, err := g.Declare(scope+v.Name, v.Type)
	if err != nil {
		return nil, err
	}
	w.Init = v.Init
	at[v] = w
	if outer {
		c.in.Origin[w] = v
	}
	return w, nil
}

func (c *copier) graph(g, src *graph.Graph, at map[*graph.Value]*graph.Value, scope string, depth int, outer bool) error {
	for _, v := range src.Inputs {
		w, err := g.AddInput(scope+v.Name, v.Type)
		if err != nil {
			return err
		}
		at[v] = w
		if outer {
			c.in.Origin[w] = v
		}
	}
	if err := c.body(g, src, at, scope, depth, outer); err != nil {
		return err
	}
	for _, v := range src.Outputs {
		w := at[v]
		if w == nil {
			return fmt.Errorf("output %q has no producer", v.Name)
		}
		g.Outputs = append(g.Outputs, w)
	}
	return nil
}

// body copies initializers and nodes of src into g.
func (c *copier) body(g, src *graph.Graph, at map[*graph.Value]*graph.Value, scope string, depth int, outer bool) error {
	for _, v := range src.Inits {
		if at[v] != nil {
			g.SetInit(at[v], v.Init)
			continue
		}
		w, err := c.declare(g, v, at, scope, outer)
		if err != nil {
			return err
		}
		w.Init = nil
		g.SetInit(w, v.Init)
	}
	for _, n := range src.Nodes {
		if err := c.node(g, n, at, scope, depth, outer); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) node(g *graph.Graph, n *graph.Node, at map[*graph.Value]*graph.Value, scope string, depth int, outer bool) error {
	if depth > maxCalls {
		return errTooDeep
	}
	if f := c.function(n); f != nil {
		return c.call(g, n, f, at, scope, depth, outer)
	}
	m := &graph.Node{Op: n.Op, Domain: n.Domain, Overload: n.Overload, Name: n.Name, Doc: n.Doc}
	for _, v := range n.Inputs {
		m.Inputs = append(m.Inputs, at[v])
	}
	for _, a := range n.Attrs {
		b := *a
		if a.Graph != nil {
			b.Origin = graph.Extent{}
			b.Graph = graph.NewGraph(c.in.Model, g)
			if err := c.graph(b.Graph, a.Graph, at, scope, depth+1, outer); err != nil {
				return err
			}
		}
		m.Attrs = append(m.Attrs, &b)
	}
	for _, v := range n.Outputs {
		var w *graph.Value
		if v != nil {
			var err error
			if w, err = c.declare(g, v, at, scope, outer); err != nil {
				return err
			}
		}
		m.Outputs = append(m.Outputs, w)
	}
	return g.AddNode(m)
}

// call puts the body of f in the place of n. The call's outputs stand for what
// the body gives, by Identity nodes that keep their names.
func (c *copier) call(g *graph.Graph, n *graph.Node, f *graph.Function, at map[*graph.Value]*graph.Value, scope string, depth int, outer bool) error {
	body, err := f.Instantiate(n)
	if err != nil {
		return fmt.Errorf("node %v: %w", n, err)
	}
	c.calls++
	inner := map[*graph.Value]*graph.Value{}
	for i, v := range body.Inputs {
		inner[v] = at[n.Input(i)]
	}
	if err := c.body(g, body, inner, fmt.Sprintf("%s%d:", scope, c.calls), depth+1, false); err != nil {
		return err
	}
	for i, v := range n.Outputs {
		if v == nil || i >= len(body.Outputs) {
			continue
		}
		w, err := c.declare(g, v, at, scope, outer)
		if err != nil {
			return err
		}
		if err := g.AddNode(&graph.Node{Op: "Identity", Inputs: []*graph.Value{inner[body.Outputs[i]]}, Outputs: []*graph.Value{w}}); err != nil {
			return err
		}
	}
	return nil
}
