package match

import "github.com/onnxloss/onnxloss/graph"

// viewNeutral is the view of an operator that combines data with a number that
// changes nothing: times or by 1, plus or minus 0.
func viewNeutral(a *Analysis, n *graph.Node) []*View {
	v := a.neutral(n)
	if v == nil {
		return nil
	}
	return []*View{a.View(v)}
}

// neutral is the operand of n that n gives as it is; nil if there is none.
func (a *Analysis) neutral(n *graph.Node) *graph.Value {
	number := 1.0
	switch n.Op {
	case "Add", "Sub":
		number = 0
	case "Mul", "Div":
	default:
		return nil
	}
	for i := range min(2, len(n.Inputs)) {
		v, c := n.Input(i), n.Input(1-i)
		w := a.View(v)
		if w == nil || !a.Static(c) || i == 1 && (n.Op == "Sub" || n.Op == "Div") || !a.isNumber(c, number) {
			continue
		}
		if s := a.shape(c); s != nil && len(s) <= w.Rank {
			return v
		}
	}
	return nil
}

// Before is what the operator that makes v moves into v, in order: the inputs
// of a Concat, the first input of others, and of what a body gives or takes the
// value outside or inside it.
func (a *Analysis) Before(v *graph.Value) []*graph.Value {
	if x := a.behind[v]; x != nil {
		return []*graph.Value{x}
	}
	n := v.Producer()
	switch {
	case n == nil || len(n.Inputs) == 0 || len(n.Subgraphs()) > 0:
		return nil
	case n.Op == "Concat" || n.Op == "QLinearConcat":
		return n.Inputs
	}
	if x := a.neutral(n); x != nil {
		return []*graph.Value{x}
	}
	return n.Inputs[:1]
}

// producer is the node that makes v, but for nodes that only rename, convert
// or round it.
func (a *Analysis) producer(v *graph.Value) *graph.Node {
	if v = a.unwrapped(v); v == nil {
		return nil
	}
	return v.Producer()
}

// unwrapped is the value that v is but for its name, its element type and
// rounding.
func (a *Analysis) unwrapped(v *graph.Value) *graph.Value {
	for range maxWrapped {
		v = a.renamed(v)
		if v == nil || v.Producer() == nil || v.Producer().Op != "QuantizeLinear" && v.Producer().Op != "DequantizeLinear" {
			return v
		}
		v = v.Producer().Input(0)
	}
	return v
}

// renamed is the value that v is but for its name and element type.
func (a *Analysis) renamed(v *graph.Value) *graph.Value {
	for range maxWrapped {
		if v == nil {
			break
		}
		n := v.Producer()
		if x := a.behind[v]; x != nil {
			v = x
			continue
		}
		if n == nil {
			return v
		}
		switch n.Op {
		case "Identity", "Cast", "CastLike", "Dropout":
			v = n.Input(0)
			continue
		}
		x := a.neutral(n)
		if x == nil {
			return v
		}
		v = x
	}
	return v
}

// maxWrapped bounds how many nodes in a row may rename or convert one value.
const maxWrapped = 64

// readers appends the nodes that read v, but for those that only rename,
// convert or round it the nodes that read what these give.
func (a *Analysis) readers(v *graph.Value, to []*graph.Node) []*graph.Node {
	for _, u := range v.Uses() {
		o := u.Node.Output(0)
		if len(to) < maxWrapped && o != nil && o != v && a.unwrapped(o) == a.unwrapped(v) {
			to = a.readers(o, to)
			continue
		}
		to = append(to, u.Node)
	}
	return to
}
