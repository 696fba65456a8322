package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func (e *emission) reduce(b *Build, per, q *graph.Value) *graph.Value {
	all := []int64{0, 1}
	switch e.opts.Reduction {
	case None:
		return nil
	case Mean:
		return e.mean(b, per, q)
	case WeightedMean:
		return op.Div(op.ReduceSum(per, all, false), e.orOne(b, op.ReduceSum(e.weights(q), all, false)))
	case Positives:
		return op.Div(op.ReduceSum(per, all, false), e.atLeastOne(b, e.positives(b, q)))
	case Fed:
		return op.Div(op.ReduceSum(per, all, false), e.orOne(b, e.normalizer))
	}
	return op.ReduceSum(per, all, false)
}

// mean is the sum of per divided by what Mean says. Where N or A are dynamic the
// batch may be empty.
func (e *emission) mean(b *Build, per, q *graph.Value) *graph.Value {
	all := []int64{0, 1}
	switch {
	case e.loss.Weighted:
		w := op.Mul(e.labels(q), e.perClass("class_weights", e.loss.classWeights(e.opts, e.classes)))
		return op.Div(op.ReduceSum(per, all, false), e.orOne(b, op.ReduceSum(w, []int64{0, 1, 2}, false)))
	case e.valid != nil:
		return op.Div(op.ReduceSum(per, all, false), e.atLeastOne(b, e.valid))
	case e.shape[0].IsKnown() && e.shape[1].IsKnown():
		return op.ReduceMean(per, all, false)
	}
	return op.Div(op.ReduceSum(per, all, false), op.Max(op.Cast(op.Size(per), e.dtype), b.Const(1)))
}

// weights is what WeightedMean adds up, [N, A].
func (e *emission) weights(q *graph.Value) *graph.Value {
	if w := e.loss.classWeights(e.opts, e.classes); w != nil {
		q = op.Mul(q, e.perClass("class_weights", w))
	}
	return product(op.ReduceSum(q, []int64{2}, false), e.factors)
}

// product is x times all factors.
func product(x *graph.Value, factors []*graph.Value) *graph.Value {
	for _, f := range factors {
		x = op.Mul(x, f)
	}
	return x
}

// positives is 1 for each positive anchor, else 0, [N, A]; see Positives.
func (e *emission) positives(b *Build, q *graph.Value) *graph.Value {
	if bg := e.opts.Background; bg != nil {
		object := make([]float64, e.classes)
		for i := range object {
			if i != *bg {
				object[i] = 1
			}
		}
		q = op.Mul(q, e.perClass("object", object))
	}
	top := op.ReduceMax(q, []int64{2}, false)
	is := op.Greater(top, b.Const(0))
	if e.loss.Targets == Heat {
		is = op.Not(op.Less(top, b.Const(1)))
	}
	pos := op.Cast(is, e.dtype)
	if e.valid != nil {
		pos = op.Mul(pos, e.valid)
	}
	return pos
}

// atLeastOne is the sum of marks [N, A], or 1 if that is less.
func (e *emission) atLeastOne(b *Build, marks *graph.Value) *graph.Value {
	return op.Max(op.ReduceSum(marks, []int64{0, 1}, false), b.Const(1))
}

// orOne is the scalar x, or 1 where x is not above 0.
func (e *emission) orOne(b *Build, x *graph.Value) *graph.Value {
	some, none := b.Split(op.Greater(x, b.Const(0)))
	return op.Add(op.Mul(some, x), none)
}
