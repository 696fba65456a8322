package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

var mixedLayers = &Rule{
	Name: "mixed-layers",
	Why: "where one layer makes boxes and, behind them, two channels or more that all pass one sigmoid and have no other use, " +
		"the first is an objectness and the rest are classes: layers that mix boxes and classes have one",
	Place: "before channels are compared by their widths alone",
	Reads: Graph,
	After: []string{"raw-boxes", "scored"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role != Neutral || p.Channels < 2 || p.Activation == Softmax || p.Dim < 0 || !s.behindBox(p) || s.confidenceApart(p) {
				continue
			}
			o := *p
			if p.Span == match.All {
				o.Span = match.Span{Start: 0, Stop: p.Channels}
			}
			rest := o.Span
			rest.Start++
			o.Channels, o.Role, o.Span.Stop = 1, Objectness, o.Span.Start+1
			o.Why = []string{"the first channel behind the boxes of a layer that mixes boxes and classes"}
			v := Verdict{
				Part: p, Role: Class, Why: slices.Clone(p.Why), And: []string{"behind the boxes and one confidence of the same layer"},
				Narrow: &Narrow{rest, p.Channels - 1, true}, Split: &o,
			}
			if p.Activation == None {
				v.Doubt = 1 - convention
			}
			vs = append(vs, v)
		}
		return vs
	},
}
