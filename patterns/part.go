package patterns

import (
	"cmp"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// part is a run of channels that ends a network.
type part struct {
	// value is what enters the activation, or the raw output; the part is the
	// channels span of its dimension dim.
	value *graph.Value
	dim   int
	span  match.Span
	act   Activation
	field *match.Field // the activation's; nil for a raw part
	n     int64        // channels of one anchor; -1 unknown
	group int64        // n, where the graph takes the axis apart into anchors; else 0
	marks match.Marks  // what is done behind the activation, or to the raw part
	roots []root
	score [8]float64
	role  role
	why   []string

	order int
	// doubt is how unsure the part is, in [0, 1].
	doubt float64
	// mixed is set where one layer makes the boxes too.
	mixed bool
	// rejected is why a pattern left the part out.
	rejected string
}

// root is a layer behind a part and the channels of it.
type root struct {
	field *match.Field
	span  match.Span
}

// site is a model being searched.
type site struct {
	*match.Analysis
	in    *graph.Inlined
	parts []*part
	boxes boxes
	opts  Options
	doubt string // why nothing decides, if a pattern found that
	takes string // what would decide, beside --head

	output map[*graph.Value]bool        // the graph's outputs, once a path was asked for
	owner  map[*graph.Graph]*graph.Node // the node that a subgraph belongs to, likewise

	ofLayer    map[*match.Field][]*part // by the layers of its roots
	ones       ones
	objectness []sized
}

// survey finds the parts: what enters each activation and what leaves raw.
func survey(a *match.Analysis, in *graph.Inlined) *site {
	s := &site{Analysis: a, in: in}
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
	for _, f := range a.Fields {
		if f.Kind == match.Weighing || f.Kind == match.Pairing {
			s.boxLayer(f)
		}
	}
	for _, p := range s.parts {
		s.unrank(p)
		for _, r := range p.roots {
			pre, _ := r.field.At(r.span)
			p.marks |= pre & match.Resize
		}
		s.weigh(p)
	}
	s.qualities()
	s.propose()
	slices.SortStableFunc(s.parts, func(p, q *part) int {
		return cmp.Or(cmp.Compare(q.extent(), p.extent()), cmp.Compare(a.Order(p.value), a.Order(q.value)))
	})
	s.ofLayer = map[*match.Field][]*part{}
	for _, p := range s.parts {
		for i, r := range p.roots {
			if i == 0 || p.roots[i-1].field != r.field {
				s.ofLayer[r.field] = append(s.ofLayer[r.field], p)
			}
		}
	}
	return s
}

// input is what the activation f reads.
func input(f *match.Field) *graph.Value { return f.Reads() }

// activated splits what enters activation f by what is done behind it.
func (s *site) activated(f *match.Field) {
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
		p := &part{value: v, dim: dim, span: d.Span, act: act, field: f, marks: d.marks, order: i}
		p.n = width(d.Span, f.Channels())
		p.gather(f)
		p.roots = rootsOf(w, d.Span, p.dim)
		if len(p.roots) > 0 {
			s.parts = append(s.parts, p)
		}
	}
}

// gather has p count the channels of one anchor, where the graph takes the
// channels of f, all of which are p's, apart into groups.
func (p *part) gather(f *match.Field) {
	if g := f.Group(); g > 0 && p.span == match.All && p.n > g && p.n%g == 0 {
		p.n, p.group = g, g
	}
}

// picked is the part of an activation whose one channel an index has picked.
func (s *site) picked(f *match.Field, v *graph.Value, w *match.View, act Activation) {
	if x := s.only(v); x != nil {
		pre, post := f.At(match.All)
		p := &part{value: x, dim: s.View(x).ChanDim(), span: match.All, act: act, field: f, n: 1, marks: pre | post}
		p.roots = rootsOf(s.View(x), match.All, p.dim)
		if len(p.roots) > 0 {
			s.parts = append(s.parts, p)
		}
		return
	}
	p := &part{value: v, dim: -1, span: match.All, act: act, field: f, n: 1, roots: rootsOf(w, match.All, -1)}
	pre, post := f.At(match.All)
	p.marks = pre | post
	if len(p.roots) > 0 && p.roots[0].field.Chan >= 0 && p.roots[0].span != match.All {
		s.parts = append(s.parts, p)
	}
}

// only is the last tensor before v whose rows have one channel each, on a
// dimension of its own; nil if there is none.
func (s *site) only(v *graph.Value) *graph.Value {
	for range 100 {
		w := s.View(v)
		if w == nil || len(w.Pieces) == 0 {
			return nil
		}
		if d := w.ChanDim(); d >= 0 {
			if s.size(v, d) == 1 && !w.Mixes(d) {
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

// rootsOf are the layers behind the span of v along dim.
func rootsOf(v *match.View, s match.Span, dim int) []root {
	var r []root
	for i := range v.Pieces {
		f, t, ok := v.Pieces[i].Root(s, dim)
		if ok && f != nil && !slices.Contains(r, root{f, t}) {
			r = append(r, root{f, t})
		}
	}
	return r
}

// sinks are the values whose raw parts count: outputs, and what suppression,
// ranking or a maximum reads.
func (s *site) sinks() []*graph.Value {
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
func (s *site) raw(v *graph.Value) {
	w := s.View(v)
	if w == nil {
		return
	}
	type run struct{ at, n int64 }
	byRun := map[run]*part{}
	before := len(s.parts)
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
			q = &part{value: v, dim: dim, act: None, n: n, span: match.All, order: len(byRun)}
			if at > 0 || n != s.size(v, dim) {
				q.span = match.Span{Start: max(at, 0), Stop: max(at, 0) + n}
			}
			byRun[run{at, n}] = q
			s.parts = append(s.parts, q)
		}
		if r := (root{f, t}); !slices.Contains(q.roots, r) {
			q.roots = append(q.roots, r)
			pre, post := f.At(t)
			q.marks |= pre | post
			if len(q.roots) == 1 && t == match.All && q.n == f.Channels() {
				q.gather(f)
			}
		}
	}
	s.joinSingles(before, s.size(v, dim))
}

// joinSingles makes one part of those from the given on, if they are all of the
// total channels, one each, of a layer each, and used alike.
func (s *site) joinSingles(from int, total int64) {
	singles := s.parts[from:]
	if len(singles) < 3 || int64(len(singles)) != total {
		return
	}
	all := singles[0]
	layers := map[*match.Field]bool{}
	for _, p := range singles {
		if p.n != 1 || p.marks != all.marks || layers[p.roots[0].field] {
			return
		}
		for _, r := range p.roots {
			layers[r.field] = true
		}
	}
	for _, p := range singles[1:] {
		all.roots = append(all.roots, p.roots...)
	}
	all.n, all.span = total, match.All
	s.parts = s.parts[:from+1]
}

// size is a dimension of v; -1 if unknown.
func (s *site) size(v *graph.Value, dim int) int64 { return s.Size(v, dim) }
