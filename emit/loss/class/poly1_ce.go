package class

import (
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "poly1-ce", Golden: "poly1_ce",
		Equation: "−Σ qᵢ log pᵢ + ε (1 − Σ qᵢpᵢ), p = softmax(z)",
		Source:   "Poly-1 cross-entropy, Leng et al., PolyLoss (arXiv 2204.12511), eq. 7",
		When:     "cross-entropy with one number to tune: a positive epsilon pushes harder at every probability, a negative one discourages confidence",
		Params:   []loss.Param{poly1Epsilon()},
		Logits: &loss.Logits{
			Activation: loss.Softmax, Eps: true, Instead: "poly1-focal",
			Terms: &loss.Terms{Positive: loss.Cost{
				Build: func(b *loss.Build) *graph.Value { return op.Add(b.CostOfP(), b.Scale(b.NotP(), b.Param("epsilon"))) },
				Closed: func(x *loss.Point) loss.Dual {
					ε := x.Param("epsilon")
					return x.Positive(0).Plus(loss.Dual{Value: ε * x.NotP, NotP: ε * x.NotP})
				},
			}},
			// 1 − Σ qᵢpᵢ is Σ qᵢ(1−pᵢ), which cancels nothing, and a constant that is
			// 0 where Σ qᵢ = 1; each class has an even share of it.
			Build: func(b *loss.Build) *graph.Value {
				ε := b.Param("epsilon")
				if ε == 0 {
					return op.Mul(b.Q, b.CostOfP())
				}
				cost := op.Add(b.CostOfP(), b.Scale(b.NotP(), ε))
				return op.Add(op.Mul(b.Q, cost), b.Scale(b.NoClass(), ε/float64(b.Classes)))
			},
			Gradient: func(b *loss.Build) *graph.Value {
				byP := op.Neg(b.Q)
				if ε := b.Param("epsilon"); ε != 0 {
					byP = op.Sub(byP, op.Mul(b.Scale(b.Q, ε), b.P()))
				}
				return b.SoftmaxGradient(byP, nil)
			},
			Closed: func(x *loss.Point) loss.Dual {
				ε := x.Param("epsilon")
				return loss.Dual{
					Value: x.Q*(ε*x.NotP-x.LogP) + ε*x.NoClass/float64(x.Classes),
					P:     -x.Q * x.DLogP,
					NotP:  x.Q * ε * x.NotP,
				}
			},
		},
	})
}
