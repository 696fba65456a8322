package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "focal-softmax", Golden: "focal_softmax",
		Equation: "−α Σ qᵢ (1−pᵢ)^γ log pᵢ, p = softmax(z)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5, over a softmax",
		When:     "one class per anchor, a head with a background class, and many easy anchors; wrong classes act through the softmax only",
		Params:   []loss.Param{loss.Alpha(0.25).EachClass(), loss.Gamma(2).EachClass()},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "modified-focal-sigmoid", Base: "ce",
			Terms: loss.FocalTerms(loss.PositiveTerm),
			Build: func(b *loss.Build) *graph.Value {
				return b.Positive(b.Param("alpha"), b.Param("gamma"))
			},
			Gradient: func(b *loss.Build) *graph.Value {
				α, γ := b.Param("alpha"), b.Param("gamma")
				byP := op.Neg(b.PositiveWeight(α, γ))
				if γ == 0 {
					return b.SoftmaxGradient(byP, nil)
				}
				return b.SoftmaxGradient(byP, b.Scale(b.Positive(α, γ), γ))
			},
			Closed: func(x *loss.Point) loss.Dual {
				α, γ := x.Param("alpha"), x.Param("gamma")
				m := α * x.Q * x.PowNotP(γ)
				return loss.Dual{Value: -m * x.LogP, P: -m * x.DLogP, NotP: -γ * m * x.LogP}
			},
		},
	})
}
