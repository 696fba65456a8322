package rule

var pixels = &Rule{
	Name:  "pixels",
	Why:   "maps finer than every map on which boxes are regressed are a segmentation's",
	Place: "before channels are compared by their widths alone",
	Reads: Graph,
	After: []string{"box-layers", "raw-boxes"},
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, p := range s.Parts {
			if p.Role == Neutral && len(p.Roots[0].Field.Shape) == 4 && s.offBoxes(p) && p.Extent() > s.Boxes.extent {
				vs = append(vs, p.as(Other, "a finer map than any on which boxes are regressed, as a segmentation's is"))
			}
		}
		return vs
	},
}
