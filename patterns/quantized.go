package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// quantized says why no gradient reaches the weights of the layers that make
// p, where they or its logits are integers; "" where all is floating point.
// Weights that are rounded from stored floats still have a value to train.
func (s *site) quantized(p *part, levels []Level) string {
	for _, r := range p.roots {
		n := r.field.Node
		switch {
		case n == nil:
		case match.Integral(n):
			return fmt.Sprintf("its layer %v computes with integers", n)
		}
		if w := s.Weights(r.field); w != nil {
			if d := stored(w); d != tensor.Invalid {
				return fmt.Sprintf("the weights of its layer %v are stored as %v", n, d)
			}
		}
	}
	for _, l := range levels {
		if d := l.Source.Type.DType; d != tensor.Invalid && !d.IsFloat() {
			return fmt.Sprintf("its logits %s are %v", l.Source.Name, d)
		}
	}
	return ""
}

// stored is the integer type that weights w are dequantized from; Invalid if
// they are floats, or rounded from floats.
func stored(w *graph.Value) tensor.DType {
	for range 100 {
		n := w.Producer()
		if n == nil || len(n.Inputs) == 0 || n.Inputs[0] == nil {
			break
		}
		if n.Op != "DequantizeLinear" {
			w = n.Inputs[0]
			continue
		}
		q := n.Inputs[0]
		if q.Producer() != nil && q.Producer().Op == "QuantizeLinear" {
			w = q.Producer().Input(0)
			continue
		}
		return q.Type.DType
	}
	return tensor.Invalid
}
