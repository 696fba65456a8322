package rule

import (
	"cmp"
	"fmt"
	"slices"
)

var widths = &Rule{
	Name:  "widths",
	Why:   "of raw maps on the same places, boxes have four numbers an anchor, or a distribution for each; one channel is a confidence; what remains is classes",
	Place: "where nothing in the graph says what is boxes: widths alone are weak evidence",
	Reads: Graph,
	After: []string{"beside-boxes"},
	Judge: func(s *Scene) []Verdict {
		cols := s.neutralColumns()
		if len(cols) == 0 || s.HasBoxes() {
			return nil
		}
		return s.solve(cols)
	},
}

// reading is one way to read columns without any further evidence.
type reading struct {
	score    float64
	anchors  int64
	box, cls int   // columns
	classes  int64 // of one anchor
	shared   bool  // the anchors of a cell share the classes
	text     string
}

// solve reads columns by their widths alone.
func (s *Scene) solve(cols []column) []Verdict {
	rs := slices.DeleteFunc(readings(cols), func(r reading) bool {
		n := int64(s.User.Classes)
		return n > 0 && r.classes != n && r.classes != n+1 || !s.may(r.classes, cols[r.cls].act)
	})
	if len(rs) == 0 || rs[0].score < leastReading {
		return nil
	}
	best, margin := rs[0], 2.0
	for _, r := range rs[1:] {
		if r.cls != best.cls || r.classes != best.classes {
			if margin = best.score - r.score; margin < closestReading {
				return []Verdict{{Undecided: "by their widths, several of the maps may be the classes: " + best.text + "; or " + r.text, Decides: "--classes N"}}
			}
			break
		}
	}
	vs := markBoxes(cols, best)
	parts, told := s.twins(cols[best.cls].parts, cols[best.box].roots()...)
	if vs = append(vs, told...); parts == nil {
		return vs
	}
	group := int64(0)
	if best.classes != cols[best.cls].n {
		group = best.classes
	}
	confidence := min(besideAlone, 0.7+0.2*margin)
	if cols[best.cls].act == None || cols[best.box].act == Sigmoid || cols[best.cls].n == cols[best.box].n || s.otherClasses(cols, best.cls, best.box) ||
		best.classes > 1 && s.confidences(cols[best.cls].parts[0]) > 1 {
		confidence = min(confidence, convention) // raw maps, of which any may be anything
	}
	return append(vs, s.claims(parts, group, confidence, best.text)...)
}

// markBoxes gives the columns that are no classes their roles.
func markBoxes(cols []column, r reading) []Verdict {
	var vs []Verdict
	for i, c := range cols {
		if i == r.cls {
			continue
		}
		for _, p := range c.parts {
			v := Verdict{Part: p, Role: Other, Why: p.Why}
			switch {
			case i == r.box:
				v.Role, v.Boxes = Box, p.Roots
			case c.n == r.anchors:
				v.Role = Objectness
			}
			vs = append(vs, v)
		}
	}
	return vs
}

// anchorCosts are the numbers of anchors of a cell, with how unlikely each is.
var anchorCosts = []struct {
	n    int64
	cost float64
}{{1, 0}, {9, 0.5}, {3, 0.6}, {6, 0.7}, {4, 1}, {5, 1}, {2, 0.6}, {12, 1.5}, {18, 2}}

// readings lists the ways to read the columns, best first.
func readings(cols []column) []reading {
	var rs []reading
	for _, a := range anchorCosts {
		for b := range cols {
			for c := range cols {
				if b == c {
					continue
				}
				if r, ok := readAs(cols, a.n, b, c); ok {
					r.score -= a.cost
					rs = append(rs, r)
				}
			}
		}
	}
	slices.SortStableFunc(rs, func(x, y reading) int { return cmp.Compare(y.score, x.score) })
	return rs
}

// merged reports whether the part's rows are anchors already.
func (p *Part) merged() bool {
	return len(p.Roots[0].Field.Shape) != 4 || p.Channels != p.Roots[0].Field.Channels()
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
	44: {1.4, "boxes as 4 distributions over 11 bins"},
	16: {1.2, "boxes of 4 numbers and 6 points"},
	18: {1.2, "boxes of 4 numbers and 7 points"},
	14: {1, "boxes of 4 numbers and 5 points"},
	7:  {2, "boxes in space, of 7 numbers"},
	5:  {0.8, "boxes with an angle"},
	2:  {1.4, "sizes and offsets of 2 numbers"},
}

