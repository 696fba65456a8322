package rule

import "github.com/onnxloss/onnxloss/patterns/match"

var rawCopy = &Rule{
	Name:  "raw-copy",
	Why:   "an activation follows channels that also leave raw: what is activated is judged, and this is a copy",
	Place: "before the uses are weighed, in which the copy would count twice",
	Reads: Graph,
	After: []string{"later-layer", "bins"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && p.Activation == None && p.Marks.Has(match.Softmax|match.Sigmoid|match.SoftmaxRow) && !p.Marks.Has(match.Factored) {
				vs = append(vs, p.as(Hidden, "an activation follows: what leaves raw is a copy"))
			}
		}
		return vs
	},
}
