package op_test

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func matrix(rows, cols int, v ...int64) *tensor.Tensor { return tensor.Of([]int{rows, cols}, v) }

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	axis := func(k int64) []*graph.Attr { return []*graph.Attr{graph.Int("axis", k)} }
	reduce := func(r string, a ...*graph.Attr) []*graph.Attr { return append(a, graph.String("reduction", r)) }
	add(
		gradCase{op: "Gather", lo: 11, attrs: axis(1), in: []gradIn{vary(2, 4, 3), fixed(ints(2, 0, -1))}, static: true},
		gradCase{op: "Gather", lo: 11, attrs: axis(-1), in: []gradIn{vary(2, 4, 3), fixed(tensor.Scalar[int64](-2))}},
		gradCase{op: "Gather", lo: 16, attrs: axis(1), in: []gradIn{vary(2, 4, 3), fixed(matrix(2, 2, 2, 0, 2, -1))}},
		gradCase{op: "GatherElements", lo: 16, attrs: axis(1), in: []gradIn{vary(2, 4), fixed(matrix(2, 3, 1, 1, 3, 0, 2, 0))}},
		gradCase{op: "GatherND", lo: 16, in: []gradIn{vary(2, 3, 2), fixed(matrix(3, 2, 0, 1, 1, 2, 0, 1))}},
		gradCase{op: "Scatter", lo: 11, attrs: axis(1), in: []gradIn{vary(2, 4), fixed(matrix(2, 2, 1, 3, 0, 2)), vary(2, 2)}},
		gradCase{op: "ScatterElements", attrs: axis(1), in: []gradIn{vary(2, 4), fixed(matrix(2, 2, 1, 3, 0, 2)), vary(2, 2)}},
		gradCase{op: "ScatterElements", lo: 16, attrs: reduce("add", graph.Int("axis", 1)), in: []gradIn{vary(2, 4), fixed(matrix(2, 2, 1, 1, 0, 2)), vary(2, 2)}},
		gradCase{op: "ScatterND", in: []gradIn{vary(4, 2), fixed(matrix(2, 1, 3, 0)), vary(2, 2)}},
		gradCase{op: "ScatterND", lo: 16, attrs: reduce("add"), in: []gradIn{vary(4, 2), fixed(matrix(2, 1, 3, 3)), vary(2, 2)}},
		gradCase{op: "TopK", lo: 11, outs: 2, zeroFrom: 1, attrs: axis(1), in: []gradIn{vary(2, 5, 2), fixed(ints(3))}},
		gradCase{op: "CenterCropPad", in: []gradIn{vary(3, 4), fixed(ints(5, 3))}},
		gradCase{op: "CenterCropPad", attrs: []*graph.Attr{graph.Ints("axes", -1)}, in: []gradIn{vary(3, 4), fixed(ints(7))}},
		gradCase{op: "AffineGrid", in: []gradIn{vary(2, 2, 3), fixed(ints(2, 1, 3, 4))}},
		gradCase{op: "AffineGrid", attrs: []*graph.Attr{graph.Int("align_corners", 1)}, in: []gradIn{vary(1, 3, 4), fixed(ints(1, 1, 2, 3, 2))}},
	)
	equation := func(s string) []*graph.Attr { return []*graph.Attr{graph.String("equation", s)} }
	add(
		gradCase{op: "Einsum", attrs: equation("bij,bjk->bik"), in: []gradIn{vary(2, 3, 4), vary(2, 4, 2)}},
		gradCase{op: "Einsum", attrs: equation("ij,jk"), in: []gradIn{vary(3, 4), vary(4, 2)}},
		gradCase{op: "Einsum", attrs: equation("ij->i"), in: []gradIn{vary(3, 4)}},
		gradCase{op: "Einsum", attrs: equation("a,ab,b->"), in: []gradIn{vary(3), vary(3, 4), vary(4)}},
	)
	target := fixed(tensor.Of([]int{2, 3}, []int64{1, 0, 3, 2, 2, 0}))
	for _, name := range []string{"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"} {
		for _, r := range []string{"none", "sum", "mean"} {
			add(
				gradCase{op: name, attrs: reduce(r), in: []gradIn{vary(2, 4, 3), target}},
				gradCase{op: name, attrs: reduce(r, graph.Int("ignore_index", 3)), in: []gradIn{vary(2, 4, 3), target,
					fixed(tensor.Vector[float32](0.5, 2, 1, 4))}},
			)
		}
	}
	add(gradCase{op: "SoftmaxCrossEntropyLoss", outs: 2, in: []gradIn{vary(3, 4), fixed(ints(1, 0, 3))}})
}

