package op

import (
	"fmt"
	"math"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
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
		return nil, fmt.Errorf("the gradient needs the size of the window, which is not known")
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
			return nil, fmt.Errorf("spatial axis %d: the gradient of padding %s needs its size, which is not known", i, s.auto)
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
// of x: with strides of 1 the convolution of dy by the flipped weight, else the
// transposed convolution of dy, made as large as x.
func (a *adjointConv) input(dy, w, x *graph.Value) *graph.Value {
	if dy == nil || x == nil {
		return nil
	}
	if begin, end, ok := a.flippedPads(w); ok {
		return Conv(dy, a.flipped(w), Omit, a.attrs(a.stride, a.dilation, begin, end)...)
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

// flippedPads are the pads with which a convolution by the flipped weight is the
// adjoint of the input. It reports false where there are strides, pads that are wider
// than the window, or a weight of unknown shape.
func (a *adjointConv) flippedPads(w *graph.Value) (begin, end []int, ok bool) {
	if w == nil || !w.Shape().IsStatic() || a.ceil {
		return nil, nil, false
	}
	for i := range a.kernel {
		reach := a.extent(i) - 1
		if a.stride[i] != 1 || a.begin[i] > reach || a.end[i] > reach {
			return nil, nil, false
		}
		begin, end = append(begin, reach-a.begin[i]), append(end, reach-a.end[i])
	}
	return begin, end, true
}

// flipped is the weight w [M, C/group, …] as [C, M/group, …], its window reversed.
func (a *adjointConv) flipped(w *graph.Value) *graph.Value {
	shape := w.Shape().Ints()
	taps, group := tensor.Elements(a.kernel), a.group
	m, c := shape[0]/group, shape[1]
	if group == 1 || m == 1 && c == 1 {
		if m != 1 || c != 1 {
			w = Transpose(w, append([]int64{1, 0}, axesFrom(2, len(shape))...)...)
		}
	} else {
		w = Transpose(Reshape(w, int64(group), int64(m), int64(c), int64(taps)), 0, 2, 1, 3)
	}
	if taps > 1 {
		reverse := make([]float32, taps*taps)
		for i := range taps {
			reverse[i*taps+taps-1-i] = 1
		}
		w = MatMul(Reshape(w, -1, int64(taps)), Cast(Const(w.Graph(), "reverse", tensor.Of([]int{taps, taps}, reverse)), w.Type.DType))
	}
	return Reshape(w, append([]int64{int64(group * c), int64(m)}, wideInts(a.kernel)...)...)
}

// weight is the adjoint of the weight [M, C/group, …]: dy times what the window
// reads of x, over all its positions and the batch.
func (a *adjointConv) weight(x, dy, w *graph.Value) *graph.Value {
	if x == nil || dy == nil {
		return nil
	}
	if !w.Shape().IsStatic() {
		w.Graph().Fail(fmt.Errorf("the gradient needs the shape of the weight, which is not known"))
		return nil
	}
	shape := w.Shape().Ints()
	rows, cols := int64(shape[0]/a.group), int64(tensor.Elements(shape[1:]))
	read := a.reads(x, int64(shape[1]*a.group))
	matrix := func(v *graph.Value, n int64) *graph.Value {
		if a.group == 1 {
			return Reshape(v, 0, n, -1)
		}
		return Reshape(v, 0, int64(a.group), n, -1)
	}
	left, right := matrix(dy, rows), matrix(read, cols)
	if a.foldsBatch(dy, rows, cols) {
		whole := func(v *graph.Value, n int64) *graph.Value { return Reshape(Transpose(v, 1, 0, 2), n, -1) }
		return ReshapeTo(MatMul(whole(left, rows), swapLast(whole(right, cols))), shapeOf(w))
	}
	return ReshapeTo(ReduceSum(MatMul(left, swapLast(right)), []int64{0}, false), shapeOf(w))
}

// reads is what the window reads of x, whose c channels become c·k for the k places
// of the window: the convolution with one-hot windows, x itself where it is one place
// without pads and strides.
func (a *adjointConv) reads(x *graph.Value, c int64) *graph.Value {
	if a.onePlace() {
		return x
	}
	taps := tensor.Elements(a.kernel)
	if taps == 1 && !slices.ContainsFunc(slices.Concat(a.begin, a.end), func(p int) bool { return p != 0 }) && x.Graph().Opset("") >= 10 {
		rank := len(a.kernel)
		zeros, ends := make([]int64, rank), slices.Repeat([]int64{math.MaxInt64}, rank)
		g := x.Graph()
		return apply("Slice", nil, x, int64Const(g, zeros...), int64Const(g, ends...), int64Const(g, axesFrom(2, 2+rank)...), int64Const(g, wideInts(a.stride)...))
	}
	hot := make([]float32, taps*taps)
	for i := range taps {
		hot[i*taps+i] = 1
	}
	windows := Const(x.Graph(), "windows", tensor.Of(append([]int{taps, 1}, a.kernel...), hot))
	repeats := append([]int64{c}, slices.Repeat([]int64{1}, 1+len(a.kernel))...)
	windows = Cast(apply("Tile", nil, windows, int64Const(x.Graph(), repeats...)), x.Type.DType)
	each := *a
	each.group = int(c)
	return Conv(x, windows, Omit, each.attrs(a.stride, a.dilation, a.begin, a.end)...)
}

// onePlace reports whether the window is one place, without pads and strides.
func (a *adjointConv) onePlace() bool {
	for i, k := range a.kernel {
		if k != 1 || a.stride[i] != 1 || a.begin[i] != 0 || a.end[i] != 0 {
			return false
		}
	}
	return true
}

// foldsBatch reports whether one product over batch and positions costs less than a
// product for each image and the sum of these, which passes over the weight once for
// each image: the former passes over the factors once more.
func (a *adjointConv) foldsBatch(dy *graph.Value, rows, cols int64) bool {
	s := dy.Shape()
	if a.group != 1 || !s[2:].IsStatic() || s[0].IsKnown() && s[0].Value == 1 {
		return false
	}
	places := int64(tensor.Elements(s[2:].Ints()))
	return rows*cols > places*(rows+cols)/2
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
		c.Set(1, a.weight(x, dy, w))
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
		c.Set(1, a.weight(dy, x, w))
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
		err = fmt.Errorf("the gradient needs the size of the window, which is not known")
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
