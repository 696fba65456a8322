package match

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// Analysis is what is known of the channels of a model.
type Analysis struct {
	Model  *graph.Model
	Fields []*Field // in the order in which they are computed
	// Nodes are all nodes, those of subgraphs too, in the order in which they
	// run.
	Nodes []*graph.Node

	infer  *op.Facts
	views  map[*graph.Value]*View
	fields map[*graph.Value]*Field
	static map[*graph.Value]bool
	shapes map[*graph.Value]graph.Shape  // what the views add to inference
	behind map[*graph.Value]*graph.Value // of what enters or leaves a body, what it is
	order  map[*graph.Value]int
	// written are the activations in arithmetic, by their last node; inside are
	// the other nodes of them, but those that serve something else too.
	written map[*graph.Node]written
	inside  map[*graph.Node]bool
	// attention is set where a softmax enters a product with other data.
	attention bool
}

// Analyze follows the channels of m, whose functions have been inlined. It
// refines the types of m's values.
func Analyze(m *graph.Model) *Analysis {
	n := len(m.Graph.Nodes)
	a := &Analysis{Model: m, infer: op.InferModel(m), views: make(map[*graph.Value]*View, n), fields: make(map[*graph.Value]*Field, n),
		static: map[*graph.Value]bool{}, shapes: map[*graph.Value]graph.Shape{}, behind: map[*graph.Value]*graph.Value{}, order: make(map[*graph.Value]int, n),
		Nodes: make([]*graph.Node, 0, n), written: map[*graph.Node]written{}, inside: map[*graph.Node]bool{}}
	for _, v := range m.Graph.Inputs {
		if !v.IsConst() {
			a.source(v)
		}
	}
	a.walk(m.Graph)
	for _, o := range m.Graph.Outputs {
		a.note(o, Output)
	}
	a.backward()
	return a
}

// Static reports whether v is known before any data: a constant, or computed
// from constants and shapes alone.
func (a *Analysis) Static(v *graph.Value) bool {
	return v == nil || v.Init != nil || a.static[v]
}

// View is what v shows of fields; nil if v is static or nothing can be said.
func (a *Analysis) View(v *graph.Value) *View {
	if v == nil {
		return nil
	}
	return a.views[v]
}

// Field is the field whose own value v is; nil if v only shows parts of some.
func (a *Analysis) Field(v *graph.Value) *Field { return a.fields[v] }

// ReadErr is the error in reading a constant that was asked for, if there was
// one. The analysis is of no use then.
func (a *Analysis) ReadErr() error { return a.infer.ReadErr() }

// Fact is what inference knows of v.
func (a *Analysis) Fact(v *graph.Value) *op.Fact { return a.infer.Of(v) }

// Order is the position of v among all values, in the order of nodes.
func (a *Analysis) Order(v *graph.Value) int { return a.order[v] }

// shape is what inference and the views know of v's shape.
func (a *Analysis) shape(v *graph.Value) graph.Shape {
	if v == nil {
		return nil
	}
	s := a.infer.Of(v).Shape
	w := a.views[v]
	if w == nil || s.IsStatic() && len(s) == w.Rank {
		return s
	}
	if t, ok := a.shapes[v]; ok {
		return t
	}
	if len(s) == w.Rank && s != nil {
		s = s.Clone()
	} else {
		s = make(graph.Shape, 0, w.Rank) // what the file declares is wrong, or nothing
		for range w.Rank {
			s = append(s, graph.Unknown())
		}
	}
	for d := range s {
		if n := w.Extent(d); !s[d].IsKnown() && n > 1 {
			s[d] = graph.Known(n)
		}
	}
	a.shapes[v] = s
	return s
}

// Shape is what is known of v's shape.
func (a *Analysis) Shape(v *graph.Value) graph.Shape { return a.shape(v) }

func (a *Analysis) source(v *graph.Value) {
	f := a.field(v, nil, Source)
	f.Chan = -1
	if len(f.Shape) == 3 {
		f.Chan = 2
	}
	f.Stride = 1
	a.letters(f)
}

// field makes the field of value v.
func (a *Analysis) field(v *graph.Value, n *graph.Node, k Kind) *Field {
	f := &Field{ID: len(a.Fields), Value: v, Node: n, Kind: k, Shape: a.shape(v), Chan: -1}
	f.Places = f
	a.Fields = append(a.Fields, f)
	a.fields[v] = f
	a.views[v] = f.view()
	return f
}

const maxDepth = 64

func (a *Analysis) walk(g *graph.Graph) { a.walkAt(g, 0) }

