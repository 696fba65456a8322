package rule

var softmaxBesideBoxes = &Rule{
	Name:  "softmax-beside-boxes",
	Why:   "a softmax over two channels or more, beside boxes, picks a class",
	Place: "after what else a softmax may be",
	Reads: Graph,
	After: []string{"bins", "read-again", "softmax-pixels"},
	Judge: func(s *Scene) []Verdict {
		if !s.HasBoxes() {
			return nil
		}
		weight := picks
		if len(s.classes()) > 0 {
			weight = picksBesideScores
		}
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && p.Activation == Softmax && p.Channels >= 2 {
				vs = append(vs, Verdict{Part: p, Role: Class, Why: p.Why, And: []string{"a softmax over its channels, beside boxes"}, Score: weight})
			}
		}
		return vs
	},
}
