package class

import "github.com/onnxloss/onnxloss/emit/loss"

func init() {
	loss.Register(&loss.Loss{
		Name: "logit-adjusted", Golden: "logit_adjusted",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z + τ log π), πᵢ = nᵢ/Σ n, n the objects of each class",
		Source:   "logit adjusted cross-entropy, Menon et al. (arXiv 2007.07314), eq. 10",
		When:     "like balanced-softmax, but tau tunes the strength of the correction",
		Params:   []loss.Param{{Name: "tau", Default: 1, Hi: 100, Doc: "weight of the class frequencies; 0 ignores them, 1 is balanced-softmax"}},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "sigmoid-focal", Counts: true,
			Adjust: func(counts []float64, params map[string]float64) loss.Adjustment {
				shift := logPriors(counts)
				for i := range shift {
					shift[i] *= params["tau"]
				}
				return loss.Adjustment{Scale: 1, Shift: shift}
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}
