package loss

func init() {
	register(&Loss{
		Name: "conf-bce", Golden: "conf_bce", Kind: Confidence, Activation: Sigmoid, Eps: true,
		Equation: "−[t log p + (1−t) log(1−p)], p = σ(z)",
		Source:   "binary cross-entropy; Redmon, Farhadi, YOLOv3 (arXiv 1804.02767), section 2.1",
		When:     "an objectness that is fed 0 or 1; it pushes hard where the network is confidently wrong",
		Terms:    twoTerms,
		Build:    (*Build).BCE, Gradient: gradBCE,
		Closed: closedBinaryCrossEntropy,
	})
}
