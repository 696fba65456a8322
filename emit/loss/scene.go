package loss

import "fmt"

// Scene is a batch as the closed form of Statistics sees it, in float64. Anchors are
// counted over all images.
type Scene struct {
	N, A, C int
	Logits  []float64 // [N, A, C]
	Labels  []float64 // [N, A, C], before smoothing; 0 where ignored
	Counted []bool    // [N, A]; see Build.Counted
	// Foreground is as in Build.
	Foreground []bool
	State      [][]float64

	// Shift and Factor are [N, A, C], nil for none; NewState has the shape of State.
	Shift, Factor []float64
	NewState      [][]float64
	// Undecided marks anchors that a rounding of the losses brings into the
	// selection or out of it; nil for none.
	Undecided []bool

	params map[string]float64
}

// Param is the value of a parameter.
func (s *Scene) Param(name string) float64 { return s.params[name] }

// newScene is the batch as the loss's Statistics see it.
func (a *anchor) newScene(b Batch) (*Scene, error) {
	s := &Scene{
		N: b.N, A: b.A, C: b.C, Logits: b.Logits, Labels: make([]float64, len(b.Logits)),
		Counted: make([]bool, b.N*b.A), Foreground: make([]bool, b.N*b.A), params: a.opts.Params,
	}
	for i := range s.Counted {
		takesPart, isPositive := a.targets(b, i)
		if !takesPart {
			continue
		}
		copy(s.Labels[i*b.C:], a.labels)
		s.Counted[i] = !a.opts.AnchorWeights || b.Weight[i] > 0
		s.Foreground[i] = isPositive && s.Counted[i]
	}
	for i, def := range a.loss.states(a.opts, b.C) {
		x := make([]float64, def.Len)
		for k := range x {
			x[k] = def.Initial
		}
		if b.State != nil {
			if len(b.State) <= i || len(b.State[i]) != def.Len {
				return nil, fmt.Errorf("state %s: want %d numbers", def.Name, def.Len)
			}
			copy(x, b.State[i])
		}
		s.State = append(s.State, x)
	}
	return s, nil
}

// choose leaves the anchors that the loss selects, with their weights, and gives the
// new state.
func (out *Outcome) choose(l *Loss, s *Scene, weights []float64) {
	if s == nil {
		return
	}
	if l.Statistics.ClosedSelect != nil {
		for i, f := range l.Statistics.ClosedSelect(s, append([]float64{}, out.PerAnchor...)) {
			out.PerAnchor[i] *= f
			weights[i] *= f
			scale(out.Grad[i*s.C:][:s.C], f)
			scale(out.Charges[i*s.C:][:s.C], f)
		}
	}
	out.State, out.Undecided = s.NewState, s.Undecided
}
