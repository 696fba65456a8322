package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "conf-mse", Golden: "conf_mse", Kind: Confidence, Activation: Sigmoid,
		Equation: "(p − t)², p = σ(z)",
		Source:   "squared error of the confidence; Redmon et al., YOLO (arXiv 1506.02640), eq. 3",
		When:     "an objectness that is fed the overlap of box and object, or 0 and 1 with noise; gradients stay small where the network is confidently wrong. The better of the two in the project's own measurements",
		// p − t = (1−t)·p − t·(1−p), which cancels nothing for t = 0 and t = 1.
		Build: func(b *Build) *graph.Value {
			d := op.Sub(op.Mul(b.NotQ(), b.P()), op.Mul(b.Q, b.NotP()))
			return op.Mul(d, d)
		},
		Closed: func(x *Point) Slope {
			d := (1-x.Q)*x.P - x.Q*x.NotP
			return Slope{Value: d * d, P: 2 * d * x.P}
		},
	})
}
