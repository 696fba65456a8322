package op_test

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func ints(v ...int64) *tensor.Tensor { return tensor.Vector(v...) }

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	elementwise := func(names ...string) {
		for _, name := range names {
			add(gradCase{op: name, in: []gradIn{vary(2, 3)}})
		}
	}
	elementwise("LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "Celu", "HardSigmoid", "Swish", "Shrink", "Gelu", "Dropout")
	attr := func(name string, attrs ...*graph.Attr) {
		add(gradCase{op: name, attrs: attrs, in: []gradIn{vary(2, 3)}})
	}
	attr("LeakyRelu", graph.Float("alpha", 0.3))
	attr("ThresholdedRelu", graph.Float("alpha", 1))
	attr("Elu", graph.Float("alpha", 0.7))
	attr("Selu", graph.Float("alpha", 1.3), graph.Float("gamma", 0.8))
	attr("Celu", graph.Float("alpha", 0.6))
	attr("HardSigmoid", graph.Float("alpha", 0.2), graph.Float("beta", 0.5))
	attr("Swish", graph.Float("alpha", 1.7))
	add(gradCase{op: "SwiGLU", in: []gradIn{vary(2, 3), vary(2, 3)}}, gradCase{op: "SwiGLU", attrs: []*graph.Attr{graph.Float("alpha", 1.7)}, in: []gradIn{vary(2, 3), vary(2, 3)}})
	attr("Shrink", graph.Float("lambd", 0.5), graph.Float("bias", 0.3))
	attr("Gelu", graph.String("approximate", "tanh"))
	attr("Cast", graph.Int("to", int64(tensor.Float64)))
	add(gradCase{op: "CastLike", in: []gradIn{vary(2, 3), fixed(tensor.Vector[float64](1))}})

	for _, name := range []string{"Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Sum", "Mean"} {
		add(
			gradCase{op: name, in: []gradIn{vary(2, 3), vary(2, 3)}},
			gradCase{op: name, in: []gradIn{vary(2, 3), vary(3)}, lo: 8},
			gradCase{op: name, in: []gradIn{vary(2, 1), vary(4, 1, 3)}, lo: 8},
		)
	}
	for _, name := range []string{"Max", "Min", "Sum", "Mean"} {
		add(gradCase{op: name, in: []gradIn{vary(2, 3)}}, gradCase{op: name, in: []gradIn{vary(2, 3), vary(1), vary(3)}, lo: 8})
	}
	add(
		gradCase{op: "Mod", attrs: []*graph.Attr{graph.Int("fmod", 1)}, in: []gradIn{within(1.2, 1.8, 4), within(0.5, 0.59, 4)}},
		gradCase{op: "Mod", in: []gradIn{within(-1.8, -1.2, 4), within(0.5, 0.59, 4)}},
		gradCase{op: "Pow", in: []gradIn{within(-2, -1, 3), fixed(tensor.Vector[float32](2, 3, -1))}},
		gradCase{op: "Pow", lo: 12, in: []gradIn{within(-2, -1, 3), fixed(ints(2, 3, 4))}},
		gradCase{op: "PRelu", in: []gradIn{vary(2, 3), within(0.1, 0.9, 3)}},
		gradCase{op: "PRelu", in: []gradIn{vary(2, 3, 2), within(0.1, 0.9, 3, 1)}},
		gradCase{op: "Clip", hi: 10, attrs: []*graph.Attr{graph.Float("min", -1), graph.Float("max", 1)}, in: []gradIn{vary(3, 4)}},
		gradCase{op: "Clip", hi: 10, attrs: []*graph.Attr{graph.Float("max", 1)}, in: []gradIn{vary(3, 4)}},
		gradCase{op: "Clip", lo: 11, in: []gradIn{vary(3, 4), within(-0.9, -0.7), within(0.7, 0.9)}},
		gradCase{op: "Clip", lo: 11, in: []gradIn{vary(3, 4), omitted, within(0.7, 0.9)}},
		gradCase{op: "Where", in: []gradIn{fixed(tensor.Of([]int{2, 1}, []bool{true, false})), vary(2, 3), vary(3)}},
		gradCase{op: "Trilu", in: []gradIn{vary(2, 3, 4)}},
		gradCase{op: "Trilu", attrs: []*graph.Attr{graph.Int("upper", 0)}, in: []gradIn{vary(3, 4), fixed(tensor.Scalar[int64](1))}},
		gradCase{op: "Dropout", lo: 12, outs: 2, in: []gradIn{vary(3, 4), fixed(tensor.Scalar[float32](0)), fixed(tensor.Scalar(true))}},
		gradCase{op: "Dropout", lo: 12, in: []gradIn{vary(3, 4), fixed(tensor.Scalar[float32](0.5)), fixed(tensor.Scalar(false))}},
	)
}

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	one, zero := graph.Int("keepdims", 1), graph.Int("keepdims", 0)
	for _, name := range []string{"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare",
		"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"} {
		from := int64(18)
		if name == "ReduceSum" {
			from = 13
		}
		// Without Expand and with names, the result cannot be spread again.
		named := int64(8)
		for _, keep := range []*graph.Attr{one, zero} {
			add(
				gradCase{op: name, lo: named, hi: from - 1, attrs: []*graph.Attr{keep, graph.Ints("axes", 1)}, in: []gradIn{vary(2, 3, 2)}},
				gradCase{op: name, hi: 7, static: true, attrs: []*graph.Attr{keep, graph.Ints("axes", 1)}, in: []gradIn{vary(2, 3, 2)}},
				gradCase{op: name, lo: 11, hi: from - 1, attrs: []*graph.Attr{keep, graph.Ints("axes", -1, 0)}, in: []gradIn{vary(2, 3, 2)}},
				gradCase{op: name, lo: named, attrs: []*graph.Attr{keep}, in: []gradIn{vary(2, 3)}},
				gradCase{op: name, lo: from, attrs: []*graph.Attr{keep}, in: []gradIn{vary(2, 3, 2), fixed(ints(-1, 0))}},
				gradCase{op: name, lo: from, attrs: []*graph.Attr{keep, graph.Int("noop_with_empty_axes", 1)}, in: []gradIn{vary(2, 3)}},
			)
		}
	}
	add(
		gradCase{op: "ReduceProd", lo: 8, in: []gradIn{exactly(0, 2, 3)}},
		gradCase{op: "ReduceProd", lo: 8, in: []gradIn{exactly(0, 2, 0)}},
	)
	for _, name := range []string{"Softmax", "LogSoftmax"} {
		add(
			gradCase{op: name, lo: 8, in: []gradIn{vary(2, 3)}},
			gradCase{op: name, lo: 8, attrs: []*graph.Attr{graph.Int("axis", 1)}, in: []gradIn{vary(2, 3, 2)}},
			gradCase{op: name, lo: 11, attrs: []*graph.Attr{graph.Int("axis", -2)}, in: []gradIn{vary(2, 3, 2)}},
		)
	}
	for _, exclusive := range []int64{0, 1} {
		for _, reverse := range []int64{0, 1} {
			attrs := []*graph.Attr{graph.Int("exclusive", exclusive), graph.Int("reverse", reverse)}
			add(gradCase{op: "CumSum", attrs: attrs, in: []gradIn{vary(2, 4), fixed(tensor.Scalar[int64](1))}})
			add(gradCase{op: "CumProd", attrs: attrs, in: []gradIn{vary(2, 4), fixed(tensor.Scalar[int64](-1))}})
		}
	}
}

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	axis := func(k int64) []*graph.Attr { return []*graph.Attr{graph.Int("axis", k)} }
	axes := func(k ...int64) []*graph.Attr { return []*graph.Attr{graph.Ints("axes", k...)} }
	add(
		gradCase{op: "Reshape", in: []gradIn{vary(2, 6), fixed(ints(0, 3, -1))}},
		gradCase{op: "Flatten", attrs: axis(1), in: []gradIn{vary(2, 3, 2)}},
		gradCase{op: "Squeeze", hi: 12, attrs: axes(1), in: []gradIn{vary(2, 1, 3)}},
		gradCase{op: "Squeeze", lo: 13, in: []gradIn{vary(2, 1, 3), fixed(ints(-2))}},
		gradCase{op: "Unsqueeze", hi: 12, attrs: axes(0, 2), in: []gradIn{vary(2, 3)}},
		gradCase{op: "Unsqueeze", lo: 13, in: []gradIn{vary(2, 3), fixed(ints(0, -1))}},
		gradCase{op: "Transpose", in: []gradIn{vary(2, 3, 2)}},
		gradCase{op: "Transpose", attrs: []*graph.Attr{graph.Ints("perm", 2, 0, 1)}, in: []gradIn{vary(2, 3, 4)}},
		gradCase{op: "Concat", static: true, attrs: axis(1), in: []gradIn{vary(2, 3), vary(2, 1), vary(2, 2)}},
		gradCase{op: "Concat", lo: 13, attrs: axis(-1), in: []gradIn{vary(2, 3), vary(2, 1)}},
		gradCase{op: "Split", hi: 12, outs: 2, attrs: []*graph.Attr{graph.Int("axis", 1), graph.Ints("split", 2, 1)}, in: []gradIn{vary(2, 3)}},
		gradCase{op: "Split", lo: 13, outs: 2, attrs: axis(1), in: []gradIn{vary(2, 3), fixed(ints(1, 2))}},
		gradCase{op: "Split", lo: 13, outs: 2, zeroFrom: 1, attrs: axis(1), in: []gradIn{vary(2, 3), fixed(ints(1, 2))}},
		gradCase{op: "Split", lo: 18, outs: 2, static: true, attrs: []*graph.Attr{graph.Int("num_outputs", 2)}, in: []gradIn{vary(5, 2)}},
		gradCase{op: "Slice", hi: 9, static: true, attrs: []*graph.Attr{graph.Ints("starts", 1, -2), graph.Ints("ends", 1000, -1)}, in: []gradIn{vary(3, 4)}},
		gradCase{op: "Slice", lo: 10, static: true, in: []gradIn{vary(5, 4), fixed(ints(1)), fixed(ints(5)), fixed(ints(0)), fixed(ints(2))}},
		gradCase{op: "Slice", lo: 10, static: true, in: []gradIn{vary(5, 4), fixed(ints(-1, 3)), fixed(ints(math.MinInt64, 0)), fixed(ints(0, 1)), fixed(ints(-2, -1))}},
		gradCase{op: "Slice", lo: 10, static: true, in: []gradIn{vary(5, 4), fixed(ints(1, -1)), fixed(ints(math.MaxInt64, math.MinInt64)), fixed(ints(0, 1)), fixed(ints(math.MaxInt64, math.MinInt64))}},
		gradCase{op: "Slice", lo: 11, in: []gradIn{vary(5, 4), fixed(ints(-7)), fixed(ints(3)), fixed(ints(0))}},
		gradCase{op: "Slice", lo: 11, in: []gradIn{vary(5, 4), fixed(ints(1, -3)), fixed(ints(-1, math.MaxInt64)), fixed(ints(1, 0))}},
		gradCase{op: "Expand", in: []gradIn{vary(3, 1), fixed(ints(2, 1, 4))}},
		gradCase{op: "Tile", in: []gradIn{vary(2, 3), fixed(ints(2, 3))}},
		gradCase{op: "DepthToSpace", attrs: []*graph.Attr{graph.Int("blocksize", 2)}, in: []gradIn{vary(1, 8, 2, 3)}},
		gradCase{op: "DepthToSpace", lo: 11, static: true, attrs: []*graph.Attr{graph.Int("blocksize", 2), graph.String("mode", "CRD")}, in: []gradIn{vary(1, 8, 2, 3)}},
		gradCase{op: "SpaceToDepth", attrs: []*graph.Attr{graph.Int("blocksize", 2)}, in: []gradIn{vary(1, 2, 4, 6)}},
		gradCase{op: "ReverseSequence", in: []gradIn{vary(4, 3, 2), fixed(ints(4, 2, 1))}},
		gradCase{op: "Compress", lo: 11, attrs: axis(1), in: []gradIn{vary(2, 4), fixed(tensor.Vector(true, false, true))}},
		gradCase{op: "Compress", lo: 11, in: []gradIn{vary(2, 3), fixed(tensor.Vector(false, true, true, false, true))}},
		gradCase{op: "OneHot", lo: 11, in: []gradIn{fixed(ints(0, 2, 1)), fixed(tensor.Scalar[int64](3)), vary(2)}},
		gradCase{op: "Range", in: []gradIn{within(0, 0.1), within(2.0, 2.1), within(0.6, 0.65)}},
	)
	pads := ints(1, 0, -1, 2)
	add(
		gradCase{op: "Pad", hi: 10, attrs: []*graph.Attr{graph.Ints("pads", 1, 0, -1, 2)}, in: []gradIn{vary(3, 4)}},
		gradCase{op: "Pad", lo: 11, in: []gradIn{vary(3, 4), fixed(pads), within(1, 2)}},
		gradCase{op: "Pad", lo: 18, in: []gradIn{vary(3, 4), fixed(ints(1, 2)), omitted, fixed(ints(-1))}},
	)
	for _, mode := range []string{"reflect", "edge"} {
		add(
			gradCase{op: "Pad", lo: 11, static: true, attrs: []*graph.Attr{graph.String("mode", mode)}, in: []gradIn{vary(3, 4), fixed(ints(-1, 5, 3, -2))}},
			gradCase{op: "Pad", hi: 10, static: true, attrs: []*graph.Attr{graph.String("mode", mode), graph.Ints("pads", 2, 1, 1, 0)}, in: []gradIn{vary(3, 4)}},
			gradCase{op: "Pad", lo: 11, static: true, attrs: []*graph.Attr{graph.String("mode", mode)}, in: []gradIn{vary(3, 4), fixed(ints(2, 1, 1, 0))}},
		)
	}
	add(gradCase{op: "Pad", lo: 19, static: true, attrs: []*graph.Attr{graph.String("mode", "wrap")}, in: []gradIn{vary(3, 4), fixed(ints(2, 1, 1, 0))}},
		gradCase{op: "Pad", lo: 19, static: true, attrs: []*graph.Attr{graph.String("mode", "wrap")}, in: []gradIn{vary(3, 4), fixed(ints(-1, 5, 3, -2))}})
}
