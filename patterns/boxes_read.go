package patterns

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// How sure the coding of boxes is.
const (
	measuredBoxes = 0.97 // every box lies near its cell, and form and unit follow
	nearlyBoxes   = 0.85 // most do
	rawUnchanged  = 0.95 // the layers' numbers leave as they are
	rawChanged    = 0.8  // something is done to them that places them nowhere
	halfBoxes     = 0.6  // form or unit is unknown
	unsureBoxes   = 0.3
)

// leastNear is the share of boxes that lie near their cells in what is decoded.
const leastNear = 0.9

// reading is a tensor, or one for each map, as boxes.
type reading struct {
	parts []Part
	zero  [][]float64 // by anchor
	side  [Sides][][]float64
	order int // of the last of its tensors

	types  [Sides]byte // what each column is: x, y, or - where it does not vary over the map
	coding Coding
	near   float64 // the share that lies near their cells
}

// read reads what the runs gave.
func (t *trial) read() {
	cells, err := t.cells()
	if err != nil || len(t.maps) == 0 {
		if err != nil && len(t.maps) > 0 {
			t.out.say("%v", err)
		}
		t.readLoose()
		return
	}
	t.measure(cells)
	var best, last *reading
	for r := range t.readings(cells) {
		t.place(r, cells)
		switch {
		case r.near >= leastNear && (best == nil || cmp.Or(cmp.Compare(r.near, best.near), cmp.Compare(r.order, best.order)) >= 0):
			best = r
		case last == nil || r.order >= last.order:
			last = r
		}
	}
	if best == nil {
		t.readRaw(last, cells)
		return
	}
	t.decoded(best)
}

// decoded takes r for the boxes.
func (t *trial) decoded(r *reading) {
	b := t.out
	b.Parts, b.Coding, b.Decoded, b.Ordered = r.parts, r.coding, true, true
	b.Confidence = measuredBoxes
	b.say("run by itself, the decode puts %.1f %% of the boxes near the cells of their anchors", 100*r.near)
	if r.near < 0.98 {
		b.Confidence = nearlyBoxes
	}
	switch r.coding.Form {
	case Corners:
		b.say("all four columns move with the cell: corners")
	case CenterSize:
		b.say("two columns move with the cell, and stay where the other two grow: a centre, and a size")
	case CornerSize:
		b.say("two columns move with the cell, and go back by half of what the other two grow: a corner, and a size")
	default:
		b.Confidence = halfBoxes
		b.say("two columns move with the cell; whether they are a centre or a corner nothing shows")
	}
	switch r.coding.Unit {
	case Pixels:
		b.say("from cell to cell they move by the stride: pixels of the network's input")
	case Fractions:
		b.say("over the whole map they move by 1: fractions of the network's input")
	case Cells:
		b.say("from cell to cell they move by 1: cells of each map")
	default:
		b.Confidence = halfBoxes
		b.say("how far they move from cell to cell fits neither pixels, nor fractions, nor cells")
	}
	t.suppressed()
}

// suppressed holds the coding to what a suppression says of its boxes.
func (t *trial) suppressed() {
	b := t.out
	for _, n := range t.Nodes {
		if n.Op != "NonMaxSuppression" || graph.CanonicalDomain(n.Domain) != "" || !t.depends(n.Input(0)) {
			continue
		}
		form := Corners
		if n.Int("center_point_box", 0) == 1 {
			form = CenterSize
		}
		switch {
		case b.Coding.Form == UnknownForm && b.Decoded:
			b.Coding.Form = form
			b.say("the suppression reads %s", form)
		case b.Coding.Form == form:
			b.say("the suppression reads %s too", form)
		}
		return
	}
}

// depends reports whether v is among what was tried for boxes.
func (t *trial) depends(v *graph.Value) bool { return slices.Contains(t.tried, v) }

// readings are the tensors that may be the boxes: those that hold four numbers an anchor of
// all maps, and those of one map each.
func (t *trial) readings(cells []cell) iter.Seq[*reading] {
	return func(yield func(*reading) bool) {
		byMap := t.wholes(cells, yield)
		if byMap != nil && !slices.Contains(byMap, nil) {
			yield(t.joined(byMap, cells))
		}
	}
}

// wholes yields the readings of all maps; those of one map each are what it gives, nil where
// there are none to look for.
func (t *trial) wholes(cells []cell, yield func(*reading) bool) []*reading {
	byMap := make([]*reading, len(t.maps))
	count := make([]int, len(t.maps))
	for _, c := range cells {
		count[c.grid]++
	}
	for _, v := range t.tried {
		r := t.reading(v, len(cells))
		if r != nil {
			if !yield(r) {
				return nil
			}
			continue
		}
		if len(t.maps) < 2 {
			continue
		}
		for i, n := range count {
			if r := t.reading(v, n); r != nil && t.decodes(v, i) {
				one := *r
				if byMap[i] == nil || t.near(&one, cells, i) >= t.near(byMap[i], cells, i) {
					byMap[i] = &one
				}
			}
		}
	}
	return byMap
}

