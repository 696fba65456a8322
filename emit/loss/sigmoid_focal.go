package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "sigmoid-focal", Golden: "sigmoid_focal", Activation: Sigmoid, Eps: true,
		Equation: "Σ α_t (1−p_t)^γ BCE(p, q), p = σ(z), p_t = pq + (1−p)(1−q), α_t = αq + (1−α)(1−q)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5; for soft q as in torchvision's sigmoid_focal_loss",
		When:     "dense one-stage detectors with far more background than objects and no sampling (RetinaNet, FCOS, DETR's relatives); reduce by positives",
		Params:   []Param{signedAlpha(), gamma(2)},
		Build:    sigmoidFocal,
		Closed:   closedSigmoidFocal,
	})
}

// signedAlpha is α of the losses that can go without it.
func signedAlpha() Param {
	return Param{Name: "alpha", Default: 0.25, Lo: -1, Hi: 1, Doc: "weight of the targets, 1 − alpha that of the rest; below 0, both have 1"}
}

func sigmoidFocal(b *Build) *graph.Value {
	α := b.Param("alpha")
	if α < 0 {
		return unweightedFocal(b)
	}
	share := op.Add(b.Scale(b.Q, α), b.Scale(b.NotQ(), 1-α))
	return op.Mul(share, unweightedFocal(b))
}

// unweightedFocal is sigmoidFocal without α.
func unweightedFocal(b *Build) *graph.Value {
	γ, cost := b.Param("gamma"), binaryCrossEntropy(b)
	if γ != 0 {
		cost = op.Mul(b.Pow(b.Wrong(), γ), cost)
	}
	return cost
}

func closedSigmoidFocal(x *Point) Slope {
	α, γ := x.Param("alpha"), x.Param("gamma")
	f := closedBinaryCrossEntropy(x).Times(x.Wrong(γ))
	if α < 0 {
		return f
	}
	return f.Scale(α*x.Q + (1-α)*(1-x.Q))
}
