package rule

import (
	"math/bits"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

var classifier = &Rule{
	Name:  "classifier",
	Why:   "one row per image, or sample, of a dense layer, alone in a model without boxes, is the classes of a classifier",
	Place: "last: a detector may have such a row beside",
	Reads: Graph,
	After: []string{"raw-map"},
	Judge: func(s *Scene) []Verdict {
		p := s.row()
		if p == nil {
			return nil
		}
		confidence := 0.9
		switch {
		case s.User.Activation != "" || s.User.Classes > 0:
			confidence = 0.95 // the user speaks of classes
		case p.Marks.Has(match.ArgMax):
		case p.Activation == None && p.Channels >= 64 && bits.OnesCount64(uint64(p.Channels)) == 1:
			return []Verdict{{Undecided: "raw rows of a power of two may be an embedding as well as classes", Decides: "--activation softmax if they are classes"}}
		case p.Activation == None:
			confidence = 0.7
		case p.Activation == Sigmoid:
			confidence = 0.8 // or points, or attributes
		}
		kind := "one row per sample and no boxes: a classifier of what is no image"
		if s.ReadsImages() {
			kind = "one row per image and no boxes: an image classifier"
		}
		return s.claims([]*Part{p}, 0, confidence, kind)
	},
}

// row is the one part that leaves the graph, if it has one row for each image; nil in a
// model with boxes, or where several leave it.
func (s *Scene) row() *Part {
	if s.HasBoxes() {
		return nil
	}
	var found *Part
	for _, p := range s.Parts {
		if !p.Marks.Has(match.Output|match.ArgMax) || p.Role == Hidden || p.Role == Box {
			continue
		}
		w := s.View(p.Value)
		if found != nil || p.Role == Other || !s.isRow(w, p) || w.Letter(0) != match.Images || p.Channels < 2 && p.Channels >= 0 {
			return nil
		}
		found = p
	}
	return found
}

// isRow reports whether p has one row for each image: a matrix, or a map of one cell.
func (s *Scene) isRow(w *match.View, p *Part) bool {
	shape := s.Shape(p.Value)
	return w.Rank == 2 || w.Rank == 4 && p.Dim == 1 && len(shape) == 4 && shape[2].Value == 1 && shape[3].Value == 1
}

// ReadsImages reports whether an input of the model has the four axes of images.
func (s *Scene) ReadsImages() bool { return Images(s.Model.Graph) }

// Images reports whether an input of g has the four axes of images.
func Images(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Inputs, func(v *graph.Value) bool { return v.Init == nil && len(v.Shape()) >= 4 })
}
