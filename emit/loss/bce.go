package loss

import (
	"github.com/onnxloss/onnxloss/graph"
)

func init() {
	register(&Loss{
		Name: "bce", Golden: "bce", Activation: Sigmoid, Eps: true,
		Equation: "−Σ [qᵢ log pᵢ + (1−qᵢ) log(1−pᵢ)], p = σ(z)",
		Source:   "binary cross-entropy; Redmon, Farhadi, YOLOv3 (arXiv 1804.02767), section 2.2",
		When:     "classes that do not exclude each other, soft labels, or assigners that balance positives and negatives themselves (the YOLO family); with fixed anchors the many negatives drown the positives, and a focal form does better",
		Terms:    twoTerms,
		Build:    (*Build).BCE, Gradient: gradBCE,
		Closed: closedBinaryCrossEntropy,
	})
}

func gradBCE(b *Build) *graph.Value { return b.ByDepth(b.Residual()) }

func closedBinaryCrossEntropy(x *Point) Slope {
	q, notQ := x.Q, 1-x.Q
	return Slope{
		Value: -q*x.LogP - notQ*x.LogNotP,
		P:     -q * x.DLogP,
		NotP:  -notQ * x.DLogNotP,
	}
}
