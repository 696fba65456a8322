package patterns

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// rowsOf is the numbers of slice s of t, which has layout l, in the canonical order: a row
// for each anchor. It is nil if the layout does not fit. Of a batch it is the first.
func rowsOf(t *tensor.Tensor, l Layout, s Slice) [][]float64 {
	c := l.ChannelAxis()
	if t == nil || len(l) == 0 || t.Rank() != len(l) || c < 0 || s.Stride < 1 || t.Shape[c]%s.Stride != 0 || s.Len() < 1 || s.Stop > s.Stride {
		return nil
	}
	x := op.Floats(t)
	step := tensor.Strides(t.Shape)
	type axis struct{ n, step int }
	var axes []axis
	for _, a := range "HWR1A" {
		for d := range len(l) {
			if rune(l[d]) == a {
				axes = append(axes, axis{t.Shape[d], step[d]})
			}
		}
	}
	axes = append(axes, axis{t.Shape[c] / s.Stride, s.Stride * step[c]})
	n := 1
	for _, a := range axes {
		n *= a.n
	}
	if x == nil || n == 0 || n > len(x) {
		return nil
	}
	rows, flat := make([][]float64, n), make([]float64, 0, n*s.Len())
	for r := range rows {
		at, rest := s.Start*step[c], r
		for i := len(axes) - 1; i >= 0; i-- {
			at += rest % axes[i].n * axes[i].step
			rest /= axes[i].n
		}
		for k := range s.Len() {
			flat = append(flat, x[at+k*step[c]])
		}
		rows[r] = flat[len(flat)-s.Len():]
	}
	return rows
}

// cell is the place of a row of the logits: the map, and where on it.
type cell struct{ grid, row, column int }

// cells are the places of all rows of the logits, as the numbers of the cells show.
func (t *trial) cells() ([]cell, error) {
	var all []cell
	for _, l := range t.head.Levels {
		name := t.value(l.Source.Name).Name
		zero, one, code := rowsOf(t.zero[name], l.Layout, l.Slice), rowsOf(t.one[name], l.Layout, l.Slice), rowsOf(t.code[name], l.Layout, l.Slice)
		if zero == nil || one == nil || code == nil {
			return nil, fmt.Errorf("the rows of %s do not fit its layout", l.Source.Name)
		}
		for r := range zero {
			n, ok := numberAt(zero[r][0], one[r][0], code[r][0])
			if !ok {
				return nil, fmt.Errorf("the rows of %s cannot be followed to cells of a map", l.Source.Name)
			}
			c, ok := t.cellOf(n)
			if !ok {
				return nil, fmt.Errorf("the rows of %s are of no map", l.Source.Name)
			}
			if all = append(all, c); len(all) > maxAnchors {
				return nil, fmt.Errorf("there are more than %d anchors", maxAnchors)
			}
		}
	}
	return all, nil
}

// numberAt is the number that was fed where code came out, zero for 0 and one for 1, if what
// lies between is linear.
func numberAt(zero, one, code float64) (int, bool) {
	x := (code - zero) / (one - zero)
	n := math.Round(x)
	return int(n), !math.IsNaN(x) && n >= 0 && n < 1<<24 && math.Abs(x-n) < 0.01+1e-5*n
}

func (t *trial) cellOf(n int) (cell, bool) {
	for i, g := range t.maps {
		if k := n - g.first; k >= 0 && k < g.rows*g.columns {
			return cell{i, k / g.columns, k % g.columns}, true
		}
	}
	return cell{}, false
}

// measure has the maps say how many anchors each of their cells has.
func (t *trial) measure(cells []cell) {
	count := make([]int, len(t.maps))
	for _, c := range cells {
		count[c.grid]++
	}
	for i, g := range t.maps {
		if n := g.rows * g.columns; n > 0 && count[i]%n == 0 {
			g.PerCell = count[i] / n
		}
		t.out.Maps[i] = g.Map
	}
}
