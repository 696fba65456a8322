package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// place is what differs from cell to cell and anchor to anchor of level l, as
// a map [1, anchors·k, H, W]: "cell", its column and row; "centre", the same in
// pixels; "points", centres five times; "stride"; "anchor", a width and height.
func (n *net) place(l level, what string, anchors int) (x *graph.Value, k int) {
	switch what {
	case "stride":
		return n.spread(l, anchors, []float32{float32(l.stride)}), 1
	case "anchor":
		return n.spread(l, anchors, []float32{float32(2 * l.stride), float32(3 * l.stride)}), 2
	}
	copies := anchors
	if what == "points" {
		copies *= 5
	}
	var maps []*graph.Value
	if n.consts == "computed" {
		maps = n.computedGrid(l, copies)
	} else {
		maps = []*graph.Value{n.constant(grid(l, copies))}
	}
	g := maps[0]
	if len(maps) > 1 {
		g = op.Concat(1, maps...)
	}
	if what != "cell" {
		g = op.Mul(op.Add(g, n.scalar(0.5)), n.scalar(float64(l.stride)))
	}
	return g, 2 * copies / anchors
}

// grid is columns and rows of the cells, copies times over: [1, 2·copies, H, W].
func grid(l level, copies int) *tensor.Tensor {
	x := make([]float32, 0, 2*copies*l.h*l.w)
	for range copies {
		for i := range l.h * l.w {
			x = append(x, float32(i%l.w))
		}
		for i := range l.h * l.w {
			x = append(x, float32(i/l.w))
		}
	}
	return tensor.Of([]int{1, 2 * copies, l.h, l.w}, x)
}

// computedGrid is grid, made in the graph from the map's size.
func (n *net) computedGrid(l level, copies int) []*graph.Value {
	line := func(axis int64, dims ...int64) *graph.Value {
		size := op.Gather(op.Shape(l.v), n.constant(tensor.Scalar(axis)), 0)
		zero, one := n.constant(tensor.Scalar[int64](0)), n.constant(tensor.Scalar[int64](1))
		return op.Reshape(op.Cast(op.Range(zero, size, one), tensor.Float32), dims...)
	}
	full := op.Concat(0, n.ints(1, 1), n.size(l.v, 2), n.size(l.v, 3))
	xs := op.Expand(line(3, 1, 1, 1, -1), full)
	ys := op.Expand(line(2, 1, 1, -1, 1), full)
	var maps []*graph.Value
	for range copies {
		maps = append(maps, xs, ys)
	}
	return maps
}

// spread is the numbers x for each anchor of each cell.
func (n *net) spread(l level, anchors int, x []float32) *graph.Value {
	var all []float32
	for a := range anchors {
		for _, f := range x {
			all = append(all, f*(1+0.5*float32(a)))
			if len(x) == 1 {
				all[len(all)-1] = f
			}
		}
	}
	k := len(all)
	if n.consts == "computed" {
		full := op.Concat(0, n.ints(1, int64(k)), n.size(l.v, 2), n.size(l.v, 3))
		return op.Expand(n.floats([]int{1, k, 1, 1}, all), full)
	}
	cells := l.h * l.w
	out := make([]float32, 0, k*cells)
	for _, f := range all {
		for range cells {
			out = append(out, f)
		}
	}
	return n.floats([]int{1, k, l.h, l.w}, out)
}
