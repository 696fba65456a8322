package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "poly1-focal", Golden: "poly1_focal_sigmoid", Activation: Sigmoid, Eps: true,
		Equation: "Σ [α_t (1−p_t)^γ BCE(p, q) + ε (1−p_t)^(γ+1)], p = σ(z), p_t = pq + (1−p)(1−q), α_t = αq + (1−α)(1−q)",
		Source:   "Poly-1 focal loss, Leng et al., PolyLoss (arXiv 2204.12511), section 6.1: the first term of the series in 1 − p_t has ε more",
		When:     "sigmoid-focal with one more number to tune: a positive epsilon keeps some gradient on easy anchors, -1 takes the series' first term away",
		Params:   []Param{signedAlpha(), gamma(2), poly1Epsilon()},
		Terms:    poly1Terms(),
		// The modulation is common to both terms, but α_t is not.
		Build: func(b *Build) *graph.Value {
			ε, γ := b.Param("epsilon"), b.Param("gamma")
			if ε == 0 {
				return sigmoidFocal(b)
			}
			return op.Add(sigmoidFocal(b), b.Scale(b.Pow(b.Wrong(), γ+1), ε))
		},
		Gradient: func(b *Build) *graph.Value { return gradFocal(b, alphaOf(b), b.Param("epsilon")) },
		Closed: func(x *Point) Slope {
			return closedSigmoidFocal(x).Plus(x.Wrong(x.Param("gamma") + 1).Scale(x.Param("epsilon")))
		},
	})
}

// poly1Epsilon is what the Poly-1 losses add to the coefficient of the first
// term; with −1 the term is gone.
func poly1Epsilon() Param {
	return Param{Name: "epsilon", Default: 1, Lo: -1, Hi: 100, Doc: "added to the coefficient, 1, of the series' first term; 0 leaves it"}
}

// poly1Terms are the focal terms and ε (1 − p_t)^(γ+1).
func poly1Terms() *Terms {
	more := func(c Cost, positive bool) Cost {
		return Cost{
			func(b *Build) *graph.Value {
				return op.Add(c.Build(b), b.focused(b.Const(b.Param("epsilon")), []float64{b.Param("gamma") + 1}, positive))
			},
			func(x *Point) Slope {
				return c.Closed(x).Plus(x.focus(x.Param("gamma")+1, positive).Scale(x.Param("epsilon")))
			},
		}
	}
	t := focalTerms(twoTerms)
	return &Terms{more(t.Positive, true), more(t.Negative, false)}
}
