package patterns

import (
	"bytes"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// source is a tensor with the classes of a part, or of one level of it.
type source struct {
	value *graph.Value // of the analyzed model
	dim   int
	slice *match.Span // on dim; nil: all of it
}

// held is a span of a field that belongs to a part.
type held struct {
	field *match.Field
	span  match.Span
}

// sources finds where p's channels lie alone for the last time before its
// activation: one tensor, or one for each level if they meet mixed; where they
// never lie alone, the tensor they lie mixed in.
func (s *site) sources(p *part) []source {
	if p.dim < 0 {
		return s.inLayers(p)
	}
	w := s.View(p.value)
	var mine []held
	for i := range w.Pieces {
		if t, ok := w.Pieces[i].Through(p.span, p.dim); ok {
			mine = append(mine, held{w.Pieces[i].Field, t})
		}
	}
	if found, ok := s.alone(p.value, mine, 0); ok && len(found) > 0 && s.hold(found, p) {
		return found
	}
	v := p.value
	for !s.visible(v) && s.Field(v) == nil {
		before := s.Before(v)
		if len(before) == 0 {
			break
		}
		next := before[0]
		if u := s.View(next); u == nil || u.Rank != w.Rank || s.size(next, p.dim) != s.size(v, p.dim) {
			break
		}
		v = next
	}
	if p.span == match.All {
		return []source{{v, p.dim, nil}}
	}
	span := p.span
	if span.Stop < 0 {
		span.Stop = s.size(v, p.dim)
	}
	if span.Stride == s.size(v, p.dim) {
		span.Stride = 0
	}
	return []source{{v, p.dim, &span}}
}

// hold reports whether the channels of p are all those of the tensors found, or are
// known to be groups of them: of channels that lie class by class, with the anchors of
// each together, they are neither.
func (s *site) hold(found []source, p *part) bool {
	for _, x := range found {
		if n := s.size(x.value, x.dim); p.group == 0 && x.slice == nil && p.span == match.All && p.n > 0 && n > 0 && n != p.n {
			return false
		}
	}
	return true
}

// inLayers are the channels of p in the layers that make them: for a part whose
// channel no dimension shows.
func (s *site) inLayers(p *part) []source {
	var out []source
	for _, r := range p.roots {
		x := source{r.field.Value, r.field.Chan, nil}
		if r.span != match.All && r.span.Stop >= 0 {
			t := r.span
			x.slice = &t
		}
		out = append(out, x)
	}
	return out
}

// visible reports whether v is a tensor of the model's own main graph.
func (s *site) visible(v *graph.Value) bool {
	o := s.in.Of(v)
	return o != nil && v.Graph() == s.Model.Graph
}

// alone walks back from v over operators that move elements, to the tensors
// that hold nothing but what is mine.
func (s *site) alone(v *graph.Value, mine []held, depth int) ([]source, bool) {
	w := s.View(v)
	if w == nil || depth > 200 {
		return nil, false
	}
	pure, any := !w.Const, false
	for i := range w.Pieces {
		in, meets := belongs(&w.Pieces[i], mine)
		pure, any = pure && in, any || meets
	}
	if !any {
		return nil, true
	}
	if pure && s.visible(v) && len(w.Pieces) > 0 {
		dim := w.ChanDim()
		if dim >= 0 && !w.Mixes(dim) {
			return []source{{v, dim, nil}}, true
		}
	}
	if s.Field(v) != nil {
		return nil, false
	}
	var out []source
	for _, x := range s.Before(v) {
		if x == nil || s.View(x) == nil {
			continue
		}
		found, ok := s.alone(x, mine, depth+1)
		if !ok {
			return nil, false
		}
		out = append(out, found...)
	}
	return out, len(out) > 0
}

// belongs reports whether all, and whether any, of what p shows is mine.
func belongs(p *match.Piece, mine []held) (all, any bool) {
	t := p.Span()
	for _, h := range mine {
		if h.field != p.Field {
			continue
		}
		if t.Within(h.span) {
			return true, true
		}
		any = any || t.Meets(h.span)
	}
	return false, any
}

// part describes source x: its layout and the slice of its channels. group is
// the number of class channels of an anchor where several share the axis and
// x holds nothing else; else 0.
func (s *site) part(x source, group int64) Part {
	w := s.View(x.value)
	layout := make([]byte, w.Rank)
	for d := range layout {
		if layout[d] = w.Letter(d); d == x.dim {
			layout[d] = match.Channel
		} else if layout[d] == match.Channel {
			layout[d] = match.Merged
		}
	}
	if len(layout) >= 3 && layout[0] != match.Images && x.dim != 0 && bytes.IndexByte(layout, match.Images) < 0 {
		layout[0] = match.Images
	}
	v := s.in.Of(x.value)
	if v == nil || !s.visible(x.value) || x.dim < 0 {
		return Part{}
	}
	if v != x.value {
		v.Type = x.value.Type
	}
	if t := v.Shape(); x.dim >= 0 && x.dim < len(t) && !t[x.dim].IsKnown() && s.size(x.value, x.dim) >= 0 {
		v.Type.Shape = t.Clone()
		v.Type.Shape[x.dim] = graph.Known(s.size(x.value, x.dim))
	}
	p := Part{Source: v, Layout: Layout(layout)}
	total := s.size(x.value, x.dim)
	switch {
	case x.slice == nil && group > 0:
		p.Slice = Slice{0, int(group), int(group)}
	case x.slice == nil:
		p.Slice = Slice{0, int(total), int(total)}
	default:
		stride := x.slice.Stride
		if stride == 0 {
			stride = total
		}
		p.Slice = Slice{int(x.slice.Start), int(x.slice.Stop), int(stride)}
	}
	return p
}

// level is part p with its number of rows.
func (s *site) level(p Part) Level {
	rows, known := int64(1), true
	t := p.Source.Shape()
	for d := range len(p.Layout) {
		switch {
		case d >= len(t) || !t[d].IsKnown():
			known = known && Axis(p.Layout[d]) == Batch
		case Axis(p.Layout[d]) == Channel && p.Slice.Stride > 0:
			rows *= t[d].Value / int64(p.Slice.Stride)
		case Axis(p.Layout[d]) != Batch:
			rows *= t[d].Value
		}
	}
	if !known {
		return Level{p, graph.Named("A")}
	}
	return Level{p, graph.Known(rows)}
}
