package patterns

import "github.com/onnxloss/onnxloss/patterns/match"

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
	parts = s.finals(parts)
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
		h.Confidence = min(h.Confidence, 0.9+min(h.score, 8)*0.01)
		heads = append(heads, h)
	}
	return heads
}

// finals are the parts that reach an output, if any does; the others propose
// regions or queries to what follows.
func (s *site) finals(parts []*part) []*part {
	var out []*part
	for _, p := range parts {
		if p.marks.Has(match.Output | match.Opaque) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return parts
	}
	for _, p := range parts {
		if !p.marks.Has(match.Output | match.Opaque) {
			p.rejected = "proposes regions or queries: it reaches no output"
		}
	}
	return out
}

// regresses reports whether something beside parts has the form of boxes:
// undecided raw maps of two or four channels on the same rows.
func (s *site) regresses(parts []*part) bool {
	f := parts[0].roots[0].field
	for _, p := range s.parts {
		g := p.roots[0].field
		if p.role == neutral && (p.n%4 == 0 || p.n == 2) && p.act != Softmax && spatial(f) == spatial(g) && f != g {
			s.boxes = append(s.boxes, p.roots...)
		}
	}
	return s.hasBoxes()
}
