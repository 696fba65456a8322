package rule

import "strings"

var scored = &Rule{
	Name:  "scored",
	Why:   "the graph itself uses the channels as class scores: it ranks, suppresses or compares them, multiplies them with an objectness, or puts a softmax over them beside boxes",
	Place: "the first of those that find heads: what a graph does with scores is the best evidence there is",
	Reads: Graph,
	After: []string{"proposals", "gates", "softmax-beside-boxes", "box-shapes"},
	Judge: func(s *Scene) []Verdict {
		if !s.HasBoxes() {
			return nil
		}
		parts, vs := s.twins(s.classes())
		for _, set := range s.Together(parts) {
			vs = append(vs, Verdict{Head: &Claim{Parts: set, Group: s.sharing(set[0]), Confidence: 1}})
		}
		return vs
	},
}

// classes are the parts that are taken for classes.
func (s *Scene) classes() []*Part {
	var parts []*Part
	for _, p := range s.Parts {
		if p.Role == Class {
			parts = append(parts, p)
		}
	}
	return parts
}

// offBoxes reports whether p's maps have sizes of which no box's is.
func (s *Scene) offBoxes(p *Part) bool {
	return s.HasBoxes() && !s.onBoxes([]*Part{p})
}

// onBoxes reports whether boxes are regressed on a map of the size of one of
// the parts, or whether that cannot be said.
func (s *Scene) onBoxes(parts []*Part) bool {
	for _, p := range parts {
		for _, r := range p.Roots {
			if k := MapSize(r.Field); k == "" || s.Boxes.sizes[k] || !s.comparable(k) {
				return true
			}
		}
	}
	return len(s.Boxes.sizes) == 0
}

// comparable reports whether the sizes of the boxes' maps are known as size k
// is: all as numbers, or all as strides.
func (s *Scene) comparable(k string) bool {
	stride := strings.HasPrefix(k, strideSize)
	for b := range s.Boxes.sizes {
		if strings.HasPrefix(b, strideSize) != stride {
			return false
		}
	}
	return true
}

// sharing is the number of class channels of one anchor where the graph scores
// maps whose anchors share the channel axis: as anchors says, for the numbers
// of anchors that no other box regression of one anchor has.
func (s *Scene) sharing(p *Part) int64 {
	group := s.anchors(p)
	if group == 0 {
		return 0
	}
	switch p.Channels / group {
	case 3, 5, 6, 9:
		return group
	}
	return 0
}
