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
		// Both terms have the factor q where it is above 0; elsewhere only the
		// negative term is left, with the focal modulation.
		Build: func(b *Build) *graph.Value {
			α, γ := b.Param("alpha"), b.Param("gamma")
			_, empty := b.split(op.Greater(b.Q, b.Const(0)))
			focus := b.Scale(empty, α)
			if γ != 0 {
				focus = op.Mul(focus, b.PowP(γ))
			}
			positive := op.Mul(b.Q, b.Positive(1, 0))
			return op.Add(positive, op.Mul(op.Add(b.Q, focus), b.Negative(1, 0)))
		},
		Closed: func(x *Point) Slope {
			if x.Q > 0 {
				return closedBinaryCrossEntropy(x).Scale(x.Q)
			}
			return x.Negative(x.Param("gamma")).Scale(x.Param("alpha"))
		},
	})
}
