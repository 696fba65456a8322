package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "MaxUnpool", Equation: "y = 0, then y[indices[i]] = x[i]", Versions: []int64{9, 11, 22},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 3}, Out: Arity{1, 1}, Half: true, Infer: inferUnpool, Kernel: makeUnpool, Grad: gradUnpool, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "MaxRoiPool", Equation: "y[r,c] = max of x[image[r],c] in each bin of region r", Versions: []int64{1, 22},
			Flow: flow.Flow{Pass: flow.Cropped}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true, Infer: inferRoiPool, Kernel: makeRoiPool,
			NoGrad: "ONNX's operator does not tell where the maxima are",
		},
	)
}

// unpooled is the size on axis i of what a pool with s made in elements of.
func (s *slide) unpooled(i, in int) int {
	return (in-1)*s.stride[i] + s.kernel[i] - s.pads[i] - s.pads[len(s.kernel)+i]
}

func inferUnpool(c *Infer) error {
	s, err := poolSlide(c.Node)
	if err != nil {
		return err
	}
	x := c.Input(0)
	rank := 2 + len(s.kernel)
	shape := unknownShape(rank)
	switch e := c.Input(2).Elems(); {
	case len(e) == rank:
		for i := range e {
			shape[i] = e[i].Dim()
		}
	case !c.Has(2) && x.Shape != nil:
		if len(x.Shape) != rank {
			return c.InputError(0, "rank %d, want %d", len(x.Shape), rank)
		}
		copy(shape, x.Shape[:2])
		for i := range s.kernel {
			grow := s.kernel[i] - s.stride[i] - s.pads[i] - s.pads[len(s.kernel)+i]
			shape[2+i] = symbol.Of(x.Shape[2+i]).Times(symbol.Int(int64(s.stride[i]))).Plus(symbol.Int(int64(grow))).Dim()
		}
	}
	c.Set(0, x.DType, shape)
	return nil
}

func makeUnpool(s *Spec) (Kernel, error) {
	slide, err := poolSlide(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runUnpool[float32](x, slide) },
		func(x *Call) error { return runUnpool[float64](x, slide) }), nil
}

func runUnpool[T float32 | float64](x *Call, s *slide) error {
	in, idx := x.In[0], x.In[1]
	if in.Rank() != 2+len(s.kernel) {
		return x.InputError(0, "rank %d, want %d", in.Rank(), 2+len(s.kernel))
	}
	if idx.DType != tensor.Int64 || !sameShape(idx.Shape, in.Shape) {
		return x.InputError(1, "%v, want int64 of shape %v", idx, in.Shape)
	}
	from := append([]int{}, in.Shape[:2]...)
	for i, d := range in.Shape[2:] {
		from = append(from, s.unpooled(i, min(d, slideLimit)))
	}
	shape := from
	if x.Has(2) {
		var err error
		if shape, err = Ints(x.In[2]); err != nil || len(shape) != len(from) {
			return x.InputError(2, "%v, want %d sizes", x.In[2], len(from))
		}
	}
	size, err := tensor.Count(from)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	dst, src := tensor.Data[T](out), tensor.Data[T](in)
	clear(dst)
	for i, at := range tensor.Data[int64](idx) {
		if at < 0 || at >= int64(size) {
			return x.InputError(1, "index %d is outside of shape %v", at, from)
		}
		to, ok := moved(int(at), from, shape)
		if !ok {
			return x.InputError(1, "index %d of shape %v is outside of shape %v", at, from, shape)
		}
		dst[to] = src[i]
	}
	return nil
}

// moved is the offset in shape of the place that has offset at in from.
func moved(at int, from, shape []int) (int, bool) {
	to, step := 0, 1
	for d := len(from) - 1; d >= 0; d-- {
		k := at % from[d]
		at /= from[d]
		if k >= shape[d] {
			return 0, false
		}
		to += k * step
		step *= shape[d]
	}
	return to, true
}

