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
			γ := b.Param("gamma")
			some, none := b.split(op.Greater(b.Q, b.Const(0)))
			quality, focus := some, none
			if γ != 0 {
				quality, focus = b.Pow(b.Q, γ), op.Mul(none, b.PowP(γ))
			}
			rest := op.Add(op.Sub(some, quality), focus)
			return op.Add(op.Mul(quality, b.CostOfP()), op.Mul(rest, b.CostOfNotP()))
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
