package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// classify is an image classifier.
func (n *net) classify(p pick) Key {
	k, act := p.count("classes"), p["act"]
	l := n.trunk(1)[0]
	pooled := n.do("GlobalAveragePool", nil, n.layer(l.v, width, 2))
	var v *graph.Value
	switch p["layer"] {
	case "conv":
		v = op.Flatten(n.conv(pooled, width, k, 1, 1), 1)
	case "gemm":
		v = op.Gemm(op.Flatten(pooled, 1), n.weights(width, width, k), n.random(1, k), false, false, 1, 1)
	default:
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
	{"a reader of speech", func(n *net) {
		x := n.signal("x", 1, 40, 30)
		for range 2 {
			x = op.Relu(n.do("Conv", []*graph.Attr{graph.Ints("kernel_shape", 3), graph.Ints("pads", 1, 1)}, x, n.weights(120, 40, 40, 3), n.random(1, 40)))
		}
		n.output(op.LogSoftmax(n.dense(op.Transpose(x, 0, 2, 1), 40, 29), 2))
	}, ""},
	{"a prediction of one number from a table", func(n *net) {
		n.output(n.dense(op.Relu(n.dense(n.signal("x", 1, 12), 12, width)), width, 1))
	}, ""},
	{"an image made of numbers", func(n *net) {
		x := op.Reshape(n.dense(n.signal("x", 1, 16), 16, width*16), 1, width, 4, 4)
		n.output(op.Tanh(n.conv(n.double(n.layer(n.double(x), width, 1)), width, 3, 3, 1)))
	}, ""},
	{"words about an image", func(n *net) {
		memory := op.Transpose(n.reshape(n.trunk(1)[0].v, of(0), width, -1), 0, 2, 1)
		x := n.words()
		w := op.Softmax(op.MatMul(n.dense(x, width, width), op.Transpose(n.dense(memory, width, width), 0, 2, 1)), 2)
		n.output(n.dense(n.normal(op.Add(x, op.MatMul(w, memory))), width, 50))
	}, ""},
	{"points of interest and what describes them", func(n *net) {
		x := n.trunk(1)[0].v
		n.output(n.conv(x, width, 65, 1, 1), n.unit(n.conv(x, width, 64, 1, 1), 1))
	}, ""},
	{"disparities as the mean of a distribution", func(n *net) {
		ramp := make([]float32, 24)
		for i := range ramp {
			ramp[i] = float32(i)
		}
		x := op.Softmax(n.conv(n.trunk(1)[0].v, width, 24, 1, 1), 1)
		n.output(op.ReduceSum(op.Mul(x, n.floats([]int{1, 24, 1, 1}, ramp)), []int64{1}, false))
	}, ""},
	{"an age as the mean of a distribution", func(n *net) {
		ramp := make([]float32, 101)
		for i := range ramp {
			ramp[i] = float32(i)
		}
		x := op.Softmax(n.dense(op.Flatten(n.do("GlobalAveragePool", nil, n.trunk(1)[0].v), 1), width, 101), 1)
		n.output(op.MatMul(x, n.floats([]int{101, 1}, ramp)))
	}, ""},
	{"a mean and a deviation of an image's code", func(n *net) {
		x := op.Flatten(n.do("GlobalAveragePool", nil, n.trunk(1)[0].v), 1)
		n.output(n.dense(x, width, 20), n.dense(x, width, 20))
	}, "numbers of an image may be classes"},
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

// signal adds an input of numbers.
func (n *net) signal(name string, dims ...int) *graph.Value {
	v, err := n.g.AddInput(name, graph.TensorOf(tensor.Float32, graph.Static(dims...)))
	if err != nil {
		n.g.Fail(err)
	}
	return v
}

// words is a small transformer over tokens.
func (n *net) words() *graph.Value {
	ids, err := n.g.AddInput("tokens", graph.TensorOf(tensor.Int64, graph.Static(1, 6)))
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
