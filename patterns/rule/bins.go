package rule

import "github.com/onnxloss/onnxloss/patterns/match"

var bins = &Rule{
	Name:  "bins",
	Why:   "a softmax whose weighted sum is taken gives a distance, as a distribution over bins",
	Place: "before the uses are weighed: a softmax is otherwise good evidence of classes",
	Reads: Graph,
	After: []string{"later-layer"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && p.Activation == Softmax && (p.Marks.Has(match.Weighted) || p.Marks.Has(match.ScaleChan) && p.Marks.Has(match.SumChan)) {
				vs = append(vs, p.as(Distribution, "a distribution over bins: its weighted sum is taken"))
			}
		}
		return vs
	},
}
