package patterns

import (
	"math"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// scored finds heads whose parts the graph itself uses as class scores:
// ranked, suppressed, compared, multiplied with an objectness, or a softmax
// beside boxes.
func scored(s *site) []*finding {
	s.gates()
	var parts []*part
	picks := 3.0 // of a softmax that nothing ranks; less beside what is ranked
	if slices.ContainsFunc(s.parts, func(p *part) bool { return p.role == class }) {
		picks = 1
	}
	for _, p := range s.parts {
		if p.role == neutral && p.act == Softmax && s.offBoxes(p) {
			p.role, p.why = other, []string{"a softmax over the pixels of a map on which no boxes are regressed"}
		}
		if p.role == neutral && p.act == Softmax && p.n >= 2 && s.hasBoxes() {
			p.role, p.why = class, append(p.why, "a softmax over its channels, beside boxes")
			p.score[class] += picks
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
	sets := s.together(parts)
	aligned := slices.ContainsFunc(sets, s.onBoxes)
	for _, set := range sets {
		h := s.head(set, s.sharing(set[0]), 1)
		if h == nil {
			continue
		}
		if h.Activation == Softmax && h.Background >= 0 && h.Confidence > convention {
			h.score++ // a background that is cut off, as only a detection's is
		}
		if len(sets) > 1 && onlyIndex(set) {
			h.score -= 2
			h.Confidence = min(h.Confidence, 0.5)
			h.Evidence = append(h.Evidence, "nothing but the index of its greatest channel is used, as of the bins of an angle, beside scores")
		}
		if h.Activation == Softmax && set[0].marks.Has(match.Sum) {
			h.Confidence = min(h.Confidence, convention)
			h.Evidence = append(h.Evidence, "its scores are added to those of another head: which of them is meant is a convention")
		}
		if aligned && !s.onBoxes(set) {
			h.score -= 3
			h.Confidence = min(h.Confidence, 0.5)
			h.Evidence = append(h.Evidence, "no boxes are regressed on maps of its size, as they are beside another head")
		}
		h.Confidence = min(h.Confidence, math.Round(90+min(h.score, 8))/100)
		heads = append(heads, h)
	}
	return heads
}

// onlyIndex reports whether of each part nothing is used but the index of its
// greatest channel.
func onlyIndex(set []*part) bool {
	return !slices.ContainsFunc(set, func(p *part) bool {
		const scores = match.Output | match.MaxChan | match.TopK | match.TopKChan | match.Factored | match.Product | match.Threshold | match.NMSScore | match.Opaque
		return !p.marks.Has(match.ArgMax) || p.marks.Has(scores)
	})
}

// regresses reports whether something beside parts has the form of boxes:
// undecided parts of such widths on the same rows.
func (s *site) regresses(parts []*part) bool {
	f, anchors := parts[0].roots[0].field, int64(1)
	if k := parts[0].group; k > 0 && f.Channels()%k == 0 {
		anchors = f.Channels() / k
	}
	for _, p := range s.parts {
		g := p.roots[0].field
		w, ok := boxWidths[p.n]
		if p.n == g.Channels() && p.n%anchors == 0 {
			w, ok = boxWidths[p.n/anchors]
		}
		apart := f != g || !p.roots[0].span.Meets(parts[0].roots[0].span)
		if p.role == neutral && ok && w.score > 0 && p.act != Softmax && spatial(f) == spatial(g) && apart {
			s.addBoxes(p.roots...)
		}
	}
	return s.hasBoxes()
}

// offBoxes reports whether p's maps have sizes of which no box's is.
func (s *site) offBoxes(p *part) bool {
	return s.hasBoxes() && !s.onBoxes([]*part{p})
}

// onBoxes reports whether boxes are regressed on a map of the size of one of
// the parts, or whether that cannot be said.
func (s *site) onBoxes(parts []*part) bool {
	for _, p := range parts {
		for _, r := range p.roots {
			if k := mapSize(r.field); k == "" || s.boxes.sizes[k] || !s.comparable(k) {
				return true
			}
		}
	}
	return len(s.boxes.sizes) == 0
}

// comparable reports whether the sizes of the boxes' maps are known as size k
// is: all as numbers, or all as strides.
func (s *site) comparable(k string) bool {
	stride := strings.HasPrefix(k, strideSize)
	for b := range s.boxes.sizes {
		if strings.HasPrefix(b, strideSize) != stride {
			return false
		}
	}
	return true
}

// sharing is the number of class channels of one anchor where the graph scores
// maps whose anchors share the channel axis: as anchors says, for the numbers
// of anchors that no other box regression of one anchor has.
func (s *site) sharing(p *part) int64 {
	group := s.anchors(p)
	if group == 0 {
		return 0
	}
	switch p.n / group {
	case 3, 5, 6, 9:
		return group
	}
	return 0
}