// decodes reports whether v shows the boxes of map i.
func (t *trial) decodes(v *graph.Value, i int) bool {
	w := t.View(v)
	if w == nil {
		return false
	}
	for k := range w.Pieces {
		f, _, ok := w.Pieces[k].Root(match.All, -1)
		if ok && f != nil && rule.MapSize(f) == rule.MapSize(t.maps[i].field) {
			return true
		}
	}
	return false
}

// joined is the readings of all maps as one, in the order of the logits.
func (t *trial) joined(of []*reading, cells []cell) *reading {
	j := &reading{}
	next := make([]int, len(of))
	for _, r := range of {
		j.order = max(j.order, r.order)
	}
	seen := -1
	for _, c := range cells {
		r, k := of[c.grid], next[c.grid]
		next[c.grid]++
		if c.grid != seen {
			if seen = c.grid; k == 0 {
				j.parts = append(j.parts, r.parts...)
			}
		}
		j.zero = append(j.zero, r.zero[k])
		for s := range j.side {
			j.side[s] = append(j.side[s], r.side[s][k])
		}
	}
	return j
}

// reading is v as the boxes of n anchors; nil if it does not hold so many.
func (t *trial) reading(v *graph.Value, n int) *reading {
	x := t.zero[v.Name]
	if x == nil || x.Rank() < 2 || len(t.rank(v)) == 0 {
		return nil
	}
	for _, d := range t.rank(v) {
		if x.Shape[d] == 0 || x.Len()/x.Shape[d] != n {
			continue
		}
		lo, ok := t.responds(v, d)
		if !ok {
			continue
		}
		src := rule.Source{Value: v, Dim: d}
		if x.Shape[d] != Sides {
			src.Slice = &match.Span{Start: int64(lo), Stop: int64(lo) + Sides}
		}
		p := t.partOf4(src, x.Shape[d])
		if p.Source == nil {
			continue
		}
		r := &reading{parts: []Part{p}, order: t.Order(v), coding: Coding{Form: UnknownForm, Unit: UnknownUnit}}
		if r.zero = rowsOf(x, p.Layout, p.Slice); len(r.zero) != n {
			continue
		}
		for k := range t.side {
			if r.side[k] = rowsOf(t.side[k][v.Name], p.Layout, p.Slice); len(r.side[k]) != n {
				return nil
			}
		}
		return r
	}
	return nil
}

// rank is the axes of v that may hold the numbers of a box, the likeliest first.
func (t *trial) rank(v *graph.Value) []int {
	var axes []int
	if w := t.View(v); w != nil && w.ChanDim() >= 0 && w.ChanDim() < t.zero[v.Name].Rank() {
		axes = append(axes, w.ChanDim())
	}
	for d := len(t.zero[v.Name].Shape) - 1; d >= 0; d-- {
		if n := t.zero[v.Name].Shape[d]; n >= Sides && !slices.Contains(axes, d) {
			axes = append(axes, d)
		}
	}
	return axes
}

// responds is the first of the four numbers along axis d of v, and of no others, that change
// with the layers of the boxes.
func (t *trial) responds(v *graph.Value, d int) (lo int, ok bool) {
	x := t.zero[v.Name]
	n, inner := x.Shape[d], 1
	for _, k := range x.Shape[d+1:] {
		inner *= k
	}
	if n < Sides {
		return 0, false
	}
	moved := make([]bool, n)
	base := floatsOf(x)
	for k := range t.side {
		for i, y := range floatsOf(t.side[k][v.Name]) {
			if i < len(base) && y != base[i] {
				moved[i/inner%n] = true
			}
		}
	}
	lo = slices.Index(moved, true)
	if lo < 0 || lo+Sides > n || slices.Contains(moved[lo:lo+Sides], false) || slices.Contains(moved[lo+Sides:], true) {
		return 0, false
	}
	return lo, true
}

// partOf4 is a part as the analysis has it, or by its rank where that knows nothing.
func (t *trial) partOf4(x rule.Source, n int) Part {
	if w := t.View(x.Value); !t.pooled && w != nil && w.Rank == t.zero[x.Value.Name].Rank() {
		if p := t.part(x, 0); p.Source != nil {
			if p.Slice.Stride < 1 {
				p.Slice.Stride = n
			}
			if x.Slice == nil {
				p.Slice.Stop = n
			}
			if p.Layout.Index(Batch) < 0 && len(p.Layout) > 2 {
				p.Layout = Layout(Batch) + p.Layout[1:]
			}
			return p
		}
	}
	layout := make([]byte, t.zero[x.Value.Name].Rank())
	for d := range layout {
		if layout[d] = byte(Rows); d == 0 && len(layout) > 2 && t.zero[x.Value.Name].Shape[0] == 1 {
			layout[d] = byte(Batch)
		}
	}
	layout[x.Dim] = byte(Channel)
	p := Part{Source: t.In.Of(x.Value), Layout: Layout(layout), Slice: Slice{0, n, n}}
	if x.Slice != nil {
		p.Slice = Slice{int(x.Slice.Start), int(x.Slice.Stop), n}
	}
	return p
}

// near is the share of the boxes of map i, of which r is alone, that lie near their cells.
func (t *trial) near(r *reading, cells []cell, i int) float64 {
	var of []cell
	for _, c := range cells {
		if c.grid == i {
			of = append(of, c)
		}
	}
	x := *r
	t.place(&x, of)
	return x.near
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	return x[len(x)/2]
}
