package rule

var softmaxPixels = &Rule{
	Name:  "softmax-pixels",
	Why:   "a softmax over a map on which no boxes are regressed segments a picture",
	Place: "before a softmax beside boxes is taken for classes",
	Reads: Graph,
	After: []string{"box-layers", "uses"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && p.Activation == Softmax && s.offBoxes(p) {
				vs = append(vs, p.as(Other, "a softmax over the pixels of a map on which no boxes are regressed"))
			}
		}
		return vs
	},
}
