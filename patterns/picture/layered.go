package picture

import (
	"context"
	"slices"
)

// A layered drawing, after Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of
// Hierarchical System Structures", IEEE Trans. SMC 11(2), 1981: every box has a layer below
// those that lead to it; an edge over several layers has a bend in each between; the order
// within layers is that of the neighbours' mean places, as long as fewer edges cross; and
// boxes then stand as near to their neighbours as the order lets them.

// The space between boxes of a layer, between lines that pass through it, and between
// layers, in pixels.
const (
	boxGap   = 22
	lineGap  = 14
	layerGap = 34
)

// Sweeps over all layers, for the order and for the places.
const (
	orderSweeps = 24
	placeSweeps = 16
)

// spot is a box, or the bend of an edge in a layer that it passes.
type spot struct {
	box           int // -1 for a bend
	width, height float64
	layer, at     int // at is the place in the layer's order
	x             float64
	up, down      []link
}

// link leads to a spot of a neighbouring layer.
type link struct {
	to     *spot
	weight float64
}

// layering is a drawing in the making.
type layering struct {
	rows  [][]*spot
	paths [][]*spot // of each edge, from its upper end to its lower one
	tops  []float64
	tall  []float64
}

// arrange lays out boxes in layers, edges leading down.
func arrange(ctx context.Context, s *sizes) (*layout, error) {
	d := newLayers(s)
	for k := range orderSweeps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !d.reorder(k%2 == 0) && k > 2 {
			break
		}
	}
	d.pack()
	for k := range placeSweeps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.place(k%2 == 0)
	}
	return d.layout(s), ctx.Err()
}

func newLayers(s *sizes) *layering {
	rank := ranks(s)
	d := &layering{}
	add := func(p *spot) *spot {
		for len(d.rows) <= p.layer {
			d.rows = append(d.rows, nil)
		}
		p.at = len(d.rows[p.layer])
		d.rows[p.layer] = append(d.rows[p.layer], p)
		return p
	}
	boxes := make([]*spot, len(s.Sizes))
	for _, i := range visits(s) {
		boxes[i] = add(&spot{box: i, width: s.Sizes[i][0], height: s.Sizes[i][1], layer: rank[i]})
	}
	for _, e := range s.Edges {
		from, to := boxes[e[0]], boxes[e[1]]
		if from.layer > to.layer {
			from, to = to, from
		}
		path := []*spot{from}
		for l := from.layer + 1; l < to.layer; l++ {
			path = append(path, add(&spot{box: -1, layer: l}))
		}
		path = append(path, to)
		for k := 1; k < len(path); k++ {
			weight := float64(e[2])
			if path[k-1].box < 0 || path[k].box < 0 {
				weight *= 4 // long lines are straight first of all
			}
			path[k-1].down = append(path[k-1].down, link{path[k], weight})
			path[k].up = append(path[k].up, link{path[k-1], weight})
		}
		d.paths = append(d.paths, path)
	}
	d.tops, d.tall = make([]float64, len(d.rows)), make([]float64, len(d.rows))
	y := 0.0
	for l, row := range d.rows {
		for _, p := range row {
			d.tall[l] = max(d.tall[l], p.height)
		}
		d.tops[l] = y
		y += d.tall[l] + layerGap
	}
	return d
}

// layout is the drawing, moved so that it begins at 0.
func (d *layering) layout(s *sizes) *layout {
	l := &layout{Boxes: make([][2]float64, len(s.Sizes))}
	left, right := 0.0, 0.0
	for k, row := range d.rows {
		for i, p := range row {
			if k == 0 && i == 0 {
				left, right = p.x, p.x
			}
			left, right = min(left, p.x-p.width/2), max(right, p.x+p.width/2)
		}
		l.Height = d.tops[k] + d.tall[k]
	}
	l.Width = right - left
	for k, row := range d.rows {
		for _, p := range row {
			if p.x -= left; p.box >= 0 {
				l.Boxes[p.box] = [2]float64{p.x, d.tops[k] + d.tall[k]/2}
			}
		}
	}
	for i, path := range d.paths {
		var line [][2]float64
		for k, p := range path {
			top, low := d.tops[p.layer], d.tops[p.layer]+d.tall[p.layer]
			switch mid := (top + low) / 2; {
			case k == 0:
				line = append(line, p.leave(path[1], mid, mid+p.height/2))
			case k == len(path)-1:
				line = append(line, p.leave(path[k-1], mid, mid-p.height/2))
			default:
				line = append(line, [2]float64{p.x, top}, [2]float64{p.x, low})
			}
		}
		if len(path) > 1 && path[0].box != s.Edges[i][0] {
			slices.Reverse(line)
		}
		l.Lines = append(l.Lines, line)
	}
	return l
}

// leave is where a line to q crosses the border of p's box at height y, whose middle is
// at height mid.
func (p *spot) leave(q *spot, mid, y float64) [2]float64 {
	toward := (q.x - p.x) * min(1, max(y-mid, mid-y)/(p.height/2+layerGap))
	most := p.width/2 - 12
	return [2]float64{p.x + max(-most, min(most, toward/2)), y}
}
