package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradRoiAlign: a bin's mean of bilinear samples on a grid is a product over the
// axes, y[r,c] = a[r]·x[i(r),c]·b[r]ᵀ with the image i(r) of region r, so that
// dx[n,c] = Σ a[r]ᵀ·dy[r,c]·b[r] over the regions of image n. Regions are constants, as
// they are in PyTorch.
func gradRoiAlign(c *Grad) error {
	if mode := c.Node.Str("mode", "avg"); mode != "avg" {
		return attrError("mode", mode, "avg for a gradient")
	}
	if opset := c.Node.Graph().Opset(""); opset < 11 {
		return fmt.Errorf("the gradient of RoiAlign needs Range (opset 11); the model has opset %d", opset)
	}
	if !c.Needs(0) {
		return nil
	}
	if _, err := c.rank(0); err != nil {
		return err
	}
	x, dy, g := c.In(0), c.Dy[0], c.Node.Graph()
	a := regionWeights(c, 1, c.Node.Int("output_height", 1), dims(x, 2, 3)) // [R, rows, H]
	b := regionWeights(c, 0, c.Node.Int("output_width", 1), dims(x, 3, 4))  // [R, columns, W]
	wide := Transpose(MatMul(dy, Unsqueeze(b, 1)), 1, 3, 0, 2)              // [C, W, R, rows]
	mine := Equal(Unsqueeze(c.In(2), 1), Cast(countTo(dims(x, 0, 1)), c.In(2).Type.DType))
	tall := Mul(Unsqueeze(a, 2), Unsqueeze(Cast(mine, x.Type.DType), 1, 3)) // [R, rows, N, H]
	dx := MatMul(Flatten(wide, 2), Flatten(tall, 2))
	size := apply("Concat", []*graph.Attr{graph.Int("axis", 0)}, dims(x, 1, 2), dims(x, 3, 4), dims(x, 0, 1), dims(x, 2, 3))
	c.Set(0, Transpose(ReshapeTo(dx, size), 2, 0, 3, 1))
	return g.Err()
}

// countTo is 0, 1, … below n, a vector of one int64.
func countTo(n *graph.Value) *graph.Value {
	if n == nil {
		return nil
	}
	g := n.Graph()
	return Range(Const(g, "const", tensor.Scalar[int64](0)), Squeeze(n, 0), Const(g, "const", tensor.Scalar[int64](1)))
}

// regionWeights is [R, bins, size]: what each element along an axis of the input counts
// in the mean of each bin. at is where a region has its first coordinate on that axis.
func regionWeights(c *Grad, at, bins int64, size *graph.Value) *graph.Value {
	n, regions, d := c.Node, c.In(1), c.In(0).Type.DType
	number := func(v float64) *graph.Value { return Scalar(n.Graph(), d, v) }
	scale, half := number(float64(n.Float("spatial_scale", 1))), n.Graph().Opset("") >= 16 && n.Str("coordinate_transformation_mode", "half_pixel") == "half_pixel"
	edge := func(k int64) *graph.Value { // [R, 1, 1]
		v := Unsqueeze(Mul(Slice(regions, 1, k, k+1), scale), 2)
		if half {
			v = Sub(v, number(0.5))
		}
		return v
	}
	start := edge(at)
	length := Sub(edge(at+2), start)
	if !half {
		length = Max(length, number(1))
	}
	bin := Div(length, number(float64(bins)))
	points, most := number(float64(n.Int("sampling_ratio", 0))), int64Const(n.Graph(), n.Int("sampling_ratio", 0))
	if n.Int("sampling_ratio", 0) == 0 {
		points = apply("Ceil", nil, bin)
		all := Concat(0, Reshape(points, -1), Reshape(number(1), 1))
		most = Cast(apply("ReduceMax", []*graph.Attr{graph.Int("keepdims", 1)}, all), tensor.Int64)
	}
	some := Max(points, number(1))  // regions without size have none
	point := Cast(countTo(most), d) // [points]
	offset := Div(Mul(Add(point, number(0.5)), bin), some)
	v := Add(Add(start, Mul(Unsqueeze(Cast(countTo(int64Const(n.Graph(), bins)), d), 1), bin)), offset) // [R, bins, points]
	extent := Cast(size, d)
	out := Or(Less(v, number(-1)), Greater(v, extent))
	counts := Cast(Not(Or(out, Not(Less(point, points)))), d)
	v = Min(Max(v, number(0)), Sub(extent, number(1)))
	near := Sub(Unsqueeze(v, 3), Cast(countTo(size), d)) // [R, bins, points, size]
	weight := Mul(Max(Sub(number(1), Abs(near)), number(0)), Unsqueeze(Div(counts, some), 3))
	return ReduceSum(weight, []int64{2}, false)
}
