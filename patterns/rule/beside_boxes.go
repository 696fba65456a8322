package rule

import (
	"fmt"
	"slices"
)

var besideBoxes = &Rule{
	Name:  "beside-boxes",
	Why:   "of channels that leave the graph beside boxes without further use, those are classes that are no confidence, points or coefficients by their number and activation",
	Place: "where the graph uses nothing as scores, and its boxes are known",
	Reads: Graph,
	After: []string{"scored", "mixed-layers", "pixels"},
	Judge: func(s *Scene) []Verdict {
		cols := s.neutralColumns()
		if len(cols) == 0 || !s.HasBoxes() {
			return nil
		}
		best, margin := s.likeliest(cols)
		switch {
		case best < 0:
			return nil
		case margin < closest:
			return []Verdict{{Undecided: fmt.Sprintf("%d sets of channels stand beside the boxes, and nothing says which are classes", len(cols)), Decides: "--classes N"}}
		}
		confidence := min(besideAlone, 0.8+0.15*margin)
		if s.conventional(cols, best) {
			confidence = min(confidence, convention)
		}
		vs := s.confide(cols, best)
		parts, told := s.twins(cols[best].parts)
		if vs = append(vs, told...); parts == nil {
			return vs
		}
		return append(vs, s.claims(parts, s.anchors(parts[0]), confidence, "leaves the graph beside boxes")...)
	},
}

// likeliest is the column that is likeliest classes, -1 if none may be, and by how much it
// is likelier than the next.
func (s *Scene) likeliest(cols []column) (best int, margin float64) {
	best, second := -1, -1
	score := make([]float64, len(cols))
	for i, c := range cols {
		if !s.may(c.n, c.act) {
			continue
		}
		score[i] = s.likelihood(c, cols)
		switch {
		case best < 0 || score[i] > score[best]:
			best, second = i, best
		case second < 0 || score[i] > score[second]:
			second = i
		}
	}
	if second < 0 {
		return best, 10
	}
	return best, score[best] - score[second]
}

// claims are parts as heads, of levels that belong together.
func (s *Scene) claims(parts []*Part, group int64, confidence float64, evidence ...string) []Verdict {
	var vs []Verdict
	for _, set := range s.Together(parts) {
		vs = append(vs, Verdict{Head: &Claim{set, group, confidence, evidence}})
	}
	return vs
}

// likelihood is how likely column c beside boxes is classes, in the units of
// the table of weights.
func (s *Scene) likelihood(c column, cols []column) float64 {
	score := likely(c.n) + gain[c.act] - 0.8*companion(c.n, c.act, true) + rareness(c, cols)
	if c.n == 1 {
		score -= 0.5
		if s.mixes(c.parts[0], cols) {
			score -= 0.5
		}
	}
	if boxesOfClasses(c, cols) {
		score -= 1.5
	}
	switch k := int64(s.User.Classes); {
	case k == 0:
	case c.n == k:
		score++ // rather than several anchors of them
	case c.n%k != 0:
		score-- // with a background, which the user rarely counts
	}
	return score
}

// conventional reports whether only convention says that column i is the
// classes: it is raw, or of a width that other regressions have, or beside what
// may be classes as well, or beside more than one confidence.
func (s *Scene) conventional(cols []column, i int) bool {
	c := cols[i]
	_, boxWide := boxWidths[c.n]
	return c.act == None || len(cols) > 1 && (c.n == 1 || boxWide) ||
		s.otherClasses(cols, i, -1) || c.n > 1 && s.confidences(c.parts[0]) > 1
}

// confide takes single channels beside column best for confidences.
func (s *Scene) confide(cols []column, best int) []Verdict {
	var vs []Verdict
	mark := func(p *Part) {
		vs = append(vs, Verdict{Part: p, Role: Objectness, Why: slices.Clone(p.Why), And: []string{"one channel beside others"}})
	}
	for _, p := range s.Parts {
		if p.Dim < 0 && p.Role == Neutral && p.Activation == Sigmoid {
			mark(p)
		}
	}
	for i, c := range cols {
		if i != best && c.n == 1 {
			for _, p := range c.parts {
				mark(p)
			}
		}
	}
	return vs
}

// otherClasses reports whether beside column i, and column b of boxes, another
// may be classes as well: it has the activation of scores for more than one
// channel, or leaves raw in a width that no other regression is known for.
func (s *Scene) otherClasses(cols []column, i, b int) bool {
	for k, x := range cols {
		scores := x.act == Sigmoid || x.act == Softmax
		classes := x.act == None && likely(x.n) >= 0.2 && companion(x.n, None, false) >= 0.8
		if k != i && k != b && x.n > 1 && (scores || classes) && !s.offBoxes(x.parts[0]) {
			return true
		}
	}
	return false
}

// boxesOfClasses reports whether c has four numbers for each channel of another
// column, or each but a background, on rows of regions: a box for each class.
func boxesOfClasses(c column, cols []column) bool {
	return len(c.parts[0].Roots[0].Field.Shape) == 2 && slices.ContainsFunc(cols, func(x column) bool {
		return x.n > 1 && (c.n == 4*x.n || c.n == 4*(x.n-1)) && overlap(x, c)
	})
}

// mixes reports whether the layer that makes p and boxes makes more channels
// of another column, as that of an objectness and classes does.
func (s *Scene) mixes(p *Part, cols []column) bool {
	f := p.Roots[0].Field
	return len(s.Boxes.Of[f]) > 0 && slices.ContainsFunc(cols, func(c column) bool { return c.n > 1 && c.parts[0].Roots[0].Field == f })
}
