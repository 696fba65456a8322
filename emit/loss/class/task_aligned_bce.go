package class

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "task-aligned-bce", Golden: "task_aligned_bce", Reduction: loss.Fed,
		Equation: "Σ |qᵢ − pᵢ|^γ BCE(pᵢ, qᵢ), p = σ(z), the sum over all anchors divided by the fed normalizer, Σ q over the batch",
		Source:   "task-aligned one-stage detection, Feng et al., TOOD (arXiv 2108.07755), section 3.2.2, with γ = 2; γ = 0 is the loss of YOLOv8",
		When:     "detectors of the YOLOv6, YOLOv8 and TOOD families, whose assigner gives each positive a score for its class; feed the sum of these scores",
		Params:   []loss.Param{distance("gamma", 0)},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Targets: loss.Qualities,
			Build:    qualityFocal("gamma"),
			Gradient: gradQualityFocal("gamma"),
			Closed:   closedQualityFocal("gamma"),
		},
	})
}
