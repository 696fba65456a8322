package patterns

import "math"

// scored finds heads whose parts the graph itself uses as class scores:
// ranked, suppressed, compared, multiplied with an objectness, or a softmax
// beside boxes.
func scored(s *site) []*finding {
	var parts []*part
	for _, p := range s.parts {
		if p.role == neutral && p.act == Softmax && p.n >= 2 && s.hasBoxes() {
			p.role, p.why = class, append(p.why, "a softmax over its channels, beside boxes")
			p.score[class] += 3
		}
		if p.role == class {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 || !s.hasBoxes() && !s.regresses(parts) {
		return nil
	}
	parts = s.twins(parts)
	var heads []*finding
	for _, set := range s.together(parts) {
		h := s.head(set, 0, 1)
		if h == nil {
			continue
		}
		h.Confidence = min(h.Confidence, math.Round(90+min(h.score, 8))/100)
		heads = append(heads, h)
	}
	return heads
}

// regresses reports whether something beside parts has the form of boxes:
// undecided parts of such widths on the same rows.
func (s *site) regresses(parts []*part) bool {
	f := parts[0].roots[0].field
	for _, p := range s.parts {
		g := p.roots[0].field
		w, ok := boxWidths[p.n]
		if p.role == neutral && ok && w.score > 0 && p.act != Softmax && spatial(f) == spatial(g) && f != g {
			s.addBoxes(p.roots...)
		}
	}
	return s.hasBoxes()
}
