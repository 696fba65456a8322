package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Under a softmax 1 − p is a subtraction for every class but a dominant one,
// whose 1 − p is the sum of the others' p: both to full relative precision. The
// dominant p is 1 less that sum, so that its derivative cancels nothing either.

func (b *Build) logSoftmax() *graph.Value {
	return b.Part("log softmax", func() *graph.Value { return op.LogSoftmax(b.z, 2) })
}

// dominant is log p above which a class's complement is summed: p > 0.6. At most
// one class has that, rounding included.
const dominant = -0.5

// far takes a class out of a softmax, and leaves those that are masked. It is
// finite, so that products with 0 are 0.
const far = 1 << 120

// dominates is 1 for a dominant class, else 0, and the opposite.
func (b *Build) dominates() (top, rest *graph.Value) {
	top = b.Part("dominates", func() *graph.Value {
		return op.Cast(op.Greater(b.logSoftmax(), b.Const(dominant)), b.z.Type.DType)
	})
	rest = b.Part("does not dominate", func() *graph.Value { return op.Sub(b.Const(1), top) })
	return top, rest
}

// others is p of the classes that are not dominant, 0 for a dominant one and where
// all are masked; and 1 − p of the dominant one, [N, A, 1], 0 where there is none.
func (b *Build) others() (each, sum *graph.Value) {
	top, _ := b.dominates()
	each = b.Part("others", func() *graph.Value {
		open := op.Sub(b.Const(1), b.shut())
		return op.Mul(op.Sub(open, top), op.Softmax(b.z, 2))
	})
	sum = b.Part("sum of others", func() *graph.Value {
		return op.Mul(op.ReduceSum(top, []int64{2}, true), op.ReduceSum(each, []int64{2}, true))
	})
	return each, sum
}

func (b *Build) softmaxP() *graph.Value {
	top, _ := b.dominates()
	each, sum := b.others()
	return op.Add(each, op.Mul(top, op.Sub(b.Const(1), sum)))
}

func (b *Build) softmaxNotP() *graph.Value {
	top, rest := b.dominates()
	each, sum := b.others()
	return op.Add(op.Mul(top, sum), op.Sub(rest, each))
}

// softmaxCostOfP is −log p; for a dominant class −log(1 − Σ p of the others).
func (b *Build) softmaxCostOfP() *graph.Value {
	top, rest := b.dominates()
	_, sum := b.others()
	return op.Sub(b.never(), op.Add(op.Mul(rest, b.logSoftmax()), op.Mul(top, b.log1p(op.Neg(sum)))))
}

// softmaxCostOfNotP is −log(1 − p); for a dominant class by a softmax over the
// others, whose p may be below what float32 holds: for any of these, log p with
// all classes less log p without the dominant one is log(1−p) of that one. The
// largest of the others is the one to ask.
func (b *Build) softmaxCostOfNotP() *graph.Value {
	top, _ := b.dominates()
	each, _ := b.others()
	rest := b.logAmongOthers()
	best := op.Cast(op.Equal(op.ArgMax(rest, 2, true), b.ClassIndices()), b.z.Type.DType)
	logRest := op.ReduceSum(op.Mul(best, op.Sub(b.logSoftmax(), rest)), []int64{2}, true)
	return op.Neg(op.Add(op.Mul(top, logRest), b.log1p(op.Neg(each))))
}

// logAmongOthers is the logarithm of each class's share among those that do not
// dominate; of one that does, so low that its share is 0.
func (b *Build) logAmongOthers() *graph.Value {
	return b.Part("log share of others", func() *graph.Value {
		top, _ := b.dominates()
		return op.LogSoftmax(op.Sub(b.z, b.Scale(top, far)), 2)
	})
}

// SoftmaxGradient is the derivative by z of the sum over the classes of what has the
// derivatives byP by log p and byNotP by log(1−p), nil if none, each times the
// weights of the classes. With δ = 1 for i = j, else 0,
//
//	d log pᵢ / d zⱼ = δ − pⱼ,  d log(1−pᵢ) / d zⱼ = −(δ − pⱼ) pᵢ/(1−pᵢ).
//
// What the dominant class does to the others, and they to it, is summed apart, so
// that nothing cancels: its δ − p is the sum of the others' p, and for it
// pⱼ/(1−pᵢ) is the share of j among them.
func (b *Build) SoftmaxGradient(byP, byNotP *graph.Value) *graph.Value {
	top, rest := b.dominates()
	each, sum := b.others()
	over := func(x *graph.Value) *graph.Value { return op.ReduceSum(x, []int64{2}, true) }
	byP = b.weighted(byP)
	dz := op.Mul(rest, byP)
	all, ofTop := op.Neg(over(dz)), over(op.Mul(top, byP)) // of every anchor, [N, A, 1]
	atTop := op.Mul(sum, ofTop)
	pTop := op.Sub(b.Const(1), sum)
	if byNotP != nil {
		byNotP = b.weighted(byNotP)
		odds := op.Mul(byNotP, op.Div(each, op.Sub(b.Const(1), each)))
		notTop := op.Mul(over(op.Mul(top, byNotP)), pTop)
		dz = op.Add(op.Sub(dz, odds), op.Mul(op.Exp(b.logAmongOthers()), notTop))
		all, atTop = op.Add(all, over(odds)), op.Sub(atTop, notTop)
	}
	atTop = op.Add(atTop, op.Mul(pTop, all))
	return op.Add(op.Add(dz, op.Mul(each, op.Sub(all, ofTop))), op.Mul(top, atTop))
}

// weighted is x times the weights of the classes.
func (b *Build) weighted(x *graph.Value) *graph.Value {
	for _, w := range b.weights {
		x = op.Mul(x, w)
	}
	return x
}

// log1p is log(1 + x) for −0.6 ≤ x ≤ 1. What rounding 1 + x lost is added to
// the logarithm, to full relative precision for small x.
func (b *Build) log1p(x *graph.Value) *graph.Value {
	w := op.Add(b.Const(1), x)
	lost := op.Sub(x, op.Sub(w, b.Const(1)))
	return op.Add(op.Log(w), lost)
}
