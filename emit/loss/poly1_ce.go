package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "poly1-ce", Golden: "poly1_ce", Activation: Softmax, Eps: true, Instead: "poly1-focal",
		Equation: "−Σ qᵢ log pᵢ + ε (1 − Σ qᵢpᵢ), p = softmax(z)",
		Source:   "Poly-1 cross-entropy, Leng et al., PolyLoss (arXiv 2204.12511), eq. 7",
		When:     "cross-entropy with one number to tune: a positive epsilon pushes harder at every probability, a negative one holds back confidence",
		Params:   []Param{poly1Epsilon()},
		Terms: &Terms{Positive: Cost{
			func(b *Build) *graph.Value { return op.Add(b.CostOfP(), b.Scale(b.NotP(), b.Param("epsilon"))) },
			func(x *Point) Slope {
				ε := x.Param("epsilon")
				return x.Positive(0).Plus(Slope{Value: ε * x.NotP, NotP: ε * x.NotP})
			},
		}},
		// 1 − Σ qᵢpᵢ is Σ qᵢ(1−pᵢ), which cancels nothing, and a constant that is
		// 0 where Σ qᵢ = 1; each class has an even share of it.
		Build: func(b *Build) *graph.Value {
			ε := b.Param("epsilon")
			if ε == 0 {
				return op.Mul(b.Q, b.CostOfP())
			}
			cost := op.Add(b.CostOfP(), b.Scale(b.NotP(), ε))
			return op.Add(op.Mul(b.Q, cost), b.Scale(b.NoClass(), ε/float64(b.Classes)))
		},
		Gradient: func(b *Build) *graph.Value {
			byP := op.Neg(b.Q)
			if ε := b.Param("epsilon"); ε != 0 {
				byP = op.Sub(byP, op.Mul(b.Scale(b.Q, ε), b.P()))
			}
			return b.SoftmaxSlope(byP, nil)
		},
		Closed: func(x *Point) Slope {
			ε := x.Param("epsilon")
			return Slope{
				Value: x.Q*(ε*x.NotP-x.LogP) + ε*x.NoClass/float64(x.Classes),
				P:     -x.Q * x.DLogP,
				NotP:  x.Q * ε * x.NotP,
			}
		},
	})
}
