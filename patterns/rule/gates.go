package rule

import "github.com/onnxloss/onnxloss/patterns/match"

var gates = &Rule{
	Name:  "gates",
	Why:   "of two one-channel scores of a map that are multiplied, the one that alone is compared with a number before is a confidence that lets the other through",
	Place: "before scores are gathered, of which it takes one away",
	Reads: Graph,
	After: []string{"uses", "proposals"},
	Judge: func(s *Scene) []Verdict {
		const joined = match.Product | match.Factored
		of := map[string][]*Part{}
		var sizes []string
		for _, p := range s.Parts {
			k := MapSize(p.Roots[0].Field)
			if k == "" || p.Channels != 1 || p.Activation != Sigmoid || !p.Marks.Has(joined) || !p.open() {
				continue
			}
			if of[k] == nil {
				sizes = append(sizes, k)
			}
			of[k] = append(of[k], p)
		}
		var vs []Verdict
		for _, k := range sizes {
			two := of[k]
			if len(two) != 2 {
				continue
			}
			for i, p := range two {
				q := two[1-i]
				if p.Marks&^q.Marks == match.Threshold && q.Marks&^p.Marks == 0 {
					vs = append(vs, p.as(Objectness, "multiplied with another score of its map, and compared with a threshold before"),
						Verdict{Part: q, Role: Class, Why: q.Why, And: []string{"multiplied with a confidence that a threshold has let through"}, Doubt: 1 - convention})
				}
			}
		}
		return vs
	},
}
