package loss

func init() {
	register(&Loss{
		Name: "weighted-ce", Golden: "weighted_ce", Activation: Softmax, Eps: true, Instead: "bce", Background: true, Weighted: true,
		Equation: "−Σ wᵢqᵢ log pᵢ, p = softmax(z), w = η for no object, else 1; the mean is the sum divided by Σ w of the anchors' classes",
		Source:   "cross-entropy of Carion et al., DETR (arXiv 2005.12872), section 3.1, eq. 2, the term of no object down-weighted by 10 against class imbalance; divided as in the authors' code",
		When:     "detection transformers with a class for no object, which most queries have",
		Params:   []Param{{Name: "eos_coef", Default: 0.1, Hi: 100, Doc: "η, weight of no object, by the name that DETR's code has for it"}},
		ClassFactors: func(o Options, classes int) []float64 {
			w := ones(classes)
			w[*o.Background] = o.Params["eos_coef"]
			return w
		},
		Terms: oneTerm,
		Build: crossEntropy, Closed: closedCrossEntropy,
	})
}
