package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
)

// adjointConv is what the adjoints of a convolution need: its slide with the
// pads spelled out.
type adjointConv struct {
	*slide
	group      int
	begin, end []int
}

// adjointConvOf reads a node whose window is kernel, or that of the attribute
// where kernel is not known. in is the spatial dims of the wider side, which
// automatic padding may need.
func adjointConvOf(n *graph.Node, kernel, in graph.Shape) (*adjointConv, error) {
	s, err := slideOf(n)
	if err != nil {
		return nil, err
	}
	a := &adjointConv{}
	if a.group, err = groupOf(n); err != nil {
		return nil, err
	}
	switch {
	case kernel.IsStatic():
		s, err = s.withKernel(kernel.Ints())
	case s.kernel != nil:
		s, err = s.withKernel(s.kernel)
	default:
		return nil, fmt.Errorf("the size of the window is not known, which the gradient needs")
	}
	if err != nil {
		return nil, err
	}
	a.slide = s
	for i := range s.kernel {
		size := s.extent(i)
		if in[i].IsKnown() {
			size = int(in[i].Value)
		} else if s.same() && s.stride[i] != 1 {
			return nil, fmt.Errorf("spatial axis %d: its size is not known, which the gradient of padding %s needs", i, s.auto)
		}
		b, e := s.padding(i, size)
		a.begin, a.end = append(a.begin, b), append(a.end, e)
	}
	return a, nil
}

func wideInts(s []int) []int64 {
	r := make([]int64, len(s))
	for i, v := range s {
		r[i] = int64(v)
	}
	return r
}

// attrs are those of a convolution of the given slide.
func (a *adjointConv) attrs(stride, dilation, begin, end []int) []*graph.Attr {
	return []*graph.Attr{
		graph.Ints("strides", wideInts(stride)...), graph.Ints("dilations", wideInts(dilation)...),
		graph.Ints("pads", append(wideInts(begin), wideInts(end)...)...), graph.Int("group", int64(a.group)),
	}
}

// input is the adjoint of the convolution's input, which has the spatial size
// of x: the transposed convolution of dy, made as large as x.
func (a *adjointConv) input(dy, w, x *graph.Value) *graph.Value {
	if dy == nil || x == nil {
		return nil
	}
	rank := len(a.kernel)
	extra, end := make([]int, rank), append([]int{}, a.end...)
	cut := false
	for i := range rank {
		d := x.Shape()[2+i]
		switch {
		case d.IsKnown():
			n, err := a.out(i, int(d.Value))
			if err != nil {
				x.Graph().Fail(err)
				return nil
			}
			if extra[i] = int(d.Value) - ((n-1)*a.stride[i] + a.extent(i) - a.begin[i] - a.end[i]); extra[i] < 0 {
				end[i], extra[i] = end[i]-extra[i], 0 // ceil_mode: the last window goes beyond the pads
			}
		case a.stride[i] != 1: // large enough for every size, then cut
			extra[i], end[i], cut = max(0, a.stride[i]-1-a.end[i]), 0, true
		}
	}
	attrs := a.attrs(a.stride, a.dilation, a.begin, end)
	for _, e := range extra {
		if e != 0 {
			attrs = append(attrs, graph.Ints("output_padding", wideInts(extra)...))
			break
		}
	}
	dx := ConvTranspose(dy, w, Omit, attrs...)
	if !cut || dx == nil {
		return dx
	}
	starts := int64Const(dx.Graph(), make([]int64, rank)...)
	return apply("Slice", nil, dx, starts, dims(x, 2, 2+rank), int64Const(dx.Graph(), axesFrom(2, 2+rank)...))
}

// weight is the adjoint of the weight: x convolved with dy, the batch taking
// the channels' place.
func (a *adjointConv) weight(x, dy *graph.Value) *graph.Value {
	if a.pointwise() {
		return pointwiseWeight(x, dy, len(a.kernel))
	}
	dw := Conv(batchLast(x, a.group, false), batchLast(dy, a.group, true), Omit, a.attrs(a.dilation, a.stride, a.begin, a.end)...)
	for i, k := range a.kernel {
		if a.stride[i] != 1 {
			dw = Slice(dw, int64(2+i), 0, int64(k))
		}
	}
	perm := axesFrom(0, 2+len(a.kernel))
	perm[0], perm[1] = 1, 0
	return Transpose(dw, perm...)
}

