package patterns

import (
	"math"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// floatsOf is the elements of t; nil for nothing.
func floatsOf(t *tensor.Tensor) []float64 {
	if t == nil {
		return nil
	}
	return op.Floats(t)
}

// steps is how far one column of a reading moves from cell to cell of a map, along its rows
// and along its columns; NaN where the map has one only.
type steps struct{ x, y float64 }

// place says of r what its columns are, their form and unit, and which share of the boxes
// lies near their cells.
func (t *trial) place(r *reading, cells []cell) {
	step := t.steps(r, cells)
	for c := range r.types {
		r.types[c] = columnOf(step[c])
	}
	form := map[string]Coding{
		"xyxy": {Form: Corners, Columns: []string{"x1", "y1", "x2", "y2"}},
		"yxyx": {Form: Corners, Columns: []string{"y1", "x1", "y2", "x2"}},
		"xxyy": {Form: Corners, Columns: []string{"x1", "x2", "y1", "y2"}},
		"xy--": {Form: CenterSize, Columns: []string{"cx", "cy", "w", "h"}},
		"yx--": {Form: CenterSize, Columns: []string{"cy", "cx", "h", "w"}},
	}
	c, ok := form[string(r.types[:])]
	if !ok {
		return
	}
	r.coding = c
	if r.types[2] == '-' {
		t.anchor(r)
	}
	xs, ys := pair(r.types, 'x'), pair(r.types, 'y')
	unit, ux := t.unit(step, xs[0], ys[0])
	r.coding.Unit = unit
	near := 0
	for i, at := range cells {
		if near2(t.center(r, i, xs), t.center(r, i, ys), at, ux[at.grid]) {
			near++
		}
	}
	r.near = float64(near) / float64(len(cells))
}

// near2 reports whether a centre lies within one step of the middle of a cell.
func near2(x, y float64, at cell, u steps) bool {
	return math.Abs(x-(float64(at.column)+0.5)*u.x) <= 1.01*math.Abs(u.x) && math.Abs(y-(float64(at.row)+0.5)*u.y) <= 1.01*math.Abs(u.y)
}

// center is the middle of box i along one axis, whose columns are given.
func (t *trial) center(r *reading, i int, columns [2]int) float64 {
	x := r.zero[i]
	switch r.coding.Form {
	case Corners:
		return (x[columns[0]] + x[columns[1]]) / 2
	case CornerSize:
		return x[columns[0]] + x[columns[1]]/2
	}
	return x[columns[0]]
}

// pair is the columns of one axis: its two corners, or its place and its size.
func pair(types [Sides]byte, axis byte) [2]int {
	var p [2]int
	n := 0
	for c, x := range types {
		if x == axis && n < 2 {
			p[n] = c
			n++
		}
	}
	if n == 1 {
		p[1] = p[0] + 2
	}
	return p
}

// columnOf is the axis along which a column moves, the same on all maps; - for one that does
// not move, and ? for any other.
func columnOf(of []steps) byte {
	kind := byte(0)
	for _, s := range of {
		x, y := math.Abs(s.x), math.Abs(s.y)
		k := byte('?')
		switch {
		case math.IsNaN(x) || math.IsNaN(y):
			continue // one cell, of which nothing can be said
		case x < flat && y < flat:
			k = '-'
		case y < flat*max(1, x):
			k = 'x'
		case x < flat*max(1, y):
			k = 'y'
		}
		if kind != 0 && kind != k {
			return '?'
		}
		kind = k
	}
	if kind == 0 {
		return '?'
	}
	return kind
}

// flat is what counts as not moving.
const flat = 1e-4

// steps are how far each column of r moves, by map.
func (t *trial) steps(r *reading, cells []cell) [Sides][]steps {
	type place struct{ grid, row, column, anchor int }
	at := map[place]int{}
	count := map[cell]int{}
	for i, c := range cells {
		at[place{c.grid, c.row, c.column, count[c]}] = i
		count[c]++
	}
	var all [Sides][]steps
	for c := range all {
		dx, dy := make([][]float64, len(t.maps)), make([][]float64, len(t.maps))
		for p, i := range at {
			if j, ok := at[place{p.grid, p.row, p.column + 1, p.anchor}]; ok {
				dx[p.grid] = append(dx[p.grid], r.zero[j][c]-r.zero[i][c])
			}
			if j, ok := at[place{p.grid, p.row + 1, p.column, p.anchor}]; ok {
				dy[p.grid] = append(dy[p.grid], r.zero[j][c]-r.zero[i][c])
			}
		}
		for m := range t.maps {
			all[c] = append(all[c], steps{median(dx[m]), median(dy[m])})
		}
	}
	return all
}

// anchor tells a centre from a corner: where the size of a box grows on both sides alike, its
// centre stays, and its corner goes back by half of it.
func (t *trial) anchor(r *reading) {
	var ratios []float64
	for i := range r.zero {
		for c := range 2 {
			moved, sum := 0, 0.0
			for k := range r.side {
				if i >= len(r.side[k]) {
					continue
				}
				grown := r.side[k][i][c+2] - r.zero[i][c+2]
				if math.Abs(grown) > flat*math.Abs(r.zero[i][c+2])+1e-9 {
					moved++
					sum += (r.side[k][i][c] - r.zero[i][c]) / grown
				}
			}
			if moved > 0 {
				ratios = append(ratios, sum/float64(moved))
			}
		}
	}
	switch m := median(ratios); {
	case math.Abs(m) < 0.05:
	case math.Abs(m+0.5) < 0.05:
		r.coding.Form = CornerSize
		copy(r.coding.Columns, map[byte][]string{'x': {"x", "y"}, 'y': {"y", "x"}}[r.types[0]])
	default:
		r.coding.Form, r.coding.Columns = UnknownForm, nil
	}
}

// unit is what the steps of the columns x and y are measured in, and the length of a step on
// each map.
func (t *trial) unit(of [Sides][]steps, x, y int) (BoxUnit, []steps) {
	unit := UnknownUnit
	rows, columns := t.size()
	length := make([]steps, len(t.maps))
	for i, g := range t.maps {
		u := steps{of[x][i].x, of[y][i].y}
		length[i] = u
		sx, sy := float64(columns)/float64(max(g.columns, 1)), float64(rows)/float64(max(g.rows, 1))
		k := UnknownUnit
		switch {
		case math.IsNaN(u.x) || math.IsNaN(u.y):
			continue
		case alike(u.x, sx) && alike(u.y, sy), alike(u.x, g.Stride) && alike(u.y, g.Stride):
			k = Pixels
		case alike(u.x*float64(g.columns), 1) && alike(u.y*float64(g.rows), 1),
			columns > 0 && alike(u.x*float64(columns), g.Stride) && alike(u.y*float64(rows), g.Stride):
			k = Fractions
		case alike(u.x, 1) && alike(u.y, 1):
			k = Cells
		}
		if unit != UnknownUnit && k != unit {
			return UnknownUnit, length
		}
		if unit = k; k == UnknownUnit {
			return k, length
		}
	}
	for i := range length { // of a map of one cell it follows
		g := t.maps[i]
		if !math.IsNaN(length[i].x) && !math.IsNaN(length[i].y) {
			continue
		}
		sx, sy := float64(columns)/float64(max(g.columns, 1)), float64(rows)/float64(max(g.rows, 1))
		if g.Stride > 0 {
			sx, sy = g.Stride, g.Stride
		}
		switch unit {
		case Pixels:
			length[i] = steps{sx, sy}
		case Fractions:
			length[i] = steps{sx / float64(max(columns, 1)), sy / float64(max(rows, 1))}
		case Cells:
			length[i] = steps{1, 1}
		}
	}
	return unit, length
}

// alike reports whether two lengths differ by no more than a hundredth.
func alike(a, b float64) bool { return math.Abs(a-b) <= 0.02*math.Abs(b) }

// size is the rows and columns of the picture in the run; 0 where there is none.
func (t *trial) size() (rows, columns int) {
	if t.input == nil {
		return 0, 0
	}
	x := t.cuts[t.input.value]
	if x != nil {
		return x.Shape[t.input.row], x.Shape[t.input.row+1]
	}
	s := t.input.value.Shape()
	r, c := s[t.input.row], s[t.input.row+1]
	if !r.IsKnown() || !c.IsKnown() {
		return trialRows, trialColumns
	}
	return int(r.Value), int(c.Value)
}
