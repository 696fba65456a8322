package patterns

import (
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Sides is how many distances a box is.
const Sides = rule.Sides

// distributions is, for each layer of h's class logits, the channels of the same
// map that are boxes as distributions: each of 4 sides over as many bins. It is
// nil if a map has none: if there are several anchors at a place, or if boxes are
// 4 numbers, of all classes or of each.
func (s *site) distributions(h *Head) []Part {
	var found []Part
	taken := map[*match.Field]bool{}
	for _, p := range h.parts {
		for _, r := range p.Roots {
			part := s.distribution(r, h.Classes, taken)
			if part.Source == nil || len(found) > 0 && part.Slice.Len() != found[0].Slice.Len() {
				return nil
			}
			found = append(found, part)
		}
	}
	return found
}

// distribution is the boxes on the map of the class layer r, unless taken; without
// a source if there are none.
func (s *site) distribution(r rule.Root, classes int, taken map[*match.Field]bool) Part {
	k := rule.MapSize(r.Field)
	if k == "" || r.Count() != int64(classes) {
		return Part{}
	}
	for _, b := range s.Boxes.Bins[k] {
		if taken[b.Field] || b.Count() == Sides*int64(classes) {
			continue
		}
		x := rule.Source{Value: b.Field.Value, Dim: b.Field.Chan}
		if b.Within() {
			x.Slice = &b.Span
		}
		if part := s.part(x, 0); part.Source != nil {
			taken[b.Field] = true
			return part
		}
	}
	return Part{}
}
