package patterns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// decided makes the head of a record, as a user or an earlier report decided it: of its
// levels with their slices, activation, background, objectness and boxes. The error names
// what the model does not have, or has otherwise.
func (s *site) decided(d *HeadRecord) (*Head, error) {
	h := &Head{Activation: d.Activation, Background: -1, Confidence: 1, Evidence: slices.Clone(d.Evidence), site: s}
	if len(d.Levels) == 0 {
		return nil, fmt.Errorf("it has no levels")
	}
	switch h.Activation {
	case None, Sigmoid, Softmax:
	default:
		return nil, fmt.Errorf("activation %q is none of %s, %s and %s", h.Activation, Sigmoid, Softmax, None)
	}
	for _, l := range d.Levels {
		p, err := s.recorded(l)
		if err != nil {
			return nil, err
		}
		if n := p.Slice.Len(); h.Classes > 0 && n != h.Classes {
			return nil, fmt.Errorf("%s has %d class channels, %s has %d", d.Levels[0].Source, h.Classes, l.Source, n)
		}
		h.Classes = p.Slice.Len()
		h.Levels = append(h.Levels, s.level(p))
		q := s.behind(p)
		h.parts = append(h.parts, q)
		if why := s.quantized(q, h.Levels); why != "" && h.Quantized == "" {
			h.Quantized = why
			h.Evidence = append(h.Evidence, h.unfit())
		}
	}
	if name := s.scores(h); name != "" {
		h.notes = append(h.notes, rule.Note{Text: "against it: " + name + " lies behind an activation: it holds scores, and no logits", Weight: -5, From: Graph})
		h.Evidence = append(h.Evidence, h.notes[0].Text)
	}
	if d.Classes > 0 && d.Classes != h.Classes {
		return nil, fmt.Errorf("%d classes, but its levels have %d class channels", d.Classes, h.Classes)
	}
	if d.Background != nil {
		if h.Background = *d.Background; h.Background < -1 || h.Background >= h.Classes {
			return nil, fmt.Errorf("background %d of %d classes", h.Background, h.Classes)
		}
	}
	if d.Box != "" {
		v := s.value(d.Box)
		if v == nil {
			return nil, fmt.Errorf("the main graph has no tensor %q", d.Box)
		}
		h.Box = s.In.Of(v)
	}
	var err error
	if h.Objectness, err = s.allRecorded(d.Objectness); err != nil {
		return nil, err
	}
	h.Distributions, err = s.allRecorded(d.Distributions)
	return h, err
}

// scores is the name of a level of h that lies behind an activation; empty if there is none.
func (s *site) scores(h *Head) string {
	for i, q := range h.parts {
		w := s.View(q.Value)
		if w == nil {
			continue
		}
		for k := range w.Pieces {
			if t, ok := w.Pieces[k].Through(q.Span, q.Dim); ok && w.Pieces[k].Field.Active && w.Pieces[k].Span().Meets(t) {
				return h.Levels[i].Source.Name
			}
		}
	}
	return ""
}

func (s *site) allRecorded(list []PartRecord) ([]Part, error) {
	var ps []Part
	for _, r := range list {
		p, err := s.recorded(r)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// recorded is the channels that r is of.
func (s *site) recorded(r PartRecord) (Part, error) {
	v := s.value(r.Source)
	if v == nil {
		return Part{}, fmt.Errorf("the main graph has no tensor %q", r.Source)
	}
	shape := s.Shape(v)
	dim := r.Layout.ChannelAxis()
	switch {
	case shape == nil:
		return Part{}, fmt.Errorf("nothing is known of the shape of %q", r.Source)
	case len(shape) != len(r.Layout) || dim < 0 || strings.Trim(string(r.Layout), "NCAHWR1") != "":
		return Part{}, fmt.Errorf("layout %q does not fit %s%v", r.Layout, r.Source, shape)
	}
	o := s.In.Of(v)
	if o != v {
		o.Type = s.typeOf(v)
	}
	total := s.Size(v, dim)
	p := Part{Source: o, Layout: r.Layout, Slice: Slice{0, int(total), int(total)}}
	if k := r.Slice; k != nil {
		p.Slice = Slice{k.Start, k.Stop, int(total)}
		if k.Stride != nil {
			p.Slice.Stride = *k.Stride
		}
	}
	if k := p.Slice; total < 0 || k.Start < 0 || k.Stop <= k.Start || k.Stride < 1 || k.Stop > k.Stride || total%int64(k.Stride) != 0 {
		return Part{}, fmt.Errorf("channels %v do not fit the %d of %s", r.Slice, total, r.Source)
	}
	return p, nil
}

// behind is p as the rules have it: with the layers that make it, as far as they can be
// followed.
func (s *site) behind(p Part) *rule.Part {
	v, dim := s.value(p.Source.Name), p.Layout.ChannelAxis()
	q := &rule.Part{Value: v, Dim: dim, Span: match.All, Activation: None, Channels: int64(p.Slice.Len()), Role: rule.Class}
	if total := s.Size(v, dim); p.Slice.Len() < int(total) {
		q.Span = match.Span{Start: int64(p.Slice.Start), Stop: int64(p.Slice.Stop)}
		if int64(p.Slice.Stride) != total {
			q.Span.Stride = int64(p.Slice.Stride)
		}
	}
	if w := s.View(v); w != nil {
		q.Roots = rule.RootsOf(w, q.Span, dim)
	}
	return q
}
