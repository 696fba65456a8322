package confidence

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "conf-bce", Golden: "conf_bce", Kind: loss.Confidence,
		Equation: "−[t log p + (1−t) log(1−p)], p = σ(z)",
		Source:   "binary cross-entropy; Redmon, Farhadi, YOLOv3 (arXiv 1804.02767), section 2.1",
		When:     "objectness targets of 0 or 1; it pushes hard if the network is confidently wrong",
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Terms:    loss.BothTerms,
			Build:    (*loss.Build).BCE,
			Gradient: (*loss.Build).BCEGradient,
			Closed:   (*loss.Point).BCE,
		},
	})
}
