package loss

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Statistics is what a loss takes from all anchors of a batch at once: statistics,
// and which anchors count. To whoever differentiates the graph all of that is
// constant: it is computed from the logits by way of comparisons and integers
// alone, or of Build.StopGradient. Losses that come of it are the sum over the anchors
// of a common loss of adjusted logits, with factors.
type Statistics struct {
	// State is what the loss carries from step to step; nil if nothing.
	State func(params map[string]float64, classes int) []State
	// Shift is added to the logits of a softmax, [N, A, C]; nil for nothing.
	Shift func(b *Build) *graph.Value
	// Factor multiplies the loss of every class, [N, A, C]; nil for 1.
	Factor func(b *Build) *graph.Value
	// Select multiplies the losses of the anchors, which it is given, both [N, A];
	// nil for 1.
	Select func(b *Build, per *graph.Value) *graph.Value
	// Sorts is set where Select sorts the anchors.
	Sorts bool
	// Closed and ClosedSelect are the same in float64: the first sets the shift, the
	// factor and the new state, the second multiplies the losses of the anchors.
	Closed       func(s *Scene)
	ClosedSelect func(s *Scene, per []float64) []float64
}

// State is one vector that a loss carries from step to step.
type State struct {
	Name    string
	Len     int
	Initial float64 // of each element, before the first step
	Doc     string
}

// states is the state of l.
func (l *Loss) states(o Options, classes int) []State {
	if l.Statistics == nil || l.Statistics.State == nil {
		return nil
	}
	return l.Statistics.State(o.Params, classes)
}

// States is what the loss that o names carries from step to step.
func (o Options) States(k Kind, classes int) ([]State, error) {
	o, err := o.Resolve(k, classes)
	if err != nil {
		return nil, err
	}
	l, err := Find(k, o.Name)
	if err != nil {
		return nil, err
	}
	return l.states(o, classes), nil
}

// statistics gives b what Statistics are computed from, besides the logits.
func (e *emission) statistics(b *Build, q *graph.Value) {
	b.Labels, b.Counted, b.State = e.labels(q), e.valid, e.state
	b.NewState = make([]*graph.Value, len(e.state))
	b.Foreground = e.positives(b, q)
	if e.weight != nil {
		some := op.Cast(op.Greater(e.weight, b.Const(0)), e.dtype)
		b.Counted = some
		if e.valid != nil {
			b.Counted = op.Mul(e.valid, some)
		}
		b.Foreground = op.Mul(b.Foreground, some)
	}
}

// OfCounted is x [N, A, …] where anchors count, else 0.
func (b *Build) OfCounted(x *graph.Value) *graph.Value {
	switch {
	case b.Counted == nil:
		return x
	case len(x.Shape()) == 2:
		return op.Mul(x, b.Counted)
	}
	return op.Mul(x, op.Unsqueeze(b.Counted, 2))
}

// Fixed-point numbers of StopGradient: the unit, and the greatest number.
const (
	fixedUnit = 0x1p-40
	fixedMost = 0x1p22
)

// StopGradient is x, to an absolute 2^−40 and within ±2^22, as a constant to whoever
// differentiates: it goes by way of integers.
func (b *Build) StopGradient(x *graph.Value) *graph.Value {
	whole := op.Cast(op.Mul(op.Clip(x, -fixedMost, fixedMost), b.Const(1/fixedUnit)), tensor.Int64)
	return op.Mul(op.Cast(whole, b.raw.Type.DType), b.Const(fixedUnit))
}
