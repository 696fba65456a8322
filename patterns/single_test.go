package patterns_test

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// quantizedConv is a 1×1 convolution on integers of x to out channels.
func (n *net) quantizedConv(x *graph.Value, out int) *graph.Value {
	scale := op.Const(n.m.Graph, "scale", tensor.Scalar[float32](0.1))
	zero := op.Const(n.m.Graph, "zero", tensor.Scalar[uint8](128))
	w, err := tensor.Make(tensor.Int8, out, int(x.Shape()[1].Value), 1, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	weights, none := op.Const(n.m.Graph, "w", w), op.Const(n.m.Graph, "none", tensor.Scalar[int8](0))
	q := n.do("QuantizeLinear", nil, x, scale, zero)
	return n.do("DequantizeLinear", nil, n.do("QLinearConv", nil, q, scale, zero, weights, scale, none, scale, zero), scale, zero)
}

// TestOneClass holds where the head of one class, of integers, or beside other
// scores lies.
func TestOneClass(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(n *net) *graph.Value // the class logits
		sure  bool
	}{
		{"a confidence lets the class through", func(n *net) *graph.Value {
			obj, cls := n.conv(n.do("Relu", nil, n.conv(n.x, 8)), 1), n.conv(n.do("Relu", nil, n.conv(n.x, 8)), 1)
			limit := op.Const(n.m.Graph, "limit", tensor.Scalar[float32](0.01))
			conf := n.do("Sigmoid", nil, obj)
			score := n.do("Mul", nil, n.do("Sigmoid", nil, cls), conf)
			pass := n.do("Cast", []*graph.Attr{graph.Int("to", 1)}, n.do("Greater", nil, conf, limit))
			n.output(n.do("Exp", nil, n.conv(n.x, 4)), n.do("Mul", nil, score, pass))
			return cls
		}, false},
		{"ranked flat, then scored", func(n *net) *graph.Value {
			rows := n.reshape(n.transpose(n.conv(n.x, 3), 0, 2, 3, 1), 1, -1, 1)
			top := n.many("TopK", 2, nil, n.reshape(rows, 1, -1), n.ints(5))
			n.output(n.do("Exp", nil, n.conv(n.x, 12)), n.do("Sigmoid", nil, top[0]), top[1])
			return rows
		}, true},
		{"beside a distribution whose sharpness is taken", func(n *net) *graph.Value {
			bins := n.reshape(n.transpose(n.conv(n.x, 32), 0, 2, 3, 1), 1, 256, 4, 8)
			n.output(n.do("Exp", nil, n.reshape(n.do("MatMul", nil, n.softmax(bins, 3), n.weights(8, 1)), 1, 256, 4)))
			top := n.many("TopK", 2, nil, n.softmax(bins, 3), n.ints(4))[0]
			quality := n.do("MatMul", nil, n.reshape(top, 1, 256, 16), n.weights(16, 1))
			cls := n.reshape(n.transpose(n.conv(n.x, 20), 0, 2, 3, 1), 1, 256, 20)
			logits := n.do("Add", nil, cls, quality)
			n.output(n.do("Sigmoid", nil, logits))
			return logits
		}, true},
		{"rows of a layer of integers", func(n *net) *graph.Value {
			x := n.do("Relu", nil, n.quantizedConv(n.x, 8))
			cls := n.reshape(n.quantizedConv(x, 3), 1, 3, -1)
			n.output(n.do("Exp", nil, n.quantizedConv(x, 4)), n.do("Sigmoid", nil, cls))
			return cls
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			want := c.build(n)
			r, err := patterns.Locate(n.m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if h := r.Heads[0]; h.Levels[0].Source != want || h.Activation != patterns.Sigmoid || c.sure != (h.Confidence >= 0.9) {
				t.Errorf("want %s: %s", want.Name, asJSON(t, r))
			}
		})
	}
}
