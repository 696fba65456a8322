package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// Cut says where the inputs of an operator can be cut so that it gives its output cut
// likewise, to the same bits. Operands that are broadcast are not cut along the axes
// along which they are.
type Cut uint8

const (
	NoCut   Cut = iota // nowhere, for all that is known
	RowCut             // between rows, which lie along the last axis of input 0
	EachCut            // between any two elements
)

// eachElement is Op.Rows of operators that work element by element.
func eachElement(*Spec, int) Cut { return EachCut }

// eachBroadcast is that of operators with two operands, which broadcast as they
// do today since version 7.
func eachBroadcast(s *Spec, _ int) Cut { return EachCut.where(s.Since >= 7) }

func (c Cut) where(ok bool) Cut {
	if !ok {
		return NoCut
	}
	return c
}

// alongRow is that of operators along one axis, which must be the last.
func alongRow(axis func(n *graph.Node, since int64) int64) func(*Spec, int) Cut {
	return func(s *Spec, rank int) Cut {
		a := axis(s.Node, s.Since)
		return RowCut.where(a == -1 || a == int64(rank-1))
	}
}

// rows is Op.Rows of the reductions: over the last axis alone.
func (r *reduceRow) rows(s *Spec, rank int) Cut {
	axes := r.axes().known(s)
	return RowCut.where(slices.Equal(axes, []int64{-1}) || slices.Equal(axes, []int64{int64(rank - 1)}))
}

// newLast is Op.Rows of Unsqueeze: where it adds a last axis alone.
func newLast(s *Spec, rank int) Cut {
	axes := axesSince13.known(s)
	return EachCut.where(slices.Equal(axes, []int64{-1}) || slices.Equal(axes, []int64{int64(rank)}))
}
