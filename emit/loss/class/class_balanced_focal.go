package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "class-balanced-focal", Golden: "class_balanced_focal",
		Equation: "w_y Σ (1−p_t)^γ BCE(p, q), p = σ(z), p_t = pq + (1−p)(1−q), w ∝ (1−β)/(1−β^n) with mean 1, n the objects of each class",
		Source:   "class-balanced focal loss, Cui et al. (arXiv 1901.05555), section 4; an anchor without a class, which the paper does not have, weighs 1",
		When:     "a sigmoid head whose classes differ in frequency by orders of magnitude, trained with one label per anchor",
		Params: []loss.Param{
			{Name: "beta", Default: 0.9999, Hi: 1, Doc: "0 weights all classes equally, 1 by the inverse of their counts"},
			loss.Gamma(2),
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Counts: true,
			LabelWeights: func(counts []float64, params map[string]float64) []float64 {
				return effectiveWeights(counts, params["beta"])
			},
			Terms:    loss.FocalTerms(loss.BothTerms),
			Build:    unweightedFocal,
			Gradient: func(b *loss.Build) *graph.Value { return gradFocal(b, nil, 0) },
			Closed:   func(x *loss.Point) loss.Dual { return x.BCE().Times(x.Wrong(x.Param("gamma"))) },
		},
	})
}

// effectiveWeights is the inverse of each class's effective number of objects,
// (1−β^n)/(1−β), scaled to a mean of 1.
func effectiveWeights(counts []float64, β float64) []float64 {
	w, sum := make([]float64, len(counts)), 0.0
	for i, n := range counts {
		w[i] = 1 / n
		if β < 1 {
			w[i] = -1 / math.Expm1(n*math.Log(β))
		}
		sum += w[i]
	}
	for i := range w {
		w[i] *= float64(len(w)) / sum
	}
	return w
}
