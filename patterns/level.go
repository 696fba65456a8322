package patterns

import (
	"bytes"
	"cmp"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// part describes source x: its layout and the slice of its channels. group is
// the number of class channels of an anchor where several share the axis and
// x holds nothing else; else 0.
func (s *site) part(x rule.Source, group int64) Part {
	w := s.View(x.Value)
	layout := make([]byte, w.Rank)
	for d := range layout {
		if layout[d] = w.Letter(d); d == x.Dim {
			layout[d] = match.Channel
		} else if layout[d] == match.Channel {
			layout[d] = match.Merged
		}
	}
	if len(layout) >= 3 && layout[0] != match.Images && x.Dim != 0 && bytes.IndexByte(layout, match.Images) < 0 {
		layout[0] = match.Images
	}
	v := s.In.Of(x.Value)
	if v == nil || !s.Visible(x.Value) || x.Dim < 0 {
		return Part{}
	}
	if v != x.Value {
		v.Type = x.Value.Type
	}
	if t := v.Shape(); x.Dim >= 0 && x.Dim < len(t) && !t[x.Dim].IsKnown() && s.Size(x.Value, x.Dim) >= 0 {
		v.Type.Shape = t.Clone()
		v.Type.Shape[x.Dim] = graph.Known(s.Size(x.Value, x.Dim))
	}
	p := Part{Source: v, Layout: Layout(layout)}
	total := s.Size(x.Value, x.Dim)
	switch {
	case x.Slice == nil && group > 0:
		p.Slice = Slice{0, int(group), int(group)}
	case x.Slice == nil:
		p.Slice = Slice{0, int(total), int(total)}
	default:
		stride := x.Slice.Stride
		if stride == 0 {
			stride = total
		}
		p.Slice = Slice{int(x.Slice.Start), int(x.Slice.Stop), int(stride)}
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

// head is f with its tensors.
func (s *site) head(f *rule.Finding) *Head {
	h := &Head{Classes: f.Classes, Activation: f.Activation, Background: f.Background, Confidence: f.Confidence, Evidence: f.Evidence, parts: f.Parts, notes: f.Notes, site: s}
	seen := map[Part]bool{}
	for _, q := range f.Parts {
		for _, x := range s.Sources(q) {
			l := s.part(x, cmp.Or(f.Group, q.Group))
			if l.Slice.Stop < 0 && f.Classes > 0 {
				l.Slice = Slice{0, f.Classes, f.Classes}
			}
			if !seen[l] {
				seen[l] = true
				h.Levels = append(h.Levels, s.level(l))
			}
		}
	}
	for _, q := range f.Parts {
		if h.Quantized = s.quantized(q, h.Levels); h.Quantized != "" {
			h.Evidence = append(h.Evidence, h.unfit())
			break
		}
	}
	s.companions(h)
	return h
}
