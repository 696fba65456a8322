package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Under a sigmoid everything is made of u = exp(−|z|): s = u/(1+u) is the
// smaller of p and 1−p, to full relative precision, and 1 − s the larger. Which
// of the two is p is a comparison of z with 0, which has its own factor on either
// side: so the derivative is right on either side of 0 and at 0, and tiny terms
// are never added to terms that cancel.
//
// What does not tell classes that are wanted from others needs only how much of
// the target lies on the less probable side: the miss, q where p < 1/2, else
// 1 − q.

// upper is 1 where p is the larger of p and 1−p, else 0.
func (b *Build) upper() *graph.Value {
	return b.Part("upper", func() *graph.Value {
		return op.Cast(op.Greater(b.z, b.Const(0)), b.z.Type.DType)
	})
}

// lower is 1 where p is the smaller, else 0.
func (b *Build) lower() *graph.Value {
	return b.Part("lower", func() *graph.Value { return op.Sub(b.Const(1), b.upper()) })
}

// side is 1 − 2·upper: −|z| = side·z.
func (b *Build) side() *graph.Value {
	return b.Part("side", func() *graph.Value {
		return op.Sub(b.Const(1), b.Scale(b.upper(), 2))
	})
}

// depth is −|z|.
func (b *Build) depth() *graph.Value {
	return b.Part("minus abs z", func() *graph.Value { return op.Mul(b.side(), b.z) })
}

// smaller is the smaller of p and 1−p, u/(1+u).
func (b *Build) smaller() *graph.Value {
	return b.Part("smaller", func() *graph.Value {
		u := op.Exp(b.depth())
		if b.z.Type.DType == tensor.Float64 { // of which runtimes have no Softsign
			return op.Div(u, op.Add(b.Const(1), u))
		}
		return op.Softsign(u)
	})
}

// larger is the larger of p and 1−p.
func (b *Build) larger() *graph.Value {
	return b.Part("larger", func() *graph.Value { return op.Sub(b.Const(1), b.smaller()) })
}

// costOfLarger is −log of the larger, log(1+u), to full relative precision: what
// rounding 1 − s lost is added to the logarithm.
func (b *Build) costOfLarger() *graph.Value {
	return b.Part("cost larger", func() *graph.Value {
		lost := op.Sub(b.smaller(), op.Sub(b.Const(1), b.larger()))
		return op.Sub(lost, op.Log(b.larger()))
	})
}

// apart is the larger less the smaller.
func (b *Build) apart() *graph.Value {
	return b.Part("apart", func() *graph.Value { return op.Sub(b.larger(), b.smaller()) })
}

func (b *Build) sigmoidP() *graph.Value {
	return op.Add(b.smaller(), op.Mul(b.upper(), b.apart()))
}

func (b *Build) sigmoidNotP() *graph.Value {
	return op.Add(b.smaller(), op.Mul(b.lower(), b.apart()))
}

// sigmoidCostOfP is −log p = log(1+u) − min(z, 0).
func (b *Build) sigmoidCostOfP() *graph.Value {
	return op.Sub(b.costOfLarger(), op.Mul(b.lower(), b.z))
}

// sigmoidCostOfNotP is −log(1 − p) = log(1+u) + max(z, 0).
func (b *Build) sigmoidCostOfNotP() *graph.Value {
	return op.Add(b.costOfLarger(), op.Mul(b.upper(), b.z))
}

// Miss is the target's share on the less probable side, |upper − q|.
func (b *Build) Miss() *graph.Value {
	return b.Part("miss", func() *graph.Value { return op.Abs(op.Sub(b.upper(), b.Q)) })
}

// BCE is q·(−log p) + (1−q)·(−log(1−p)).
func (b *Build) BCE() *graph.Value {
	return b.Part("bce", func() *graph.Value {
		if b.act == Sigmoid && b.eps == 0 {
			return op.Sub(b.costOfLarger(), op.Mul(b.Miss(), b.depth()))
		}
		return op.Add(b.Positive(1, 0), b.Negative(1, 0))
	})
}

// Residual is p − q where p is the smaller of p and 1−p, else q − p, under a
// sigmoid; it cancels nothing for q = 0 and q = 1. It is the derivative of BCE by
// −|z|.
func (b *Build) Residual() *graph.Value {
	return b.Part("residual", func() *graph.Value { return op.Sub(b.smaller(), b.Miss()) })
}

// Wrong is 1 − p_t = q(1−p) + (1−q)p, the probability that is not given to the
// target, to full relative precision; under a sigmoid.
func (b *Build) Wrong() *graph.Value {
	return b.Part("1-p_t", func() *graph.Value {
		return op.Add(b.smaller(), op.Mul(b.Miss(), b.apart()))
	})
}

// Spread is p(1−p), under a sigmoid.
func (b *Build) Spread() *graph.Value {
	return b.Part("spread", func() *graph.Value { return op.Mul(b.smaller(), b.larger()) })
}

// ByDepth is a derivative by z, of the derivative by −|z|.
func (b *Build) ByDepth(slope *graph.Value) *graph.Value { return op.Mul(b.side(), slope) }
