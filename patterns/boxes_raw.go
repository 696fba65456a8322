package patterns

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// readRaw takes r for the boxes, where no tensor has them near their cells: the last that
// holds four numbers an anchor, or where there is none what the layers give.
func (t *trial) readRaw(r *reading, cells []cell) {
	b := t.out
	for i, bins := range t.allBins() {
		if i > 0 && bins != b.Coding.Bins || bins == 0 {
			b.Coding.Bins = 0
			break
		}
		b.Coding.Bins = bins
	}
	b.Coding.Form = RawBoxes
	if b.Coding.Bins > 0 {
		b.Coding.Form, b.Confidence = Distributed, rawUnchanged
		b.Parts = t.layers()
		if t.used(match.ShiftRow | match.ScaleRow | match.ChanMix | match.NMSBox | match.Region) {
			b.Confidence = halfBoxes // decoded where no tensor holds those of all anchors
		}
		b.say("no tensor has the boxes near the cells of their anchors: of distributions the graph decodes nothing that could be checked")
		return
	}
	if r == nil {
		b.Parts, b.Confidence = t.layers(), rawUnchanged
		if n := t.perAnchor(t.boxes[0]); n > Sides {
			b.say("the layers give %d numbers an anchor, of which a box is 4, and the graph decodes none", n)
			b.Confidence = rawChanged
			return
		}
		b.say("no tensor behind the layers of the boxes holds four numbers for each anchor")
		return
	}
	b.Parts, b.Confidence = r.parts, rawChanged
	if same := t.unchanged(r); same && t.worked() {
		b.Coding.Form, b.Confidence = UnknownForm, halfBoxes
		b.say("the graph computes with the layers' numbers where no tensor holds those of all anchors: how, the run did not show")
	} else if same {
		b.Confidence = rawUnchanged
		b.say("the layers' numbers leave as they are: what turns them into boxes lies outside the graph")
		if n := t.perAnchor(t.boxes[0]); n > Sides {
			b.Confidence = rawChanged
			b.say("the layers give %d numbers an anchor; that the first four are the box is a convention", n)
		}
	} else {
		b.say("what is done to the layers' numbers puts no box near its cell: what does lies outside the graph")
	}
	b.Ordered = t.ordered(r, cells)
}

// allBins are the bins of each layer of the boxes.
func (t *trial) allBins() []int {
	var n []int
	for _, r := range t.boxes {
		n = append(n, t.bins(r))
	}
	return n
}

// unchanged reports whether a side that is given more is that much more in r.
func (t *trial) unchanged(r *reading) bool {
	less := t.less[t.value(r.parts[0].Source.Name).Name]
	for i, x := range rowsOf(less, r.parts[0].Layout, r.parts[0].Slice) {
		for c := range x {
			if d := x[c] - r.zero[i][c]; !alike(d, -1) {
				return false // negative numbers are cut off, or bent
			}
		}
	}
	for i := range r.zero {
		for k := range r.side {
			if i >= len(r.side[k]) {
				return false
			}
			for c := range Sides {
				d := r.side[k][i][c] - r.zero[i][c]
				if want := map[bool]float64{true: float64(t.sideway)}[c == k]; !alike(d, want) && d != want {
					return false
				}
			}
		}
	}
	return len(r.zero) > 0
}

// ordered reports whether the rows of r are of the cells that the rows of the logits are of,
// as the numbers of the cells show.
func (t *trial) ordered(r *reading, cells []cell) bool {
	var codes []cell
	for _, p := range r.parts {
		name := t.value(p.Source.Name).Name
		zero, one, code := rowsOf(t.zero[name], p.Layout, p.Slice), rowsOf(t.one[name], p.Layout, p.Slice), rowsOf(t.code[name], p.Layout, p.Slice)
		for i := range zero {
			n, ok := numberAt(zero[i][0], one[i][0], code[i][0])
			c, is := t.cellOf(n)
			if !ok || !is {
				return false
			}
			codes = append(codes, c)
		}
	}
	return slices.Equal(codes, cells)
}

// layers are the channels of the layers that make the boxes, by map.
func (t *trial) layers() []Part {
	var parts []Part
	add := func(r rule.Root) {
		x := rule.Source{Value: r.Field.Value, Dim: r.Field.Chan}
		if r.Within() {
			x.Slice = &r.Span
		}
		if p := t.part(x, int64(t.perAnchor(r))); p.Source != nil {
			parts = append(parts, p)
		}
	}
	if len(t.maps) == 0 {
		for _, r := range t.boxes {
			add(r)
		}
		return parts
	}
	for _, g := range t.maps {
		for _, r := range t.boxes {
			if t.gridOf(r) == g {
				add(r)
				break
			}
		}
	}
	return parts
}

