package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

func (a *Analysis) reduced(f *Field, n *graph.Node, o flow.Flow) {
	x := n.Input(0)
	w := a.View(x)
	if w == nil {
		f.linkTo(x, nil, MaxRow, false, false)
		return
	}
	list, ok := a.ints(n, "axes", 1)
	if o.Pass == flow.Located {
		list, ok = []int64{n.Int("axis", 0)}, true
	}
	keep := n.Int("keepdims", 1) != 0
	gone, fine := axes(list, w.Rank)
	if !ok || !fine || len(gone) == 0 {
		gone = nil
		for d := range w.Rank {
			gone = append(gone, d)
		}
	}
	dims := make([]int, 0, w.Rank)
	for d := range w.Rank {
		switch {
		case !slices.Contains(gone, d):
			dims = append(dims, d)
		case keep:
			dims = append(dims, -1)
		}
	}
	m := MaxRow
	c := w.ChanDim()
	if c >= 0 && slices.Contains(gone, c) && len(gone) < w.Rank {
		switch {
		case o.Pass == flow.Located:
			m = ArgMax
		case o.Effect == flow.Maximum:
			m = MaxChan
		default:
			m = SumChan
		}
	}
	if len(f.Shape) != len(dims) {
		dims = nil
	}
	f.linkTo(x, dims, m, false, o.Pass == flow.Located)
}

func (a *Analysis) ranked(f *Field, n *graph.Node, i int) {
	x := n.Input(0)
	m := TopK
	if w := a.View(x); w != nil {
		axis := int(n.Int("axis", -1))
		if axis < 0 {
			axis += w.Rank
		}
		if c := w.ChanDim(); c == axis && len(w.Pieces) > 0 && len(w.Pieces[0].Dims[c]) == 1 && w.Pieces[0].Dims[c][0].Size != 1 {
			m = TopKChan
		}
	}
	f.linkTo(x, a.aligned(f, x), m, false, i == 1)
}

func (a *Analysis) selected(f *Field, n *graph.Node, o flow.Flow) {
	if o.Pass == flow.Chosen {
		f.linkTo(n.Input(0), nil, Index, false, true)
		for _, i := range []int{1, 2} {
			if v := n.Input(i); v != nil && !a.Static(v) {
				f.linkTo(v, a.aligned(f, v), 0, false, false)
			}
		}
		return
	}
	f.linkTo(n.Input(0), a.selectDims(f, n), 0, false, a.picksChannels(n))
	for i, v := range n.Inputs {
		switch {
		case i == 0 || v == nil || a.Static(v):
		case i == 2:
			f.linkTo(v, nil, 0, false, false)
		default:
			f.linkTo(v, nil, Index, false, true)
		}
	}
}

// selectDims says which dimension of its data each axis of a selection is.
func (a *Analysis) selectDims(f *Field, n *graph.Node) []int {
	w := a.View(n.Input(0))
	if w == nil || f.Shape == nil {
		return nil
	}
	dims := make([]int, len(f.Shape))
	for d := range dims {
		dims[d] = d
	}
	switch n.Op {
	case "Gather":
		axis := int(n.Int("axis", 0))
		if axis < 0 {
			axis += w.Rank
		}
		more := len(dims) - w.Rank
		for d := range dims {
			switch {
			case d < axis:
			case d <= axis+more:
				dims[d] = -1
				if more == 0 {
					dims[d] = d
				}
			default:
				dims[d] = d - more
			}
		}
	case "GatherND":
		for d := range dims {
			k := d + w.Rank - len(dims)
			dims[d] = -1
			if k >= 0 && k < w.Rank && d >= len(a.shape(n.Input(1)))-1 {
				dims[d] = k
			}
		}
	case "Compress":
		if len(dims) != w.Rank {
			return nil
		}
	}
	return dims
}

func (a *Analysis) compared(f *Field, n *graph.Node, o flow.Flow) {
	for _, v := range n.Inputs {
		if v == nil || a.Static(v) {
			continue
		}
		m := Index
		if o.Effect == flow.Order {
			m = Threshold
		}
		f.linkTo(v, nil, m, false, true)
	}
}

// picksChannels reports whether n takes channels by constant indices that
// cannot be read, so that which channels it takes is not known.
func (a *Analysis) picksChannels(n *graph.Node) bool {
	w := a.View(n.Input(0))
	if n.Op != "Gather" || w == nil || !a.Static(n.Input(1)) {
		return false
	}
	dims, ok := axes([]int64{n.Int("axis", 0)}, w.Rank)
	return ok && dims[0] == w.ChanDim()
}
