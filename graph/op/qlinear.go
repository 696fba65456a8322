package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Operators of quantized tensors that ONNX Runtime's quantizer writes: each is
// an operator of floats between DequantizeLinear and QuantizeLinear. Their
// schemas are in its ContribOperators.md.
func init() {
	for _, f := range []struct {
		name, equation string
		in             Arity
		flow           flow.Flow
		build          func(c *Composition) *graph.Value
	}{
		{"QLinearAdd", "z = quantized x + y", Arity{7, 8}, flow.Flow{Pass: flow.Combined, Data: []int{0, 3}}, func(c *Composition) *graph.Value {
			return c.quantized(Add(c.dequantized(0), c.dequantized(3)), 6)
		}},
		{"QLinearMul", "z = quantized x · y", Arity{7, 8}, flow.Flow{Pass: flow.Combined, Data: []int{0, 3}}, func(c *Composition) *graph.Value {
			return c.quantized(Mul(c.dequantized(0), c.dequantized(3)), 6)
		}},
		{"QLinearSigmoid", "y = quantized 1/(1+exp(-x))", Arity{4, 5}, flow.Flow{Pass: flow.Mapped, Effect: flow.Sigmoid}, func(c *Composition) *graph.Value {
			return c.quantized(Sigmoid(c.dequantized(0)), 3)
		}},
		{"QLinearLeakyRelu", "y = quantized x if x ≥ 0, else α·x", Arity{4, 5}, flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier}, func(c *Composition) *graph.Value {
			return c.quantized(apply("LeakyRelu", c.Attrs("alpha"), c.dequantized(0)), 3)
		}},
		{"QLinearSoftmax", "y = quantized Softmax(x); before opset 13 over axis and all behind it", Arity{4, 5}, flow.Flow{Pass: flow.Mapped, Effect: flow.Softmax}, qLinearSoftmax},
		{"QLinearGlobalAveragePool", "y[n,c] = quantized mean of x[n,c] over all spatial positions", Arity{4, 5}, flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Merged}, func(c *Composition) *graph.Value {
			return c.quantized(c.pooled(func(x *graph.Value) *graph.Value { return apply("GlobalAveragePool", nil, x) }), 3)
		}},
		{"QLinearAveragePool", "y = quantized AveragePool(x)", Arity{4, 5}, flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Strided}, func(c *Composition) *graph.Value {
			return c.quantized(c.pooled(func(x *graph.Value) *graph.Value { return apply("AveragePool", c.Attrs(windowAttrs...), x) }), 3)
		}},
		{"QLinearConcat", "y = quantized inputs one behind the other along an axis", Arity{5, -1}, flow.Flow{Pass: flow.Moved}, qLinearConcat},
		{"QLinearWhere", "z = quantized x where the condition holds, y elsewhere", Arity{9, 9}, flow.Flow{Pass: flow.Untraced}, func(c *Composition) *graph.Value {
			return c.quantized(apply("Where", nil, c.In(0), c.dequantized(1), c.dequantized(4)), 7)
		}},
		{"QLinearConv", "y = QLinearConv(x, w, b), channels last if channels_last", Arity{8, 9}, flow.Flow{Pass: flow.Contracted, Places: flow.Strided, Integers: true, Data: []int{0, 3}}, func(c *Composition) *graph.Value {
			in := append([]*graph.Value{}, c.in...)
			conv := func(x *graph.Value) *graph.Value {
				in[0] = x
				return apply("QLinearConv", c.Attrs(windowAttrs...), in...)
			}
			if c.Node.Int("channels_last", 0) != 0 {
				return c.channelsLast(0, conv)
			}
			return conv(c.In(0))
		}},
		{"QuantizeLinear", "y = saturate(round(x / y_scale) + y_zero_point), scale and zero point by tensor or axis", Arity{2, 3}, flow.Flow{Pass: flow.Moved}, func(c *Composition) *graph.Value {
			return apply("QuantizeLinear", c.Attrs("axis"), c.in...)
		}},
		{"DequantizeLinear", "y = (x − x_zero_point) · x_scale, scale and zero point by tensor or axis", Arity{2, 3}, flow.Flow{Pass: flow.Moved}, func(c *Composition) *graph.Value {
			return apply("DequantizeLinear", c.Attrs("axis"), c.in...)
		}},
		{"QGemm", "y = quantized alpha · (a·b + c), a and b transposed where transA and transB say so; floats without a scale of y", Arity{6, 9}, flow.Flow{Pass: flow.Contracted, Integers: true, Data: []int{0, 3}}, qGemm},
		{"MatMulIntegerToFloat", "z = (a − a_zero_point)·(b − b_zero_point) · a_scale·b_scale + bias", Arity{4, 7}, flow.Flow{Pass: flow.Untraced, Integers: true}, func(c *Composition) *graph.Value {
			z := apply("MatMulInteger", nil, c.In(0), c.In(1), c.In(4), c.In(5))
			return c.plus(rescaled(z, c.In(2), c.In(3)), 6)
		}},
		{"DynamicQuantizeMatMul", "z = a·b + bias, a quantized by DynamicQuantizeLinear", Arity{3, 5}, flow.Flow{Pass: flow.Untraced, Integers: true}, func(c *Composition) *graph.Value {
			a := Apply("DynamicQuantizeLinear", 3, nil, c.In(0))
			z := apply("MatMulInteger", nil, a[0], c.In(1), a[2], c.In(3))
			return c.plus(rescaled(z, a[1], c.In(2)), 4)
		}},
	} {
		Register(composed(&Op{Name: f.name, Equation: f.equation, Flow: f.flow, In: f.in, Out: Arity{1, 1}, NoGrad: noQuantGrad},
			func(c *Composition) []*graph.Value { return []*graph.Value{f.build(c)} }))
	}
}

