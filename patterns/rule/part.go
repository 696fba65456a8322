package rule

import (
	"cmp"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// Part is a run of channels that ends a network.
type Part struct {
	// Value is what enters the activation, or the raw output; the part is the
	// channels Span of its dimension Dim.
	Value      *graph.Value
	Dim        int
	Span       match.Span
	Activation Activation
	field      *match.Field // the activation's; nil for a raw part
	Channels   int64        // of one anchor; -1 unknown
	Group      int64        // Channels, where the graph takes the axis apart into anchors; else 0
	Marks      match.Marks  // what is done behind the activation, or to the raw part
	Roots      []Root
	score      [8]float64
	Role       Role
	Why        []string

	order int
	doubt float64 // how unsure the part is, in [0, 1]
	mixed bool    // whether one layer makes the boxes too
	rare  bool    // whether its channels are those of rare events
	// Rejected is why a rule left the part out.
	Rejected string
}

// Root is a layer behind a part and the channels of it.
type Root struct {
	Field *match.Field
	Span  match.Span
}

// Scene is a model being searched: what the rules see.
type Scene struct {
	*match.Analysis
	In    *graph.Inlined
	Parts []*Part
	Boxes boxes
	User  User
	// Stated is what the metadata says; the zero value where that is not asked.
	Stated Stated

	Found []*Finding // the heads, as far as rules have found them
	Doubt string     // why nothing decides, if a rule found that
	Takes string     // what would decide, beside naming the head

	probing *probing // once the network was run
	unread  error    // of reading a constant, in a run

	Trace bool // whether Said is kept
	Said  []Said

	OfLayer map[*match.Field][]*Part // by the layers of its roots
	ones    ones
}

// Survey finds the parts: what enters each activation and what leaves raw.
func Survey(a *match.Analysis, in *graph.Inlined) *Scene {
	s := &Scene{Analysis: a, In: in}
	for _, f := range a.Fields {
		if f.Kind == match.Gate || f.Kind == match.Pick {
			s.activated(f)
		}
	}
	seen := map[*graph.Value]bool{}
	for _, v := range s.sinks() {
		if !seen[v] {
			seen[v] = true
			s.raw(v)
		}
	}
	for _, p := range s.Parts {
		s.unrank(p)
		for _, r := range p.Roots {
			pre, _ := r.Field.At(r.Span)
			p.Marks |= pre & match.Resize
		}
		p.score, _ = tally(p.Marks, p.Activation)
	}
	slices.SortStableFunc(s.Parts, func(p, q *Part) int {
		return cmp.Or(cmp.Compare(q.Extent(), p.Extent()), cmp.Compare(a.Order(p.Value), a.Order(q.Value)))
	})
	s.OfLayer = map[*match.Field][]*Part{}
	for _, p := range s.Parts {
		for i, r := range p.Roots {
			if i == 0 || p.Roots[i-1].Field != r.Field {
				s.OfLayer[r.Field] = append(s.OfLayer[r.Field], p)
			}
		}
	}
	return s
}

// input is what the activation f reads.
func input(f *match.Field) *graph.Value { return f.Reads() }

// activated splits what enters activation f by what is done behind it.
func (s *Scene) activated(f *match.Field) {
	v := input(f)
	w := s.View(v)
	if w == nil || len(w.Pieces) == 0 || len(f.Facts) == 0 {
		return
	}
	act := Sigmoid
	if f.Kind == match.Pick {
		act = Softmax
	}
	if f.Chan < 0 {
		s.picked(f, v, w, act)
		return
	}
	dim := f.Chan - len(f.Shape) + w.Rank
	parts := divide(f, f.Kind == match.Pick)
	if act == Sigmoid {
		parts = byLayer(parts, w, dim)
	}
	for i, d := range parts {
		p := &Part{Value: v, Dim: dim, Span: d.Span, Activation: act, field: f, Marks: d.marks, order: i}
		p.Channels = width(d.Span, f.Channels())
		p.gather(f)
		p.Roots = RootsOf(w, d.Span, p.Dim)
		if len(p.Roots) > 0 {
			s.Parts = append(s.Parts, p)
		}
	}
}

// gather has p count the channels of one anchor, where the graph takes the
// channels of f, all of which are p's, apart into groups.
func (p *Part) gather(f *match.Field) {
	if g := f.Group(); g > 0 && p.Span == match.All && p.Channels > g && p.Channels%g == 0 {
		p.Channels, p.Group = g, g
	}
}

// picked is the part of an activation whose one channel an index has picked.
func (s *Scene) picked(f *match.Field, v *graph.Value, w *match.View, act Activation) {
	if x := s.only(v); x != nil {
		pre, post := f.At(match.All)
		p := &Part{Value: x, Dim: s.View(x).ChanDim(), Span: match.All, Activation: act, field: f, Channels: 1, Marks: pre | post}
		p.Roots = RootsOf(s.View(x), match.All, p.Dim)
		if len(p.Roots) > 0 {
			s.Parts = append(s.Parts, p)
		}
		return
	}
	p := &Part{Value: v, Dim: -1, Span: match.All, Activation: act, field: f, Channels: 1, Roots: RootsOf(w, match.All, -1)}
	pre, post := f.At(match.All)
	p.Marks = pre | post
	if len(p.Roots) > 0 && p.Roots[0].Field.Chan >= 0 && p.Roots[0].Span != match.All {
		s.Parts = append(s.Parts, p)
	}
}

// only is the last tensor before v whose rows have one channel each, on a
// dimension of its own; nil if there is none.
func (s *Scene) only(v *graph.Value) *graph.Value {
	for range 100 {
		w := s.View(v)
		if w == nil || len(w.Pieces) == 0 {
			return nil
		}
		if d := w.ChanDim(); d >= 0 {
			if s.Size(v, d) == 1 && !w.Mixes(d) {
				return v
			}
			return nil
		}
		f := s.Field(v)
		switch before := s.Before(v); {
		case f != nil && f.Chosen() == nil, len(before) != 1:
			return nil
		default:
			v = before[0]
		}
	}
	return nil
}

// width is the number of channels in one group of span, of total.
func width(s match.Span, total int64) int64 {
	if n := s.Len(); n >= 0 {
		return n
	}
	if total < 0 {
		return -1
	}
	return total - s.Start
}

// RootsOf are the layers behind the span of v along dim.
func RootsOf(v *match.View, s match.Span, dim int) []Root {
	var r []Root
	for i := range v.Pieces {
		f, t, ok := v.Pieces[i].Root(s, dim)
		if ok && f != nil && !slices.Contains(r, Root{f, t}) {
			r = append(r, Root{f, t})
		}
	}
	return r
}

// sinks are the values whose raw parts count: outputs, and what suppression,
// ranking or a maximum reads.
func (s *Scene) sinks() []*graph.Value {
	out := slices.Clone(s.Model.Graph.Outputs)
	for _, n := range s.Nodes {
		for i, v := range n.Inputs {
			if v != nil && !s.Static(v) && s.Ranks(n, i) {
				out = append(out, v)
			}
		}
	}
	return out
}

// raw finds the parts of v that no activation made.
func (s *Scene) raw(v *graph.Value) {
	w := s.View(v)
	if w == nil {
		return
	}
	type run struct{ at, n int64 }
	byRun := map[run]*Part{}
	before := len(s.Parts)
	dim := w.ChanDim()
	if dim < 0 {
		if n := v.Producer(); n != nil && (n.Op == "Reshape" || n.Op == "Squeeze" || n.Op == "Flatten") {
			s.raw(n.Input(0)) // one channel, whose dimension is dropped
		}
		return
	}
	for i := range w.Pieces {
		p := &w.Pieces[i]
		f, t, ok := p.Root(match.All, dim)
		if !ok || f == nil || p.Field.Active || f.Kind == match.Dark || f.Kind == match.Source {
			continue
		}
		at, n := p.At[dim], p.Len(dim)
		if p.ChanDim() != dim || w.Rank > 2 && p.Field.Channels() > 0 && n > p.Field.Channels() {
			continue // no channels, or the channels of all places together
		}
		q := byRun[run{at, n}]
		if q == nil {
			q = &Part{Value: v, Dim: dim, Activation: None, Channels: n, Span: match.All, order: len(byRun)}
			if at > 0 || n != s.Size(v, dim) {
				q.Span = match.Span{Start: max(at, 0), Stop: max(at, 0) + n}
			}
			byRun[run{at, n}] = q
			s.Parts = append(s.Parts, q)
		}
		if r := (Root{f, t}); !slices.Contains(q.Roots, r) {
			q.Roots = append(q.Roots, r)
			pre, post := f.At(t)
			q.Marks |= pre | post
			if len(q.Roots) == 1 && t == match.All && q.Channels == f.Channels() {
				q.gather(f)
			}
		}
	}
	s.joinSingles(before, s.Size(v, dim))
}

// joinSingles makes one part of those from the given on, if they are all of the
// total channels, one each, of a layer each, and used alike.
func (s *Scene) joinSingles(from int, total int64) {
	singles := s.Parts[from:]
	if len(singles) < 3 || int64(len(singles)) != total {
		return
	}
	all := singles[0]
	layers := map[*match.Field]bool{}
	for _, p := range singles {
		if p.Channels != 1 || p.Marks != all.Marks || layers[p.Roots[0].Field] {
			return
		}
		for _, r := range p.Roots {
			layers[r.Field] = true
		}
	}
	for _, p := range singles[1:] {
		all.Roots = append(all.Roots, p.Roots...)
	}
	all.Channels, all.Span = total, match.All
	s.Parts = s.Parts[:from+1]
}

// Sides is how many distances a box is.
const Sides = 4

// sides reports whether r may be distributions of 4 sides, by its channels.
func (r Root) sides() bool {
	n := r.Count()
	return n%Sides == 0 && n >= 2*Sides
}

// Within reports whether r is only some of its layer's channels.
func (r Root) Within() bool { return r.Span != match.All && r.Span.Stop >= 0 }

// channels is how many channels of its layer r is.
func (r Root) Count() int64 {
	if r.Within() {
		return r.Span.Stop - r.Span.Start
	}
	return r.Field.Channels()
}
