package class

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "bce", Golden: "bce",
		Equation: "−Σ [qᵢ log pᵢ + (1−qᵢ) log(1−pᵢ)], p = σ(z)",
		Source:   "binary cross-entropy; Redmon, Farhadi, YOLOv3 (arXiv 1804.02767), section 2.2",
		When:     "classes that do not exclude each other, soft labels, or assigners that balance positives and negatives themselves (the YOLO family); with fixed anchors the many negatives outweigh the positives, and a focal form does better",
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Terms:    loss.BothTerms,
			Build:    (*loss.Build).BCE,
			Gradient: (*loss.Build).BCEGradient,
			Closed:   (*loss.Point).BCE,
		},
	})
}
