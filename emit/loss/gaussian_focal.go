package loss

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

func init() {
	register(&Loss{
		Name: "gaussian-focal", Golden: "gaussian_focal", Activation: Sigmoid, Eps: true, Targets: Heat,
		Equation: "−Σ [(1−pᵢ)^α log pᵢ where qᵢ = 1, else (1−qᵢ)^γ pᵢ^α log(1−pᵢ)], p = σ(z)",
		Source:   "focal loss of heat maps, Law, Deng, CornerNet (arXiv 1808.01244), eq. 1, whose β is γ here",
		When:     "targets that are heat maps of centres or corners (CornerNet, CenterNet): near an object a high score costs less",
		Params: []Param{
			{Name: "alpha", Default: 2, Hi: 100, Doc: "exponent of the focal modulation; 0 turns it off"},
			{Name: "gamma", Default: 4, Hi: 100, Doc: "exponent that lessens the loss around an object's centre; 0 turns it off"},
		},
		Build: func(b *Build) *graph.Value {
			centre, around := heatWeights(b)
			return op.Add(op.Mul(centre, b.CostOfP()), op.Mul(around, b.CostOfNotP()))
		},
		Gradient: func(b *Build) *graph.Value {
			α := b.Param("alpha")
			centre, around := heatWeights(b)
			return gradTwoSided(b, centre, α, around, α)
		},
		Closed: func(x *Point) Slope {
			α := x.Param("alpha")
			if x.Q < 1 {
				return x.Negative(α).Scale(math.Pow(1-x.Q, x.Param("gamma")))
			}
			return x.Positive(α)
		},
	})
}

// heatWeights are the factors of the costs: (1−p)^α where q = 1, and
// (1−q)^γ p^α elsewhere.
func heatWeights(b *Build) (centre, around *graph.Value) {
	α, γ := b.Param("alpha"), b.Param("gamma")
	around = b.part("around", func() *graph.Value {
		around, _ := b.split(op.Less(b.Q, b.Const(1)))
		if γ != 0 {
			around = op.Mul(around, b.powTarget(b.NotQ(), γ))
		}
		return weighPower(around, b.PowP, α)
	})
	centre = b.part("centre", func() *graph.Value {
		_, centre := b.split(op.Less(b.Q, b.Const(1)))
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
