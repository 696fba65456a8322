package confidence

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "conf-mse", Golden: "conf_mse", Kind: loss.Confidence,
		Equation: "(p − t)², p = σ(z)",
		Source:   "squared error of the confidence; Redmon et al., YOLO (arXiv 1506.02640), eq. 3",
		When:     "objectness targets that are the overlap of box and object, or noisy 0 and 1; gradients stay small even if the network is confidently wrong. The better of the two in the project's own measurements",
		Logits: &loss.Logits{
			Activation: loss.Sigmoid,
			Build:      func(b *loss.Build) *graph.Value { return op.Mul(b.Residual(), b.Residual()) },
			Gradient: func(b *loss.Build) *graph.Value {
				return b.ByDepth(op.Mul(b.Scale(b.Residual(), 2), b.Spread()))
			},
			Closed: func(x *loss.Point) loss.Dual {
				d := (1-x.Q)*x.P - x.Q*x.NotP
				return loss.Dual{Value: d * d, P: 2 * d * x.P}
			},
		},
	})
}
