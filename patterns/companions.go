package patterns

import "github.com/onnxloss/onnxloss/patterns/rule"

// companions finds the objectness and the box tensor of h.
func (s *site) companions(h *Head) {
	if s.objectness == nil {
		s.objectness = []sized{}
		for _, p := range s.Parts {
			if p.Role == rule.Objectness {
				if x := s.part(s.Sources(p)[0], 0); x.Source != nil {
					s.objectness = append(s.objectness, sized{x, p.Extent()})
				}
			}
		}
	}
	if len(s.objectness) == len(h.Levels) {
		h.Objectness = matched(s.objectness, h)
	}
	h.Distributions = s.distributions(h)
	if p := h.parts[0]; len(p.Roots) > 0 {
		h.Box = s.Boxes.Sized[rule.Spatial(p.Roots[0].Field)]
	}
	if h.Box == nil {
		h.Box = s.Boxes.Tensor
	}
}

// sized is an objectness with the size of its map.
type sized struct {
	Part
	extent float64
}

// matched are the objectness maps in the order of the head's levels, which may
// be that of a Concat.
func matched(o []sized, h *Head) []Part {
	var r []Part
	of := map[float64][]Part{}
	for _, x := range o {
		of[x.extent] = append(of[x.extent], x.Part)
	}
	for _, q := range h.parts {
		if x := of[q.Extent()]; len(x) > 0 {
			r, of[q.Extent()] = append(r, x[0]), x[1:]
		}
	}
	if len(r) == len(o) {
		return r
	}
	r = nil
	for _, x := range o {
		r = append(r, x.Part)
	}
	return r
}
