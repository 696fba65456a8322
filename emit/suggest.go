package emit

import "github.com/onnxloss/onnxloss/patterns"

// Suggest is the name of a loss to begin with for head h: one of the head's
// own activation, focal for the many anchors of a detector, of which few hold
// an object, and plain for an image classifier. A head whose graph ends before
// any activation is taken for one of sigmoids, as most detectors have, unless
// it is a classifier's.
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
