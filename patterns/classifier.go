package patterns

import (
	"math/bits"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// classifier finds the head of a classifier: one row per image, or sample, from a
// dense layer, alone, in a model without boxes.
func classifier(s *site) []*finding {
	if s.hasBoxes() {
		return nil
	}
	var found *part
	for _, p := range s.parts {
		if !p.marks.Has(match.Output|match.ArgMax) || p.role == hidden || p.role == box {
			continue
		}
		w := s.View(p.value)
		if found != nil || p.role == other || !s.isRow(w, p) || w.Letter(0) != match.Images || p.n < 2 && p.n >= 0 {
			return nil
		}
		found = p
	}
	if found == nil || len(s.Model.Graph.Outputs) > 2 {
		return nil
	}
	confidence := 0.9
	switch {
	case s.opts.Activation != "" || s.opts.Classes > 0:
		confidence = 0.95 // the user speaks of classes
	case found.marks.Has(match.ArgMax):
	case found.act == None && found.n >= 64 && bits.OnesCount64(uint64(found.n)) == 1:
		s.doubt = "raw rows of a power of two may be an embedding as well as classes"
		s.takes = "--activation softmax if they are classes"
		return nil
	case found.act == None:
		confidence = 0.7
	case found.act == Sigmoid:
		confidence = 0.8 // or points, or attributes
	}
	kind := "one row per sample and no boxes: a classifier of what is no image"
	if images(s.Model.Graph) {
		kind = "one row per image and no boxes: an image classifier"
	}
	return s.headsOf([]*part{found}, 0, confidence, kind)
}

// isRow reports whether p has one row for each image: a matrix, or a map of one cell.
func (s *site) isRow(w *match.View, p *part) bool {
	shape := s.Shape(p.value)
	return w.Rank == 2 || w.Rank == 4 && p.dim == 1 && len(shape) == 4 && shape[2].Value == 1 && shape[3].Value == 1
}
