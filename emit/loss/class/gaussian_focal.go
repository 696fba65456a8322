package class

import (
	"math"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	loss.Register(&loss.Loss{
		Name: "gaussian-focal", Golden: "gaussian_focal",
		Equation: "−Σ [(1−pᵢ)^α log pᵢ where qᵢ = 1, else (1−qᵢ)^γ pᵢ^α log(1−pᵢ)], p = σ(z)",
		Source:   "focal loss of heat maps, Law, Deng, CornerNet (arXiv 1808.01244), eq. 1, whose β is γ here",
		When:     "heat-map targets of centres or corners (CornerNet, CenterNet): high scores near an object cost less",
		Params: []loss.Param{
			{Name: "alpha", Default: 2, Hi: 100, Doc: "exponent of the focal modulation; 0 turns it off"},
			{Name: "gamma", Default: 4, Hi: 100, Doc: "exponent of the reduction of the loss around an object's centre; 0 turns it off"},
		},
		Logits: &loss.Logits{
			Activation: loss.Sigmoid, Eps: true, Targets: loss.Heat,
			Build: func(b *loss.Build) *graph.Value {
				centre, around := heatWeights(b)
				return op.Add(op.Mul(centre, b.CostOfP()), op.Mul(around, b.CostOfNotP()))
			},
			Gradient: func(b *loss.Build) *graph.Value {
				α := b.Param("alpha")
				centre, around := heatWeights(b)
				return gradTwoSided(b, centre, α, around, α)
			},
			Closed: func(x *loss.Point) loss.Dual {
				α := x.Param("alpha")
				if x.Q < 1 {
					return x.Negative(α).Scale(math.Pow(1-x.Q, x.Param("gamma")))
				}
				return x.Positive(α)
			},
		},
	})
}

// heatWeights are the factors of the costs: (1−p)^α where q = 1, and
// (1−q)^γ p^α elsewhere.
func heatWeights(b *loss.Build) (centre, around *graph.Value) {
	α, γ := b.Param("alpha"), b.Param("gamma")
	around = b.Part("around", func() *graph.Value {
		around, _ := b.Split(op.Less(b.Q, b.Const(1)))
		if γ != 0 {
			around = op.Mul(around, b.PowTarget(b.NotQ(), γ))
		}
		return weighPower(around, b.PowP, α)
	})
	centre = b.Part("centre", func() *graph.Value {
		_, centre := b.Split(op.Less(b.Q, b.Const(1)))
		return weighPower(centre, b.PowNotP, α)
	})
	return centre, around
}

// weighPower is weight · pow(γ), which is 1 for γ = 0.
func weighPower(weight *graph.Value, pow func(γ float64) *graph.Value, γ float64) *graph.Value {
	if γ == 0 {
		return weight
	}
	return op.Mul(weight, pow(γ))
}
