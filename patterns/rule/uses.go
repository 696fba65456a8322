package rule

var uses = &Rule{
	Name:  "uses",
	Why:   "what is done with channels says what they are for, by the table of weights",
	Place: "after the rules for what uses alone mistake",
	Reads: Graph,
	After: []string{"later-layer", "bins", "raw-copy", "refined-box"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role != Neutral {
				continue
			}
			role := use(p.Marks, p.Activation)
			if role == Neutral {
				continue
			}
			_, why := tally(p.Marks, p.Activation)
			v := p.as(role, why[role]...)
			if role == Box && (p.Channels == 4 || p.score[Box] > 2 && (p.Activation == None || p.Channels > 1)) {
				v.Boxes = p.Roots
			}
			vs = append(vs, v)
		}
		return vs
	},
}
