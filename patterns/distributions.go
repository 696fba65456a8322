package patterns

import "github.com/onnxloss/onnxloss/patterns/match"

// Sides is how many distances a box is.
const Sides = 4

// distributions is, for each layer of h's class logits, the channels of the same
// map that are boxes as distributions: each of 4 sides over as many bins. It is
// nil if a map has none: if there are several anchors at a place, or if boxes are
// 4 numbers, of all classes or of each.
func (s *site) distributions(h *finding) []Part {
	var found []Part
	taken := map[*match.Field]bool{}
	for _, p := range h.parts {
		for _, r := range p.roots {
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
func (s *site) distribution(r root, classes int, taken map[*match.Field]bool) Part {
	k := mapSize(r.field)
	if k == "" || r.channels() != int64(classes) {
		return Part{}
	}
	for _, b := range s.boxes.bins[k] {
		if taken[b.field] || b.channels() == Sides*int64(classes) {
			continue
		}
		x := source{b.field.Value, b.field.Chan, nil}
		if b.within() {
			x.slice = &b.span
		}
		if part := s.part(x, 0); part.Source != nil {
			taken[b.field] = true
			return part
		}
	}
	return Part{}
}

// sides reports whether r may be distributions of 4 sides, by its channels.
func (r root) sides() bool {
	n := r.channels()
	return n%Sides == 0 && n >= 2*Sides
}

// within reports whether r is only some of its layer's channels.
func (r root) within() bool { return r.span != match.All && r.span.Stop >= 0 }

// channels is how many channels of its layer r is.
func (r root) channels() int64 {
	if r.within() {
		return r.span.Stop - r.span.Start
	}
	return r.field.Channels()
}
