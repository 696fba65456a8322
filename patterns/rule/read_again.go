package rule

var readAgain = &Rule{
	Name:  "read-again",
	Why:   "a softmax over the logits of a distribution says how sharp it is, as a quality of boxes",
	Place: "after the distributions are known",
	Reads: Graph,
	After: []string{"bins", "uses"},
	Judge: func(s *Scene) []Verdict {
		known := map[Root]bool{}
		for _, p := range s.Parts {
			if p.Role == Distribution {
				known[p.Roots[0]] = true
			}
		}
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Activation == Softmax && p.Role != Distribution && known[p.Roots[0]] {
				vs = append(vs, p.as(Distribution, "the distribution that a weighted sum is taken of, read again"))
			}
		}
		return vs
	},
}
