package patterns

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// quantized says why no gradient reaches the weights of the layers that make
// p, where they or its logits are integers; "" where all is floating point.
// Weights that are rounded from stored floats still have a value to train.
func (s *site) quantized(p *rule.Part, levels []Level) string {
	for _, r := range p.Roots {
		for _, f := range s.weighing(r.Field) {
			if why := s.integers(f); why != "" {
				return why
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

// weighing are the layers whose weights make f: itself, or where it is the
// product of two data those behind either.
func (s *site) weighing(f *match.Field) []*match.Field {
	list := []*match.Field{f}
	if f.Kind != match.Pairing {
		return list
	}
	for _, v := range f.Node.Inputs {
		w := s.View(v)
		if w == nil {
			continue
		}
		for i := range w.Pieces {
			if g := w.Pieces[i].Field.Root; g != nil && !slices.Contains(list, g) {
				list = append(list, g)
			}
		}
	}
	return list
}

// integers says in which way layer f computes with integers; "" if it does not.
func (s *site) integers(f *match.Field) string {
	n := f.Node
	if n != nil && match.Integral(n) {
		return fmt.Sprintf("its layer %v computes with integers", n)
	}
	if w := s.Weights(f); w != nil {
		if d := stored(w); d != tensor.Invalid {
			return fmt.Sprintf("the weights of its layer %v are stored as %v", n, d)
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
