package loss

func init() {
	register(&Loss{
		Name: "distribution-focal", Golden: "distribution_focal", Kind: Box, Activation: Softmax, Eps: true, Targets: Positions,
		Equation: "−[(i+1−y) log pᵢ + (y−i) log pᵢ₊₁], p = softmax(z) over the bins of one side, y its distance in bins, i ≤ y ≤ i+1",
		Source:   "distribution focal loss, Li et al., Generalized Focal Loss (arXiv 2006.04388), eq. 6",
		When:     "boxes as distributions (GFL, NanoDet, PicoDet, the YOLOv6 and YOLOv8 families), beside the class loss and a loss of the overlap",
		Build:    crossEntropy, Closed: closedCrossEntropy,
	})
}
