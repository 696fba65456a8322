package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "modified-focal-sigmoid", Golden: "modified_focal_sigmoid",
		Equation: "−Σ [α qᵢ (1−pᵢ)^γ log pᵢ + (1−α) (1−qᵢ) pᵢ^γ log(1−pᵢ)], p = σ(z)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5, in both terms of the project's general form",
		When:     "the first choice for heads with one sigmoid per class and no sampling: easy negatives are down-weighted, hard ones are penalized class by class. The best in the project's own measurements; for targets of 0 and 1 it equals sigmoid-focal",
		Params:   []loss.Param{loss.Alpha(0.25).EachClass(), loss.Gamma(2).EachClass()},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Base: "bce",
			Terms: loss.FocalTerms(loss.BothTerms),
			Build: twoSidedFocal,
			Gradient: func(b *loss.Build) *graph.Value {
				α, γ := b.Param("alpha"), b.Param("gamma")
				return gradTwoSided(b, b.PositiveWeight(α, γ), γ, b.NegativeWeight(1-α, γ), γ)
			},
			Closed: closedTwoSidedFocal,
		},
	})
}

func twoSidedFocal(b *loss.Build) *graph.Value {
	α, γ := b.Param("alpha"), b.Param("gamma")
	return op.Add(b.Positive(α, γ), b.Negative(1-α, γ))
}

// gradTwoSided is the derivative by z of P·(−log p) + N·(−log(1−p)), where P
// holds (1−p)^γ⁺ and N holds p^γ⁻: N (p − γ⁻ (1−p) log(1−p)) − P (1−p − γ⁺ p log p).
func gradTwoSided(b *loss.Build, positive *graph.Value, γPos float64, negative *graph.Value, γNeg float64) *graph.Value {
	up, down := b.P(), b.NotP()
	if γNeg != 0 {
		up = op.Add(up, op.Mul(b.Scale(b.NotP(), γNeg), b.CostOfNotP()))
	}
	if γPos != 0 {
		down = op.Add(down, op.Mul(b.Scale(b.P(), γPos), b.CostOfP()))
	}
	return op.Sub(op.Mul(negative, up), op.Mul(positive, down))
}

func closedTwoSidedFocal(x *loss.Point) loss.Dual {
	α, γ := x.Param("alpha"), x.Param("gamma")
	pos := α * x.Q * x.PowNotP(γ)
	neg := (1 - α) * (1 - x.Q) * x.PowP(γ)
	return loss.Dual{
		Value: -pos*x.LogP - neg*x.LogNotP,
		P:     -pos*x.DLogP - γ*neg*x.LogNotP,
		NotP:  -neg*x.DLogNotP - γ*pos*x.LogP,
	}
}
