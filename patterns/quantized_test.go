package patterns_test

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// bytes is a constant of int8 zeros.
func (n *net) bytes(shape ...int) *graph.Value {
	n.t.Helper()
	t, err := tensor.Make(tensor.Int8, shape...)
	if err != nil {
		n.t.Fatal(err)
	}
	return op.Const(n.m.Graph, "b", t)
}

func (n *net) scale() *graph.Value {
	return op.Const(n.m.Graph, "s", tensor.Scalar(float32(0.1)))
}

func (n *net) quantize(x *graph.Value) *graph.Value {
	return n.do("QuantizeLinear", nil, x, n.scale(), n.bytes())
}

func (n *net) dequantize(x *graph.Value) *graph.Value {
	return n.do("DequantizeLinear", nil, x, n.scale(), n.bytes())
}

// A head of integers is located as any other, and says so; one whose weights
// are floats that the graph rounds is no head of integers.
func TestQuantizedHeads(t *testing.T) {
	weights := []int{12, 8, 1, 1}
	for _, c := range []struct {
		name  string
		class func(n *net) *graph.Value
		why   string // "" for a head of floats
	}{
		{"integer weights", func(n *net) *graph.Value {
			v := n.do("Conv", nil, n.dequantize(n.quantize(n.x)), n.dequantize(n.bytes(weights...)))
			return n.dequantize(n.quantize(v))
		}, "stored as int8"},
		{"integer weights moved", func(n *net) *graph.Value {
			w := n.transpose(n.dequantize(n.bytes(8, 12, 1, 1)), 1, 0, 2, 3)
			return n.do("Conv", nil, n.x, w)
		}, "stored as int8"},
		{"an integer layer", func(n *net) *graph.Value {
			v := n.do("QLinearConv", nil, n.quantize(n.x), n.scale(), n.bytes(), n.bytes(weights...), n.scale(), n.bytes(), n.scale(), n.bytes())
			return n.dequantize(v)
		}, "QLinearConv"},
		{"rounded weights", func(n *net) *graph.Value {
			v := n.do("Conv", nil, n.dequantize(n.quantize(n.x)), n.dequantize(n.quantize(n.weights(weights...))))
			return n.dequantize(n.quantize(v))
		}, ""},
		{"a float head behind an integer layer", func(n *net) *graph.Value {
			x := n.do("QLinearConv", nil, n.quantize(n.x), n.scale(), n.bytes(), n.bytes(8, 8, 1, 1), n.scale(), n.bytes(), n.scale(), n.bytes())
			return n.conv(n.do("Relu", nil, n.dequantize(x)), 12)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			n.output(n.do("Sigmoid", nil, c.class(n)), n.do("Exp", nil, n.conv(n.x, 4)))
			r, err := patterns.Locate(n.m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			if h.Classes != 12 || h.Activation != patterns.Sigmoid {
				t.Errorf("%s", asJSON(t, r))
			}
			if !strings.Contains(h.Quantized, c.why) || (h.Quantized == "") != (c.why == "") {
				t.Errorf("quantized %q, want %q", h.Quantized, c.why)
			}
		})
	}
}
