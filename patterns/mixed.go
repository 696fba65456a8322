package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// mixedMap reads maps of anchors × (4 box numbers, objectness, classes) that are raw, or
// that one sigmoid follows, of which nothing but the channel count is known.
func mixedMap(s *site) []*finding {
	var parts []*part
	seen := map[string]bool{}
	for _, p := range s.parts {
		if p.marks.Has(match.Output) && p.role != hidden && (p.act == Softmax || len(parts) > 0 && p.act != parts[0].act || p.n <= 5 || p.role == other) {
			return nil // other maps stand beside
		}
		if p.role == neutral && (p.act == None || p.act == Sigmoid && s.isAnchored(p)) && p.marks.Has(match.Output) && s.hasRows(p) && len(p.roots[0].field.Shape) == 4 && p.n > 5 {
			size := mapSize(p.roots[0].field)
			if len(parts) > 0 && parts[0].n != p.n || size != "" && seen[size] {
				return nil
			}
			seen[size] = true
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 || s.hasBoxes() {
		return nil
	}
	group, confidence := int64(0), 0.0
	p := parts[0]
	first := int64(5)
	switch c := int64(s.opts.Classes); {
	case c > 0 && p.n%(c+5) == 0:
		group, confidence = c+5, 0.9
	case c > 0 && p.n%(c+4) == 0:
		group, confidence, first = c+4, 0.8, 4
	case c > 0:
		return nil
	case p.merged(), p.act == Sigmoid:
		group, confidence = p.n, 0.7
	default:
		group, confidence = perAnchor(p.n, len(parts))
	}
	if group < 6 && s.opts.Classes == 0 {
		return nil
	}
	channels := p.n
	for _, q := range parts {
		q.span = match.Span{Start: first, Stop: group, Stride: group}
		q.n = group - first
		q.role = class
		s.addBoxes(root{q.roots[0].field, match.Span{Start: 0, Stop: 4, Stride: group}})
	}
	beside := "4 box numbers, an objectness"
	if first == 4 {
		beside = "4 box numbers"
	}
	follows := "nothing"
	if p.act == Sigmoid {
		follows = "one sigmoid"
	}
	why := fmt.Sprintf("%s follows the map: read as anchors of %s and %d classes by its %d channels", follows, beside, group-first, channels)
	return s.headsOf(parts, 0, confidence, why)
}

// isAnchored reports whether p's map has an axis for the anchors of a cell.
func (s *site) isAnchored(p *part) bool {
	w := s.View(p.value)
	return w != nil && w.Rank == 5 && p.span == match.All
}

// perAnchor guesses the channels of one anchor of a map of n channels on so
// many levels: 3 anchors on two levels or more, 5 on one, as the YOLO family
// has them; 4 + 1 numbers and the classes of a common data set are likelier.
func perAnchor(n int64, levels int) (int64, float64) {
	order := []int64{3, 5, 6, 9, 2}
	if levels == 1 {
		order = []int64{5, 3, 9}
	}
	for _, na := range order {
		if c := n/na - 5; n%na == 0 && (c == 80 || c == 20) {
			return n / na, 0.8
		}
	}
	if na := order[0]; n%na == 0 && n/na > 5 {
		return n / na, 0.6
	}
	return 0, 0
}
