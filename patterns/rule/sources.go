package rule

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// Source is a tensor with the classes of a part, or of one level of it.
type Source struct {
	Value *graph.Value // of the analyzed model
	Dim   int
	Slice *match.Span // on dim; nil: all of it
}

// held is a span of a field that belongs to a part.
type held struct {
	field *match.Field
	span  match.Span
}

// Sources finds where p's channels lie alone for the last time before its
// activation: one tensor, or one for each level if they meet mixed; where they
// never lie alone, the tensor they lie mixed in.
func (s *Scene) Sources(p *Part) []Source {
	if p.Dim < 0 {
		return s.inLayers(p)
	}
	w := s.View(p.Value)
	var mine []held
	for i := range w.Pieces {
		if t, ok := w.Pieces[i].Through(p.Span, p.Dim); ok {
			mine = append(mine, held{w.Pieces[i].Field, t})
		}
	}
	if found, ok := s.alone(p.Value, mine, 0); ok && len(found) > 0 && s.hold(found, p) {
		return found
	}
	v := p.Value
	for !s.Visible(v) && s.Field(v) == nil {
		before := s.Before(v)
		if len(before) == 0 {
			break
		}
		next := before[0]
		if u := s.View(next); u == nil || u.Rank != w.Rank || s.Size(next, p.Dim) != s.Size(v, p.Dim) {
			break
		}
		v = next
	}
	if p.Span == match.All {
		return []Source{{v, p.Dim, nil}}
	}
	span := p.Span
	if span.Stop < 0 {
		span.Stop = s.Size(v, p.Dim)
	}
	if span.Stride == s.Size(v, p.Dim) {
		span.Stride = 0
	}
	return []Source{{v, p.Dim, &span}}
}

// hold reports whether the channels of p are all those of the tensors found, or are
// known to be groups of them: of channels that lie class by class, with the anchors of
// each together, they are neither.
func (s *Scene) hold(found []Source, p *Part) bool {
	for _, x := range found {
		if n := s.Size(x.Value, x.Dim); p.Group == 0 && x.Slice == nil && p.Span == match.All && p.Channels > 0 && n > 0 && n != p.Channels {
			return false
		}
	}
	return true
}

// inLayers are the channels of p in the layers that make them: for a part whose
// channel no dimension shows.
func (s *Scene) inLayers(p *Part) []Source {
	var out []Source
	for _, r := range p.Roots {
		x := Source{r.Field.Value, r.Field.Chan, nil}
		if r.Span != match.All && r.Span.Stop >= 0 {
			t := r.Span
			x.Slice = &t
		}
		out = append(out, x)
	}
	return out
}

// Visible reports whether v is a tensor of the model's own main graph.
func (s *Scene) Visible(v *graph.Value) bool {
	o := s.In.Of(v)
	return o != nil && v.Graph() == s.Model.Graph
}

// alone walks back from v over operators that move elements, to the tensors
// that hold nothing but what is mine.
func (s *Scene) alone(v *graph.Value, mine []held, depth int) ([]Source, bool) {
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
	if pure && s.Visible(v) && len(w.Pieces) > 0 {
		dim := w.ChanDim()
		if dim >= 0 && !w.Mixes(dim) {
			return []Source{{v, dim, nil}}, true
		}
	}
	if s.Field(v) != nil {
		return nil, false
	}
	var out []Source
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
