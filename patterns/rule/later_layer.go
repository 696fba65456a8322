package rule

import "github.com/onnxloss/onnxloss/patterns/match"

var laterLayer = &Rule{
	Name:  "later-layer",
	Why:   "a later layer reads the channels, so that they are features and no answer, unless they are ranked as well",
	Place: "before the uses are weighed: gates inside the network are used in every way",
	Reads: Graph,
	Judge: func(s *Scene) []Verdict {
		const ranked = match.NMSScore | match.MaxChan | match.ArgMax | match.TopK | match.TopKChan | match.Factored
		var vs []Verdict
		for _, p := range s.Parts {
			switch {
			case p.Role != Neutral || !p.Marks.Has(match.Layer|match.Contract) || p.Marks.Has(ranked):
			case p.Activation == Softmax && p.Marks.Has(match.Contract):
				vs = append(vs, p.as(Hidden, "attention: it weighs other data"))
			default:
				vs = append(vs, p.as(Hidden, "a later layer reads it"))
			}
		}
		return vs
	},
}
