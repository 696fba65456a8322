package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "asymmetric", Golden: "asymmetric",
		Equation: "−Σ [qᵢ (1−pᵢ)^γ⁺ log pᵢ + (1−qᵢ) p_mᵢ^γ⁻ log(1−p_mᵢ)], p = σ(z), p_m = max(p − m, 0)",
		Source:   "asymmetric loss, Ridnik et al. (arXiv 2009.14119), eq. 5 to 7",
		When:     "multi-label heads with many classes, nearly all of them negative: easy negatives are down-weighted more than positives, and those below the margin, including mislabelled ones, are dropped",
		Params: []loss.Param{
			{Name: "gamma_pos", Default: 0, Hi: 100, Doc: "γ⁺, exponent of the positive term's focal modulation; 0 turns it off"},
			{Name: "gamma_neg", Default: 4, Hi: 100, Doc: "γ⁻, exponent of the negative term's focal modulation; 0 turns it off"},
			{Name: "clip", Default: 0.05, Lo: loss.MinEps, Hi: 1, Zero: true, Doc: "m, probability up to which a negative has no loss; 0 turns it off"},
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid,
			Terms: &loss.Terms{
				Positive: loss.Cost{
					Build:  func(b *loss.Build) *graph.Value { return b.Focused(b.CostOfP(), []float64{b.Param("gamma_pos")}, true) },
					Closed: func(x *loss.Point) loss.Dual { return x.Positive(x.Param("gamma_pos")) },
				},
				Negative: loss.Cost{
					Build: func(b *loss.Build) *graph.Value {
						if b.Param("clip") == 0 {
							return b.Focused(b.CostOfNotP(), []float64{b.Param("gamma_neg")}, false)
						}
						return shiftedNegative(b, b.Param("gamma_neg"), b.Param("clip"))
					},
					Closed: func(x *loss.Point) loss.Dual {
						if x.Param("clip") == 0 {
							return x.Negative(x.Param("gamma_neg"))
						}
						return closedShiftedNegative(x, x.Param("gamma_neg"), x.Param("clip"))
					},
				},
			},
			Build: func(b *loss.Build) *graph.Value {
				positive, γ, m := b.Positive(1, b.Param("gamma_pos")), b.Param("gamma_neg"), b.Param("clip")
				if m == 0 {
					return op.Add(positive, b.Negative(1, γ))
				}
				return op.Add(positive, op.Mul(b.NotQ(), shiftedNegative(b, γ, m)))
			},
			Gradient: func(b *loss.Build) *graph.Value {
				γPos, γ, m := b.Param("gamma_pos"), b.Param("gamma_neg"), b.Param("clip")
				positive := b.PositiveWeight(1, γPos)
				switch {
				case m == 0:
					return gradTwoSided(b, positive, γPos, b.NegativeWeight(1, γ), γ)
				case !loss.IsPower(γ):
					return nil
				}
				down := b.NotP()
				if γPos != 0 {
					down = op.Add(down, op.Mul(b.Scale(b.P(), γPos), b.CostOfP()))
				}
				return op.Sub(op.Mul(b.NotQ(), gradShiftedNegative(b, γ, m)), op.Mul(positive, down))
			},
			Closed: func(x *loss.Point) loss.Dual {
				positive, γ, m := x.Positive(x.Param("gamma_pos")).Scale(x.Q), x.Param("gamma_neg"), x.Param("clip")
				if m == 0 {
					return positive.Plus(x.Negative(γ).Scale(1 - x.Q))
				}
				return positive.Plus(closedShiftedNegative(x, γ, m).Scale(1 - x.Q))
			},
		},
	})
}

// shiftedNegative is −p_m^γ log(1−p_m).
func shiftedNegative(b *loss.Build, γ, m float64) *graph.Value {
	shifted, _, cost := shifted(b, m)
	if γ != 0 {
		cost = op.Mul(b.Pow(shifted, γ), cost)
	}
	return cost
}

// shifted is p_m, 1 − p_m and −log(1−p_m). 1 − p_m is (1−p) + m where p > m,
// which holds for p near 1; what rounding lost of it near 1 is p_m's to give.
func shifted(b *loss.Build, m float64) (shifted, not, cost *graph.Value) {
	some := b.Part("above margin", func() *graph.Value { return op.Cast(op.Greater(b.P(), b.Const(m)), b.Q.Type.DType) })
	shifted = b.Part("p_m", func() *graph.Value { return op.Mul(some, op.Sub(b.P(), b.Const(m))) })
	not = b.Part("1-p_m", func() *graph.Value { return op.Add(b.NotP(), b.Const(m)) })
	cost = b.Part("cost 1-p_m", func() *graph.Value {
		lost := op.Sub(op.Sub(b.Const(1), not), shifted)
		return op.Mul(some, op.Sub(op.Neg(lost), op.Log(not)))
	})
	return shifted, not, cost
}

// gradShiftedNegative is the derivative of shiftedNegative by z,
// p(1−p) p_m^(γ−1) (p_m/(1−p_m) − γ log(1−p_m)), for a whole γ ≥ 1.
func gradShiftedNegative(b *loss.Build, γ, m float64) *graph.Value {
	shifted, not, cost := shifted(b, m)
	d := op.Add(op.Div(shifted, not), b.Scale(cost, γ))
	if γ > 1 {
		d = op.Mul(b.Pow(shifted, γ-1), d)
	}
	return op.Mul(b.Spread(), d)
}

func closedShiftedNegative(x *loss.Point, γ, m float64) loss.Dual {
	if x.P <= m {
		return loss.Dual{}
	}
	shifted := loss.Dual{Value: x.P - m, P: x.P}
	log := math.Log(x.NotP + m)
	if shifted.Value < 0.5 {
		log = math.Log1p(-shifted.Value)
	}
	return shifted.Pow(γ).Times(loss.Dual{Value: -log, P: x.P / (x.NotP + m)})
}
