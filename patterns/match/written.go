package match

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// written finds an activation that is written out in arithmetic and ends in n:
// a sigmoid 1/(1+exp(−x)), a softmax exp(x)/Σexp(x), with or without the
// maximum taken off.
func (a *Analysis) written(n *graph.Node) (written, bool) {
	switch {
	case n.Op == "Reciprocal" || n.Op == "Div" && a.isNumber(n.Input(0), 1):
		den := n.Input(len(n.Inputs) - 1)
		if x := a.minusExp(den); x != nil {
			return written{operator{gates, Sigmoid}, x, -1}, true
		}
	case n.Op == "Div":
		e, s := producer(n.Input(0)), producer(n.Input(1))
		if e == nil || s == nil || e.Op != "Exp" || s.Op != "ReduceSum" || s.Input(0) != n.Input(0) || s.Int("keepdims", 1) == 0 {
			break
		}
		list, ok := a.ints(s, "axes", 1)
		if !ok || len(list) != 1 {
			break
		}
		x := e.Input(0)
		if sub := producer(x); sub != nil && sub.Op == "Sub" {
			if m := producer(sub.Input(1)); m != nil && m.Op == "ReduceMax" && m.Input(0) == sub.Input(0) {
				x = sub.Input(0)
			}
		}
		return written{operator{picks, Softmax}, x, int(list[0])}, true
	}
	return written{}, false
}

// minusExp is x if v is 1 + exp(−x), else nil.
func (a *Analysis) minusExp(v *graph.Value) *graph.Value {
	add := producer(v)
	if add == nil || add.Op != "Add" {
		return nil
	}
	for i := range 2 {
		e := producer(add.Input(i))
		if e == nil || e.Op != "Exp" || !a.isNumber(add.Input(1-i), 1) {
			continue
		}
		neg := producer(e.Input(0))
		switch {
		case neg == nil:
		case neg.Op == "Neg":
			return neg.Input(0)
		case neg.Op == "Mul" && a.isNumber(neg.Input(1), -1):
			return neg.Input(0)
		case neg.Op == "Mul" && a.isNumber(neg.Input(0), -1):
			return neg.Input(1)
		}
	}
	return nil
}

// partOfActivation reports whether n, an Exp, serves an activation that is
// written out.
func (a *Analysis) partOfActivation(n *graph.Node) bool {
	for _, u := range n.Output(0).Uses() {
		o := u.Node.Output(0)
		switch {
		case u.Node.Op == "ReduceSum":
			continue
		case u.Node.Op == "Add" && o != nil:
			for _, w := range o.Uses() {
				if _, ok := a.written(w.Node); !ok {
					return false
				}
			}
			continue
		}
		if _, ok := a.written(u.Node); !ok {
			return false
		}
	}
	return len(n.Output(0).Uses()) > 0
}

func producer(v *graph.Value) *graph.Node {
	if v == nil {
		return nil
	}
	return v.Producer()
}

// isNumber reports whether v is the constant number x, of one element.
func (a *Analysis) isNumber(v *graph.Value, x float64) bool {
	if v == nil {
		return false
	}
	t := a.infer.Of(v).Const
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