// pooledShape is the attribute pooled_shape.
func pooledShape(n *graph.Node) (h, w int, err error) {
	s := n.Ints("pooled_shape")
	if len(s) != 2 || s[0] < 1 || s[1] < 1 || s[0] > 1<<15 || s[1] > 1<<15 {
		return 0, 0, attrError("pooled_shape", s, "two sizes up to 2^15")
	}
	return int(s[0]), int(s[1]), nil
}

func inferRoiPool(c *Infer) error {
	h, w, err := pooledShape(c.Node)
	if err != nil {
		return err
	}
	shape := graph.Shape{graph.Unknown(), graph.Unknown(), graph.Known(int64(h)), graph.Known(int64(w))}
	if s := c.Input(1).Shape; len(s) == 2 {
		shape[0] = s[0]
	}
	if s := c.Input(0).Shape; len(s) == 4 {
		shape[1] = s[1]
	}
	c.Set(0, c.Input(0).DType, shape)
	return nil
}

func makeRoiPool(s *Spec) (Kernel, error) {
	h, w, err := pooledShape(s.Node)
	if err != nil {
		return nil, err
	}
	scale := s.Float("spatial_scale", 1)
	return byFloat(
		func(x *Call) error { return runRoiPool[float32](x, h, w, scale) },
		func(x *Call) error { return runRoiPool[float64](x, h, w, scale) }), nil
}

func runRoiPool[T float32 | float64](x *Call, h, w int, scale float64) error {
	in, rois := x.In[0], x.In[1]
	if err := sameType(x, 1); err != nil {
		return err
	}
	if in.Rank() != 4 || rois.Rank() != 2 || rois.Shape[1] != 5 {
		return x.InputError(1, "shape %v with an input of shape %v, want [regions 5] and rank 4", rois.Shape, in.Shape)
	}
	channels, height, width := in.Shape[1], in.Shape[2], in.Shape[3]
	out, err := x.New(0, in.DType, rois.Shape[0], channels, h, w)
	if err != nil {
		return err
	}
	dst, src, r := tensor.Data[T](out), tensor.Data[T](in), tensor.Data[T](rois)
	for i := 0; i < len(r); i += 5 {
		if b := float64(r[i]); !(b >= 0 && b < float64(in.Shape[0])) {
			return x.InputError(1, "region %d is of image %v, there are %d", i/5, b, in.Shape[0])
		}
	}
	x.Parallel(rois.Shape[0]*channels, max(1, 1<<12/(h*w)), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			roi := r[t/channels*5:][:5]
			plane := src[(int(roi[0])*channels+t%channels)*height*width:][:height*width]
			ys, ye := poolBins(float64(roi[2]), float64(roi[4]), scale, h, height)
			xs, xe := poolBins(float64(roi[1]), float64(roi[3]), scale, w, width)
			for i := range h * w {
				dst[t*h*w+i] = maxIn(plane, width, ys[i/w], ye[i/w], xs[i%w], xe[i%w])
			}
		}
	})
	return nil
}

// poolBins is where the n bins of a region from a to b begin and end on an
// axis of the given size. The region is scaled in float32, so that 5·0.7 is 3.5
// and not the float64 below it.
func poolBins(a, b, scale float64, n, size int) (from, to []int) {
	scaled := func(v float64) float64 { return math.Round(float64(float32(v) * float32(scale))) }
	start := scaled(a)
	width := max(scaled(b)-start+1, 1)
	from, to = make([]int, n), make([]int, n)
	clamp := func(v float64) int {
		if v != v {
			return 0
		}
		return int(min(max(v, 0), float64(size)))
	}
	for i := range n {
		from[i] = clamp(math.Floor(float64(i)*width/float64(n)) + start)
		to[i] = clamp(math.Ceil(float64(i+1)*width/float64(n)) + start)
	}
	return from, to
}

// maxIn is the maximum over a rectangle of a plane; 0 if it is empty.
func maxIn[T float32 | float64](plane []T, width, y0, y1, x0, x1 int) T {
	if y0 >= y1 || x0 >= x1 {
		return 0
	}
	top := plane[y0*width+x0]
	for y := y0; y < y1; y++ {
		for _, v := range plane[y*width+x0 : y*width+x1] {
			top = max(top, v)
		}
	}
	return top
}
