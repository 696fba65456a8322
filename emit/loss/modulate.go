package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Modulation is the focal modulation of a base loss that has Terms, T⁺ and T⁻:
//
//	Σ α q (1−p)^γ T⁺ + (1−α) (1−q) p^γ T⁻.
//
// Each of γ and α is one number, or one per class. Without α both terms have weight 1.
// Applied to cross-entropy it is focal-softmax, to binary cross-entropy
// modified-focal-sigmoid.
type Modulation struct {
	Gamma []float64 `json:"gamma"`
	Alpha []float64 `json:"alpha,omitempty"`
}

// Terms are the losses of a positive and of a negative class: a loss of labels is q times
// the first plus 1 − q times the second.
type Terms struct{ Positive, Negative Cost }

// Cost is one term; it is absent if Build is nil.
type Cost struct {
	Build  func(b *Build) *graph.Value
	Closed func(x *Point) Dual
}

// The terms of cross-entropy, in which other classes act only through the softmax, and of
// binary cross-entropy.
var (
	PositiveTerm = &Terms{Positive: Cost{(*Build).CostOfP, func(x *Point) Dual { return x.Positive(0) }}}
	BothTerms    = &Terms{Positive: PositiveTerm.Positive, Negative: Cost{(*Build).CostOfNotP, func(x *Point) Dual { return x.Negative(0) }}}
)

// FocalTerms are terms with a focal modulation of their own, by the parameter γ and, if the
// loss has it, α; a negative α is off.
func FocalTerms(t *Terms) *Terms {
	weight := func(params map[string]float64, positive bool) float64 {
		α, ok := params["alpha"]
		switch {
		case !ok || α < 0:
			return 1
		case positive:
			return α
		}
		return 1 - α
	}
	of := func(c Cost, positive bool) Cost {
		if c.Build == nil {
			return c
		}
		return Cost{
			func(b *Build) *graph.Value {
				return b.Scale(b.Focused(c.Build(b), []float64{b.Param("gamma")}, positive), weight(b.params, positive))
			},
			func(x *Point) Dual {
				return c.Closed(x).Times(x.Focus(x.Param("gamma"), positive)).Scale(weight(x.params, positive))
			},
		}
	}
	return &Terms{of(t.Positive, true), of(t.Negative, false)}
}

// Focused is (1−p)^γ · cost, or p^γ · cost for the negative term.
func (b *Build) Focused(cost *graph.Value, γ []float64, positive bool) *graph.Value {
	complement := b.exactCostOfP
	if positive {
		complement = b.exactCostOfNotP
	}
	switch {
	case len(γ) > 1:
		return op.Mul(op.Exp(op.Neg(op.Mul(b.PerClass("gammas", γ), complement()))), cost)
	case γ[0] == 0:
		return cost
	case positive:
		return op.Mul(b.PowNotP(γ[0]), cost)
	}
	return op.Mul(b.PowP(γ[0]), cost)
}

// PerClass is one number, or one per class, [1, 1, C].
func (b *Build) PerClass(name string, x []float64) *graph.Value {
	if b.raw == nil || len(x) == 1 {
		return b.Const(x[0])
	}
	return exactly(b.raw.Graph(), b.raw.Type.DType, name, []int{1, 1, len(x)}, x)
}

// Modulated applies m to the terms t.
func (b *Build) Modulated(t *Terms, m *Modulation) *graph.Value {
	var sum *graph.Value
	for _, part := range []struct {
		cost     Cost
		share    *graph.Value
		weight   []float64
		positive bool
	}{{t.Positive, b.Q, m.Alpha, true}, {t.Negative, b.NotQ(), Complements(m.Alpha), false}} {
		if part.cost.Build == nil {
			continue
		}
		term := op.Mul(part.share, b.Focused(part.cost.Build(b), m.Gamma, part.positive))
		if part.weight != nil {
			term = op.Mul(b.PerClass("alphas", part.weight), term)
		}
		if sum != nil {
			term = op.Add(sum, term)
		}
		sum = term
	}
	return sum
}

