package class

import (
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "ldam", Golden: "ldam",
		Equation: "−Σ qᵢ log pᵢ, p = softmax(s (zᵢ − qᵢΔᵢ)), Δᵢ = Δmax (min n / nᵢ)^¼, n the objects of each class",
		Source:   "label-distribution-aware margin loss, Cao et al. (arXiv 1906.07413), section 3.2; s as in the authors' code",
		When:     "one class per anchor and rare classes, which get wider margins; class weights are best switched on late in training",
		Params: []loss.Param{
			{Name: "max_margin", Default: 0.5, Hi: 100, Doc: "Δmax, margin of the rarest class"},
			{Name: "scale", Default: 1, Lo: 1e-3, Hi: 100, Doc: "s, factor of the logits; the authors use 30, for logits that are cosines"},
		},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "sigmoid-focal", Counts: true,
			Adjust: func(counts []float64, params map[string]float64) loss.Adjustment {
				least := slices.Min(counts)
				margin := make([]float64, len(counts))
				for i, n := range counts {
					margin[i] = params["max_margin"] * math.Sqrt(math.Sqrt(least/n))
				}
				return loss.Adjustment{Scale: params["scale"], Margin: margin}
			},
			Terms:  loss.PositiveTerm,
			Build:  (*loss.Build).CrossEntropy,
			Closed: (*loss.Point).CrossEntropy,
		},
	})
}
