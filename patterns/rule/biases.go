package rule

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// biases are what the layer of r adds to each of r's channels, in their order; nil where it
// adds nothing, or what is not known before any data.
func (s *Scene) biases(r Root) []float64 {
	f := r.Field
	if f.Node == nil || f.Kind != match.Weighing {
		return nil
	}
	all := s.bias(f)
	if int64(len(all)) != f.Channels() {
		return nil
	}
	return within(all, r.Span)
}

// within is the elements of x, one for each channel, that are of span.
func within[T any](x []T, span match.Span) []T {
	if span == match.All {
		return x
	}
	var part []T
	for c, v := range x {
		if span.Meets(match.Span{Start: int64(c), Stop: int64(c) + 1}) {
			part = append(part, v)
		}
	}
	return part
}

// bias is the vector that layer f adds: its own, or that of an addition behind it.
func (s *Scene) bias(f *match.Field) []float64 {
	switch f.Node.Op {
	case "Conv", "ConvTranspose", "Gemm":
		if f.Node.Input(2) != nil {
			return s.vector(f.Node.Input(2))
		}
	case "MatMul", "Einsum":
	default:
		return nil
	}
	for _, u := range f.Value.Uses() {
		if u.Node.Op == "Add" {
			return s.vector(u.Node.Input(1 - u.Index))
		}
	}
	return nil
}

// vector is the elements of v, if it is a constant whose axes but one are of length 1.
func (s *Scene) vector(v *graph.Value) []float64 {
	if v == nil || !s.Static(v) {
		return nil
	}
	t := s.Fact(v).Const()
	if t == nil {
		return nil
	}
	for _, n := range t.Shape {
		if n != 1 && n != t.Len() {
			return nil
		}
	}
	return op.Floats(t)
}
