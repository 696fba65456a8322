package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// eachElement is Op.Rows of operators that work element by element.
func eachElement(*graph.Node, int64, int) bool { return true }

// eachBroadcast is that of operators with two operands, which broadcast as they
// do today since version 7.
func eachBroadcast(_ *graph.Node, since int64, _ int) bool { return since >= 7 }

// alongRow is that of operators along one axis, which must be the last.
func alongRow(axis func(n *graph.Node, since int64) int64) func(*graph.Node, int64, int) bool {
	return func(n *graph.Node, since int64, rank int) bool {
		a := axis(n, since)
		return a == -1 || a == int64(rank-1)
	}
}

// rows is Op.Rows of the reductions: over the last axis alone.
func (r *reduceRow) rows(n *graph.Node, _ int64, rank int) bool {
	axes, _, err := r.axes().ofNode(n)
	return err == nil && (slices.Equal(axes, []int64{-1}) || slices.Equal(axes, []int64{int64(rank - 1)}))
}

// newLast is Op.Rows of Unsqueeze: where it adds a last axis alone.
func newLast(n *graph.Node, _ int64, rank int) bool {
	axes, _, err := axesSince13.ofNode(n)
	return err == nil && (slices.Equal(axes, []int64{-1}) || slices.Equal(axes, []int64{int64(rank)}))
}
