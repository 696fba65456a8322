package loss

func init() {
	register(&Loss{
		Name: "balanced-softmax", Golden: "balanced_softmax", Activation: Softmax, Eps: true, Instead: "sigmoid-focal", Counts: true,
		Equation: "−Σ qᵢ log pᵢ, p = softmax(z + log n), n the objects of each class",
		Source:   "balanced softmax, Ren et al. (arXiv 2007.10740), section 3.1, theorem 1",
		When:     "one class per anchor, with some classes far rarer than others, and a test set in which all count alike; needs no tuning",
		Adjust: func(counts []float64, _ map[string]float64) Adjustment {
			return Adjustment{Scale: 1, Shift: logPriors(counts)}
		},
		Terms: oneTerm,
		Build: crossEntropy, Closed: closedCrossEntropy,
	})
}
