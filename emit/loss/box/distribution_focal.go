package box

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "distribution-focal", Golden: "distribution_focal", Kind: loss.Box,
		Equation: "−[(i+1−y) log pᵢ + (y−i) log pᵢ₊₁], p = softmax(z) over the bins of one side, y its distance in bins, i ≤ y ≤ i+1",
		Source:   "distribution focal loss, Li et al., Generalized Focal Loss (arXiv 2006.04388), eq. 6",
		When:     "boxes predicted as distributions (GFL, NanoDet, PicoDet, the YOLOv6 and YOLOv8 families), in addition to a class loss and an overlap loss",
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Targets: loss.Positions,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}
