package rule

var boxShapes = &Rule{
	Name:  "box-shapes",
	Why:   "beside class scores, undecided channels of the widths that box regressions have, on the same rows, are boxes",
	Place: "where no use of a layer says that it makes boxes; before scores are gathered, which want boxes",
	Reads: Graph,
	After: []string{"box-layers", "uses", "softmax-beside-boxes"},
	Judge: func(s *Scene) []Verdict {
		parts := s.classes()
		if len(parts) == 0 || s.HasBoxes() {
			return nil
		}
		f, anchors := parts[0].Roots[0].Field, int64(1)
		if k := parts[0].Group; k > 0 && f.Channels()%k == 0 {
			anchors = f.Channels() / k
		}
		var vs []Verdict
		for _, p := range s.Parts {
			g := p.Roots[0].Field
			w, ok := boxWidths[p.Channels]
			if p.Channels == g.Channels() && p.Channels%anchors == 0 {
				w, ok = boxWidths[p.Channels/anchors]
			}
			apart := f != g || !p.Roots[0].Span.Meets(parts[0].Roots[0].Span)
			if p.Role == Neutral && ok && w.score > 0 && p.Activation != Softmax && Spatial(f) == Spatial(g) && apart {
				vs = append(vs, Verdict{Boxes: p.Roots})
			}
		}
		return vs
	},
}
