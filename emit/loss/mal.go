package loss

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "mal", Golden: "mal", Activation: Sigmoid, Eps: true, Targets: Qualities,
		Equation: "−Σ [qᵢ^γ log pᵢ + (1−qᵢ^γ) log(1−pᵢ) where qᵢ > 0, else pᵢ^γ log(1−pᵢ)], p = σ(z)",
		Source:   "matchability-aware loss, Huang et al., DEIM (arXiv 2412.04234), section 3.3; differentiated as the equation stands, while the authors' code takes p^γ for a constant",
		When:     "detection transformers with dense one-to-one matching, where matches of low quality are to be learned too",
		Params:   []Param{{Name: "gamma", Default: 1.5, Hi: 100, Doc: "exponent of the quality and of the focal modulation; 0 turns both off"}},
		Build: func(b *Build) *graph.Value {
			quality, rest, _ := matchability(b)
			return op.Add(op.Mul(quality, b.CostOfP()), op.Mul(rest, b.CostOfNotP()))
		},
		Gradient: func(b *Build) *graph.Value {
			quality, rest, focus := matchability(b)
			up := op.Mul(rest, b.P())
			if γ := b.Param("gamma"); γ != 0 {
				up = op.Add(up, op.Mul(op.Mul(focus, b.Scale(b.NotP(), γ)), b.CostOfNotP()))
			}
			return op.Sub(up, op.Mul(quality, b.NotP()))
		},
		Closed: func(x *Point) Slope {
			γ := x.Param("gamma")
			if x.Q == 0 {
				return x.Negative(γ)
			}
			quality := math.Pow(x.Q, γ)
			return x.Positive(0).Scale(quality).Plus(x.Negative(0).Scale(1 - quality))
		},
	})
}

// matchability is the factors of −log p and of −log(1−p): q^γ, and 1 − q^γ or, where
// q = 0, the focus p^γ, which is the third, 0 elsewhere.
func matchability(b *Build) (quality, rest, focus *graph.Value) {
	γ := b.Param("gamma")
	some := b.part("some quality", func() *graph.Value { return op.Cast(op.Greater(b.Q, b.Const(0)), b.Q.Type.DType) })
	quality = some
	if γ != 0 {
		quality = b.part("quality", func() *graph.Value { return b.powTarget(b.Q, γ) })
	}
	focus = b.part("focus", func() *graph.Value { return weighPower(op.Sub(b.Const(1), some), b.PowP, γ) })
	rest = b.part("rest", func() *graph.Value { return op.Add(op.Sub(some, quality), focus) })
	return quality, rest, focus
}
