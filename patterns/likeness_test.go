package patterns_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestLikeness: a refusal says what the model looks like instead of a detector.
func TestLikeness(t *testing.T) {
	for _, c := range []struct {
		like  string
		build func(n *net)
	}{
		{"a segmenter: 21 numbers", func(n *net) { n.output(n.softmax(n.conv(n.x, 21), 1)) }},
		{"a segmenter: a class for each pixel", func(n *net) {
			n.output(n.do("ArgMax", []*graph.Attr{graph.Int("axis", 1), graph.Int("keepdims", 0)}, n.conv(n.x, 21)))
		}},
		{"a mask or a depth map", func(n *net) { n.output(n.do("Sigmoid", nil, n.conv(n.x, 1))) }},
		{"from image to image", func(n *net) { n.output(n.conv(n.x, 3)) }},
		{"a pose estimator: 17 heat maps, a step of which is 4 pixels", func(n *net) { n.output(n.conv(n.half(n.half(n.x)), 17)) }},
		{"a backbone alone: 3 maps", func(n *net) {
			a := n.half(n.x)
			b := n.half(a)
			n.output(n.conv(a, 64), n.conv(b, 64), n.conv(n.half(b), 64))
		}},
		{"a backbone alone: one map of 512 features, a step of which is 8 pixels", func(n *net) {
			n.output(n.do("Relu", nil, n.conv(n.half(n.half(n.half(n.x))), 512)))
		}},
		{"a regression", func(n *net) {
			n.output(n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 1), n.weights(1)))
		}},
		{"a language model", func(n *net) {
			ids, err := n.m.Graph.AddInput("ids", graph.TensorOf(tensor.Int64, graph.Static(1, 7)))
			if err != nil {
				n.t.Fatal(err)
			}
			n.m.Graph.Inputs = []*graph.Value{ids}
			n.output(n.do("MatMul", nil, n.do("Gather", nil, n.weights(100, 16), ids), n.weights(16, 100)))
		}},
		{"a model of sequences", func(n *net) {
			x, err := n.m.Graph.AddInput("sound", graph.TensorOf(tensor.Float32, graph.Static(1, 50, 16)))
			if err != nil {
				n.t.Fatal(err)
			}
			n.m.Graph.Inputs = []*graph.Value{x}
			n.output(n.softmax(n.do("MatMul", nil, x, n.weights(16, 29)), 2))
		}},
	} {
		t.Run(c.like, func(t *testing.T) {
			n := newNet(t)
			c.build(n)
			_, err := patterns.Locate(n.m, patterns.Options{})
			var none *patterns.NotFoundError
			if !errors.As(err, &none) || !strings.Contains(none.Like, c.like) || !strings.Contains(err.Error(), "this looks like "+none.Like) {
				t.Errorf("%v, want that it looks like %s", err, c.like)
			}
		})
	}
}
