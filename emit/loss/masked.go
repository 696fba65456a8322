package loss

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// A class whose logit is −∞ is masked: its p is 0, also where all classes of an
// anchor are masked. With a target of 0 it adds nothing to the loss; a target
// above 0 costs +∞, −log 0. Graphs compute masked classes with a finite logit, so
// that 0 times their cost is 0, and make +∞ of a loss that only these explain.
const (
	masked    = 1 << 100 // the cost of a masked class
	unbounded = 1 << 60  // the loss of an anchor that is taken for +∞
)

// Unmasked is true where the logits x are not masked.
func (b *Build) Unmasked(x *graph.Value) *graph.Value { return op.Greater(x, b.Const(-masked/2)) }

// finite is the logits z with −masked for what is less; NaN stays.
func finite(z *graph.Value) *graph.Value {
	switch {
	case z == nil:
		return nil
	case z.Graph().Opset("") < 8: // whose Max does not broadcast
		return op.Clip(z, -masked, math.Inf(1))
	}
	return op.Max(z, op.Like(z, -masked))
}

// greatest is the greatest logit of each anchor, [N, A, 1].
func (b *Build) greatest() *graph.Value {
	return b.Part("greatest", func() *graph.Value { return op.ReduceMax(b.raw, []int64{2}, true) })
}

// shut is 1 for each anchor whose classes are all masked, else 0, [N, A, 1].
func (b *Build) shut() *graph.Value {
	return b.Part("shut", func() *graph.Value {
		return op.Cast(op.Less(b.greatest(), b.Const(-masked/2)), b.raw.Type.DType)
	})
}

// never is what shut anchors' classes cost beside what a softmax says of them.
func (b *Build) never() *graph.Value {
	return b.Part("never", func() *graph.Value { return b.Scale(b.shut(), masked) })
}

// unbounded is the losses per [N, A], with +∞ for those of masked classes. What
// is taken off is a constant to whoever differentiates.
func (b *Build) unbounded(per *graph.Value) *graph.Value {
	bounded := op.Cast(op.Less(per, b.Const(unbounded)), b.raw.Type.DType)
	return op.Sub(per, op.Log(bounded))
}
