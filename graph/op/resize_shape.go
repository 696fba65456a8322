package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func inferResize(c *Infer) error {
	r, err := resizeOf(c.Node, c.Since)
	if err != nil {
		return err
	}
	x := c.Input(0)
	shape := x.Shape.Clone()
	sizes := c.Input(r.sizes)
	if shape == nil && len(r.axes) == 0 && len(sizes.Elems()) > 0 {
		shape = unknownShape(len(sizes.Elems()))
	}
	if shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	at, err := r.axesOf(len(shape))
	if err != nil {
		return err
	}
	scales := constFloats(c.Input(r.scales).Const())
	if r.attrScales != nil {
		scales = r.attrScales
	}
	switch {
	case len(scales) > 0:
		if len(scales) != len(at) {
			return c.InputError(r.scales, "%d scales for %d axes", len(scales), len(at))
		}
		for i, d := range at {
			if shape[d], err = scaledDim(shape[d], scales[i]); err != nil {
				return err
			}
		}
	case len(sizes.Elems()) > 0:
		if err := r.sizeDims(c, shape, at, sizes.Elems()); err != nil {
			return err
		}
	default:
		for _, d := range at {
			shape[d] = graph.Unknown()
		}
	}
	c.Set(0, x.DType, shape)
	return nil
}

// constFloats is the elements of a constant of floats; nil for anything else.
func constFloats(t *tensor.Tensor) []float64 {
	if t == nil {
		return nil
	}
	switch t.DType {
	case tensor.Float64:
		return tensor.Data[float64](t)
	case tensor.Float32:
		var out []float64
		for _, v := range tensor.Data[float32](t) {
			out = append(out, float64(v))
		}
		return out
	}
	return nil
}

// scaledDim is the dimension d resized by scale.
func scaledDim(d graph.Dim, scale float64) (graph.Dim, error) {
	if !(scale > 0) || math.IsInf(scale, 1) {
		return d, attrError("scales", scale, "positive numbers")
	}
	if d.IsKnown() {
		n, err := scaledSize(int(d.Value), scale)
		return graph.Known(int64(n)), err
	}
	if scale == math.Trunc(scale) && scale <= slideLimit {
		return symbol.Of(d).Times(symbol.Int(int64(scale))).Dim(), nil
	}
	if inv := 1 / scale; inv == math.Trunc(inv) && inv <= slideLimit {
		return symbol.Of(d).Over(symbol.Int(int64(inv))).Dim(), nil
	}
	return graph.Unknown(), nil
}

func (r *resize) sizeDims(c *Infer, shape graph.Shape, at []int, sizes []symbol.Num) error {
	if len(sizes) != len(at) {
		return c.InputError(r.sizes, "%d sizes for %d axes", len(sizes), len(at))
	}
	if r.policy == "stretch" {
		for i, d := range at {
			shape[d] = sizes[i].Dim()
		}
		return nil
	}
	in, known := make([]int, len(shape)), true
	for i := range in {
		in[i] = int(max(shape[i].Value, 0))
	}
	want := make([]int, len(at))
	for i, d := range at {
		known = known && shape[d].IsKnown() && sizes[i].Known
		want[i] = int(sizes[i].N)
	}
	if !known {
		for _, d := range at {
			shape[d] = graph.Unknown()
		}
		return nil
	}
	axes, err := r.layout(in, nil, want, make([]float64, 2*len(at)))
	if err != nil {
		return err
	}
	for _, d := range at {
		shape[d] = graph.Known(int64(axes[d].Out))
	}
	return nil
}
