package loss

func init() {
	register(&Loss{
		Name: "logit-adjusted", Golden: "logit_adjusted", Activation: Softmax, Eps: true, Instead: "sigmoid-focal", Counts: true,
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z + τ log π), πᵢ = nᵢ/Σ n, n the objects of each class",
		Source:   "logit adjusted cross-entropy, Menon et al. (arXiv 2007.07314), eq. 10",
		When:     "as balanced-softmax, with the strength of the correction to be tuned by tau",
		Params:   []Param{{Name: "tau", Default: 1, Hi: 100, Doc: "weight of the classes' frequencies; 0 leaves them out, 1 is balanced-softmax"}},
		Adjust: func(counts []float64, params map[string]float64) Adjustment {
			shift := logPriors(counts)
			scale(shift, params["tau"])
			return Adjustment{Scale: 1, Shift: shift}
		},
		Terms: oneTerm,
		Build: crossEntropy, Closed: closedCrossEntropy,
	})
}
