package variant

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// logits is the layer of the classes of level l, from what it reads, x
// [N, width, H, W].
func (d *detector) logits(x *graph.Value, l level) *graph.Value {
	out, kernel := l.anchors*d.classes, 3
	if d.small {
		kernel = 1
	}
	switch d.c.Of(Logits) {
	case "norm":
		one := make([]float32, out)
		for i := range one {
			one[i] = 1
		}
		ones := func() *graph.Value { return d.floats([]int{out}, one) }
		return d.do("BatchNormalization", nil, d.conv(x, width, out, kernel, 1), ones(), d.random(0.3, out), d.random(0.3, out), ones())
	case "scale":
		return op.Mul(d.conv(x, width, out, kernel, 1), d.floats([]int{1}, []float32{0.5 + d.rng.Float32()}))
	case "temper":
		return op.Div(d.conv(x, width, out, kernel, 1), d.scalar(1.5))
	case "sum":
		return op.Add(d.conv(x, width, out, 1, 1), d.conv(d.layer(x, width, 1), width, out, kernel, 1))
	case "cosine":
		w := d.random(1, out, width, 1, 1)
		w = op.Div(w, op.Sqrt(op.ReduceSum(op.Mul(w, w), []int64{1}, true)))
		return op.Mul(op.Conv(d.unit(x, 1), w, op.Omit), d.scalar(8))
	case "open":
		return d.open(x, l)
	case "each": // a layer for each class
		var each []*graph.Value
		for range d.classes {
			each = append(each, d.conv(x, width, 1, 1, 1))
		}
		return op.Concat(1, each...)
	case "depthwise":
		attrs := []*graph.Attr{graph.Ints("kernel_shape", 3, 3), graph.Ints("pads", 1, 1, 1, 1), graph.Int("group", width)}
		return d.conv(d.bend(op.Conv(x, d.random(0.5, width, 1, 3, 3), d.random(0.3, width), attrs...)), width, out, 1, 1)
	}
	return d.conv(x, width, out, kernel, 1)
}

// unit is x with vectors of length one along axis.
func (n *net) unit(x *graph.Value, axis int64) *graph.Value {
	norm := op.Sqrt(op.Add(op.ReduceSum(op.Mul(x, x), []int64{axis}, true), n.scalar(1e-6)))
	return op.Div(x, norm)
}

// open is the product of the map x with a vector for each class, made of text:
// constants, or an input.
func (d *detector) open(x *graph.Value, l level) *graph.Value {
	if d.text == nil {
		var err error
		if d.rng.IntN(2) == 0 {
			d.text = d.drawn(1, []int{d.classes, width})
		} else if d.text, err = d.g.AddInput("text", graph.TensorOf(tensor.Float32, graph.Static(d.classes, width))); err != nil {
			d.g.Fail(err)
			return x
		}
		d.text = d.unit(d.text, 1)
	}
	rows := op.Transpose(d.reshape(x, of(0), width, -1), 0, 2, 1)
	y := op.MatMul(rows, op.Transpose(d.text, 1, 0))
	y = op.Mul(y, op.Exp(d.floats([]int{1}, []float32{float32(math.Log(3))})))
	y = op.Transpose(op.Add(y, d.scalar(-1)), 0, 2, 1)
	if d.consts != "computed" {
		return d.reshape(y, of(0), int64(d.classes), int64(l.h), int64(l.w))
	}
	return op.ReshapeTo(y, op.Concat(0, d.size(x, 0), d.ints(int64(d.classes)), d.size(x, 2), d.size(x, 3)))
}

// spread is how sharp the four distributions of the boxes b, a map of their
// bins, are: a number for each cell, of the greatest of each and their means.
func (d *detector) spread(b block) *graph.Value {
	x := op.Softmax(d.reshape(b.v, of(0), 4, int64(d.bins), of(2), of(3)), 2)
	top, _ := op.TopK(x, d.ints(4), 2)
	x = op.Concat(2, top, op.ReduceMean(top, []int64{2}, true))
	x = d.reshape(x, of(0), 4*5, of(3), of(4))
	return d.conv(op.Relu(d.conv(x, 20, width, 1, 1)), width, 1, 1, 1)
}