// pointwise reports whether the convolution is a matrix product.
func (a *adjointConv) pointwise() bool {
	for i, k := range a.kernel {
		if k != 1 || a.stride[i] != 1 || a.begin[i] != 0 || a.end[i] != 0 {
			return false
		}
	}
	return a.group == 1
}

// pointwiseWeight is Σ_n dy[n]·x[n]ᵀ over matrices (channels, positions).
func pointwiseWeight(x, dy *graph.Value, rank int) *graph.Value {
	matrix := func(v *graph.Value) *graph.Value { return Reshape(v, 0, 0, -1) }
	dw := ReduceSum(MatMul(matrix(dy), swapLast(matrix(x))), []int64{0}, false)
	return Unsqueeze(dw, axesFrom(2, 2+rank)...)
}

// batchLast is v [N, G·C, …] with the batch as channels: [C, G·N, …], or
// [G·C, N, …] for the side that becomes the weight.
func batchLast(v *graph.Value, group int, weight bool) *graph.Value {
	if v == nil {
		return nil
	}
	rank := len(v.Shape())
	perm := axesFrom(0, rank)
	perm[0], perm[1] = 1, 0
	if group == 1 || weight {
		return Transpose(v, perm...)
	}
	// [N, G, C, …] → [C, G, N, …] → [C, G·N, …]
	g := int64Const(v.Graph(), int64(group))
	split := apply("Concat", []*graph.Attr{graph.Int("axis", 0)}, dims(v, 0, 1), g, int64Const(v.Graph(), -1), dims(v, 2, rank))
	wide := Transpose(ReshapeTo(v, split), append([]int64{2, 1, 0}, axesFrom(3, rank+1)...)...)
	if wide == nil {
		return nil
	}
	c := dims(wide, 0, 1)
	return ReshapeTo(wide, apply("Concat", []*graph.Attr{graph.Int("axis", 0)}, c, int64Const(v.Graph(), -1), dims(v, 2, rank)))
}

func gradConv(c *Grad) error {
	x, w, dy := c.In(0), c.In(1), c.Dy[0]
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	a, err := adjointConvOf(c.Node, windowDims(w), x.Shape()[2:])
	if err != nil {
		return err
	}
	if c.Needs(0) {
		c.Set(0, a.input(dy, w, x))
	}
	if c.Needs(1) {
		c.Set(1, a.weight(x, dy))
	}
	if c.Needs(2) {
		c.Set(2, overChannel(dy, rank))
	}
	return nil
}

// windowDims is the spatial dims of a weight; nil if its rank is not known.
func windowDims(w *graph.Value) graph.Shape {
	if s := w.Shape(); len(s) > 2 {
		return s[2:]
	}
	return nil
}

// gradConvTranspose: the transposed convolution is the adjoint of a
// convolution whose input is y and whose output is x.
func gradConvTranspose(c *Grad) error {
	x, w, dy := c.In(0), c.In(1), c.Dy[0]
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	a, err := transposedAdjoint(c.Node, w, x)
	if err != nil {
		return err
	}
	if c.Needs(0) {
		c.Set(0, Conv(dy, w, Omit, a.attrs(a.stride, a.dilation, a.begin, a.end)...))
	}
	if c.Needs(1) {
		c.Set(1, a.weight(dy, x))
	}
	if c.Needs(2) {
		c.Set(2, overChannel(dy, rank))
	}
	return nil
}

// transposedAdjoint is the convolution whose adjoint a ConvTranspose node is.
func transposedAdjoint(n *graph.Node, w, x *graph.Value) (*adjointConv, error) {
	s, err := slideOf(n)
	if err != nil {
		return nil, err
	}
	a := &adjointConv{}
	if a.group, err = groupOf(n); err != nil {
		return nil, err
	}
	if k := windowDims(w); k.IsStatic() {
		s, err = s.withKernel(k.Ints())
	} else if s.kernel != nil {
		s, err = s.withKernel(s.kernel)
	} else {
		err = fmt.Errorf("the size of the window is not known, which the gradient needs")
	}
	if err != nil {
		return nil, err
	}
	a.slide = s
	for i := range s.kernel {
		d, size := x.Shape()[2+i], 1
		switch {
		case d.IsKnown():
			size = int(d.Value)
		case len(s.outShape) > 0 || s.same():
			return nil, InputError(n, 0, "spatial axis %d: its size is not known, which the gradient of automatic padding needs", i)
		}
		b, e, err := s.transposedPads(i, size)
		if err != nil && d.IsKnown() {
			return nil, err
		}
		a.begin, a.end = append(a.begin, b), append(a.end, e)
	}
	a.auto = ""
	return a, nil
}
