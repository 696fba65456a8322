package loss

import (
	"fmt"
	"math"
	"slices"
)

// Batch is what a loss is computed from.
type Batch struct {
	N, A, C int
	Logits  []float64 // [N, A, C]
	Target  []float64 // [N, A, C], for Dense; [N, A], for Bins
	Index   []int64   // [N, A], for Index
	// Weight is [N, A], for Options.AnchorWeights; Normalizer is for Fed.
	Weight     []float64
	Normalizer float64
	// State is what the loss carries from step to step; nil before the first.
	State [][]float64
}

// Outcome is a loss in float64.
type Outcome struct {
	PerAnchor []float64 // [N, A], weighted, 0 where ignored, +∞ where a masked class has a target
	Loss      float64   // reduced; the sum of PerAnchor if the reduction is None
	Grad      []float64 // [N, A, C], the derivative of Loss by the logits, as these go to −∞ where they are
	// Charges is what the term of every class adds to PerAnchor, [N, A, C].
	Charges []float64
	State   [][]float64
	// Undecided marks the anchors that the loss selects or not by the last digits of
	// their losses, [N, A]; nil if it selects none.
	Undecided []bool
}

// Eval is the loss of a batch by its closed form, with its gradient.
func Eval(k Kind, o Options, b Batch) (*Outcome, error) {
	o, err := o.Resolve(k, b.C)
	if err != nil {
		return nil, err
	}
	l, err := Find(k, o.Name)
	if err != nil {
		return nil, err
	}
	if err := b.check(o); err != nil {
		return nil, err
	}
	b.Logits = lowest(b.Logits)
	out := &Outcome{PerAnchor: make([]float64, b.N*b.A), Grad: make([]float64, len(b.Logits)), Charges: make([]float64, len(b.Logits))}
	ev := newAnchor(l, o, b)
	if l.Statistics != nil {
		if ev.scene, err = ev.newScene(b); err != nil {
			return nil, err
		}
		if l.Statistics.Closed != nil {
			l.Statistics.Closed(ev.scene)
		}
	}
	valid, positive, weight := 0, 0, 0.0
	weights := make([]float64, b.N*b.A) // for WeightedMean
	for i := range out.PerAnchor {
		takesPart, isPositive := ev.targets(b, i)
		if !takesPart {
			continue
		}
		valid++
		if isPositive {
			positive++
		}
		weight += ev.classWeight
		weights[i] = ev.weight(b, i)
		out.PerAnchor[i] = ev.weighted(b, i, out.Grad[i*b.C:][:b.C], out.Charges[i*b.C:][:b.C])
	}
	out.choose(l, ev.scene, weights)
	unbind(out.PerAnchor)
	unbind(out.Charges)
	for _, x := range out.PerAnchor {
		out.Loss += x
	}
	by := 1.0
	switch o.Reduction {
	case Mean:
		by = max(1, float64(valid))
		if l.Weighted {
			by = orOne(weight)
		}
	case WeightedMean:
		total := 0.0
		for _, w := range weights {
			total += w
		}
		by = orOne(total)
	case Positives:
		by = max(1, float64(positive))
	case Fed:
		by = orOne(b.Normalizer)
	}
	out.Loss /= by
	scale(out.Grad, 1/by)
	return out, nil
}

// The closed form reckons with a logit of −never in place of −∞, and with a loss
// above impossible as +∞: both are far beyond what other numbers can make.
const (
	never      = 1e200
	impossible = 1e150
)

// IsMasked reports whether a closed form's logit is that of a masked class.
func IsMasked(z float64) bool { return z < -impossible }

func lowest(z []float64) []float64 {
	y := slices.Clone(z)
	for i, x := range y {
		y[i] = max(x, -never)
	}
	return y
}

func unbind(loss []float64) {
	for i, x := range loss {
		if x > impossible {
			loss[i] = math.Inf(1)
		}
	}
}

// orOne is x, or 1 where x is not above 0.
func orOne(x float64) float64 {
	if x > 0 {
		return x
	}
	return 1
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

func (b Batch) check(o Options) error {
	if b.N < 0 || b.A < 0 {
		return fmt.Errorf("a batch of [%d, %d, %d]", b.N, b.A, b.C)
	}
	anchors := b.N * b.A
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"logits", len(b.Logits), anchors * b.C},
		{o.Target + " targets", len(b.Target), pick(o.Target == Dense, anchors*b.C) + pick(o.Target == Bins, anchors)},
		{"index targets", len(b.Index), pick(o.Target == Index, anchors)},
		{"anchor weights", len(b.Weight), pick(o.AnchorWeights, anchors)},
	} {
		if c.got != c.want {
			return fmt.Errorf("%s: %d numbers for [%d, %d, %d], want %d", c.name, c.got, b.N, b.A, b.C, c.want)
		}
	}
	return nil
}

func pick(cond bool, n int) int {
	if cond {
		return n
	}
	return 0
}
