package match

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// note adds a mark to what v shows.
func (a *Analysis) note(v *graph.Value, m Marks) {
	w := a.View(v)
	if w == nil {
		return
	}
	for i := range w.Pieces {
		p := &w.Pieces[i]
		p.Field.note(p.Span(), m, 0)
		p.Field.divided(p.group())
	}
}

// backward passes the marks of each field on to what it is computed from.
func (a *Analysis) backward() {
	for i := len(a.Fields) - 1; i >= 0; i-- {
		f := a.Fields[i]
		for _, l := range f.links {
			a.pass(f, l)
		}
	}
}

func (a *Analysis) pass(f *Field, l link) {
	w := a.View(l.value)
	if w == nil {
		return
	}
	facts := f.Facts
	if l.stop || len(facts) == 0 {
		facts = []Fact{{Span: All}}
	}
	dim := -1
	if f.Chan >= 0 && f.Chan < len(l.dims) {
		dim = l.dims[f.Chan]
	}
	for _, x := range facts {
		pre, post := x.Pre, x.Post
		switch {
		case l.stop:
			pre, post = 0, 0
		case l.gate:
			pre, post = 0, pre|post
		}
		for i := range w.Pieces {
			p := &w.Pieces[i]
			if s, ok := p.through(x.Span, dim); ok {
				p.Field.note(s, pre|l.marks, post)
			}
			if x.Span != All {
				continue
			}
			if p.Field.divided(p.group()); dim >= 0 && !l.stop && p.Span() == All && dim == p.chanDim() {
				for g := range f.groups {
					p.Field.divided(g)
				}
			}
		}
	}
}

// group is the number of channels in one dimension of what p shows, where all
// of the field's channels show and another dimension counts such groups; else 0.
func (p *Piece) group() int64 {
	d := p.chanDim()
	if d < 0 || len(p.Dims[d]) != 1 || p.Span() != All {
		return 0
	}
	a := p.Dims[d][0]
	if a.Stride != 1 || a.Start != 0 || a.Size < 1 || a.Size == p.Field.Channels() {
		return 0
	}
	return a.Size
}

// divided notes that the graph takes f's channels apart into groups of n; 0 is
// no division.
func (f *Field) divided(n int64) {
	if n == 0 {
		return
	}
	if f.groups == nil {
		f.groups = map[int64]bool{}
	}
	f.groups[n] = true
}

// Group is the size of the groups that the graph takes f's channels apart
// into: the channels of one anchor, if f makes nothing else. It is 0 where the
// graph does not, or does so in several ways.
func (f *Field) Group() int64 {
	if len(f.groups) != 1 {
		return 0
	}
	for g := range f.groups {
		return g
	}
	return 0
}

// Period is the size of the groups that the facts of f divide its channels
// into: the stride that most of them have, 0 if none has any.
func (f *Field) Period() int64 {
	count := map[int64]int{}
	best := int64(0)
	for _, x := range f.Facts {
		if x.Stride == 0 {
			continue
		}
		count[x.Stride]++
		if c, b := count[x.Stride], count[best]; best == 0 || c > b || c == b && x.Stride > best {
			best = x.Stride
		}
	}
	return best
}

// Reads is what a field of kind Gate or Pick is the activation of.
func (f *Field) Reads() *graph.Value {
	if len(f.links) == 0 {
		return nil
	}
	return f.links[0].value
}

// Size is the size of dimension d of v, by inference or by what v shows; -1 if
// unknown.
func (a *Analysis) Size(v *graph.Value, d int) int64 {
	if s := a.shape(v); d >= 0 && d < len(s) && s[d].IsKnown() {
		return s[d].Value
	}
	if w := a.View(v); w != nil && d >= 0 && d < w.Rank {
		return w.Extent(d)
	}
	return -1
}

// Chosen is the tensor whose rows a ranking or an index with data has chosen
// f from; nil if f is anything else.
func (f *Field) Chosen() *graph.Value {
	if f.Node == nil || len(f.links) == 0 || f.links[0].stop || f.Value.Index() != 0 {
		return nil
	}
	switch f.Node.Op {
	case "TopK", "Gather", "GatherND", "GatherElements", "Compress":
		return f.links[0].value
	}
	return nil
}

// Mixes reports whether dimension d counts channels and rows together.
func (v *View) Mixes(d int) bool {
	for i := range v.Pieces {
		p := &v.Pieces[i]
		for _, x := range p.Dims[d] {
			if x.Axis != p.Field.Chan && x.Size != 1 {
				return true
			}
		}
	}
	return false
}

// Root is the layer behind what the piece shows of the value's span s along
// dimension dim, and the layer's channels; ok is false if it shows none.
func (p *Piece) Root(s Span, dim int) (*Field, Span, bool) {
	t, ok := p.through(s, dim)
	return p.Field.Root, compose(p.Field.RootSpan, t), ok
}

// Through is the span of the piece's field that the value's span s along
// dimension dim shows; ok is false if it shows none.
func (p *Piece) Through(s Span, dim int) (Span, bool) { return p.through(s, dim) }

// ChanDim is the dimension that shows the innermost digit of the channels.
func (p *Piece) ChanDim() int { return p.chanDim() }

// Len is the piece's extent along dimension d; -1 if unknown.
func (p *Piece) Len(d int) int64 { return size(p.Dims[d]) }

// Ranks reports whether input i of n is read as scores: by a suppression, an
// arg-max, a ranking or a maximum.
func (a *Analysis) Ranks(n *graph.Node, i int) bool {
	switch o := flowOf(n); {
	case o.Pass == flow.Located || o.Pass == flow.Ranked:
		return i == 0
	case o.Pass == flow.Reduced && o.Effect == flow.Maximum:
		return i == 0
	case untraced(o) && layouts[n.Op] == nil:
		r := a.suppression(n)
		return i < len(r) && r[i] == NMSScore
	}
	return false
}

// Queries reports whether a layer's rows may be the queries of a set
// predictor: rows that are no map, in a network with attention.
func (a *Analysis) Queries(f *Field) bool {
	return len(f.Shape) == 3 && f.Node != nil && f.Node.Op != "Conv" && a.attention
}

// RowsAreChannels reports whether layer f reads the places of a map as its
// channels, so that its rows are the channels of an earlier layer.
func (a *Analysis) RowsAreChannels(f *Field) bool {
	if f.Kind != Weighing || f.Node == nil || len(f.Shape) < 3 || f.Chan != len(f.Shape)-1 {
		return false
	}
	w := a.View(f.Node.Input(operands(f.Node)[0]))
	if w == nil || len(w.Pieces) == 0 {
		return false
	}
	p := &w.Pieces[0]
	if p.Field.Kind != Weighing && (p.Field.Root == nil || p.Field.Root.Kind != Weighing) {
		return false
	}
	d := p.chanDim()
	return d >= 0 && d < w.Rank-1 && len(p.Field.Shape) == 4 && p.Field.Shape[p.Field.Chan].Value != 1
}
