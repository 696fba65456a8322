package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "ce", Golden: "ce", Activation: Softmax, Eps: true, Instead: "bce",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z)",
		Source:   "cross-entropy; Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.2.2.3, eq. 6.30",
		When:     "one class per anchor and about as many positives as negatives, as after sampling in a two-stage detector; negatives act through the softmax only",
		Terms:    oneTerm,
		Build:    crossEntropy,
		Closed:   closedCrossEntropy,
	})
}

// crossEntropy is the positive term alone, without modulation: the negative
// classes act through the softmax only.
func crossEntropy(b *Build) *graph.Value { return op.Mul(b.Q, b.PlainCostOfP()) }

func closedCrossEntropy(x *Point) Slope {
	return Slope{Value: -x.Q * x.LogP, P: -x.Q * x.DLogP}
}
