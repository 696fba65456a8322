package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// pooled reports whether f pools regions, or is computed from what does.
func (a *Analysis) pooled(f *Field) bool {
	if f.Node != nil && (f.Node.Op == "RoiAlign" || f.Node.Op == "MaxRoiPool") {
		return true
	}
	return slices.ContainsFunc(f.links, func(l link) bool {
		w := a.View(l.value)
		return w != nil && len(w.Pieces) > 0 && w.Pieces[0].Field.Pooled
	})
}

// places is the map whose places the rows of f are, if f is a layer over all
// rows of one or computed from such; else f.
func (a *Analysis) places(f *Field) *Field {
	if len(f.Shape) != 3 || f.Chan < 1 || f.Kind == Dark || f.Kind == Source {
		return f
	}
	r := 3 - f.Chan
	for _, l := range f.links {
		w, d := a.View(l.value), r
		if f.Kind != Weighing && f.Kind != Pairing {
			if len(l.dims) != 3 {
				continue
			}
			d = l.dims[r]
		}
		if w == nil || w.Rank != 3 || len(w.Pieces) != 1 || d < 0 || d > 2 {
			continue
		}
		p := &w.Pieces[0]
		rows := p.Dims[d]
		switch {
		case len(p.Field.Shape) == 4 && p.Field.Chan == 1 && len(rows) == 2 && rows[0].Axis == 2 && rows[1].Axis == 3:
			return p.Field
		case p.Field.Places != p.Field && len(rows) == 1 && rows[0].Axis != p.Field.Chan:
			return p.Field.Places
		}
	}
	return f
}

// unfolds gives f, which n computes element by element from a view in which
// channels and rows share a dimension, the axes of the field that the view
// shows, and its value the same view: groups are normalized so. It reports
// whether that can be done.
func (a *Analysis) unfolds(f *Field, n *graph.Node) bool {
	w := a.View(n.Input(0))
	if w == nil || w.Const || len(w.Pieces) != 1 {
		return false
	}
	p := w.Pieces[0]
	whole := len(p.Fixed) == 0 && p.Span() == All && !slices.ContainsFunc(p.At, func(at int64) bool { return at != 0 })
	if c := p.chanDim(); c < 0 || !w.Mixes(c) || !whole || p.Field.Shape == nil {
		return false
	}
	f.Shape, f.reshaped = p.Field.Shape, true
	dims := make([]int, len(f.Shape))
	for d := range dims {
		dims[d] = d
	}
	f.linkTo(p.Field.Value, dims, Norm, false, false)
	p.Field = f
	a.views[f.Value] = &View{Rank: w.Rank, Pieces: []Piece{p}}
	return true
}
