package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "sigmoid-focal", Golden: "sigmoid_focal",
		Equation: "Σ α_t (1−p_t)^γ BCE(p, q), p = σ(z), p_t = pq + (1−p)(1−q), α_t = αq + (1−α)(1−q)",
		Source:   "focal loss, Lin et al. (arXiv 1708.02002), eq. 5; for soft q as in torchvision's sigmoid_focal_loss",
		When:     "dense one-stage detectors with far more background than objects and no sampling (RetinaNet, FCOS, DETR's relatives); reduce by positives",
		Params:   []loss.Param{signedAlpha().EachClass(), loss.Gamma(2).EachClass()},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Terms:    loss.FocalTerms(loss.BothTerms),
			Build:    sigmoidFocal,
			Gradient: func(b *loss.Build) *graph.Value { return gradFocal(b, alphaOf(b), 0) },
			Closed:   closedSigmoidFocal,
		},
	})
}

// signedAlpha is α of the losses that can go without it.
func signedAlpha() loss.Param {
	return loss.Param{Name: "alpha", Default: 0.25, Lo: -1, Hi: 1, Doc: "weight of positives; that of negatives is 1 − alpha; below 0, both weights are 1"}
}

func sigmoidFocal(b *loss.Build) *graph.Value { return focalLoss(b, alphaOf(b)) }

// alphaOf is α_t; nil where α is off.
func alphaOf(b *loss.Build) *graph.Value {
	if α := b.Each("alpha"); α != nil {
		return op.Add(op.Mul(b.Q, b.PerClass("alphas", α)), op.Mul(b.NotQ(), b.PerClass("alphas", loss.Complements(α))))
	}
	α := b.Param("alpha")
	if α < 0 {
		return nil
	}
	return b.Part("alpha_t", func() *graph.Value {
		return op.Add(b.Scale(b.Q, 2*α-1), b.Const(1-α))
	})
}

// unweightedFocal is sigmoidFocal without α.
func unweightedFocal(b *loss.Build) *graph.Value { return focalLoss(b, nil) }

// focalLoss is weight · W^γ · BCE, W = 1 − p_t; a weight of nil is 1.
func focalLoss(b *loss.Build, weight *graph.Value) *graph.Value {
	γ := b.Param("gamma")
	switch {
	case b.Each("gamma") != nil:
		return weigh(weight, op.Mul(b.PowEach(b.Wrong(), b.Each("gamma")), b.BCE()))
	case γ == 0:
		return weigh(weight, b.BCE())
	case !loss.IsPower(γ):
		return weigh(weight, op.Mul(b.Pow(b.Wrong(), γ), b.BCE()))
	}
	return weigh(focus(b, weight, γ), op.Mul(b.Wrong(), b.BCE()))
}

// focus is weight · W^(γ−1) for a whole γ ≥ 1; nil if that is 1.
func focus(b *loss.Build, weight *graph.Value, γ float64) *graph.Value {
	if γ == 1 {
		return weight
	}
	return b.Part("focus", func() *graph.Value { return weigh(weight, b.Pow(b.Wrong(), γ-1)) })
}

// weigh is weight · x; a weight of nil is 1.
func weigh(weight, x *graph.Value) *graph.Value {
	if weight == nil {
		return x
	}
	return op.Mul(weight, x)
}

// gradFocal is the derivative by z of focalLoss + ε W^(γ+1):
// weight · W^(γ−1) (γ W′ BCE + W BCE′) + ε (γ+1) W^γ W′.
func gradFocal(b *loss.Build, weight *graph.Value, ε float64) *graph.Value {
	γ := b.Param("gamma")
	if γ != 0 && !loss.IsPower(γ) {
		return nil
	}
	if γ == 0 {
		derivative := weigh(weight, b.Residual())
		if ε != 0 {
			derivative = op.Add(derivative, wrongDerivative(b, ε))
		}
		return b.ByDepth(derivative)
	}
	wrong := wrongDerivative(b, γ)
	derivative := op.Add(op.Mul(wrong, b.BCE()), op.Mul(b.Wrong(), b.Residual()))
	derivative = weigh(focus(b, weight, γ), derivative)
	if ε != 0 {
		derivative = op.Add(derivative, op.Mul(b.Pow(b.Wrong(), γ), b.Scale(wrong, ε*(γ+1)/γ)))
	}
	return b.ByDepth(derivative)
}

// wrongDerivative is c times the derivative of W by −|z|.
func wrongDerivative(b *loss.Build, c float64) *graph.Value {
	return op.Mul(b.Spread(), op.Sub(b.Const(c), b.Scale(b.Miss(), 2*c)))
}

func closedSigmoidFocal(x *loss.Point) loss.Dual {
	α, γ := x.Param("alpha"), x.Param("gamma")
	f := x.BCE().Times(x.Wrong(γ))
	if α < 0 {
		return f
	}
	return f.Scale(α*x.Q + (1-α)*(1-x.Q))
}
