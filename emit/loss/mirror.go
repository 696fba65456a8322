package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// mirror is the two probabilities of every class, p and 1 − p, sorted by size:
// the smaller is computed from the logits, the larger from the smaller.
type mirror struct {
	upper, lower    *graph.Value // 1 where p is the larger, 1 where it is the smaller; else 0
	smaller, larger *graph.Value
	costP, costNotP *graph.Value // −log p, −log(1−p)
}

func (b *Build) exact() *mirror {
	if b.mirror == nil {
		if b.act == Softmax {
			b.mirror = b.softmax()
		} else {
			b.mirror = b.sigmoid()
		}
	}
	return b.mirror
}

// sigmoid has the larger and the smaller of σ(z) and 1 − σ(z) as 1/(1+u) and
// u/(1+u), u = exp(−|z|). As z has its own factor for each sign, the derivative
// is that of softplus on either side of 0 and at 0, and tiny terms are never
// added to terms that cancel.
func (b *Build) sigmoid() *mirror {
	up, low := b.split(op.Greater(b.z, b.Const(0)))
	over, under := op.Mul(up, b.z), op.Mul(low, b.z) // max(z, 0), min(z, 0)
	u := op.Exp(op.Sub(under, over))
	w, t := b.log1p(u)
	return &mirror{
		upper: up, lower: low,
		smaller: op.Div(u, w), larger: op.Div(b.Const(1), w),
		costP: op.Sub(t, under), costNotP: op.Add(t, over),
	}
}

// dominant is log p above which a class's complement is summed afresh: p > 0.6.
// At most one class has that, rounding included.
const dominant = -0.5

// far takes a class out of a softmax. It is finite, so that products with 0 are
// 0.
const far = 1 << 100

// softmax has 1 − p of a dominant class by a softmax over the other classes:
// for any of these, log p with all classes less log p without the dominant
// one is log(1−p) of that one. The largest of the others is the one to ask.
func (b *Build) softmax() *mirror {
	log := b.logSoftmax()
	up, low := b.split(op.Greater(log, b.Const(dominant)))
	rest := op.LogSoftmax(op.Sub(b.z, b.Scale(up, far)), 2)
	best := op.Cast(op.Equal(op.ArgMax(rest, 2, true), b.classIndices()), b.z.Type.DType)
	logRest := op.ReduceSum(op.Mul(best, op.Sub(log, rest)), []int64{2}, true)

	logLow, logUp := op.Mul(low, log), op.Mul(up, logRest) // log of the smaller of p and 1−p, in two halves
	small := op.Exp(op.Add(logLow, logUp))
	w, logLarge := b.log1p(op.Neg(small))
	return &mirror{
		upper: up, lower: low, smaller: small, larger: w,
		costP:    op.Neg(op.Add(logLow, op.Mul(up, logLarge))),
		costNotP: op.Neg(op.Add(logUp, op.Mul(low, logLarge))),
	}
}

// log1p is 1 + x and log(1 + x) for −0.6 ≤ x ≤ 1. What rounding 1 + x lost is
// added to the logarithm, to full relative precision for small x.
func (b *Build) log1p(x *graph.Value) (w, log *graph.Value) {
	w = op.Add(b.Const(1), x)
	lost := op.Sub(x, op.Sub(w, b.Const(1)))
	return w, op.Add(op.Log(w), lost)
}
