package rule

var rawBoxes = &Rule{
	Name:  "raw-boxes",
	Why:   "the first four channels of a layer leave raw, and a sigmoid follows those behind them: boxes, in front of confidences",
	Place: "before layers that mix boxes and classes are divided",
	Reads: Graph,
	After: []string{"uses"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role != Neutral || p.Channels < 2 || p.Activation != Sigmoid || p.Dim < 0 || s.behindBox(p) {
				continue
			}
			u := p.Roots[0]
			for _, q := range s.OfLayer[u.Field] {
				t := q.Roots[0].Span
				if q.Activation != None || q.Role != Neutral || q.Channels != 4 || u.Span.Start == 0 || t.Stop != u.Span.Start || t.Stride != u.Span.Stride || t.Start != 0 {
					continue
				}
				v := q.as(Box, "four raw numbers in front of what a sigmoid follows, of one layer")
				v.Boxes = q.Roots
				vs = append(vs, v, Verdict{Part: p, Doubt: 1 - convention})
			}
		}
		return vs
	},
}
