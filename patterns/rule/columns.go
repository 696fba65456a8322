package rule

import (
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// column is the parts of one width: one map for each level, or one joined.
type column struct {
	n     int64
	act   Activation
	parts []*Part
}

// rare reports whether c is of rare events.
func (c *column) rare() bool {
	return !slices.ContainsFunc(c.parts, func(p *Part) bool { return !p.rare })
}

// rareness is what it says for column c that it is of rare events, or that another alone is;
// of few channels it says nothing.
func rareness(c column, cols []column) float64 {
	switch {
	case c.n < few:
	case c.rare():
		return rareColumn
	case slices.ContainsFunc(cols, func(x column) bool { return x.n >= few && x.rare() }):
		return -rareColumn
	}
	return 0
}

// neutralColumns are the undecided parts with rows, by width.
func (s *Scene) neutralColumns() []column {
	var cols []column
	for _, p := range s.Parts {
		if p.Dim < 0 || p.Role != Neutral && p.Role != Class || !p.Marks.Has(match.Output|match.NMSScore|match.TopK|match.Opaque) || !s.hasRows(p) {
			continue
		}
		i := slices.IndexFunc(cols, func(c column) bool { return c.n == p.Channels && c.act == p.Activation })
		if i < 0 {
			i = len(cols)
			cols = append(cols, column{n: p.Channels, act: p.Activation})
		}
		cols[i].parts = append(cols[i].parts, p)
	}
	return cols
}

// hasRows reports whether p has more than one row per image, each a place or a
// query.
func (s *Scene) hasRows(p *Part) bool {
	w := s.View(p.Value)
	f := p.Roots[0].Field
	if w == nil || s.RowsAreChannels(f) {
		return false
	}
	if w.Rank == 2 && len(f.Shape) == 4 && f.Shape[2].Value == 1 && f.Shape[3].Value == 1 {
		return false // of a map that is pooled to one cell
	}
	if w.Rank == 2 && p.Dim == 1 && w.Letter(0) == match.Images && !w.Mixes(1) {
		return false
	}
	return w.Rank >= 3 || len(f.Shape) >= 3 || w.Rank == 2 && p.Dim == 1 && w.Letter(0) == match.Merged
}

// confidenceApart reports whether the layer of p makes one channel that the
// graph already has apart.
func (s *Scene) confidenceApart(p *Part) bool {
	return slices.ContainsFunc(s.OfLayer[p.Roots[0].Field], func(q *Part) bool {
		return q != p && q.Channels == 1 && q.Role != Hidden && q.Role != Box && q.Role != Other
	})
}

// anchors is the number of class channels of one anchor where several share
// the axis, from the boxes of a map of equal size; 0 if they do not.
func (s *Scene) anchors(p *Part) int64 {
	f := p.Roots[0].Field
	if len(f.Shape) != 4 || p.Channels != f.Channels() || p.Channels < 1 || s.keepsWhole(p) {
		return 0
	}
	of := s.Boxes.wide[Spatial(f)]
	for _, n := range slices.Sorted(maps.Keys(of)) {
		g := of[n]
		if g == f || n <= 0 {
			continue
		}
		if na := g.Channels() / 4; g.Channels()%4 == 0 && na > 1 && p.Channels%na == 0 && !s.bins(g) {
			return p.Channels / na
		}
	}
	return 0
}

// keepsWhole reports whether the graph joins the places of p's map to rows and leaves its
// channels whole, so that a row has them all.
func (s *Scene) keepsWhole(p *Part) bool {
	w := s.View(p.Value)
	return w != nil && w.Rank == 3 && p.Dim >= 0 && !w.Mixes(p.Dim) && w.ChanDim() == p.Dim && s.Size(p.Value, p.Dim) == p.Channels
}

// bins reports whether layer f's boxes are distributions.
func (s *Scene) bins(f *match.Field) bool {
	pre, post := f.At(match.All)
	return (pre | post).Has(match.Softmax | match.SoftmaxRow)
}
