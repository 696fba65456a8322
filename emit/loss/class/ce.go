package class

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "ce", Golden: "ce",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z)",
		Source:   "cross-entropy; Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.2.2.3, eq. 6.30",
		When:     "one class per anchor and about as many positives as negatives, as after sampling in a two-stage detector; negatives act through the softmax only",
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "bce",
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}
