package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "mal", Golden: "mal",
		Equation: "−Σ [qᵢ^γ log pᵢ + (1−qᵢ^γ) log(1−pᵢ) where qᵢ > 0, else pᵢ^γ log(1−pᵢ)], p = σ(z)",
		Source:   "matchability-aware loss, Huang et al., DEIM (arXiv 2412.04234), section 3.3; differentiated as the equation stands, while the authors' code takes p^γ for a constant",
		When:     "detection transformers with dense one-to-one matching, in which low-quality matches should be learned too",
		Params:   []loss.Param{{Name: "gamma", Default: 1.5, Hi: 100, Doc: "exponent of the quality and of the focal modulation; 0 turns both off"}},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Targets: loss.Qualities,
			Build: func(b *loss.Build) *graph.Value {
				quality, rest, _ := matchability(b)
				return op.Add(op.Mul(quality, b.CostOfP()), op.Mul(rest, b.CostOfNotP()))
			},
			Gradient: func(b *loss.Build) *graph.Value {
				quality, rest, focus := matchability(b)
				up := op.Mul(rest, b.P())
				if γ := b.Param("gamma"); γ != 0 {
					up = op.Add(up, op.Mul(op.Mul(focus, b.Scale(b.NotP(), γ)), b.CostOfNotP()))
				}
				return op.Sub(up, op.Mul(quality, b.NotP()))
			},
			Closed: func(x *loss.Point) loss.Dual {
				γ := x.Param("gamma")
				if x.Q == 0 {
					return x.Negative(γ)
				}
				quality := math.Pow(x.Q, γ)
				return x.Positive(0).Scale(quality).Plus(x.Negative(0).Scale(1 - quality))
			},
		},
	})
}

// matchability is the factors of −log p and of −log(1−p): q^γ, and 1 − q^γ or, where
// q = 0, the focus p^γ, which is the third, 0 elsewhere.
func matchability(b *loss.Build) (quality, rest, focus *graph.Value) {
	γ := b.Param("gamma")
	some := b.Part("some quality", func() *graph.Value { return op.Cast(op.Greater(b.Q, b.Const(0)), b.Q.Type.DType) })
	quality = some
	if γ != 0 {
		quality = b.Part("quality", func() *graph.Value { return b.PowTarget(b.Q, γ) })
	}
	focus = b.Part("focus", func() *graph.Value { return weighPower(op.Sub(b.Const(1), some), b.PowP, γ) })
	rest = b.Part("rest", func() *graph.Value { return op.Add(op.Sub(some, quality), focus) })
	return quality, rest, focus
}
