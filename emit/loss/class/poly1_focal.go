package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "poly1-focal", Golden: "poly1_focal_sigmoid",
		Equation: "Σ [α_t (1−p_t)^γ BCE(p, q) + ε (1−p_t)^(γ+1)], p = σ(z), p_t = pq + (1−p)(1−q), α_t = αq + (1−α)(1−q)",
		Source:   "Poly-1 focal loss, Leng et al., PolyLoss (arXiv 2204.12511), section 6.1: the first term of the series in 1 − p_t has ε more",
		When:     "sigmoid-focal with one more number to tune: a positive epsilon keeps some gradient on easy anchors, -1 removes the first term of the series",
		Params:   []loss.Param{signedAlpha(), loss.Gamma(2), poly1Epsilon()},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Terms: poly1Terms(),
			// The modulation is common to both terms, but α_t is not.
			Build: func(b *loss.Build) *graph.Value {
				ε, γ := b.Param("epsilon"), b.Param("gamma")
				if ε == 0 {
					return sigmoidFocal(b)
				}
				return op.Add(sigmoidFocal(b), b.Scale(b.Pow(b.Wrong(), γ+1), ε))
			},
			Gradient: func(b *loss.Build) *graph.Value { return gradFocal(b, alphaOf(b), b.Param("epsilon")) },
			Closed: func(x *loss.Point) loss.Dual {
				return closedSigmoidFocal(x).Plus(x.Wrong(x.Param("gamma") + 1).Scale(x.Param("epsilon")))
			},
		},
	})
}

// poly1Epsilon is what the Poly-1 losses add to the coefficient of the first
// term; with −1 the term is gone.
func poly1Epsilon() loss.Param {
	return loss.Param{Name: "epsilon", Default: 1, Lo: -1, Hi: 100, Doc: "added to the coefficient (1) of the first term of the series; 0 leaves it unchanged"}
}

// poly1Terms are the focal terms and ε (1 − p_t)^(γ+1).
func poly1Terms() *loss.Terms {
	more := func(c loss.Cost, positive bool) loss.Cost {
		return loss.Cost{
			Build: func(b *loss.Build) *graph.Value {
				return op.Add(c.Build(b), b.Focused(b.Const(b.Param("epsilon")), []float64{b.Param("gamma") + 1}, positive))
			},
			Closed: func(x *loss.Point) loss.Dual {
				return c.Closed(x).Plus(x.Focus(x.Param("gamma")+1, positive).Scale(x.Param("epsilon")))
			},
		}
	}
	t := loss.FocalTerms(loss.BothTerms)
	return &loss.Terms{Positive: more(t.Positive, true), Negative: more(t.Negative, false)}
}
