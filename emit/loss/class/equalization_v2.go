package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "equalization-v2", Golden: "equalization_v2",
		Equation: "Σ wᵢ BCE(pᵢ, qᵢ), p = σ(z), w = q (1 + α (1 − f)) + (1−q) f, f = σ(γ (g − μ)), g the ratio of the class's positive to its negative gradients so far",
		Source:   "equalization loss v2, Tan et al. (arXiv 2012.08548), section 4, gradient guided reweighing, with f, α, γ and μ of the authors' code",
		When:     "sigmoid heads with many, long-tailed classes: each class is balanced by the gradients it has received so far",
		Params: []loss.Param{
			{Name: "alpha", Default: 4, Hi: 100, Doc: "greatest addition to the weight of positives"},
			{Name: "gamma", Default: 12, Hi: 100, Doc: "steepness of f; 0 makes f = ½ everywhere"},
			{Name: "mu", Default: 0.8, Hi: 100, Doc: "μ, ratio at which f is ½"},
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true,
			Statistics: &loss.Statistics{
				State: func(_ map[string]float64, classes int) []loss.State {
					return []loss.State{
						{Name: "positive_gradients", Len: classes, Doc: "sum of w |p − q| q so far"},
						{Name: "negative_gradients", Len: classes, Doc: "sum of w |p − q| (1 − q) so far; where it is 0, f is 1"},
					}
				},
				Factor: equalization, Closed: closedEqualization,
			},
			Terms:    loss.BothTerms,
			Build:    (*loss.Build).BCE,
			Gradient: (*loss.Build).BCEGradient,
			Closed:   (*loss.Point).BCE,
		},
	})
}

// equalization is w. This batch's gradients go into the state with it.
func equalization(b *loss.Build) *graph.Value {
	none, some := b.Split(op.Not(op.Greater(b.State[1], b.Const(0))))
	ratio := op.Div(b.State[0], op.Add(b.State[1], none))
	slope := b.Scale(op.Sub(ratio, b.Const(b.Param("mu"))), b.Param("gamma"))
	f := op.Add(op.Div(some, op.Add(b.Const(1), op.Exp(op.Neg(slope)))), none)
	positive := op.Add(b.Const(1), b.Scale(op.Sub(b.Const(1), f), b.Param("alpha")))
	q, notQ := b.Labels, op.Sub(b.Const(1), b.Labels)
	w := op.Add(op.Mul(q, positive), op.Mul(notQ, f))

	size := op.Mul(w, op.Abs(op.Sub(op.Mul(q, b.NotP()), op.Mul(notQ, b.P()))))
	for i, share := range []*graph.Value{q, notQ} {
		sum := op.ReduceSum(b.OfCounted(op.Mul(size, share)), []int64{0, 1}, false)
		b.NewState[i] = op.Add(b.State[i], sum)
	}
	return w
}

func closedEqualization(s *loss.Scene) {
	positive, negative := append([]float64{}, s.State[0]...), append([]float64{}, s.State[1]...)
	s.Factor = make([]float64, len(s.Logits))
	for i, q := range s.Labels {
		c, f := i%s.C, 1.0
		if s.State[1][c] > 0 {
			f = 1 / (1 + math.Exp(-s.Param("gamma")*(s.State[0][c]/s.State[1][c]-s.Param("mu"))))
		}
		w := q*(1+s.Param("alpha")*(1-f)) + (1-q)*f
		s.Factor[i] = w
		if !s.Counted[i/s.C] {
			continue
		}
		logP, logNotP := loss.SigmoidLogs(s.Logits[i])
		size := w * math.Abs(q*math.Exp(logNotP)-(1-q)*math.Exp(logP))
		positive[c] += q * size
		negative[c] += (1 - q) * size
	}
	s.NewState = [][]float64{positive, negative}
}
