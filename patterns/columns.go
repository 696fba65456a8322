package patterns

import (
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// column is the parts of one width: one map for each level, or one joined.
type column struct {
	n     int64
	act   Activation
	parts []*part
}

// columns finds class heads among parts that leave the graph without further
// use, by what stands beside them: boxes have four numbers an anchor, or a
// distribution for each; one channel is a confidence; what remains is classes.
func columns(s *site) []*finding {
	s.splitObjectness()
	s.setPixelsAside()
	cols := s.neutralColumns()
	if len(cols) == 0 {
		return nil
	}
	if s.hasBoxes() {
		return s.besideBoxes(cols)
	}
	return s.solve(cols)
}

// setPixelsAside sets apart what a segmentation beside a detector gives: maps
// finer than every map on which boxes are regressed.
func (s *site) setPixelsAside() {
	for _, p := range s.parts {
		if p.role == neutral && len(p.roots[0].field.Shape) == 4 && s.offBoxes(p) && p.extent() > s.boxes.extent {
			p.role, p.why = other, []string{"a finer map than any on which boxes are regressed, as a segmentation's is"}
		}
	}
}

// neutralColumns are the undecided parts with rows, by width.
func (s *site) neutralColumns() []column {
	var cols []column
	for _, p := range s.parts {
		if p.dim < 0 || p.role != neutral && p.role != class || !p.marks.Has(match.Output|match.NMSScore|match.TopK|match.Opaque) || !s.hasRows(p) {
			continue
		}
		i := slices.IndexFunc(cols, func(c column) bool { return c.n == p.n && c.act == p.act })
		if i < 0 {
			i = len(cols)
			cols = append(cols, column{n: p.n, act: p.act})
		}
		cols[i].parts = append(cols[i].parts, p)
	}
	return cols
}

// hasRows reports whether p has more than one row per image, each a place or a
// query.
func (s *site) hasRows(p *part) bool {
	w := s.View(p.value)
	f := p.roots[0].field
	if w == nil || s.RowsAreChannels(f) {
		return false
	}
	if w.Rank == 2 && len(f.Shape) == 4 && f.Shape[2].Value == 1 && f.Shape[3].Value == 1 {
		return false // of a map that is pooled to one cell
	}
	if w.Rank == 2 && p.dim == 1 && w.Letter(0) == match.Images && !w.Mixes(1) {
		return false
	}
	return w.Rank >= 3 || len(f.Shape) >= 3 || w.Rank == 2 && p.dim == 1 && w.Letter(0) == match.Merged
}

// splitObjectness takes the first channel behind the boxes of a group of
// channels for the objectness, where one layer makes boxes, then two channels
// or more that all pass one sigmoid and have no other use: layers that mix
// boxes and classes have one.
func (s *site) splitObjectness() {
	var more []*part
	for _, p := range s.parts {
		if p.role != neutral || p.n < 2 || p.act == Softmax || p.dim < 0 {
			continue
		}
		if !s.behindBox(p) || s.confidenceApart(p) {
			continue
		}
		o := *p
		if p.span == match.All {
			p.span = match.Span{Start: 0, Stop: p.n}
		}
		o.span, o.n, o.role = p.span, 1, objectness
		o.span.Stop = p.span.Start + 1
		o.why = []string{"the first channel behind the boxes of a layer that mixes boxes and classes"}
		p.span.Start++
		p.n--
		p.why = append(p.why, "behind the boxes and one confidence of the same layer")
		p.role = class
		p.mixed = true
		if p.act == None {
			p.doubt = max(p.doubt, 1-convention)
		}
		more = append(more, &o)
	}
	s.parts = append(s.parts, more...)
}

// confidenceApart reports whether the layer of p makes one channel that the
// graph already has apart.
func (s *site) confidenceApart(p *part) bool {
	return slices.ContainsFunc(s.ofLayer[p.roots[0].field], func(q *part) bool { return q != p && q.n == 1 && q.role != hidden && q.role != box && q.role != other })
}

// anchors is the number of class channels of one anchor where several share
// the axis, from the boxes of a map of equal size; 0 if they do not.
func (s *site) anchors(p *part) int64 {
	f := p.roots[0].field
	if len(f.Shape) != 4 || p.n != f.Channels() || p.n < 1 {
		return 0
	}
	of := s.boxes.wide[spatial(f)]
	for _, n := range slices.Sorted(maps.Keys(of)) {
		g := of[n]
		if g == f || n <= 0 {
			continue
		}
		if na := g.Channels() / 4; g.Channels()%4 == 0 && na > 1 && p.n%na == 0 && !s.bins(g) {
			return p.n / na
		}
	}
	return 0
}

// bins reports whether layer f's boxes are distributions.
func (s *site) bins(f *match.Field) bool {
	pre, post := f.At(match.All)
	return (pre | post).Has(match.Softmax | match.SoftmaxRow)
}

// headsOf makes heads of parts.
func (s *site) headsOf(parts []*part, group int64, confidence float64, evidence ...string) []*finding {
	var heads []*finding
	for _, p := range parts {
		p.role = class
		if group > 0 {
			p.n = group
		}
	}
	for _, set := range s.together(parts) {
		if h := s.head(set, group, confidence, evidence...); h != nil {
			heads = append(heads, h)
		}
	}
	return heads
}
