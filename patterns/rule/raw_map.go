package rule

import (
	"fmt"

	"github.com/onnxloss/onnxloss/patterns/match"
)

var rawMap = &Rule{
	Name:  "raw-map",
	Why:   "maps that leave alone, raw or behind one sigmoid, are anchors of a detector whose decode lies outside: 4 box numbers, an objectness and the classes of each",
	Place: "where nothing else leaves the graph: nothing but the number of channels says how they divide",
	Reads: Graph,
	After: []string{"widths"},
	Judge: func(s *Scene) []Verdict {
		parts := s.rawMaps()
		if len(parts) == 0 || s.HasBoxes() {
			return nil
		}
		p, first := parts[0], int64(5)
		group, confidence := int64(0), 0.0
		switch c := int64(s.User.Classes); {
		case c > 0 && p.Channels%(c+5) == 0:
			group, confidence = c+5, 0.9
		case c > 0 && p.Channels%(c+4) == 0:
			group, confidence, first = c+4, 0.8, 4
		case c > 0:
			return nil
		case p.merged(), p.Activation == Sigmoid:
			group, confidence = p.Channels, 0.7
		default:
			group, confidence = perAnchor(p.Channels, len(parts))
		}
		if group < 6 && s.User.Classes == 0 {
			return nil
		}
		beside, follows := "4 box numbers, an objectness", "nothing"
		if first == 4 {
			beside = "4 box numbers"
		}
		if p.Activation == Sigmoid {
			follows = "one sigmoid"
		}
		why := fmt.Sprintf("%s follows the map: read as anchors of %s and %d classes by its %d channels", follows, beside, group-first, p.Channels)
		return append(s.divided(parts, first, group), s.claims(parts, 0, confidence, why)...)
	},
}

// divided are raw maps as groups of channels, of which the first four are boxes and those from
// first on classes.
func (s *Scene) divided(parts []*Part, first, group int64) []Verdict {
	var vs []Verdict
	for _, q := range parts {
		vs = append(vs, Verdict{
			Part: q, Role: Class, Why: q.Why, Narrow: &Narrow{match.Span{Start: first, Stop: group, Stride: group}, group - first, q.mixed},
			Boxes: []Root{{q.Roots[0].Field, match.Span{Start: 0, Stop: 4, Stride: group}}},
		})
	}
	return vs
}

// rawMaps are the maps that leave the graph raw, or behind one sigmoid, if all are of the
// same number of channels and of different sizes, and nothing else leaves it.
func (s *Scene) rawMaps() []*Part {
	var parts []*Part
	seen := map[string]bool{}
	for _, p := range s.Parts {
		if p.Marks.Has(match.Output) && p.Role != Hidden && (p.Activation == Softmax || len(parts) > 0 && p.Activation != parts[0].Activation || p.Channels <= 5 || p.Role == Other) {
			return nil // other maps stand beside
		}
		if p.Role == Neutral && (p.Activation == None || p.Activation == Sigmoid && s.isAnchored(p)) && p.Marks.Has(match.Output) && s.hasRows(p) && len(p.Roots[0].Field.Shape) == 4 && p.Channels > 5 {
			size := MapSize(p.Roots[0].Field)
			if len(parts) > 0 && parts[0].Channels != p.Channels || size != "" && seen[size] {
				return nil
			}
			seen[size] = true
			parts = append(parts, p)
		}
	}
	return parts
}

// isAnchored reports whether p's map has an axis for the anchors of a cell.
func (s *Scene) isAnchored(p *Part) bool {
	w := s.View(p.Value)
	return w != nil && w.Rank == 5 && p.Span == match.All
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