// dequantized is input i, with its scale and zero point in the two that follow.
func (c *Composition) dequantized(i int) *graph.Value {
	return apply("DequantizeLinear", nil, c.In(i), c.In(i+1), c.In(i+2))
}

// quantized is y with the scale in input i and the zero point in the next;
// without one it is 0, of the type of input 0.
func (c *Composition) quantized(y *graph.Value, i int) *graph.Value {
	if c.Has(i + 1) {
		return apply("QuantizeLinear", nil, y, c.In(i), c.In(i+1))
	}
	var attrs []*graph.Attr
	if d := c.In(0).Type.DType; d == tensor.Int8 {
		attrs = append(attrs, graph.Int("output_dtype", int64(d)))
	}
	return apply("QuantizeLinear", attrs, y, c.In(i))
}

// pooled is a pool of the dequantized input 0, channels last if channels_last.
func (c *Composition) pooled(pool func(x *graph.Value) *graph.Value) *graph.Value {
	first := func(x *graph.Value) *graph.Value {
		return pool(apply("DequantizeLinear", nil, x, c.In(1), c.In(2)))
	}
	if c.Node.Int("channels_last", 0) != 0 {
		return c.channelsLast(0, first)
	}
	return first(c.In(0))
}

// rescaled is the whole numbers z times two scales.
func rescaled(z, a, b *graph.Value) *graph.Value {
	return Mul(apply("CastLike", nil, z, a), Mul(a, b))
}

func qLinearSoftmax(c *Composition) *graph.Value {
	x, axis := c.dequantized(0), c.Node.Int("axis", -1)
	if c.Node.Int("opset", 0) >= 13 || axis == -1 {
		return c.quantized(Softmax(x, axis), 3)
	}
	flat := apply("Flatten", []*graph.Attr{graph.Int("axis", axis)}, x)
	return c.quantized(ReshapeTo(Softmax(flat, 1), apply("Shape", nil, x)), 3)
}

func qLinearConcat(c *Composition) *graph.Value {
	if len(c.in)%3 != 2 {
		return c.fail("%d inputs, want a scale, a zero point and three for each tensor", len(c.in))
	}
	var parts []*graph.Value
	for i := 2; i < len(c.in); i += 3 {
		parts = append(parts, c.dequantized(i))
	}
	y := Concat(c.Node.Int("axis", 0), parts...)
	return apply("QuantizeLinear", nil, y, c.In(0), c.In(1))
}

func qGemm(c *Composition) *graph.Value {
	side := func(i int, attr string) *graph.Value {
		if c.Node.Int(attr, 0) != 0 {
			return Transpose(c.In(i), 1, 0)
		}
		return c.In(i)
	}
	z := apply("MatMulInteger", nil, side(0, "transA"), side(3, "transB"), c.In(2), c.In(5))
	y := rescaled(c.plus(z, 6), c.In(1), c.In(4))
	if alpha := c.Node.Float("alpha", 1); alpha != 1 {
		y = Mul(y, c.Number(float64(alpha), y))
	}
	if !c.Has(7) {
		return y
	}
	return apply("QuantizeLinear", nil, y, c.In(7), c.In(8))
}
