package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "varifocal", Golden: "varifocal", Activation: Sigmoid, Eps: true, Targets: Qualities,
		Equation: "Σ wᵢ BCE(pᵢ, qᵢ), w = q where q > 0, else α p^γ, p = σ(z)",
		Source:   "varifocal loss, Zhang et al., VarifocalNet (arXiv 2008.13367), eq. 2",
		When:     "targets that say how well the box fits, where positives are few and precious: negatives are turned down, positives are weighed by their quality (VFNet, PP-YOLOE, RT-DETR)",
		Params: []Param{
			{Name: "alpha", Default: 0.75, Hi: 1, Doc: "weight of the classes whose target is 0"},
			gamma(2),
		},
		Build: func(b *Build) *graph.Value {
			return op.Mul(op.Add(b.Q, emptyFocus(b)), b.BCE())
		},
		Gradient: func(b *Build) *graph.Value {
			γ, slope := b.Param("gamma"), b.ByDepth(op.Mul(op.Add(b.Q, emptyFocus(b)), b.Residual()))
			if γ == 0 {
				return slope
			}
			return op.Add(slope, op.Mul(op.Mul(emptyFocus(b), b.Scale(b.NotP(), γ)), b.BCE()))
		},
		Closed: func(x *Point) Slope {
			if x.Q > 0 {
				return closedBinaryCrossEntropy(x).Scale(x.Q)
			}
			return x.Negative(x.Param("gamma")).Scale(x.Param("alpha"))
		},
	})
}

// emptyFocus is α p^γ for the classes whose target is 0, else 0.
func emptyFocus(b *Build) *graph.Value {
	return b.part("focus of empty", func() *graph.Value {
		α, γ := b.Param("alpha"), b.Param("gamma")
		some := op.Cast(op.Greater(b.Q, b.Const(0)), b.Q.Type.DType)
		focus := op.Sub(b.Const(α), b.Scale(some, α))
		if γ != 0 {
			focus = op.Mul(focus, b.PowP(γ))
		}
		return focus
	})
}
