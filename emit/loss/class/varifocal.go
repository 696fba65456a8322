package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "varifocal", Golden: "varifocal",
		Equation: "Σ wᵢ BCE(pᵢ, qᵢ), w = q where q > 0, else α p^γ, p = σ(z)",
		Source:   "varifocal loss, Zhang et al., VarifocalNet (arXiv 2008.13367), eq. 2",
		When:     "targets that state how well the box fits, and few positives: negatives are down-weighted, positives are weighted by their quality (VFNet, PP-YOLOE, RT-DETR)",
		Params: []loss.Param{
			{Name: "alpha", Default: 0.75, Hi: 1, Doc: "weight of the classes whose target is 0"},
			loss.Gamma(2),
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Targets: loss.Qualities,
			Build: func(b *loss.Build) *graph.Value {
				return op.Mul(op.Add(b.Q, emptyFocus(b)), b.BCE())
			},
			Gradient: func(b *loss.Build) *graph.Value {
				γ, derivative := b.Param("gamma"), b.ByDepth(op.Mul(op.Add(b.Q, emptyFocus(b)), b.Residual()))
				if γ == 0 {
					return derivative
				}
				return op.Add(derivative, op.Mul(op.Mul(emptyFocus(b), b.Scale(b.NotP(), γ)), b.BCE()))
			},
			Closed: func(x *loss.Point) loss.Dual {
				if x.Q > 0 {
					return x.BCE().Scale(x.Q)
				}
				return x.Negative(x.Param("gamma")).Scale(x.Param("alpha"))
			},
		},
	})
}

// emptyFocus is α p^γ for the classes whose target is 0, else 0.
func emptyFocus(b *loss.Build) *graph.Value {
	return b.Part("focus of empty", func() *graph.Value {
		α, γ := b.Param("alpha"), b.Param("gamma")
		some := op.Cast(op.Greater(b.Q, b.Const(0)), b.Q.Type.DType)
		focus := op.Sub(b.Const(α), b.Scale(some, α))
		if γ != 0 {
			focus = op.Mul(focus, b.PowP(γ))
		}
		return focus
	})
}
