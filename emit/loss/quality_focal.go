package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "quality-focal", Golden: "quality_focal", Activation: Sigmoid, Eps: true, Targets: Qualities,
		Equation: "Σ |qᵢ − pᵢ|^β BCE(pᵢ, qᵢ), p = σ(z)",
		Source:   "quality focal loss, Li et al., Generalized Focal Loss (arXiv 2006.04388), eq. 2",
		When:     "targets that say how well the box fits (its overlap with the object) in place of 1, so that scores can rank boxes (GFL, RTMDet)",
		// Between 0 and 1 the derivative at p = q would be infinite.
		Params: []Param{{Name: "beta", Default: 2, Lo: 1, Hi: 100, Zero: true, Doc: "exponent of the distance to the target; 0 turns it off"}},
		Build: func(b *Build) *graph.Value {
			β := b.Param("beta")
			if β == 0 {
				return binaryCrossEntropy(b)
			}
			// q(1−p) − (1−q)p cancels nothing for q = 0 and q = 1.
			d := op.Sub(op.Mul(b.Q, b.NotP()), op.Mul(b.NotQ(), b.P()))
			return op.Mul(b.Pow(op.Abs(d), β), binaryCrossEntropy(b))
		},
		Closed: func(x *Point) Slope {
			q, p := x.Q*x.NotP, (1-x.Q)*x.P
			d := Slope{q - p, -p, q}
			if d.Value < 0 {
				d = d.Scale(-1)
			}
			return d.Pow(x.Param("beta")).Times(closedBinaryCrossEntropy(x))
		},
	})
}
