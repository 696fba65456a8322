package graph

import (
	"errors"
	"fmt"
	"slices"
)

// Inlined is a model in which no node calls a model-local function.
type Inlined struct {
	Model *Model
	// Origin maps values of Model to those of the original model; values from
	// function bodies are not in it. It is nil if the model has no functions and
	// Model is the original.
	Origin map[*Value]*Value
	// Uniform reports whether every inlined function imports the model's own
	// operator sets, so that Model can run.
	Uniform bool
}

// Of returns the value of the original model that v stands for, or nil.
func (i *Inlined) Of(v *Value) *Value {
	if i.Origin == nil {
		return v
	}
	return i.Origin[v]
}

// Bounds on the inlined model: functions that call functions multiply with
// every level.
const (
	maxInlined = 1 << 18 // nodes, plus 16 for each node in the file
	maxCalls   = 64
)

// Inline replaces each call of a model-local function by the function's body, in
// a copy of the model; a model without functions is not copied. It fails if
// functions call each other in a circle or if the result would be much larger
// than the file.
func Inline(m *Model) (*Inlined, error) {
	if len(m.Functions) == 0 {
		return &Inlined{Model: m}, nil
	}
	c := &copier{from: m, in: &Inlined{Origin: map[*Value]*Value{}, Uniform: true}, named: map[functionKey]*Function{}}
	for _, f := range slices.Backward(m.Functions) { // of two with the same name, the first counts
		c.named[functionKey{CanonicalDomain(f.Domain), f.Name, f.Overload}] = f
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
	g := NewGraph(c.in.Model, nil)
	g.Name, g.Doc = m.Graph.Name, m.Graph.Doc
	c.in.Model.Graph = g
	at := map[*Value]*Value{}
	if err := c.graph(g, m.Graph, at, "", 0, true); err != nil {
		return nil, err
	}
	return c.in, nil
}

type copier struct {
	from  *Model
	in    *Inlined
	calls int
	named map[functionKey]*Function
}

// functionKey identifies a function to its callers.
type functionKey struct{ domain, op, overload string }

// function returns the function that n calls; nil if n is an operator.
func (c *copier) function(n *Node) *Function {
	return c.named[functionKey{CanonicalDomain(n.Domain), n.Op, n.Overload}]
}

var errTooDeep = errors.New("functions are nested too deeply, or call each other recursively")

// fits returns an error if the inlined model would be too large. Each body is
// counted once.
func (c *copier) fits() error {
	own := count(c.from.Graph)
	size := map[*Function]int{}
	for _, f := range c.from.Functions {
		own += count(f.Body)
	}
	n, ok := c.size(c.from.Graph, size, own, 0)
	if limit := maxInlined + 16*own; !ok || n > limit {
		return fmt.Errorf("%w: %d nodes would expand to more than %d", errTooDeep, own, limit)
	}
	return nil
}

// count returns the number of nodes in g and its subgraphs, without following calls.
func count(g *Graph) int {
	n := len(g.Nodes)
	for _, x := range g.Nodes {
		for _, b := range x.Subgraphs() {
			n += count(b)
		}
	}
	return n
}

// size returns the number of nodes in g with functions inlined, at most one above
// the limit. ok is false if calls nest too deeply.
func (c *copier) size(g *Graph, known map[*Function]int, own, depth int) (n int, ok bool) {
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

// declare copies v into g.
func (c *copier) declare(g *Graph, v *Value, at map[*Value]*Value, scope string, outer bool) (*Value, error) {
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

func (c *copier) graph(g, src *Graph, at map[*Value]*Value, scope string, depth int, outer bool) error {
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

// body copies the initializers and nodes of src into g.
func (c *copier) body(g, src *Graph, at map[*Value]*Value, scope string, depth int, outer bool) error {
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

func (c *copier) node(g *Graph, n *Node, at map[*Value]*Value, scope string, depth int, outer bool) error {
	if depth > maxCalls {
		return errTooDeep
	}
	if f := c.function(n); f != nil {
		return c.call(g, n, f, at, scope, depth, outer)
	}
	m := &Node{Op: n.Op, Domain: n.Domain, Overload: n.Overload, Name: n.Name, Doc: n.Doc}
	for _, v := range n.Inputs {
		m.Inputs = append(m.Inputs, at[v])
	}
	for _, a := range n.Attrs {
		b := *a
		if a.Graph != nil {
			b.Origin = Extent{}
			b.Graph = NewGraph(c.in.Model, g)
			if err := c.graph(b.Graph, a.Graph, at, scope, depth+1, outer); err != nil {
				return err
			}
		}
		m.Attrs = append(m.Attrs, &b)
	}
	for _, v := range n.Outputs {
		var w *Value
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

// call copies the body of f in place of n. Identity nodes connect the body's
// outputs to the call's, which keep their names.
func (c *copier) call(g *Graph, n *Node, f *Function, at map[*Value]*Value, scope string, depth int, outer bool) error {
	body, err := f.Instantiate(n)
	if err != nil {
		return fmt.Errorf("node %v: %w", n, err)
	}
	c.calls++
	inner := map[*Value]*Value{}
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
		if err := g.AddNode(&Node{Op: "Identity", Inputs: []*Value{inner[body.Outputs[i]]}, Outputs: []*Value{w}}); err != nil {
			return err
		}
	}
	return nil
}
