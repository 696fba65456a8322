package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "modified-focal-softmax", Golden: "modified_focal_softmax",
		Equation: "−Σ [α qᵢ (1−pᵢ)^γ log pᵢ + (1−α) (1−qᵢ) pᵢ^γ log(1−pᵢ)], p = softmax(z)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5, in both terms of the project's general form, over a softmax",
		When:     "a softmax head with many easy negatives, when wrong classes should be penalized individually",
		Params:   []loss.Param{loss.Alpha(0.25).EachClass(), loss.Gamma(2).EachClass()},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "modified-focal-sigmoid", Base: "modified-ce-softmax",
			Terms: loss.FocalTerms(loss.BothTerms),
			Build: twoSidedFocal,
			Gradient: func(b *loss.Build) *graph.Value {
				α, γ := b.Param("alpha"), b.Param("gamma")
				positive, negative := b.PositiveWeight(α, γ), b.NegativeWeight(1-α, γ)
				if γ == 0 {
					return b.SoftmaxGradient(op.Neg(positive), op.Neg(negative))
				}
				return b.SoftmaxGradient(
					op.Sub(b.Scale(b.Negative(1-α, γ), γ), positive),
					op.Sub(b.Scale(b.Positive(α, γ), γ), negative))
			},
			Closed: closedTwoSidedFocal,
		},
	})
}