// readAs reads the columns with na anchors, boxes in column b and classes in
// column c.
func readAs(cols []column, na int64, b, c int) (reading, bool) {
	r := reading{anchors: na, box: b, cls: c}
	for i, x := range cols {
		if x.n < 1 || x.n%na != 0 && i != c || na > 1 && x.parts[0].merged() {
			return r, false
		}
	}
	w, ok := boxWidths[cols[b].n/na]
	if !ok {
		return r, false
	}
	r.score = w.score
	if act := cols[b].act; act == Softmax || act == Sigmoid && cols[b].n/na != 4 {
		r.score -= 2
	}
	r.classes = cols[c].n
	switch {
	case cols[c].n%na == 0:
		r.classes /= na
	case cols[b].n/na == 7 || cols[b].maps() != cols[c].maps():
		return r, false
	default:
		r.shared = true
		r.score -= 0.5
	}
	r.score += likely(r.classes) + gain[cols[c].act] - balance(cols[b], cols[c]) + rareness(cols[c], cols)
	for i, x := range cols {
		if i != b && i != c {
			r.score -= companion(x.n/na, x.act, false)
		}
	}
	r.text = fmt.Sprintf("%s beside %s, %s a cell", w.text, Plural(r.classes, "class", "es"), Plural(na, "anchor", "s"))
	if cols[c].parts[0].merged() {
		r.text = fmt.Sprintf("%s beside %s a row", w.text, Plural(r.classes, "class", "es"))
	}
	return r, true
}

// balance is the cost of class maps that are not as many as the box maps.
func balance(b, c column) float64 {
	nb, nc := b.maps(), c.maps()
	if !overlap(b, c) {
		return 6
	}
	if b.n == 2 && nb%2 == 0 {
		nb /= 2 // sizes and offsets
	}
	switch {
	case nb == nc:
		return 0
	case nc%nb == 0:
		return 0.3
	}
	return 1.5
}

// roots are the layers that make c.
func (c *column) roots() []Root {
	var rs []Root
	for _, p := range c.parts {
		rs = append(rs, p.Roots...)
	}
	return rs
}

// maps is how many layers make c.
func (c *column) maps() int {
	n := 0
	for _, p := range c.parts {
		n += len(p.Roots)
	}
	return n
}

// overlap reports whether a map of b has the size of a map of c.
func overlap(b, c column) bool {
	sizes := map[string]bool{}
	for _, p := range b.parts {
		for _, r := range p.Roots {
			sizes[MapSize(r.Field)] = true
		}
	}
	for _, p := range c.parts {
		for _, r := range p.Roots {
			if k := MapSize(r.Field); k == "" || sizes[k] || sizes[""] {
				return true
			}
		}
	}
	return false
}

// gain is how much likelier an activation makes it that channels are classes.
var gain = map[Activation]float64{None: 0, Sigmoid: 1, Softmax: 2}

// companion is how unlikely n channels of an anchor are neither box nor class.
// other says that boxes are known, so that a second regression is likelier.
func companion(n int64, act Activation, other bool) float64 {
	c := 0.8
	switch n {
	case 1:
		c = 0.1
	case 10:
		c = 0.2 // five points
	case 2, 8, 34, 51:
		c = 0.3 // offsets, directions, points
	case 32, 128:
		c = 0.4 // coefficients of masks, embeddings
	case 4:
		switch {
		case other:
			c = 0.2
		case act == None:
			c = 2 // raw, and not the boxes
		}
	}
	if act == Softmax || act == Sigmoid && n > 1 {
		c += 0.8
	}
	if other {
		return 1.2 - c // how likely it is something else
	}
	return c
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
	case 4, 64, 68, 32, 16, 18, 10:
		return -0.4
	}
	if n > 2000 || n < 1 {
		return -1
	}
	return 0.2
}

// Plural is n things in words.
func Plural(n int64, thing, ending string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %s%s", n, thing, ending)
}
