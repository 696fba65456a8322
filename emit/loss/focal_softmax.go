package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "focal-softmax", Golden: "focal_softmax", Activation: Softmax, Eps: true, Instead: "modified-focal-sigmoid",
		Equation: "−α Σ qᵢ (1−pᵢ)^γ log pᵢ, p = softmax(z)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5, over a softmax",
		When:     "one class per anchor, a head with a background class, and many easy anchors; classes that are wrong act through the softmax only",
		Params:   []Param{perClass(alpha(0.25)), perClass(gamma(2))},
		Terms:    focalTerms(oneTerm), Base: "ce",
		Build: func(b *Build) *graph.Value {
			return b.Positive(b.Param("alpha"), b.Param("gamma"))
		},
		Gradient: func(b *Build) *graph.Value {
			α, γ := b.Param("alpha"), b.Param("gamma")
			byP := op.Neg(b.positiveWeight(α, γ))
			if γ == 0 {
				return b.SoftmaxSlope(byP, nil)
			}
			return b.SoftmaxSlope(byP, b.Scale(b.Positive(α, γ), γ))
		},
		Closed: func(x *Point) Slope {
			α, γ := x.Param("alpha"), x.Param("gamma")
			m := α * x.Q * x.PowNotP(γ)
			return Slope{Value: -m * x.LogP, P: -m * x.DLogP, NotP: -γ * m * x.LogP}
		},
	})
}
