package emit

import "github.com/onnxloss/onnxloss/patterns"

// Suggest is the name of a loss to start with for head h: one with the head's
// own activation, focal for a detector, few of whose many anchors contain an
// object, and plain for an image classifier. If the graph ends at the logits, a
// detector's head is assumed to use sigmoids, as most do, and a classifier's a
// softmax.
func Suggest(h *patterns.Head) string {
	softmax := h.Activation == patterns.Softmax || h.Activation == patterns.None && h.PerImage()
	switch {
	case softmax && h.Classes > 1 && h.PerImage():
		return "ce"
	case softmax && h.Classes > 1:
		return "modified-focal-softmax"
	case h.PerImage():
		return "bce"
	}
	return "modified-focal-sigmoid"
}
