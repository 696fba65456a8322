package patterns

import (
	"cmp"
	"fmt"
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
	cols := s.neutralColumns()
	if len(cols) == 0 {
		return nil
	}
	if s.hasBoxes() {
		return s.besideBoxes(cols)
	}
	return s.solve(cols)
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

// hasRows reports whether p has more than one row per image.
func (s *site) hasRows(p *part) bool {
	w := s.View(p.value)
	return w != nil && (w.Rank >= 3 || len(p.roots[0].field.Shape) >= 3 || w.Rank == 2 && p.dim == 1 && w.Letter(0) == match.Merged)
}

// splitObjectness takes the first channel behind the boxes of a group of
// channels for the objectness, where one layer makes boxes, then two channels
// or more that all pass one sigmoid and have no other use: layers that mix
// boxes and classes have one.
func (s *site) splitObjectness() {
	var more []*part
	for i, p := range s.parts {
		if p.role != neutral || p.n < 2 || p.act == Softmax || p.span.Stop < 0 && p.span.Start == 0 {
			continue
		}
		prev := s.before(i, p)
		if prev == nil || prev.role != box || prev.span.Stop != p.span.Start {
			continue
		}
		o := *p
		o.span.Stop, o.n, o.role = p.span.Start+1, 1, objectness
		o.why = []string{"the first channel behind the boxes of a layer that mixes boxes and classes"}
		p.span.Start++
		p.n--
		p.why = append(p.why, "behind the boxes and one confidence of the same layer")
		p.role = class
		p.mixed = true
		more = append(more, &o)
	}
	s.parts = append(s.parts, more...)
}

// before is the part of p's activation that lies before it.
func (s *site) before(i int, p *part) *part {
	for _, q := range s.parts {
		if q != p && q.field == p.field && q.value == p.value && q.span.Stride == p.span.Stride && q.span.Stop == p.span.Start {
			return q
		}
	}
	return nil
}

// besideBoxes picks the class columns where other parts certainly are boxes.
func (s *site) besideBoxes(cols []column) []*finding {
	var wide, one []column
	for _, c := range cols {
		switch {
		case c.n == 1:
			one = append(one, c)
		default:
			wide = append(wide, c)
		}
	}
	confidence := 0.95
	pick := wide
	if len(wide) == 0 {
		pick = one
	}
	if len(pick) > 1 {
		pick, confidence = prefer(pick)
	}
	if len(pick) != 1 {
		s.doubt = fmt.Sprintf("%d sets of channels stand beside the boxes, and nothing says which are classes", len(pick))
		return nil
	}
	if len(wide) > 0 {
		for _, c := range one {
			for _, p := range c.parts {
				p.role, p.why = objectness, append(p.why, "one channel beside others")
			}
		}
	}
	parts := s.twins(pick[0].parts)
	if parts == nil {
		return nil
	}
	return s.headsOf(parts, s.anchors(parts[0]), confidence, "leaves the graph beside boxes")
}

// prefer narrows columns to those that say most: behind an activation.
func prefer(cols []column) ([]column, float64) {
	for _, act := range []Activation{Softmax, Sigmoid} {
		var some []column
		for _, c := range cols {
			if c.act == act {
				some = append(some, c)
			}
		}
		if len(some) == 1 {
			return some, 0.85
		}
	}
	return cols, 0
}

// anchors is the number of class channels of one anchor where several share
// the axis, from the boxes of a map of equal size; 0 if they do not.
func (s *site) anchors(p *part) int64 {
	f := p.roots[0].field
	if len(f.Shape) != 4 || p.n != f.Channels() || p.n < 1 {
		return 0
	}
	for _, b := range s.boxes {
		g := b.field
		if g == f || spatial(g) != spatial(f) || g.Channels() <= 0 {
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

// reading is one way to read columns without any further evidence.
type reading struct {
	score   float64
	anchors int64
	class   []int // indices of columns
	text    string
}

// solve reads raw columns by their widths alone.
func (s *site) solve(cols []column) []*finding {
	rs := readings(cols)
	if len(rs) == 0 {
		return nil
	}
	best := rs[0]
	if len(rs) > 1 && rs[1].score > best.score-0.4 && (!slices.Equal(rs[1].class, best.class) || rs[1].anchors != best.anchors) {
		s.doubt = "by their widths, several of the maps may be the classes: " + best.text + "; or " + rs[1].text
		return nil
	}
	margin := 2.0
	if len(rs) > 1 {
		margin = best.score - rs[1].score
	}
	confidence := min(0.95, 0.6+0.15*margin)
	var parts []*part
	for _, i := range best.class {
		parts = append(parts, cols[i].parts...)
	}
	if best.class == nil {
		return nil
	}
	group := int64(0)
	if best.anchors > 1 {
		group = cols[best.class[0]].n / best.anchors
	}
	s.markBoxes(cols, best)
	parts = s.twins(parts)
	if parts == nil {
		return nil
	}
	return s.headsOf(parts, group, confidence, best.text)
}

// markBoxes gives the columns that are no classes their roles.
func (s *site) markBoxes(cols []column, r reading) {
	for i, c := range cols {
		if slices.Contains(r.class, i) {
			continue
		}
		for _, p := range c.parts {
			if p.role = box; c.n == r.anchors {
				p.role = objectness
				continue
			}
			s.boxes = append(s.boxes, p.roots...)
		}
	}
}

// readings lists the ways to read the columns, best first: a number of anchors
// that divides every width, one column with boxes, the rest by their widths.
func readings(cols []column) []reading {
	var rs []reading
	for na, cost := range map[int64]float64{1: 0, 9: 0.5, 3: 0.6, 6: 0.7, 4: 1, 5: 1, 2: 1.2, 12: 1.5, 18: 2} {
		for b := range cols {
			if len(cols) > 1 && divides(cols, na) && similar(cols, b) {
				rs = append(rs, readAs(cols, na, b, cost)...)
			}
		}
	}
	slices.SortFunc(rs, func(x, y reading) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.anchors, y.anchors), slices.Compare(x.class, y.class))
	})
	return rs
}

// divides reports whether na anchors may share every column's channels.
// Columns whose anchors are rows already have one.
func divides(cols []column, na int64) bool {
	for _, c := range cols {
		if c.n < 1 || c.n%na != 0 || na > 1 && c.parts[0].merged() {
			return false
		}
	}
	return true
}

// merged reports whether the part's rows are anchors already.
func (p *part) merged() bool {
	return len(p.roots[0].field.Shape) != 4 || p.n != p.roots[0].field.Channels()
}

// similar reports whether every column has as many maps as column b, or a
// multiple.
func similar(cols []column, b int) bool {
	k := len(cols[b].parts)
	for _, c := range cols {
		if len(c.parts)%k != 0 && k%len(c.parts) != 0 {
			return false
		}
	}
	return true
}

// boxWidths are the numbers per anchor that a box regression may have, with
// how likely each is.
var boxWidths = map[int64]struct {
	score float64
	text  string
}{
	4:  {3, "boxes of 4 numbers"},
	64: {2.4, "boxes as 4 distributions over 16 bins"},
	32: {2, "boxes as 4 distributions over 8 bins"},
	68: {2.4, "boxes as 4 distributions over 17 bins"},
	16: {1.2, "boxes of 4 numbers and 6 points"},
	18: {1.2, "boxes of 4 numbers and 7 points"},
	14: {1, "boxes of 4 numbers and 5 points"},
	5:  {0.8, "boxes with an angle"},
	2:  {0.8, "sizes and offsets of 2 numbers"},
}

// readAs reads the columns with na anchors and boxes in column b.
func readAs(cols []column, na int64, b int, cost float64) []reading {
	w, ok := boxWidths[cols[b].n/na]
	if !ok {
		return nil
	}
	r := reading{score: w.score - cost, anchors: na}
	if cols[b].act == Softmax || cols[b].act == Sigmoid && cols[b].n != 4 {
		r.score -= 2
	}
	maps := len(cols[b].parts)
	if cols[b].n == 2 {
		if maps%2 != 0 {
			r.score -= 0.5
		}
		maps = max(maps/2, 1)
	}
	var open []int
	for i, c := range cols {
		d := c.n / na
		switch {
		case i == b:
		case d == 1 && len(cols) > 2:
		case (d == 10 || d == 8) && len(cols) > 3 && c.act == None:
		default:
			open = append(open, i)
		}
	}
	if len(open) != 1 {
		return nil
	}
	c := cols[open[0]]
	if len(c.parts)%maps != 0 && cols[b].n != 2 {
		r.score -= 1.5
	}
	r.class = open
	r.score += likely(c.n/na) + map[Activation]float64{None: 0, Sigmoid: 1, Softmax: 2}[c.act]
	if c.act == None && c.parts[0].act == None && cols[b].act != None {
		r.score -= 0.1
	}
	r.text = fmt.Sprintf("%s beside %d classes, %d anchors a cell", w.text, c.n/na, na)
	if c.parts[0].merged() {
		r.text = fmt.Sprintf("%s beside %d classes a row", w.text, c.n/na)
	}
	return []reading{r}
}

// likely is how likely a number of classes is: those of the common data sets
// (COCO 80 or 90 and a background, VOC 20 and a background, one, a face and
// its background) are likelier.
func likely(n int64) float64 {
	switch n {
	case 80, 20, 91, 90, 21, 81:
		return 0.8
	case 1, 2:
		return 0.3
	case 4, 64, 68, 32, 16, 18:
		return -0.6
	}
	if n > 2000 {
		return -1
	}
	return 0.2
}
