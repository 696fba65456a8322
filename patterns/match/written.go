package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// written is an operator that several nodes write out, as one node's: the last
// of them reads the value and applies the role. parts are the others.
type written struct {
	flow.Flow
	value *graph.Value
	axis  int
	parts []*graph.Node
}

var (
	writtenSigmoid = flow.Flow{Pass: flow.Mapped, Effect: flow.Sigmoid}
	writtenSoftmax = flow.Flow{Pass: flow.Mapped, Effect: flow.Softmax}
)

// findWritten finds the activations that g writes out in arithmetic, and the
// nodes that serve nothing else.
func (a *Analysis) findWritten(g *graph.Graph) {
	for _, n := range g.Nodes {
		w, ok := a.writtenAt(n)
		switch {
		case ok:
			a.written[n] = w
			a.serve(n, w.parts)
		case n.Op == "Log":
			if parts, exps := a.exponentials(n.Input(0), nil, 0, 0); exps > 1 {
				a.serve(n, parts)
			}
		}
	}
}

// serve notes which of parts serve nothing but n.
func (a *Analysis) serve(n *graph.Node, parts []*graph.Node) {
	for changed := true; changed; {
		changed = false
		for _, p := range parts {
			if !a.inside[p] && !slices.ContainsFunc(a.readers(p.Output(0), nil), func(u *graph.Node) bool { return u != n && !a.inside[u] }) {
				a.inside[p], changed = true, true
			}
		}
	}
}

// maxTerms bounds the nodes of a sum of exponentials.
const maxTerms = 16

// exponentials are the nodes that add up to v, and how many of them are exponentials:
// a logarithm of several, as of class and objectness together, is a score and no size
// of a box.
func (a *Analysis) exponentials(v *graph.Value, to []*graph.Node, exps, depth int) ([]*graph.Node, int) {
	p := a.producer(v)
	if p == nil || depth > maxTerms || len(to) > maxTerms || a.Static(v) {
		return to, exps
	}
	terms := 1
	switch p.Op {
	case "Exp":
		return append(to, p), exps + 1
	case "Add", "Sum":
		terms = len(p.Inputs)
	case "Clip", "Min", "Max":
	default:
		return to, exps
	}
	to = append(to, p)
	for _, x := range p.Inputs[:min(terms, len(p.Inputs))] {
		to, exps = a.exponentials(x, to, exps, depth+1)
	}
	return to, exps
}

// writtenAt finds an activation that is written out in arithmetic and ends in
// n: a sigmoid 1/(1+exp(−x)) or exp(x)/(1+exp(x)), a softmax exp(x)/Σexp(x) or
// its logarithm x − log Σexp(x), with or without the maximum taken off.
func (a *Analysis) writtenAt(n *graph.Node) (written, bool) {
	if graph.CanonicalDomain(n.Domain) != "" {
		return written{}, false
	}
	switch n.Op {
	case "Reciprocal":
		return a.sigmoidOf(n.Input(0))
	case "Div":
		if a.isNumber(n.Input(0), 1) {
			return a.sigmoidOf(n.Input(1))
		}
		e := a.producer(n.Input(0))
		if e == nil || e.Op != "Exp" {
			break
		}
		if add := a.producer(n.Input(1)); add != nil && add.Op == "Add" {
			for i := range 2 {
				if a.unwrapped(add.Input(i)) == a.unwrapped(n.Input(0)) && a.isNumber(add.Input(1-i), 1) {
					return written{writtenSigmoid, e.Input(0), -1, []*graph.Node{add, e}}, true
				}
			}
		}
		return a.softmaxOf(e.Input(0), n.Input(1), e)
	case "Sub":
		if l := a.producer(n.Input(1)); l != nil && l.Op == "Log" {
			if s := a.producer(l.Input(0)); s != nil && s.Op == "ReduceSum" {
				if e := a.producer(s.Input(0)); e != nil && e.Op == "Exp" && a.unwrapped(e.Input(0)) == a.unwrapped(n.Input(0)) {
					return a.softmaxOf(n.Input(0), l.Input(0), l, e)
				}
			}
		}
	}
	return written{}, false
}

// softmaxOf is the softmax of x, or of what x takes the maximum from, if sum is
// the sum of its exponentials. parts are nodes that serve it.
func (a *Analysis) softmaxOf(x, sum *graph.Value, parts ...*graph.Node) (written, bool) {
	s := a.producer(sum)
	if s == nil || s.Op != "ReduceSum" || s.Int("keepdims", 1) == 0 {
		return written{}, false
	}
	list, ok := a.ints(s, "axes", 1)
	if e := a.producer(s.Input(0)); !ok || len(list) != 1 || e == nil || e.Op != "Exp" || a.unwrapped(e.Input(0)) != a.unwrapped(x) {
		return written{}, false
	}
	parts = append(parts, s)
	if sub := a.producer(x); sub != nil && sub.Op == "Sub" {
		if m := a.producer(sub.Input(1)); m != nil && m.Op == "ReduceMax" && a.unwrapped(m.Input(0)) == a.unwrapped(sub.Input(0)) {
			x, parts = sub.Input(0), append(parts, sub, m)
		}
	}
	return written{writtenSoftmax, x, int(list[0]), parts}, true
}

// sigmoidOf is the sigmoid of x if den is 1 + exp(−x).
func (a *Analysis) sigmoidOf(den *graph.Value) (written, bool) {
	add := a.producer(den)
	if add == nil || add.Op != "Add" {
		return written{}, false
	}
	for i := range 2 {
		e := a.producer(add.Input(i))
		if e == nil || e.Op != "Exp" || !a.isNumber(add.Input(1-i), 1) {
			continue
		}
		neg := a.producer(e.Input(0))
		if neg == nil {
			continue
		}
		w := written{writtenSigmoid, nil, -1, []*graph.Node{add, e, neg}}
		switch {
		case neg.Op == "Neg":
			w.value = neg.Input(0)
		case neg.Op == "Mul" && a.isNumber(neg.Input(1), -1):
			w.value = neg.Input(0)
		case neg.Op == "Mul" && a.isNumber(neg.Input(0), -1):
			w.value = neg.Input(1)
		}
		return w, w.value != nil
	}
	return written{}, false
}

// isNumber reports whether v is the constant number x, of one element.
func (a *Analysis) isNumber(v *graph.Value, x float64) bool {
	if v == nil {
		return false
	}
	fact := a.infer.Of(v)
	if slices.ContainsFunc(fact.Shape, func(d graph.Dim) bool { return d.IsKnown() && d.Value != 1 }) {
		return false // which need not be read
	}
	t := fact.Const()
	if t == nil || t.Len() != 1 {
		return false
	}
	y, ok := number(t)
	return ok && y == x
}

func number(t *tensor.Tensor) (float64, bool) {
	switch t.DType {
	case tensor.Float32:
		return float64(tensor.Data[float32](t)[0]), true
	case tensor.Float64:
		return tensor.Data[float64](t)[0], true
	}
	if v, err := op.Ints(t); err == nil {
		return float64(v[0]), true
	}
	return 0, false
}
