package class

import "github.com/onnxloss/onnxloss/emit/loss"
import "slices"

func init() {
	loss.Register(&loss.Loss{
		Name: "weighted-ce", Golden: "weighted_ce",
		Equation: "−Σ wᵢqᵢ log pᵢ, p = softmax(z), w = η for no object, else 1; the mean is the sum divided by Σ w of the anchors' classes",
		Source:   "cross-entropy of Carion et al., DETR (arXiv 2005.12872), section 3.1, eq. 2, the term of no object down-weighted by 10 against class imbalance; divided as in the authors' code",
		When:     "detection transformers with a no-object class, the class of most queries",
		Params:   []loss.Param{{Name: "eos_coef", Default: 0.1, Hi: 100, Doc: "η, weight of the no-object class, named as in DETR's code"}},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "bce", Background: true, Weighted: true,
			ClassFactors: func(o loss.Options, classes int) []float64 {
				w := slices.Repeat([]float64{1}, classes)
				w[*o.Background] = o.Params["eos_coef"]
				return w
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}
