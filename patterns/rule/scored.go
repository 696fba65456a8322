package rule

import (
	"math"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// Scored finds heads whose parts the graph itself uses as class scores:
// ranked, suppressed, compared, multiplied with an objectness, or a softmax
// beside boxes.
func Scored(s *Scene) []*Finding {
	s.gates()
	var parts []*Part
	picks := 3.0 // of a softmax that nothing ranks; less beside what is ranked
	if slices.ContainsFunc(s.Parts, func(p *Part) bool { return p.Role == Class }) {
		picks = 1
	}
	for _, p := range s.Parts {
		if p.Role == Neutral && p.Activation == Softmax && s.offBoxes(p) {
			p.Role, p.Why = Other, []string{"a softmax over the pixels of a map on which no boxes are regressed"}
		}
		if p.Role == Neutral && p.Activation == Softmax && p.Channels >= 2 && s.HasBoxes() {
			p.Role, p.Why = Class, append(p.Why, "a softmax over its channels, beside boxes")
			p.score[Class] += picks
		}
		if p.Role == Class {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 || !s.HasBoxes() && !s.regresses(parts) {
		return nil
	}
	parts = s.twins(parts)
	var heads []*Finding
	sets := s.Together(parts)
	aligned := slices.ContainsFunc(sets, s.onBoxes)
	for _, set := range sets {
		h := s.Take(set, s.sharing(set[0]), 1)
		if h == nil {
			continue
		}
		if h.Activation == Softmax && h.Background >= 0 && h.Confidence > convention {
			h.Score++ // a background that is cut off, as only a detection's is
		}
		if len(sets) > 1 && onlyIndex(set) {
			h.Score -= 2
			h.Confidence = min(h.Confidence, 0.5)
			h.Evidence = append(h.Evidence, "nothing but the index of its greatest channel is used, as of the bins of an angle, beside scores")
		}
		if h.Activation == Softmax && set[0].Marks.Has(match.Sum) {
			h.Confidence = min(h.Confidence, convention)
			h.Evidence = append(h.Evidence, "its scores are added to those of another head: which of them is meant is a convention")
		}
		if aligned && !s.onBoxes(set) {
			h.Score -= 3
			h.Confidence = min(h.Confidence, 0.5)
			h.Evidence = append(h.Evidence, "no boxes are regressed on maps of its size, as they are beside another head")
		}
		h.Confidence = min(h.Confidence, math.Round(90+min(h.Score, 8))/100)
		heads = append(heads, h)
	}
	return heads
}

// onlyIndex reports whether of each part nothing is used but the index of its
// greatest channel.
func onlyIndex(set []*Part) bool {
	return !slices.ContainsFunc(set, func(p *Part) bool {
		const scores = match.Output | match.MaxChan | match.TopK | match.TopKChan | match.Factored | match.Product | match.Threshold | match.NMSScore | match.Opaque
		return !p.Marks.Has(match.ArgMax) || p.Marks.Has(scores)
	})
}

// regresses reports whether something beside parts has the form of boxes:
// undecided parts of such widths on the same rows.
func (s *Scene) regresses(parts []*Part) bool {
	f, anchors := parts[0].Roots[0].Field, int64(1)
	if k := parts[0].Group; k > 0 && f.Channels()%k == 0 {
		anchors = f.Channels() / k
	}
	for _, p := range s.Parts {
		g := p.Roots[0].Field
		w, ok := boxWidths[p.Channels]
		if p.Channels == g.Channels() && p.Channels%anchors == 0 {
			w, ok = boxWidths[p.Channels/anchors]
		}
		apart := f != g || !p.Roots[0].Span.Meets(parts[0].Roots[0].Span)
		if p.Role == Neutral && ok && w.score > 0 && p.Activation != Softmax && Spatial(f) == Spatial(g) && apart {
			s.addBoxes(p.Roots...)
		}
	}
	return s.HasBoxes()
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
