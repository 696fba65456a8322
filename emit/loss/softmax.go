package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Under a softmax 1 − p is a subtraction for every class but a dominant one,
// whose 1 − p is the sum of the others' p: both to full relative precision. The
// dominant p is 1 less that sum, so that its derivative cancels nothing either.

func (b *Build) logSoftmax() *graph.Value {
	return b.part("log softmax", func() *graph.Value { return op.LogSoftmax(b.z, 2) })
}

// dominant is log p above which a class's complement is summed: p > 0.6. At most
// one class has that, rounding included.
const dominant = -0.5

// far takes a class out of a softmax. It is finite, so that products with 0 are
// 0.
const far = 1 << 100

// dominates is 1 for a dominant class, else 0, and the opposite.
func (b *Build) dominates() (top, rest *graph.Value) {
	top = b.part("dominates", func() *graph.Value {
		return op.Cast(op.Greater(b.logSoftmax(), b.Const(dominant)), b.z.Type.DType)
	})
	rest = b.part("does not dominate", func() *graph.Value { return op.Sub(b.Const(1), top) })
	return top, rest
}

// others is p of the classes that are not dominant, 0 for a dominant one; and
// 1 − p of the dominant one, [N, A, 1], 0 where there is none.
func (b *Build) others() (each, sum *graph.Value) {
	top, rest := b.dominates()
	each = b.part("others", func() *graph.Value { return op.Mul(rest, op.Softmax(b.z, 2)) })
	sum = b.part("sum of others", func() *graph.Value {
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
	return op.Neg(op.Add(op.Mul(rest, b.logSoftmax()), op.Mul(top, b.log1p(op.Neg(sum)))))
}

// softmaxCostOfNotP is −log(1 − p); for a dominant class by a softmax over the
// others, whose p may be below what float32 holds: for any of these, log p with
// all classes less log p without the dominant one is log(1−p) of that one. The
// largest of the others is the one to ask.
func (b *Build) softmaxCostOfNotP() *graph.Value {
	top, _ := b.dominates()
	each, _ := b.others()
	rest := op.LogSoftmax(op.Sub(b.z, b.Scale(top, far)), 2)
	best := op.Cast(op.Equal(op.ArgMax(rest, 2, true), b.classIndices()), b.z.Type.DType)
	logRest := op.ReduceSum(op.Mul(best, op.Sub(b.logSoftmax(), rest)), []int64{2}, true)
	return op.Neg(op.Add(op.Mul(top, logRest), b.log1p(op.Neg(each))))
}

// log1p is log(1 + x) for −0.6 ≤ x ≤ 1. What rounding 1 + x lost is added to
// the logarithm, to full relative precision for small x.
func (b *Build) log1p(x *graph.Value) *graph.Value {
	w := op.Add(b.Const(1), x)
	lost := op.Sub(x, op.Sub(w, b.Const(1)))
	return op.Add(op.Log(w), lost)
}
