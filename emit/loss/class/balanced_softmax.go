package class

import "github.com/onnxloss/onnxloss/emit/loss"
import "math"

func init() {
	loss.Register(&loss.Loss{
		Name: "balanced-softmax", Golden: "balanced_softmax",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z + log n), n the objects of each class",
		Source:   "balanced softmax, Ren et al. (arXiv 2007.10740), section 3.1, theorem 1",
		When:     "one class per anchor, some classes far rarer than others, and an evaluation in which all classes count equally; needs no tuning",
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "sigmoid-focal", Counts: true,
			Adjust: func(counts []float64, _ map[string]float64) loss.Adjustment {
				return loss.Adjustment{Scale: 1, Shift: logPriors(counts)}
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}

// logPriors is the logarithm of each class's share of all objects.
func logPriors(counts []float64) []float64 {
	total := 0.0
	for _, n := range counts {
		total += n
	}
	logs := make([]float64, len(counts))
	for i, n := range counts {
		logs[i] = math.Log(n / total)
	}
	return logs
}