// Complements is 1 − x for each x; nil for nil.
func Complements(x []float64) []float64 {
	var y []float64
	for _, v := range x {
		y = append(y, 1-v)
	}
	return y
}

// modulation is the modulation that o applies to a base loss; nil for none. A loss that is
// the modulation of a base is built as such if its parameters differ per class.
func (l *Loss) modulation(o Options) (*Terms, *Modulation) {
	switch {
	case o.Modulate != nil:
		return l.Terms, o.Modulate
	case o.PerClass == nil || l.Base == "":
		return nil, nil
	}
	of := func(name string) []float64 {
		if x := o.PerClass[name]; x != nil {
			return x
		}
		return []float64{o.Params[name]}
	}
	return table[l.Base].Terms, &Modulation{Gamma: of("gamma"), Alpha: of("alpha")}
}

// Focus is the focal modulation of the positive or the negative term.
func (x *Point) Focus(γ float64, positive bool) Dual {
	if positive {
		m := x.PowNotP(γ)
		return Dual{Value: m, NotP: γ * m}
	}
	m := x.PowP(γ)
	return Dual{Value: m, P: γ * m}
}

// modulated applies m to the terms t for the current class.
func (x *Point) modulated(t *Terms, m *Modulation) Dual {
	at := func(v []float64) float64 {
		if len(v) == 1 {
			return v[0]
		}
		return v[x.class]
	}
	α, notα := 1.0, 1.0
	if m.Alpha != nil {
		α = at(m.Alpha)
		notα = 1 - α
	}
	f := t.Positive.Closed(x).Times(x.Focus(at(m.Gamma), true)).Scale(α * x.Q)
	if t.Negative.Closed != nil {
		f = f.Plus(t.Negative.Closed(x).Times(x.Focus(at(m.Gamma), false)).Scale(notα * (1 - x.Q)))
	}
	return f
}

// checkEach checks the options that may differ per class.
func (o Options) checkEach(l *Loss, classes int) error {
	for _, name := range slices.Sorted(maps.Keys(o.PerClass)) {
		p, ok := l.Param(name)
		option := name + "_per_class"
		if !ok || !p.PerClass {
			return &OptionError{option, l.Name + " does not allow one number per class"}
		}
		if n := len(o.PerClass[name]); n != classes {
			return &OptionError{option, fmt.Sprintf("%d numbers for %d classes", n, classes)}
		}
		if err := checkNumbers(option, o.PerClass[name], p.Hi); err != nil {
			return err
		}
	}
	m := o.Modulate
	switch {
	case m == nil:
		return nil
	case l.Terms == nil:
		return &OptionError{"modulate", fmt.Sprintf("the targets of %s are %v, so it has no separate terms for positive and negative classes", l.Name, l.Targets)}
	case o.PerClass != nil:
		return &OptionError{"modulate", "set per-class numbers in the modulation itself"}
	case len(m.Gamma) != 1 && len(m.Gamma) != classes:
		return &OptionError{"modulate", fmt.Sprintf("gamma: %d numbers for %d classes, want 1 or %d", len(m.Gamma), classes, classes)}
	case m.Alpha != nil && len(m.Alpha) != 1 && len(m.Alpha) != classes:
		return &OptionError{"modulate", fmt.Sprintf("alpha: %d numbers for %d classes, want 1 or %d", len(m.Alpha), classes, classes)}
	}
	if err := checkNumbers("modulate", m.Gamma, Gamma(0).Hi); err != nil {
		return err
	}
	return checkNumbers("modulate", m.Alpha, Alpha(0).Hi)
}

func checkNumbers(option string, x []float64, most float64) error {
	for i, v := range x {
		if math.IsNaN(v) || v < 0 || v > most {
			return &OptionError{option, fmt.Sprintf("number %d is %s, which is outside [0, %s]", i, number(v), number(most))}
		}
	}
	return nil
}

// PerClassNames are the parameters that Options.PerClass may have.
func PerClassNames() []string {
	var names []string
	for _, l := range All() {
		for _, p := range l.Params {
			if p.PerClass && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}
