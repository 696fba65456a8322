package match

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// stride is how many pixels of the model's input one step of f's map is, as
// the strides of its layers multiply; 0 if unknown.
func (a *Analysis) stride(f *Field) float64 {
	in := 0.0
	for _, l := range f.links {
		if in = a.strideOf(l.value); in > 0 {
			break
		}
	}
	n := f.Node
	if n == nil || in == 0 {
		return in
	}
	switch flowOf(n).Places {
	case flow.Strided:
		return in * first(n.Ints("strides"))
	case flow.Spread:
		return in / first(n.Ints("strides"))
	case flow.Blocked:
		return in * float64(n.Int("blocksize", 1))
	case flow.Unblocked:
		return in / max(float64(n.Int("blocksize", 1)), 1)
	case flow.Rescaled:
		return in / a.enlarged(n)
	case flow.Merged:
		return 0
	}
	return in
}

func (a *Analysis) strideOf(v *graph.Value) float64 {
	w := a.View(v)
	if w == nil {
		return 0
	}
	for i := range w.Pieces {
		if s := w.Pieces[i].Field.Stride; s > 0 {
			return s
		}
	}
	return 0
}

func first(x []int64) float64 {
	if len(x) == 0 || x[0] < 1 {
		return 1
	}
	return float64(x[0])
}

// enlarged is the factor by which n resamples the last dimension, from its
// constant scales; +Inf, so that no stride is known, where they are data.
func (a *Analysis) enlarged(n *graph.Node) float64 {
	scale := 0.0
	if at := n.Attr("scales"); at != nil && len(at.Floats) > 0 {
		scale = float64(at.Floats[len(at.Floats)-1])
	}
	for _, v := range n.Inputs[min(1, len(n.Inputs)):] {
		if v == nil {
			continue
		}
		t := a.infer.Of(v).Const()
		if t == nil || t.DType != tensor.Float32 || t.Len() != 4 {
			continue
		}
		scale = float64(tensor.Data[float32](t)[3])
	}
	if scale > 0 {
		return scale
	}
	return math.Inf(1)
}
