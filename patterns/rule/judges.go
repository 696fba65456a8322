package rule

import (
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

var cutBackground = &Rule{
	Name:  "cut-background",
	Why:   "only a detection's background is cut off behind a softmax",
	Place: "before the weight of what was found bounds its confidence",
	Reads: Graph,
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, f := range s.Found {
			if f.By == scored.Name && f.Activation == Softmax && f.Background >= 0 && f.Confidence > convention {
				vs = append(vs, Verdict{Of: f, Score: cutOff})
			}
		}
		return vs
	},
}

var summedScores = &Rule{
	Name:  "summed-scores",
	Why:   "where scores of two heads are added, either may be meant",
	Place: "before the weight of what was found bounds its confidence",
	Reads: Graph,
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, f := range s.Found {
			if f.By == scored.Name && f.Activation == Softmax && f.Parts[0].Marks.Has(match.Sum) {
				vs = append(vs, Verdict{Of: f, AtMost: convention,
					Evidence: "its scores are added to those of another head: which of them is meant is a convention"})
			}
		}
		return vs
	},
}

var offTheBoxes = &Rule{
	Name:  "off-the-boxes",
	Why:   "boxes are regressed on maps of the size of the head that they belong to",
	Place: "before the weight of what was found bounds its confidence",
	Reads: Graph,
	Judge: func(s *Scene) []Verdict {
		if !slices.ContainsFunc(s.Found, func(f *Finding) bool { return s.onBoxes(f.Parts) }) {
			return nil
		}
		var vs []Verdict
		for _, f := range s.Found {
			if f.By == scored.Name && !s.onBoxes(f.Parts) {
				vs = append(vs, Verdict{Of: f, Score: -3, AtMost: unlikely,
					Evidence: "no boxes are regressed on maps of its size, as they are beside another head"})
			}
		}
		return vs
	},
}

var weighed = &Rule{
	Name:  "weighed",
	Why:   "the more is done with channels as with scores, the surer are they scores",
	Place: "after the rules that change the weight of what was found",
	Reads: Graph,
	After: []string{"cut-background", "off-the-boxes"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, f := range s.Found {
			if f.By == scored.Name {
				vs = append(vs, Verdict{Of: f, AtMost: math.Round(90+min(f.Score, 8)) / 100})
			}
		}
		return vs
	},
}
