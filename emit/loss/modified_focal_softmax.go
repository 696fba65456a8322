package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "modified-focal-softmax", Golden: "modified_focal_softmax", Activation: Softmax, Eps: true, Instead: "modified-focal-sigmoid",
		Equation: "−Σ [α qᵢ (1−pᵢ)^γ log pᵢ + (1−α) (1−qᵢ) pᵢ^γ log(1−pᵢ)], p = softmax(z)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5, in both terms of the project's general form, over a softmax",
		When:     "a softmax head with many easy negatives, whose wrong classes should be charged one by one",
		Params:   []Param{perClass(alpha(0.25)), perClass(gamma(2))},
		Terms:    focalTerms(twoTerms), Base: "modified-ce-softmax",
		Build: twoSidedFocal,
		Gradient: func(b *Build) *graph.Value {
			α, γ := b.Param("alpha"), b.Param("gamma")
			positive, negative := b.positiveWeight(α, γ), b.negativeWeight(1-α, γ)
			if γ == 0 {
				return b.SoftmaxSlope(op.Neg(positive), op.Neg(negative))
			}
			return b.SoftmaxSlope(
				op.Sub(b.Scale(b.Negative(1-α, γ), γ), positive),
				op.Sub(b.Scale(b.Positive(α, γ), γ), negative))
		},
		Closed: closedTwoSidedFocal,
	})
}
