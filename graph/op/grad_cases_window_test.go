package op_test

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	k, st, dil := func(v ...int64) *graph.Attr { return graph.Ints("kernel_shape", v...) },
		func(v ...int64) *graph.Attr { return graph.Ints("strides", v...) },
		func(v ...int64) *graph.Attr { return graph.Ints("dilations", v...) }
	pads := func(v ...int64) *graph.Attr { return graph.Ints("pads", v...) }
	list := func(a ...*graph.Attr) []*graph.Attr { return a }
	group := func(n int64) *graph.Attr { return graph.Int("group", n) }
	auto := func(s string) *graph.Attr { return graph.String("auto_pad", s) }
	x, w := vary(2, 4, 5, 6), weight(3, 4, 3, 3)
	// Regions inside the map, across two of its edges, and without size.
	regions := tensor.Of([]int{3, 4}, []float32{0.3, 0.7, 4.1, 3.9, -3.2, 1.3, 9.4, 20.2, 2.1, 2.2, 2.1, 2.2})
	add(
		gradCase{op: "MatMul", in: []gradIn{vary(2, 3), vary(3, 4)}},
		gradCase{op: "MatMul", in: []gradIn{vary(2, 2, 3), vary(3, 4)}},
		gradCase{op: "MatMul", lo: 13, in: []gradIn{vary(2, 1, 2, 3), vary(3, 3, 4)}},
		gradCase{op: "MatMul", in: []gradIn{vary(3), vary(3)}},
		gradCase{op: "MatMul", in: []gradIn{vary(3), vary(2, 3, 4)}},
		gradCase{op: "MatMul", in: []gradIn{vary(2, 4, 3), vary(3)}},
		gradCase{op: "Conv", attrs: list(k(3, 3), pads(1, 1, 1, 1)), in: []gradIn{x, w, weight(3)}},
		gradCase{op: "Conv", attrs: list(k(1, 1)), in: []gradIn{x, weight(3, 4, 1, 1)}},
		gradCase{op: "Conv", lo: 10, attrs: list(k(3, 2), pads(1, 0, 0, 1), st(2, 3), dil(1, 2)), in: []gradIn{vary(2, 2, 7, 8), weight(3, 2, 3, 2)}},
		gradCase{op: "Conv", attrs: list(group(2), pads(0, 2, 1, 0), st(2, 1)), static: true, in: []gradIn{x, weight(6, 2, 3, 2), vary(6)}},
		gradCase{op: "Conv", lo: 10, attrs: list(k(3, 3), group(4), pads(1, 1, 1, 1)), in: []gradIn{x, weight(4, 1, 3, 3)}},
		gradCase{op: "Conv", static: true, attrs: list(auto("SAME_LOWER"), st(2, 2)), in: []gradIn{x, w}},
		gradCase{op: "Conv", attrs: list(k(3, 3), auto("SAME_UPPER")), in: []gradIn{x, w}},
		gradCase{op: "Conv", attrs: list(k(3), auto("VALID")), in: []gradIn{vary(2, 2, 5), weight(3, 2, 3)}},
		gradCase{op: "Conv", static: true, attrs: list(st(2, 1, 2)), in: []gradIn{vary(1, 2, 4, 3, 4), weight(2, 2, 2, 1, 3)}},
		gradCase{op: "Conv", lo: 10, attrs: list(group(2), pads(0, 2, 1, 0), st(2, 1)), in: []gradIn{x, weight(6, 2, 3, 2), weight(6)}},
		gradCase{op: "Conv", attrs: list(k(1, 1), st(2, 2)), in: []gradIn{vary(2, 2, 5, 4), weight(3, 2, 1, 1)}, lo: 10},
		gradCase{op: "Conv", attrs: list(pads(2, 0, 0, 3), dil(2, 1)), in: []gradIn{vary(1, 2, 5, 4), weight(2, 2, 2, 3)}},
		gradCase{op: "Conv", attrs: list(pads(2, 1), group(3), st(2)), lo: 10, in: []gradIn{vary(2, 3, 7), weight(6, 1, 2)}},
		gradCase{op: "Conv", attrs: list(group(2), dil(1, 2, 1), pads(0, 1, 1, 1, 0, 0)), in: []gradIn{vary(1, 4, 3, 4, 3), weight(2, 2, 2, 2, 2), weight(2)}},
		gradCase{op: "Conv", static: true, in: []gradIn{vary(3, 6, 2, 2), weight(7, 6, 2, 2)}},
		gradCase{op: "ConvTranspose", attrs: list(k(3, 3), pads(1, 1, 1, 1)), in: []gradIn{vary(2, 4, 3, 2), weight(4, 3, 3, 3), weight(3)}},
		gradCase{op: "ConvTranspose", static: true, attrs: list(group(2), st(2, 3), dil(1, 2), graph.Ints("output_padding", 1, 0), pads(0, 1, 1, 0)), in: []gradIn{vary(2, 4, 3, 2), weight(4, 2, 3, 2), weight(4)}},
		gradCase{op: "ConvTranspose", static: true, attrs: list(st(2, 2), graph.Ints("output_shape", 6, 5)), in: []gradIn{vary(1, 2, 3, 2), weight(2, 3, 3, 3)}},
		gradCase{op: "ConvTranspose", static: true, attrs: list(st(2, 2), auto("SAME_UPPER")), in: []gradIn{vary(1, 2, 3, 2), weight(2, 3, 3, 3)}},
		gradCase{op: "MaxPool", lo: 11, attrs: list(k(2, 2), st(2, 2)), in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "MaxPool", lo: 16, attrs: list(k(3, 3), st(2, 2), pads(1, 1, 1, 1)), in: []gradIn{vary(2, 3, 5, 6)}},
		gradCase{op: "MaxPool", lo: 12, static: true, attrs: list(k(2, 4), st(2, 4), graph.Int("ceil_mode", 1)), in: []gradIn{vary(2, 3, 5, 3)}},
		gradCase{op: "AveragePool", lo: 11, static: true, attrs: list(k(2, 4), st(2, 4), graph.Int("ceil_mode", 1)), in: []gradIn{vary(2, 3, 5, 3)}},
		gradCase{op: "LpPool", lo: 18, static: true, attrs: list(k(2, 4), st(2, 4), graph.Int("ceil_mode", 1)), in: []gradIn{vary(2, 3, 5, 3)}},
		gradCase{op: "MaxPool", lo: 16, attrs: list(k(2, 3), dil(2, 1), graph.Int("ceil_mode", 1)), in: []gradIn{vary(2, 3, 5, 6)}},
		gradCase{op: "AveragePool", attrs: list(k(2, 2), st(2, 2)), static: true, in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "AveragePool", lo: 10, attrs: list(k(3, 3), st(2, 2)), in: []gradIn{vary(2, 3, 6, 7)}},
		gradCase{op: "AveragePool", lo: 8, attrs: list(k(3, 3), pads(1, 1, 1, 1)), in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "AveragePool", lo: 10, attrs: list(k(3, 3), st(2, 2), pads(1, 1, 1, 1), graph.Int("count_include_pad", 1)), in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "AveragePool", lo: 8, static: true, attrs: list(k(3, 3), st(2, 2), auto("SAME_UPPER")), in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "AveragePool", lo: 10, static: true, attrs: list(k(3, 2), st(2, 2), graph.Int("ceil_mode", 1)), in: []gradIn{vary(2, 3, 6, 5)}},
		gradCase{op: "AveragePool", lo: 19, static: true, attrs: list(k(2, 2), dil(2, 3), pads(1, 0, 0, 1)), in: []gradIn{vary(2, 3, 6, 5)}},
		gradCase{op: "LpPool", attrs: list(k(2, 2), st(2, 1)), static: true, in: []gradIn{vary(2, 2, 4, 3)}},
		gradCase{op: "LpPool", attrs: list(k(2, 2), graph.Int("p", 3)), in: []gradIn{vary(2, 2, 4, 3)}},
		gradCase{op: "GlobalAveragePool", lo: 8, in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "GlobalMaxPool", lo: 9, in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "GlobalLpPool", in: []gradIn{vary(2, 3, 4, 5)}},
		gradCase{op: "Col2Im", attrs: list(st(2, 1), dil(1, 2), pads(1, 0, 0, 1)), static: true, in: []gradIn{vary(2, 8, 10), fixed(ints(4, 6)), fixed(ints(2, 2))}},
		gradCase{op: "Col2Im", in: []gradIn{vary(2, 6, 3), fixed(ints(4)), fixed(ints(2))}},
		gradCase{op: "RotaryEmbedding", in: []gradIn{vary(2, 3, 2, 4), fixed(wave(5, 2)), fixed(wave(5, 2)), fixed(matrix(2, 2, 1, 4, 0, 2))}},
		gradCase{op: "RotaryEmbedding", static: true, attrs: list(graph.Int("interleaved", 1), graph.Int("num_heads", 2), graph.Int("rotary_embedding_dim", 2)),
			in: []gradIn{vary(1, 2, 8), fixed(wave(1, 2, 1)), fixed(wave(1, 2, 1))}},
		gradCase{op: "RoiAlign", lo: 11, attrs: list(graph.Int("output_height", 2), graph.Int("output_width", 3), graph.Int("sampling_ratio", 2), graph.Float("spatial_scale", 0.5)),
			in: []gradIn{vary(2, 2, 5, 6), fixed(regions), fixed(ints(1, 0, 1))}},
		gradCase{op: "RoiAlign", lo: 11, attrs: list(graph.Int("output_height", 2), graph.Int("output_width", 2)),
			in: []gradIn{vary(2, 2, 5, 6), fixed(regions), fixed(ints(1, 0, 1))}},
		gradCase{op: "RoiAlign", lo: 16, attrs: list(graph.Int("output_height", 2), graph.String("coordinate_transformation_mode", "output_half_pixel")),
			in: []gradIn{vary(2, 2, 5, 6), fixed(regions), fixed(ints(1, 0, 1))}},
		gradCase{op: "MaxUnpool", lo: 9, attrs: list(k(2, 2), st(2, 2)), in: []gradIn{vary(1, 1, 2, 2),
			fixed(tensor.Of([]int{1, 1, 2, 2}, []int64{5, 7, 13, 15}))}},
	)
	for _, ta := range []int64{0, 1} {
		for _, tb := range []int64{0, 1} {
			a, b := vary(2, 3), vary(3, 4)
			if ta == 1 {
				a = vary(3, 2)
			}
			if tb == 1 {
				b = vary(4, 3)
			}
			attrs := list(graph.Int("transA", ta), graph.Int("transB", tb), graph.Float("alpha", 0.7), graph.Float("beta", 1.3))
			add(gradCase{op: "Gemm", attrs: attrs, in: []gradIn{a, b, vary(4)}})
		}
	}
	add(gradCase{op: "Gemm", lo: 11, in: []gradIn{vary(2, 3), vary(3, 4)}})
	add(gradCase{op: "Gemm", lo: 11, in: []gradIn{vary(2, 3), vary(3, 4), vary(2, 1)}})
}

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	axis := func(k int64) []*graph.Attr { return []*graph.Attr{graph.Int("axis", k)} }
	x := vary(2, 4, 3, 2)
	add(
		gradCase{op: "BatchNormalization", in: []gradIn{x, vary(4), vary(4), vary(4), within(0.5, 1, 4)}},
		gradCase{op: "BatchNormalization", in: []gradIn{vary(5, 4), vary(4), vary(4), vary(4), within(0.5, 1, 4)}},
		gradCase{op: "BatchNormalization", lo: 14, outs: 3, zeroFrom: 1, attrs: []*graph.Attr{graph.Int("training_mode", 1)},
			in: []gradIn{x, vary(4), vary(4), fixed(tensor.Vector[float32](0, 0, 0, 0)), fixed(tensor.Vector[float32](1, 1, 1, 1))}},
		gradCase{op: "InstanceNormalization", in: []gradIn{x, vary(4), vary(4)}},
		gradCase{op: "GroupNormalization", lo: 18, hi: 20, attrs: []*graph.Attr{graph.Int("num_groups", 2)}, in: []gradIn{x, vary(2), vary(2)}},
		gradCase{op: "GroupNormalization", lo: 21, attrs: []*graph.Attr{graph.Int("num_groups", 2)}, in: []gradIn{x, vary(4), vary(4)}},
		gradCase{op: "LayerNormalization", attrs: axis(-2), in: []gradIn{vary(2, 3, 4), vary(3, 4), vary(4)}},
		gradCase{op: "LayerNormalization", outs: 3, zeroFrom: 1, in: []gradIn{vary(2, 3, 4), vary(4)}},
		gradCase{op: "RMSNormalization", attrs: axis(1), in: []gradIn{vary(2, 3, 4), vary(3, 4)}},
		gradCase{op: "LpNormalization", attrs: axis(1), in: []gradIn{vary(2, 3, 4)}},
		gradCase{op: "LpNormalization", attrs: []*graph.Attr{graph.Int("axis", 0), graph.Int("p", 1)}, in: []gradIn{vary(2, 3)}},
		gradCase{op: "MeanVarianceNormalization", lo: 9, in: []gradIn{x}},
		gradCase{op: "MeanVarianceNormalization", lo: 9, attrs: []*graph.Attr{graph.Ints("axes", 1)}, in: []gradIn{vary(2, 5)}},
		gradCase{op: "LRN", attrs: []*graph.Attr{graph.Int("size", 3), graph.Float("alpha", 0.5)}, in: []gradIn{x}},
		gradCase{op: "LRN", attrs: []*graph.Attr{graph.Int("size", 2), graph.Float("alpha", 0.5), graph.Float("bias", 2)}, in: []gradIn{x}},
	)
}
