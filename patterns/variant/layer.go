package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// rewind begins another level: where parameters are shared, the layers that
// follow take those of the level before, in the same order.
func (n *net) rewind() { n.at = [2]int{} }

// shared is a parameter: that of the level before if it is shared, else made.
func (n *net) shared(make func() *graph.Value) *graph.Value {
	if !n.share {
		return make()
	}
	i := n.at[0]
	if n.at[0]++; i == len(n.kept) {
		n.kept = append(n.kept, make())
	}
	return n.kept[i]
}

// bent chooses an activation, as the level before did where layers are shared.
func (n *net) bent() int {
	const kinds = 5
	if !n.share {
		return n.rng.IntN(kinds)
	}
	i := n.at[1]
	if n.at[1]++; i == len(n.bends) {
		n.bends = append(n.bends, n.rng.IntN(kinds))
	}
	return n.bends[i]
}

// integer is a convolution without a bias, of integers where that is the
// quantization.
func (n *net) integer(x, w *graph.Value, attrs []*graph.Attr) *graph.Value {
	if n.quant != "qlinear" || w.Producer() == nil || w.Producer().Op != "DequantizeLinear" {
		return op.Conv(x, w, op.Omit, attrs...)
	}
	s, z := n.scalar(step), n.constant(tensor.Scalar(int8(0)))
	var q *graph.Value
	if p := x.Producer(); p != nil && p.Op == "DequantizeLinear" {
		q = p.Inputs[0]
	} else {
		q = n.do("QuantizeLinear", nil, x, s, z)
	}
	of := w.Producer().Inputs
	y := n.do("QLinearConv", attrs, q, s, z, of[0], of[1], of[2], s, z)
	return n.do("DequantizeLinear", nil, y, s, z)
}

// conv is a convolution of x, which has in channels, to out channels.
func (n *net) conv(x *graph.Value, in, out, kernel, stride int) *graph.Value {
	k, p := int64(kernel), int64(kernel/2)
	attrs := []*graph.Attr{graph.Ints("kernel_shape", k, k), graph.Ints("pads", p, p, p, p), graph.Ints("strides", int64(stride), int64(stride))}
	w := n.weights(in*kernel*kernel, out, in, kernel, kernel)
	switch {
	case n.maker == "sandwich":
		y := op.Transpose(n.integer(x, w, attrs), 0, 2, 3, 1)
		y = op.Add(y, n.random(1, out))
		return op.Transpose(n.quantized(y), 0, 3, 1, 2)
	case n.bias == "added":
		return n.quantized(op.Add(n.integer(x, w, attrs), n.random(1, 1, out, 1, 1)))
	case n.quant == "qlinear":
		return n.quantized(op.Add(n.integer(x, w, attrs), n.random(1, 1, out, 1, 1)))
	}
	return n.quantized(op.Conv(x, w, n.random(1, out), attrs...))
}

// layer is a hidden layer: a convolution, with a normalization where that is
// the habit, and an activation.
func (n *net) layer(x *graph.Value, in, stride int) *graph.Value {
	switch n.bias {
	case "group":
		return n.quantized(n.bend(n.groupNorm(n.conv(x, in, width, 3, stride))))
	case "norm":
	default:
		return n.quantized(n.bend(n.conv(x, in, width, 3, stride)))
	}
	attrs := []*graph.Attr{graph.Ints("kernel_shape", 3, 3), graph.Ints("pads", 1, 1, 1, 1), graph.Ints("strides", int64(stride), int64(stride))}
	y := op.Conv(x, n.weights(in*9, width, in, 3, 3), op.Omit, attrs...)
	ones := make([]float32, width)
	for i := range ones {
		ones[i] = 0.5 + n.rng.Float32()
	}
	scale := func() *graph.Value { return n.floats([]int{width}, ones) }
	y = n.do("BatchNormalization", nil, y, scale(), n.random(0.3, width), n.random(0.3, width), scale())
	return n.quantized(n.bend(y))
}

// groupNorm is a normalization of two groups of the channels of x [N, width,
// H, W], as it is written where ONNX has none: of instances, of a view.
func (n *net) groupNorm(x *graph.Value) *graph.Value {
	const groups = 2
	one, zero := []float32{1, 1}, []float32{0, 0}
	y := n.do("InstanceNormalization", nil, op.Reshape(x, 0, groups, -1), n.floats([]int{groups}, one), n.floats([]int{groups}, zero))
	y = op.ReshapeTo(y, op.Shape(x))
	return op.Add(op.Mul(y, n.random(1, 1, width, 1, 1)), n.random(0.3, 1, width, 1, 1))
}

// bend is the activation of hidden layers.
func (n *net) bend(x *graph.Value) *graph.Value {
	switch n.bent() {
	case 0:
		return op.Mul(x, op.Sigmoid(x))
	case 1:
		return op.Div(op.Mul(x, op.Clip(op.Add(x, n.scalar(3)), 0, 6)), n.scalar(6))
	case 2:
		return op.Mul(x, n.do("HardSigmoid", []*graph.Attr{graph.Float("alpha", 1.0/6), graph.Float("beta", 0.5)}, x))
	case 3:
		return n.do("LeakyRelu", nil, x)
	}
	return op.Relu(x)
}

// gate weighs the channels of x by its means, as squeeze and excitation does.
func (n *net) gate(x *graph.Value) *graph.Value {
	y := n.conv(n.do("GlobalAveragePool", nil, x), width, width, 1, 1)
	return op.Mul(x, op.Sigmoid(y))
}

// dense is rows [..., in] to [..., out].
func (n *net) dense(x *graph.Value, in, out int) *graph.Value {
	return n.quantized(op.Add(op.MatMul(x, n.weights(in, in, out)), n.random(1, out)))
}
