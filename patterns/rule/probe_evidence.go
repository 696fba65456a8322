package rule

var (
	rareScores = rareParts("rare-scores",
		"on pictures that show nothing class logits are strongly negative where a sigmoid follows, while boxes, points and angles lie around zero or at sizes",
		"on pictures of nothing it is as rare events are", Probe, probed)
	scorePeriods = periods("score-periods",
		"along a raw map of several anchors what the network computes repeats: boxes around zero, then objectness and classes, which are rare",
		"nothing follows the map: on pictures of nothing it repeats as 4 box numbers, an objectness and %d classes, %d anchors a cell", Probe, probed)
	scoresJudge = rareFindings("scores-judge",
		"on pictures of nothing the class logits are those of rare events, and no others are; or only others are",
		"on pictures of nothing it is as rare events are, %.1f on average, and nothing else is",
		"on pictures of nothing %s is as rare events are, which classes are, and it is not", Probe, probed)
	scoreBackground = backgrounds("score-background",
		"on pictures of nothing the background is the greatest",
		"on pictures of nothing it is the greatest, by %.1f", Probe, probed)
)

// probed are the means over places and pictures.
func probed(s *Scene) typical {
	return func(p *Part) [][]level {
		if x := within(s.probe().mean[p.Value], p.Span); len(x) > 0 {
			return [][]level{x}
		}
		return nil
	}
}
