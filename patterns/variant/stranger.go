package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// classify is an image classifier.
func (n *net) classify(k int, act string) Key {
	l := n.trunk(1)[0]
	pooled := n.do("GlobalAveragePool", nil, n.layer(l.v, width, 2))
	var v *graph.Value
	if n.rng.IntN(2) == 0 {
		v = op.Flatten(n.conv(pooled, width, k, 1, 1), 1)
	} else {
		v = n.dense(op.Flatten(pooled, 1), width, k)
	}
	answer := key(block{v, "NC", k}, act)
	answer.Expect = Classifier
	n.output(scores(act, v, 1))
	return answer
}

// strangers are models that are no detectors.
var strangers = []struct {
	what   string
	build  func(n *net)
	unsure string // why it cannot be told from a classifier
}{
	{"a backbone", func(n *net) {
		for _, l := range n.trunk(3) {
			n.output(l.v)
		}
	}, ""},
	{"a segmenter", func(n *net) {
		n.output(op.Softmax(n.double(n.conv(n.trunk(1)[0].v, width, 21, 1, 1)), 1))
	}, ""},
	{"a segmenter that gives labels", func(n *net) {
		n.output(op.ArgMax(n.double(n.conv(n.trunk(1)[0].v, width, 19, 1, 1)), 1, false))
	}, ""},
	{"a segmenter of one class", func(n *net) {
		n.output(op.Sigmoid(n.double(n.conv(n.trunk(1)[0].v, width, 1, 1, 1))))
	}, ""},
	{"heat maps of joints", func(n *net) { n.output(op.Sigmoid(n.conv(n.trunk(1)[0].v, width, 17, 1, 1))) }, ""},
	{"raw heat maps of joints", func(n *net) { n.output(n.conv(n.trunk(1)[0].v, width, 17, 1, 1)) }, ""},
	{"joints and the fields between them", func(n *net) {
		x := n.layer(n.trunk(1)[0].v, width, 1)
		n.output(n.conv(x, width, 38, 1, 1), n.conv(x, width, 19, 1, 1))
	}, ""},
	{"joints by their coordinates' bins", func(n *net) {
		x := n.reshape(n.conv(n.trunk(1)[0].v, width, 17, 1, 1), of(0), 17, -1)
		cells := mapSizes[1][0] * mapSizes[1][1]
		n.output(n.dense(x, cells, 48), n.dense(x, cells, 64))
	}, ""},
	{"depth", func(n *net) { n.output(op.Relu(n.double(n.conv(n.trunk(1)[0].v, width, 1, 1, 1)))) }, ""},
	{"depth and classes of pixels", func(n *net) {
		x := n.trunk(1)[0].v
		n.output(op.Exp(n.double(n.conv(x, width, 1, 1, 1))), op.Softmax(n.double(n.conv(x, width, 13, 1, 1)), 1))
	}, ""},
	{"a language model", func(n *net) {
		x := n.words()
		n.output(n.dense(x, width, 50))
	}, ""},
	{"a language model with scores", func(n *net) { n.output(op.Softmax(n.dense(n.words(), width, 50), 2)) }, ""},
	{"a reader of text lines", func(n *net) {
		x := op.Transpose(op.ReduceMean(n.trunk(1)[0].v, []int64{2}, false), 0, 2, 1)
		n.output(op.Softmax(n.dense(x, width, 37), 2))
	}, ""},
	{"an embedding of faces", func(n *net) {
		x := n.dense(op.Flatten(n.do("GlobalAveragePool", nil, n.trunk(1)[0].v), 1), width, 128)
		n.output(op.Div(x, op.Sqrt(op.ReduceSum(op.Mul(x, x), []int64{1}, true))))
	}, ""},
	{"points of a face", func(n *net) {
		n.output(n.dense(op.Flatten(n.do("GlobalAveragePool", nil, n.trunk(1)[0].v), 1), width, 136))
	}, "numbers of an image may be classes"},
	{"a larger image", func(n *net) {
		n.output(n.do("DepthToSpace", []*graph.Attr{graph.Int("blocksize", 2)}, n.conv(n.trunk(1)[0].v, width, 12, 3, 1)))
	}, ""},
	{"optical flow", func(n *net) { n.output(n.double(n.conv(n.trunk(1)[0].v, width, 2, 3, 1))) }, ""},
	{"text regions as two maps", func(n *net) {
		x := n.trunk(1)[0].v
		n.output(op.Concat(1, op.Sigmoid(n.double(n.conv(x, width, 1, 1, 1))), op.Sigmoid(n.double(n.conv(x, width, 1, 1, 1)))))
	}, ""},
	{"an autoencoder", func(n *net) {
		n.output(op.Sigmoid(n.conv(n.double(n.layer(n.trunk(1)[0].v, width, 1)), width, 3, 3, 1)))
	}, ""},
}

// double is the map x at twice the size.
func (n *net) double(x *graph.Value) *graph.Value {
	attrs := []*graph.Attr{graph.String("mode", "nearest"), graph.String("coordinate_transformation_mode", "asymmetric"), graph.String("nearest_mode", "floor")}
	region := op.Omit
	if n.opset < 13 {
		region = n.floats([]int{0}, nil)
	}
	return n.do("Resize", attrs, x, region, n.constant(tensor.Vector[float32](1, 1, 2, 2)))
}

// words is a small transformer over tokens.
func (n *net) words() *graph.Value {
	ids, err := n.g.AddInput("x", graph.TensorOf(tensor.Int64, graph.Static(1, 6)))
	if err != nil {
		n.g.Fail(err)
	}
	x := op.Gather(n.random(1, 50, width), ids, 0)
	for range 2 {
		q, k := n.dense(x, width, width), n.dense(x, width, width)
		w := op.Softmax(op.MatMul(q, op.Transpose(k, 0, 2, 1)), 2)
		x = n.normal(op.Add(x, op.MatMul(w, n.dense(x, width, width))))
		x = n.normal(op.Add(x, n.dense(op.Relu(n.dense(x, width, width)), width, width)))
	}
	return x
}
