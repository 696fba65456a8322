package rule

var (
	rareBiases = rareParts("rare-biases",
		"the biases of a class layer say how rare classes are: strongly negative where a sigmoid follows, while those of boxes, points and angles lie around zero or at sizes",
		"its biases are those of rare events", Weights, biasesOf)
	biasPeriods = periods("bias-periods",
		"along a raw map of several anchors the biases repeat: those of boxes around zero, then those of objectness and classes, which are rare",
		"nothing follows the map: its biases repeat as 4 box numbers, an objectness and %d classes, %d anchors a cell", Weights, biasesOf)
	biasesJudge = rareFindings("biases-judge",
		"the biases of the class layer are those of rare events, and no others are; or only others are",
		"its biases are those of rare events, %.1f on average, and no others are",
		"the biases behind %s are those of rare events, as classes are, and its own are not", Weights, biasesOf)
	biasBackground = backgrounds("bias-background",
		"nearly all places show nothing, so that the bias of a background is the greatest",
		"its bias is the greatest, by %.1f", Weights, biasesOf)
)

// biasesOf are the biases of the layers behind a part.
func biasesOf(s *Scene) typical {
	return func(p *Part) [][]level {
		var levels [][]level
		for _, r := range p.Roots {
			b := s.biases(r)
			if len(b) == 0 {
				return nil
			}
			var x []level
			for _, v := range b {
				x = append(x, level{mean: v})
			}
			levels = append(levels, x)
		}
		return levels
	}
}
