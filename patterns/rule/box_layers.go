package rule

import "github.com/onnxloss/onnxloss/patterns/match"

var boxLayers = &Rule{
	Name:  "box-layers",
	Why:   "what is done with a layer's channels is done with boxes alone: grids, strides or anchors are applied to them, or bins are averaged",
	Place: "first, since much else is said of what stands beside boxes",
	Reads: Graph,
	Judge: func(s *Scene) []Verdict {
		var vs []Verdict
		for _, f := range s.Fields {
			if f.Kind != match.Weighing && f.Kind != match.Pairing {
				continue
			}
			for _, d := range divide(f, false) {
				if makesBoxes(f, d) {
					vs = append(vs, Verdict{Boxes: []Root{{f, d.Span}}})
				}
			}
		}
		return vs
	},
}

// makesBoxes reports whether the channels d of layer f certainly are boxes.
func makesBoxes(f *match.Field, d division) bool {
	if d.marks.Has(match.Layer|match.Contract) && !d.marks.Has(match.Weighted) {
		return false
	}
	pre, _ := f.At(d.Span)
	score, _ := tally(d.marks, None)
	if pre.Has(match.Product|match.Factored) && pre.Has(match.Sum) {
		score[Box] += deltas
	}
	return score[Box] >= enoughForBoxes && score[Box] > score[Class] || isBins(d.marks)
}

// isBins reports whether marks m are those of distances given as a
// distribution over bins: a softmax whose weighted sum is taken.
func isBins(m match.Marks) bool {
	return m.Has(match.Weighted) || m.Has(match.Softmax) && m.Has(match.SumChan) && m.Has(match.ScaleChan)
}
