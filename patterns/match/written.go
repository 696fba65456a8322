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
		e, s := a.producer(n.Input(0)), a.producer(n.Input(1))
		if e == nil || s == nil || e.Op != "Exp" || s.Op != "ReduceSum" || a.unwrapped(s.Input(0)) != a.unwrapped(n.Input(0)) || s.Int("keepdims", 1) == 0 {
			break
		}
		list, ok := a.ints(s, "axes", 1)
		if !ok || len(list) != 1 {
			break
		}
		x := e.Input(0)
		if sub := a.producer(x); sub != nil && sub.Op == "Sub" {
			if m := a.producer(sub.Input(1)); m != nil && m.Op == "ReduceMax" && a.unwrapped(m.Input(0)) == a.unwrapped(sub.Input(0)) {
				x = sub.Input(0)
			}
		}
		return written{operator{picks, Softmax}, x, int(list[0])}, true
	}
	return written{}, false
}

// minusExp is x if v is 1 + exp(−x), else nil.
func (a *Analysis) minusExp(v *graph.Value) *graph.Value {
	add := a.producer(v)
	if add == nil || add.Op != "Add" {
		return nil
	}
	for i := range 2 {
		e := a.producer(add.Input(i))
		if e == nil || e.Op != "Exp" || !a.isNumber(add.Input(1-i), 1) {
			continue
		}
		neg := a.producer(e.Input(0))
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
	uses := a.readers(n.Output(0), nil)
	for _, u := range uses {
		switch {
		case u.Op == "ReduceSum":
			continue
		case u.Op == "Add" && u.Output(0) != nil:
			for _, w := range a.readers(u.Output(0), nil) {
				if _, ok := a.written(w); !ok {
					return false
				}
			}
			continue
		}
		if _, ok := a.written(u); !ok {
			return false
		}
	}
	return len(uses) > 0
}

// isNumber reports whether v is the constant number x, of one element.
func (a *Analysis) isNumber(v *graph.Value, x float64) bool {
	if v = a.renamed(v); v == nil {
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