func (a *Analysis) walkAt(g *graph.Graph, depth int) {
	a.findWritten(g)
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			if o != nil {
				a.order[o] = len(a.order) + 1
			}
		}
		a.Nodes = append(a.Nodes, n)
		if gs := n.Subgraphs(); len(gs) > 0 && depth < maxDepth {
			a.control(n, gs, depth)
			continue
		}
		a.node(n)
	}
}

func (a *Analysis) node(n *graph.Node) {
	o := flowOf(n)
	if o.Pass == flow.Measured || a.allStatic(n) {
		for _, v := range n.Outputs {
			if v != nil {
				a.static[v] = true
			}
		}
		return
	}
	if view := a.layout(n); view != nil || a.isTaken(n) {
		return
	}
	a.compute(n, o)
}

// allStatic reports whether n is known before any data. Of CastLike the second
// input gives but its type.
func (a *Analysis) allStatic(n *graph.Node) bool {
	in := n.Inputs
	if n.Op == "CastLike" {
		in = in[:min(1, len(in))]
	}
	for _, v := range in {
		if !a.Static(v) {
			return false
		}
	}
	return true
}

// layout gives n's outputs their views if n only moves elements and it can be
// said where; else nil.
func (a *Analysis) layout(n *graph.Node) []*View {
	d := graph.CanonicalDomain(n.Domain)
	f := layouts[n.Op]
	if f == nil || d != "" && d != "com.microsoft" {
		return nil
	}
	views := f(a, n)
	for i, v := range n.Outputs {
		if v != nil && (i >= len(views) || views[i] == nil) {
			return nil
		}
	}
	for i, v := range n.Outputs {
		if v != nil {
			a.views[v] = views[i]
		}
	}
	return views
}

func viewQConcat(a *Analysis, n *graph.Node) []*View {
	m := &graph.Node{Op: "Concat", Attrs: n.Attrs, Outputs: n.Outputs}
	for i := 2; i < len(n.Inputs); i += 3 {
		m.Inputs = append(m.Inputs, n.Inputs[i])
	}
	return viewConcat(a, m)
}

// control follows the bodies of If, Loop and Scan once each: what enters a
// body shows what is given for it, what leaves the node shows what leaves the
// body.
func (a *Analysis) control(n *graph.Node, bodies []*graph.Graph, depth int) {
	skip := map[string]int{"Loop": 2}[n.Op] // a loop's body begins with the count and the condition
	given := n.Inputs
	switch n.Op {
	case "If":
		given = nil
	case "Loop":
		given = n.Inputs[min(2, len(n.Inputs)):]
	}
	for _, b := range bodies {
		for i, v := range b.Inputs {
			k := i - skip
			switch {
			case k < 0:
				a.static[v] = true
			case k < len(given) && a.Static(given[k]):
				a.static[v] = true
			case k < len(given) && n.Op != "Scan":
				a.views[v], a.behind[v] = a.views[given[k]], given[k]
			default:
				a.field(v, n, Dark)
			}
		}
		a.walkAt(b, depth+1)
	}
	for i, o := range n.Outputs {
		if o == nil {
			continue
		}
		a.views[o] = a.outcome(n, o, bodies, i)
		if a.views[o] == nil {
			a.compute(&graph.Node{Op: n.Op, Domain: "body", Inputs: a.results(n, bodies, i), Outputs: []*graph.Value{o}}, flow.Flow{})
		}
	}
}

// results are the values that output i of n may come from.
func (a *Analysis) results(n *graph.Node, bodies []*graph.Graph, i int) []*graph.Value {
	if n.Op == "Loop" {
		i++ // the condition comes first
	}
	var r []*graph.Value
	for _, b := range bodies {
		if i < len(b.Outputs) {
			r = append(r, b.Outputs[i])
		}
	}
	return r
}

// outcome is the view of output i of n, if a body says it: of If the branch
// that has the rank of the output.
func (a *Analysis) outcome(n *graph.Node, o *graph.Value, bodies []*graph.Graph, i int) *View {
	if n.Op == "Scan" {
		return nil
	}
	want := a.shape(o)
	var best *View
	static := true
	var from *graph.Value
	for _, v := range a.results(n, bodies, i) {
		static = static && a.Static(v)
		w := a.views[v]
		if w == nil || n.Op == "Loop" && want != nil && w.Rank != len(want) {
			continue
		}
		if best == nil || want != nil && w.Rank == len(want) && best.Rank != len(want) {
			best, from = w, v
		}
	}
	if best != nil {
		a.behind[o] = from
	}
	if best == nil && static {
		a.static[o] = true
		return &View{Const: true}
	}
	return best
}
