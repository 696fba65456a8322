package op_test

import (
	"math"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// law is two ways to compute the same from x.
type law struct {
	what      string
	opset     int64
	x         *tensor.Tensor
	got, want func(x *graph.Value) *graph.Value
}

// wave is a tensor of values that all differ.
func wave(shape ...int) *tensor.Tensor {
	n, _ := tensor.Count(shape)
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(math.Sin(float64(3*i)) + 0.01*float64(i%7))
	}
	return tensor.Of(shape, data)
}

// node applies an operator to x and constants; nil stands for x, op.Omit for
// an input that is left out.
func node(name string, attrs []*graph.Attr, in ...any) func(x *graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value {
		list := make([]*graph.Value, len(in))
		for i, v := range in {
			switch v := v.(type) {
			case nil:
				list[i] = x
			case *tensor.Tensor:
				list[i] = op.Const(x.Graph(), "c", v)
			case *graph.Value:
				list[i] = v
			}
		}
		return op.Apply(name, 1, attrs, list...)[0]
	}
}

// is is a constant result.
func is(t *tensor.Tensor) func(x *graph.Value) *graph.Value {
	return func(x *graph.Value) *graph.Value { return op.Identity(op.Const(x.Graph(), "c", t)) }
}

func f32s(shape []int, v ...float32) *tensor.Tensor { return tensor.Of(shape, v) }

// TestLaws holds operators that ONNX's older cases lack against compositions
// of others, or small results worked out by hand.
func TestLaws(t *testing.T) {
	for _, l := range laws() {
		got, err := buildAndRun(l.opset, l.x, l.got)
		if err != nil {
			t.Errorf("%s: %v", l.what, err)
			continue
		}
		want, err := buildAndRun(l.opset, l.x, l.want)
		if err != nil {
			t.Errorf("%s: %v", l.what, err)
			continue
		}
		if got.String() != want.String() {
			t.Errorf("%s: %v, want %v", l.what, got, want)
			continue
		}
		if got.DType != tensor.Float32 {
			t.Errorf("%s: %v, compare as float32", l.what, got)
			continue
		}
		for i, v := range tensor.Data[float32](got) {
			if w := tensor.Data[float32](want)[i]; math.Abs(float64(v-w)) > 1e-5 {
				t.Errorf("%s: element %d is %v, want %v", l.what, i, v, w)
				break
			}
		}
	}
}

func laws() []law {
	attrs := func(a ...*graph.Attr) []*graph.Attr { return a }
	pads := graph.Ints("pads", 1, 1, 1, 1)
	x, w := wave(1, 2, 4, 5), wave(3, 2, 3, 3)
	still, _ := tensor.Make(tensor.Float32, 1, 18, 4, 5)
	down := f32s([]int{1, 18, 4, 5}, make([]float32, 360)...)
	for i := range tensor.Data[float32](down) {
		if i/20%2 == 0 {
			tensor.Data[float32](down)[i] = 1
		}
	}
	shifted := func(x *graph.Value) *graph.Value {
		return op.Conv(op.Pad(x, 0, 0, 0, 1, 0, 0, 2, 1), op.Const(x.Graph(), "w", w), op.Omit)
	}
	list := []law{
		{"DeformConv without offsets is Conv", 19, x, node("DeformConv", attrs(pads), nil, w, still), node("Conv", attrs(pads), nil, w)},
		{"DeformConv one row down is Conv of the shifted image", 19, x, node("DeformConv", attrs(pads), nil, w, down), shifted},
		{"groups of one channel are instances", 21, x,
			node("GroupNormalization", attrs(graph.Int("num_groups", 2)), nil, wave(2), wave(2)), node("InstanceNormalization", nil, nil, wave(2), wave(2))},
		{"one group is a layer", 21, x,
			node("GroupNormalization", attrs(graph.Int("num_groups", 1)), nil, f32s([]int{2}, 1, 1), f32s([]int{2}, 0, 0)),
			node("LayerNormalization", attrs(graph.Int("axis", 1)), nil, f32s([]int{1}, 1))},
		{"RMSNormalization", 23, wave(2, 6), node("RMSNormalization", nil, nil, wave(6)), func(x *graph.Value) *graph.Value {
			rms := op.Sqrt(op.Add(op.ReduceMean(op.Mul(x, x), []int64{1}, true), op.Like(x, 1e-5)))
			return op.Mul(op.Div(x, rms), op.Const(x.Graph(), "scale", wave(6)))
		}},
		{"CenterCropPad", 18, f32s([]int{1, 4}, 1, 2, 3, 4), node("CenterCropPad", nil, nil, tensor.Vector[int64](3, 3)),
			is(f32s([]int{3, 3}, 0, 0, 0, 1, 2, 3, 0, 0, 0))},
		{"Col2Im adds what overlaps", 18, f32s([]int{1, 2, 3}, 1, 2, 3, 10, 20, 30),
			node("Col2Im", nil, nil, tensor.Vector[int64](4), tensor.Vector[int64](2)), is(f32s([]int{1, 1, 4}, 1, 12, 23, 30))},
		{"AffineGrid of the identity", 20, f32s([]int{1, 2, 3}, 1, 0, 0, 0, 1, 0),
			node("AffineGrid", nil, nil, tensor.Vector[int64](1, 1, 2, 2)), is(f32s([]int{1, 2, 2, 2}, -0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5))},
		{"GridSample at the centres is the image", 20, x, func(x *graph.Value) *graph.Value {
			grid := node("AffineGrid", nil, f32s([]int{1, 2, 3}, 1, 0, 0, 0, 1, 0), tensor.Vector[int64](1, 2, 4, 5))(x)
			return op.Apply("GridSample", 1, nil, x, grid)[0]
		}, op.Identity},
		{"MaxRoiPool", 11, f32s([]int{1, 1, 2, 4}, 1, 2, 3, 4, 5, 6, 7, 8), node("MaxRoiPool", attrs(graph.Ints("pooled_shape", 1, 2)), nil,
			f32s([]int{2, 5}, 0, 0, 0, 3, 1, 0, 1, 0, 2, 0)), is(f32s([]int{2, 1, 1, 2}, 6, 8, 2, 3))},
	}
	return append(append(list, attentionLaws()...), sizeLaws()...)
}

