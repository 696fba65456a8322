package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

var refinedBox = &Rule{
	Name:  "refined-box",
	Why:   "four numbers that are added to an earlier activation before a sigmoid refine a box, as decoders of queries do",
	Place: "before the uses are weighed: behind the sigmoid boxes look like four classes",
	Reads: Graph,
	After: []string{"later-layer", "raw-copy"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && p.Activation == Sigmoid && p.Channels == 4 && p.score[Class] == 0 && s.refines(p.Value) {
				v := p.as(Box, "four numbers added to a reference, as boxes are refined")
				v.Boxes = p.Roots
				vs = append(vs, v)
			}
		}
		return vs
	},
}

// refines reports whether v is the sum of two data of which one has been
// through an activation: an earlier box, to which a layer adds.
func (s *Scene) refines(v *graph.Value) bool {
	w := s.View(v)
	if w == nil || len(w.Pieces) == 0 {
		return false
	}
	n := w.Pieces[0].Field.Node
	if n == nil || n.Op != "Add" || s.Static(n.Input(0)) || s.Static(n.Input(1)) {
		return false
	}
	return slices.ContainsFunc(n.Inputs, func(x *graph.Value) bool {
		u := s.View(x)
		return u != nil && len(u.Pieces) > 0 && u.Pieces[0].Field.Active
	})
}
