package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "ConvTranspose", Equation: "y[n,m,i·stride+k·dilation−pad] = b[m] + Σ x[n,c,i] · w[c,m,k] over the channels c of m's group",
		Flow:     flow.Flow{Pass: flow.Contracted, Places: flow.Spread},
		Versions: []int64{1, 11, 22}, In: Arity{2, 3}, Out: Arity{1, 1}, Half: true,
		Infer: inferConvTranspose, Work: scatteredWork, Kernel: makeConvTranspose, Grad: gradConvTranspose, Check: Check{Lo: -1, Hi: 1},
	})
}

func inferConvTranspose(c *Infer) error {
	x, w := c.Input(0), c.Input(1)
	s, err := slideOf(c.Node)
	if err != nil {
		return err
	}
	group, err := groupOf(c.Node)
	if err != nil {
		return err
	}
	if s, err = inferKernel(s, w.Shape); s == nil || x.Shape == nil || len(w.Shape) < 3 {
		c.Set(0, x.DType, unknownShape(max(len(x.Shape), len(w.Shape))))
		return err
	}
	if len(x.Shape) != len(w.Shape) {
		return c.InputError(1, "rank %d, want %d as input 0 has", len(w.Shape), len(x.Shape))
	}
	m := graph.Unknown()
	if w.Shape[1].IsKnown() {
		m = graph.Known(w.Shape[1].Value * int64(group))
	}
	shape := graph.Shape{x.Shape[0], m}
	for i, d := range x.Shape[2:] {
		o, err := s.transposedDim(i, d)
		if err != nil {
			return err
		}
		shape = append(shape, o)
	}
	c.Set(0, x.DType, shape)
	return nil
}

func (s *slide) transposedDim(i int, d graph.Dim) (graph.Dim, error) {
	if d.IsKnown() {
		begin, end, err := s.transposedPads(i, int(d.Value))
		n := s.fullSize(i, int(d.Value)) - begin - end
		return graph.Known(int64(n)), err
	}
	if len(s.outShape) > 0 {
		if len(s.outShape) != len(s.kernel) {
			return d, fmt.Errorf("attribute \"output_shape\" has %d elements, want %d", len(s.outShape), len(s.kernel))
		}
		return graph.Known(int64(s.outShape[i])), nil
	}
	grow := s.extent(i) + s.outPad[i] - s.stride[i] // the size is in·stride+grow
	switch {
	case s.same():
		grow = 0
	case s.auto != "VALID":
		grow -= s.pads[i] + s.pads[len(s.kernel)+i]
	}
	return symbol.Of(d).Times(symbol.Int(int64(s.stride[i]))).Plus(symbol.Int(int64(grow))).Dim(), nil
}

// fullSize is the output size of a transposed convolution before padding is
// taken off.
func (s *slide) fullSize(i, in int) int {
	if in == 0 {
		return 0
	}
	return (in-1)*s.stride[i] + s.extent(i) + s.outPad[i]
}

// transposedPads is what a transposed convolution takes off the full output of
// axis i.
func (s *slide) transposedPads(i, in int) (begin, end int, err error) {
	full := s.fullSize(i, in)
	switch {
	case len(s.outShape) > 0:
		if len(s.outShape) != len(s.kernel) {
			return 0, 0, fmt.Errorf("attribute \"output_shape\" has %d elements, want %d", len(s.outShape), len(s.kernel))
		}
		begin, end = s.halveTransposed(full - s.outShape[i])
	case s.same():
		begin, end = s.halveTransposed(full - in*s.stride[i])
	case s.auto == "VALID":
	default:
		begin, end = s.pads[i], s.pads[len(s.kernel)+i]
	}
	if n := full - begin - end; n < 0 || in > slideLimit*slideLimit {
		return 0, 0, fmt.Errorf("spatial axis %d: pads %d, %d remove more than the output size %d", i, begin, end, full)
	}
	return begin, end, nil
}

// halveTransposed splits the padding total of a transposed convolution; a
// negative one adds zeros at the end.
func (s *slide) halveTransposed(total int) (begin, end int) {
	if total <= 0 {
		return 0, total
	}
	begin = total / 2
	if s.auto != "SAME_UPPER" {
		begin = total - begin
	}
	return begin, total - begin
}

func makeConvTranspose(s *Spec) (Kernel, error) {
	slide, err := slideOf(s.Node)
	if err != nil {
		return nil, err
	}
	group, err := groupOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runConvTranspose[float32](x, slide, group) },
		func(x *Call) error { return runConvTranspose[float64](x, slide, group) }), nil
}

func runConvTranspose[T float32 | float64](x *Call, s *slide, group int) error {
	in, w := x.In[0], x.In[1]
	if err := sameType(x, 1, 2); err != nil {
		return err
	}
	switch {
	case in.Rank() < 3:
		return x.InputError(0, "rank %d, want at least 3", in.Rank())
	case w.Rank() != in.Rank():
		return x.InputError(1, "rank %d, want %d", w.Rank(), in.Rank())
	case w.Shape[0] != in.Shape[1]:
		return x.InputError(1, "shape %v, want %d input channels", w.Shape, in.Shape[1])
	}
	m := w.Shape[1] * group
	if err := vectorOf(x, m, 2); err != nil {
		return err
	}
	s, err := s.withKernel(w.Shape[2:])
	if err != nil {
		return err
	}
	win, err := s.transposedWindow(in.Shape[2:])
	if err != nil {
		return err
	}
	g, err := kernel.NewConvGeom(in.Shape[0], in.Shape[1], m, group, win)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, append([]int{in.Shape[0], m}, win.In...)...)
	if err != nil {
		return err
	}
	release, err := x.Hold(in.DType, kernel.ConvTransposeScratch(g))
	if err != nil {
		return err
	}
	defer release()
	kernel.ConvTranspose(x.Parallel, g, tensor.Data[T](in), tensor.Data[T](w), dataOr[T](x, 2), tensor.Data[T](out))
	return nil
}

// transposedWindow is the geometry of the convolution whose adjoint the
// transposed one is: in is its output.
func (s *slide) transposedWindow(in []int) (*kernel.Window, error) {
	rank := len(in)
	out, begin, end := make([]int, rank), make([]int, rank), make([]int, rank)
	for i, d := range in {
		if d > slideLimit*slideLimit {
			return nil, fmt.Errorf("spatial axis %d of size %d is too large", i, d)
		}
		var err error
		if begin[i], end[i], err = s.transposedPads(i, d); err != nil {
			return nil, err
		}
		out[i] = s.fullSize(i, d) - begin[i] - end[i]
	}
	return kernel.NewWindow(out, s.kernel, in, s.stride, s.dilation, begin, end)
}

// ConvTranspose is the transposed convolution of x [N, C, …] by w
// [C, M/group, …] with the bias b [M], which may be Omit; attrs are those of
// ONNX's ConvTranspose.
func ConvTranspose(x, w, b *graph.Value, attrs ...*graph.Attr) *graph.Value {
	return apply("ConvTranspose", attrs, x, w, b)
}
