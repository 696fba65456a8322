package loss

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Adjustment turns the logits z of an anchor with targets q into
// Scale · (zᵢ + Shiftᵢ − qᵢ·Marginᵢ). Losses for classes of unequal frequency
// differ from the losses they are based on by such an adjustment.
type Adjustment struct {
	Scale  float64
	Shift  []float64 // one per class; nil for none
	Margin []float64 // likewise
}

// apply is the adjusted logits of one anchor.
func (a Adjustment) apply(z, q []float64) []float64 {
	y := append([]float64{}, z...)
	for i := range y {
		if a.Shift != nil {
			y[i] += a.Shift[i]
		}
		if a.Margin != nil {
			y[i] -= q[i] * a.Margin[i]
		}
		y[i] *= a.Scale
	}
	return y
}

// adjusted is the logits to which a loss applies its softmax.
func (e *emission) adjusted(b *Build) *graph.Value {
	if e.loss.Adjust == nil {
		return b.raw
	}
	a := e.loss.Adjust(e.opts.ClassCounts, e.opts.Params)
	z := b.lowered()
	if a.Shift != nil {
		z = op.Add(z, e.perClass("class_shifts", a.Shift))
	}
	if a.Margin != nil {
		z = op.Sub(z, op.Mul(b.Q, e.perClass("class_margins", a.Margin)))
	}
	return b.Scale(z, a.Scale)
}

// lowered is the logits minus a whole number close to the largest of each anchor, which
// does not change a softmax. With the largest near 0, a shift added later is not lost to
// rounding. A whole number makes the subtraction exact, and is constant to differentiation.
func (b *Build) lowered() *graph.Value {
	if b.raw == nil {
		return nil
	}
	whole := op.Cast(b.greatest(), tensor.Int64)
	return op.Sub(b.raw, op.Cast(whole, b.raw.Type.DType))
}

// The range of counts: 0 is excluded because logarithms are taken.
const minCount, maxCount = 1e-6, 1e15

func (o Options) checkCounts(l *Loss, classes int) error {
	switch {
	case o.ClassCounts == nil && !l.Counts:
		return nil
	case !l.Counts:
		return &OptionError{"class_counts", l.Name + " does not depend on them"}
	case o.ClassCounts == nil:
		return &OptionError{"class_counts", l.Name + " needs the number of objects per class"}
	case len(o.ClassCounts) != classes:
		return &OptionError{"class_counts", fmt.Sprintf("%d counts for %d classes", len(o.ClassCounts), classes)}
	}
	for i, n := range o.ClassCounts {
		if !(n >= minCount && n <= maxCount) {
			return &OptionError{"class_counts", fmt.Sprintf("count %d is %s, expected a number in [%s, %s]", i, number(n), number(minCount), number(maxCount))}
		}
	}
	return nil
}