func attentionLaws() []law {
	attrs := func(a ...*graph.Attr) []*graph.Attr { return a }
	k, v := wave(2, 2, 5, 4), wave(2, 2, 5, 3)
	mask := tensor.Of([]int{3, 5}, []bool{true, false, true, true, false, true, true, true, true, true, false, true, false, true, true})
	causal := tensor.Of([]int{3, 5}, []bool{true, false, false, false, false, true, true, false, false, false, true, true, true, false, false})
	window := tensor.Of([]int{3, 5}, []bool{true, false, false, false, false, true, true, false, false, false, false, true, true, false, false})
	composed := func(mask *tensor.Tensor, limit float64) func(q *graph.Value) *graph.Value {
		return func(q *graph.Value) *graph.Value {
			g := q.Graph()
			s := op.Mul(op.MatMul(q, op.Transpose(op.Const(g, "k", k), 0, 1, 3, 2)), op.Like(q, 0.5))
			if limit > 0 {
				s = op.Mul(op.Tanh(op.Div(s, op.Like(s, limit))), op.Like(s, limit))
			}
			if mask != nil {
				s = op.Where(op.Const(g, "mask", mask), s, op.Like(s, -1e30))
			}
			return op.MatMul(op.Softmax(s, 3), op.Const(g, "v", v))
		}
	}
	half := f32s([]int{1, 1, 2}, 0, 0)
	one := f32s([]int{1, 1, 2}, 1, 1)
	return []law{
		{"Attention", 23, wave(2, 2, 3, 4), node("Attention", nil, nil, k, v), composed(nil, 0)},
		{"Attention with a mask and a cap", 23, wave(2, 2, 3, 4), node("Attention", attrs(graph.Float("softcap", 0.3)), nil, k, v, mask), composed(mask, 0.3)},
		{"Attention of the past", 23, wave(2, 2, 3, 4), node("Attention", attrs(graph.Int("is_causal", 1)), nil, k, v), composed(causal, 0)},
		{"Attention of a window", 25, wave(2, 2, 3, 4), node("Attention", attrs(graph.Int("left_window_size", 1), graph.Int("right_window_size", 0)), nil, k, v), composed(window, 0)},
		{"RotaryEmbedding by a quarter turn", 23, f32s([]int{1, 1, 1, 4}, 1, 2, 3, 4), node("RotaryEmbedding", nil, nil, half, one), is(f32s([]int{1, 1, 1, 4}, -3, -4, 1, 2))},
		{"RotaryEmbedding of neighbours", 23, f32s([]int{1, 1, 1, 4}, 1, 2, 3, 4),
			node("RotaryEmbedding", attrs(graph.Int("interleaved", 1)), nil, half, one), is(f32s([]int{1, 1, 1, 4}, -2, 1, -4, 3))},
	}
}

func sizeLaws() []law {
	x := f32s([]int{1, 1, 2, 4}, 1, 2, 3, 4, 5, 6, 7, 8)
	policy := func(p string) []*graph.Attr {
		return []*graph.Attr{graph.String("keep_aspect_ratio_policy", p), graph.Ints("axes", 3, 2), graph.String("mode", "nearest")}
	}
	resized := func(p string) func(x *graph.Value) *graph.Value {
		return node("Resize", policy(p), nil, op.Omit, op.Omit, tensor.Vector[int64](8, 6))
	}
	scaled := func(s float32) func(x *graph.Value) *graph.Value {
		return node("Resize", nil, nil, op.Omit, f32s([]int{4}, 1, 1, s, s))
	}
	levels := func(x *graph.Value) *graph.Value {
		g := x.Graph()
		scale := op.Const(g, "scale", f32s([]int{2, 2}, 0.5, 1, 2, 4))
		zero := op.Const(g, "zero", tensor.Of([]int{2, 2}, []tensor.I4{0, 1, -1, 2}))
		blocks := []*graph.Attr{graph.Int("axis", 1), graph.Int("block_size", 2)}
		q := op.Apply("QuantizeLinear", 1, blocks, x, scale, zero)[0]
		return op.Apply("DequantizeLinear", 1, blocks, q, scale, zero)[0]
	}
	return []law{
		{"the lesser scale for both axes", 18, x, resized("not_larger"), scaled(2)},
		{"the greater scale for both axes", 18, x, resized("not_smaller"), scaled(3)},
		{"an antialiased half weighs four neighbours by 1, 3, 3, 1, edges repeated", 18, f32s([]int{1, 1, 1, 4}, 0, 8, 16, 24), node("Resize",
			[]*graph.Attr{graph.String("mode", "linear"), graph.Int("antialias", 1)}, nil, op.Omit, f32s([]int{4}, 1, 1, 1, 0.5)),
			is(f32s([]int{1, 1, 1, 2}, 5, 19))},
		{"blocks of four bits", 21, f32s([]int{2, 4}, 0.6, 9, -3, 2.4, 2.9, -100, 7, 1), levels, is(f32s([]int{2, 4}, 0.5, 3.5, -3, 2, 2, -14, 8, 0))},
	}
}