func init() {
	add := func(c ...gradCase) { gradCases = append(gradCases, c...) }
	mode := func(mode, coordinate string, more ...*graph.Attr) []*graph.Attr {
		return append(more, graph.String("mode", mode), graph.String("coordinate_transformation_mode", coordinate))
	}
	scales := fixed(tensor.Vector[float32](1, 1, 2, 2))
	uneven := fixed(tensor.Vector[float32](1, 1, 1.6, 0.7))
	x := vary(1, 2, 3, 4)
	add(
		gradCase{op: "Upsample", hi: 8, attrs: []*graph.Attr{graph.Floats("scales", 1, 1, 2, 3)}, in: []gradIn{x}},
		gradCase{op: "Upsample", lo: 9, hi: 9, in: []gradIn{x, scales}},
		gradCase{op: "Upsample", lo: 9, hi: 9, static: true, attrs: []*graph.Attr{graph.String("mode", "linear")}, in: []gradIn{x, scales}},
		gradCase{op: "Resize", lo: 10, hi: 10, in: []gradIn{x, scales}},
		gradCase{op: "Resize", lo: 10, hi: 10, static: true, in: []gradIn{x, uneven}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "asymmetric", graph.String("nearest_mode", "floor")), in: []gradIn{x, omitted, scales}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "half_pixel"), in: []gradIn{x, omitted, scales}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "align_corners"), in: []gradIn{x, omitted, uneven}},
		gradCase{op: "Resize", lo: 11, attrs: mode("linear", "half_pixel"), in: []gradIn{x, omitted, uneven}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "asymmetric", graph.String("nearest_mode", "floor")), in: []gradIn{x, omitted, omitted, fixed(ints(2, 4, 7, 5))}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "half_pixel", graph.String("nearest_mode", "ceil")), in: []gradIn{x, omitted, uneven}},
		gradCase{op: "Resize", lo: 11, attrs: mode("nearest", "pytorch_half_pixel", graph.String("nearest_mode", "round_prefer_ceil")), in: []gradIn{x, omitted, omitted, fixed(ints(2, 4, 1, 5))}},
		gradCase{op: "Resize", lo: 11, attrs: mode("linear", "pytorch_half_pixel"), in: []gradIn{x, omitted, omitted, fixed(ints(2, 4, 1, 5))}},
		gradCase{op: "Resize", lo: 11, attrs: mode("linear", "asymmetric"), in: []gradIn{vary(2, 3, 4), omitted, omitted, fixed(ints(2, 3, 6))}},
		gradCase{op: "Resize", lo: 11, attrs: mode("linear", "align_corners"), in: []gradIn{x, omitted, omitted, fixed(ints(1, 2, 7, 2))}},
		gradCase{op: "Resize", lo: 11, static: true, attrs: mode("cubic", "pytorch_half_pixel", graph.Int("exclude_outside", 1)), in: []gradIn{x, omitted, scales}},
		gradCase{op: "Resize", lo: 18, static: true, attrs: mode("linear", "half_pixel", graph.Int("antialias", 1)), in: []gradIn{vary(1, 1, 6, 8), omitted, fixed(tensor.Vector[float32](1, 1, 0.5, 0.4))}},
		gradCase{op: "Resize", lo: 18, static: true, attrs: mode("linear", "half_pixel", graph.String("keep_aspect_ratio_policy", "not_larger"), graph.Ints("axes", 2, 3)), in: []gradIn{x, omitted, omitted, fixed(ints(4, 7))}},
		gradCase{op: "Resize", lo: 11, static: true, attrs: mode("linear", "half_pixel"), in: []gradIn{vary(1, 3, 4), omitted, fixed(tensor.Vector[float32](2, 1, 1.5))}},
	)
}