// readLoose reads boxes of no map: of queries, whose places are learned, and of regions.
func (t *trial) readLoose() {
	b := t.out
	rows := 0
	for _, l := range t.head.Levels {
		if x := t.zero[t.value(l.Source.Name).Name]; x != nil {
			rows += len(rowsOf(x, l.Layout, l.Slice))
		}
	}
	if last := t.last(rows); last != nil {
		b.Parts = last.parts
		t.loose(last)
		return
	}
	for _, n := range []int{t.head.Classes, t.head.Classes - 1} {
		if last := t.last(rows * n); last != nil && t.perClass() {
			b.Parts, b.PerClass = last.parts, true
			b.say("each region has a box for each of %d classes", n)
			t.loose(last)
			return
		}
	}
	b.Parts = t.layers()
	b.say("no tensor behind the layers of the boxes holds four numbers for each row of the logits")
}

// last is the last tensor that is boxes of n rows, the last that is decoded as corners where
// there is one; nil if there is none.
func (t *trial) last(n int) *reading {
	var last *reading
	for _, v := range t.tried {
		if n < 1 {
			break
		}
		if r := t.reading(v, n); r != nil && (last == nil || t.corners(r) || !t.corners(last)) {
			last = r
		}
	}
	return last
}

// perClass reports whether a region has a box for each class.
func (t *trial) perClass() bool {
	n := int(t.boxes[0].Field.Channels())
	return t.pooled && (n == Sides*t.head.Classes || n == Sides*(t.head.Classes-1))
}

// loose reads the form of r off how its columns answer to each other's layers.
func (t *trial) loose(r *reading) {
	b := t.out
	v := t.value(r.parts[0].Source.Name)
	switch {
	case t.unchanged(r) && !t.worked():
		b.Coding.Form, b.Confidence = RawBoxes, rawUnchanged
		b.say("the layers' numbers leave as they are: what turns them into boxes lies outside the graph")
	case t.corners(r):
		b.Coding.Form, b.Coding.Columns, b.Decoded, b.Confidence = Corners, []string{"x1", "y1", "x2", "y2"}, true, nearlyBoxes
		b.say("a place moves two opposite columns alike, a size moves them apart: corners")
	default:
		b.Confidence = halfBoxes
		b.say("each column answers to one number of the layer: centre and size and corners would look the same")
	}
	if b.Coding.Form != RawBoxes && t.bounded(v.Name) {
		b.Coding.Unit = Fractions
		b.say("they lie in [0, 1]: fractions")
	} else if b.Coding.Form != RawBoxes && t.inPicture(r) {
		b.Coding.Unit = Pixels
		b.say("boxes that nothing moves are the regions, which lie in the picture: pixels of the network's input")
	} else if b.Coding.Form != RawBoxes {
		b.say("no map says what they are measured in")
	}
	b.Ordered = !b.PerClass
}

// corners reports whether in every row of r the first two numbers of the layer move columns
// alike, in pairs, and the other two move the same pairs apart.
func (t *trial) corners(r *reading) bool {
	yes := 0
	for i := range r.zero {
		d := func(k, c int) float64 { return r.side[k][i][c] - r.zero[i][c] }
		ok := true
		for c := range 2 {
			ok = ok && d(c, c) != 0 && alike(d(c, c), d(c, c+2)) && d(c+2, c) != 0 && alike(d(c+2, c), -d(c+2, c+2))
		}
		if ok {
			yes++
		}
	}
	return yes > 0 && float64(yes) >= leastNear*float64(len(r.zero))
}

// bounded reports whether the boxes in the named tensor lie in [0, 1] by what made them: a
// sigmoid, or limits.
func (t *trial) bounded(name string) bool {
	v := t.value(name)
	for _, r := range t.boxes {
		if pre, _ := r.Field.At(r.Span); !pre.Has(match.Sigmoid | match.Clip) {
			return false
		}
	}
	for _, runs := range append(t.side[:], t.zero, t.one, t.less) {
		for _, x := range op.Floats(runs[v.Name]) {
			if x < -0.5-1e-6 || x > 1.5+1e-6 {
				return false
			}
		}
	}
	return true
}

// inPicture reports whether boxes of regions that nothing moves lie in the picture, as pixels.
func (t *trial) inPicture(r *reading) bool {
	rows, columns := t.size()
	most := 0.0
	for _, x := range r.zero {
		most = max(most, slices.Max(x))
	}
	return t.pooled && most > 2 && most <= 1.05*float64(max(rows, columns))
}

// worked reports whether the graph computes with what the layers of the boxes give.
func (t *trial) worked() bool {
	const work = match.Sigmoid | match.Exp | match.Rectify | match.Curve | match.Root | match.Power | match.Clip | match.Scale | match.Shift |
		match.ScaleChan | match.ShiftChan | match.ScaleRow | match.ShiftRow | match.Product | match.Sum | match.ChanMix | match.NMSBox |
		match.Region | match.Weighted | match.Opaque
	return t.used(work)
}

// used reports whether any of m is done with what the layers of the boxes give.
func (t *trial) used(m match.Marks) bool {
	return slices.ContainsFunc(t.boxes, func(r rule.Root) bool {
		pre, post := r.Field.At(r.Span)
		return (pre | post).Has(m)
	})
}
