package op

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Conv", Equation: "y[n,m,o] = b[m] + Σ x[n,c,o·stride+k·dilation−pad] · w[m,c,k] over the channels c of m's group and kernel positions k",
		Flow:     flow.Flow{Pass: flow.Contracted, Places: flow.Strided},
		Versions: []int64{1, 11, 22}, In: Arity{2, 3}, Out: Arity{1, 1}, Half: true,
		Infer: inferConv, Work: productWork(1), Kernel: func(s *Spec) (Kernel, error) { return makeConv(ConvSpec{Spec: s}) }, Grad: gradConv, Check: Check{Lo: -1, Hi: 1},
	})
}

func inferConv(c *Infer) error {
	x, w := c.Input(0), c.Input(1)
	s, err := slideOf(c.Node)
	if err != nil {
		return err
	}
	d := x.DType
	if x.Shape == nil && w.Shape == nil {
		c.Set(0, d, nil)
		return nil
	}
	if x.Shape != nil && w.Shape != nil && len(x.Shape) != len(w.Shape) {
		return c.InputError(1, "rank %d, want %d as input 0 has", len(w.Shape), len(x.Shape))
	}
	if s, err = inferKernel(s, w.Shape); s == nil || x.Shape == nil || w.Shape == nil {
		c.Set(0, d, unknownShape(max(len(x.Shape), len(w.Shape))))
		return err
	}
	if len(x.Shape) < 3 {
		return c.InputError(0, "rank %d, want at least 3", len(x.Shape))
	}
	shape, err := s.infer(x.Shape[0], w.Shape[0], x.Shape[2:])
	c.Set(0, d, shape)
	return err
}

// inferKernel is s with the spatial size of the weight's shape, or that of
// the attribute where the weight's is unknown; nil if neither is known.
func inferKernel(s *slide, weight graph.Shape) (*slide, error) {
	if len(weight) > 2 && weight[2:].IsStatic() {
		return s.withKernel(weight[2:].Ints())
	}
	if s.kernel != nil {
		return s.withKernel(s.kernel)
	}
	return nil, nil
}

// unknownShape is a shape of the given rank and nothing else known.
func unknownShape(rank int) graph.Shape {
	s := make(graph.Shape, rank)
	for i := range s {
		s[i] = graph.Unknown()
	}
	return s
}

// convolution is a Conv node at plan time.
type convolution struct {
	slide        *slide
	group        int
	epilogue     *Epilogue
	spaceToDepth *SpaceToDepth
	p32          *kernel.PackedConv[float32]
	p64          *kernel.PackedConv[float64]
	kept         atomic.Pointer[keptGeometry]
}

// keptGeometry is what shapes of the input and the weight give.
type keptGeometry struct {
	in, weight []int
	*kernel.ConvGeom
}

// ConvSpec is a Conv, and what it does beside.
type ConvSpec struct {
	*Spec
	// Epilogue is what the kernel does with its output, which it gives ErrUnfit for where
	// operands are not float32 or not of the shapes that it takes; nil is nothing.
	Epilogue *Epilogue
	// SpaceToDepth is what the kernel reads in the place of its input 0; nil is nothing. It
	// gives ErrUnfit where that is not of the shapes it takes.
	SpaceToDepth *SpaceToDepth
}

// MakeConv is the kernel of s, whose Spec Make has taken.
func MakeConv(s ConvSpec) (Kernel, error) {
	k, err := makeConv(s)
	if err != nil {
		return nil, err
	}
	if s.Epilogue != nil {
		return tensorsOnly(float32Only(k)), nil
	}
	return tensorsOnly(viaFloat32(k)), nil
}

// float32Only is a kernel with an Epilogue, whose steps know no other type.
func float32Only(k Kernel) Kernel {
	return func(x *Call) error {
		for _, t := range x.In {
			if t != nil && t.DType != tensor.Float32 {
				return ErrUnfit
			}
		}
		return k(x)
	}
}

func makeConv(s ConvSpec) (Kernel, error) {
	c, err := newConvolution(s)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runConv(x, c, c.p32) },
		func(x *Call) error { return runConv(x, c, c.p64) }), nil
}

func newConvolution(s ConvSpec) (*convolution, error) {
	c := &convolution{epilogue: s.Epilogue, spaceToDepth: s.SpaceToDepth}
	var err error
	if c.slide, err = slideOf(s.Node); err != nil {
		return nil, err
	}
	if c.group, err = groupOf(s.Node); err != nil {
		return nil, err
	}
	w := s.Const[1]
	if c.spaceToDepth != nil {
		if c.group != 1 {
			return nil, errors.New("groups do not read all parts")
		}
		if c.slide, err = c.spaceToDepth.slide(c.slide); err != nil {
			return nil, err
		}
		if w, err = c.spaceToDepth.weight(w); err != nil {
			return nil, err
		}
	}
	if w != nil && w.Rank() > 2 && w.Len() > 0 {
		switch w.DType {
		case tensor.Float32:
			c.p32, err = packConv[float32](s.Spec, c, w)
		case tensor.Float64:
			c.p64, err = packConv[float64](s.Spec, c, w)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// convWeight is the key of a packed weight.
type convWeight struct {
	weight       *graph.Value
	group        int
	direct       bool
	spaceToDepth string
}

// packConv orders a constant weight as the loops read it.
func packConv[T float32 | float64](s *Spec, c *convolution, w *tensor.Tensor) (*kernel.PackedConv[T], error) {
	slide, err := c.slide.withKernel(w.Shape[2:])
	if err != nil {
		return nil, err
	}
	least := make([]int, len(slide.kernel))
	for i := range least {
		least[i] = slide.extent(i)
	}
	win, err := kernel.NewWindow(least, slide.kernel, nil, slide.stride, slide.dilation, nil, nil)
	if err != nil {
		return nil, err
	}
	g, err := kernel.NewConvGeom(1, w.Shape[1]*c.group, w.Shape[0], c.group, win)
	if err != nil {
		return nil, err
	}
	var elems []T // which may have been taken already
	if !w.IsOutline() {
		elems = tensor.Data[T](w)
	}
	packed := share(s, convWeight{s.Node.Inputs[1], c.group, s.Direct, c.spaceToDepth.String()}, func() *kernel.PackedConv[T] {
		return kernel.NewPackedConv[T](g, s.Direct)
	})
	if !packed.IsRaw() {
		s.take(1)
	}
	if in := s.shape(0); len(in) == w.Rank() && in[2:].IsStatic() {
		if win, err := slide.window(in[2:].Ints()); err == nil {
			if g, err := kernel.NewConvGeom(1, g.C, g.M, c.group, win); err == nil {
				packed.For(s.Parallel, g, elems)
				return packed, nil
			}
		}
	}
	packed.ForAny(s.Parallel, g, elems)
	return packed, nil
}

// groupOf is the attribute group, 1 to 2²⁰.
func groupOf(n *graph.Node) (int, error) {
	g := n.Int("group", 1)
	if g < 1 || g > slideLimit {
		return 0, attrError("group", g, "1 to 2^20")
	}
	return int(g), nil
}

// geometry is that of a run, kept for the next one of the same shapes.
func (c *convolution) geometry(x *Call) (*kernel.ConvGeom, error) {
	in, w := x.In[0], x.In[1].Shape
	if err := sameType(x, 1, 2); err != nil {
		return nil, err
	}
	if k := c.kept.Load(); k != nil && slices.Equal(k.in, in.Shape) && slices.Equal(k.weight, w) {
		return k.ConvGeom, vectorOf(x, k.M, 2)
	}
	kept := &keptGeometry{in: slices.Clone(in.Shape), weight: slices.Clone(w)}
	if c.spaceToDepth != nil {
		if !c.spaceToDepth.fits(in.Shape) {
			return nil, ErrUnfit
		}
		w = c.spaceToDepth.weightShape(w)
	}
	switch {
	case in.Rank() < 3:
		return nil, x.InputError(0, "rank %d, want at least 3", in.Rank())
	case len(w) != in.Rank():
		return nil, x.InputError(1, "rank %d, want %d", len(w), in.Rank())
	case in.Shape[1]%c.group != 0 || w[1] != in.Shape[1]/c.group:
		return nil, x.InputError(1, "shape %v, want %d input channels (%d in %d groups)", w, in.Shape[1]/c.group, in.Shape[1], c.group)
	}
	if err := vectorOf(x, w[0], 2); err != nil {
		return nil, err
	}
	s, err := c.slide.withKernel(w[2:])
	if err != nil {
		return nil, err
	}
	win, err := s.window(in.Shape[2:])
	if err != nil {
		return nil, err
	}
	if kept.ConvGeom, err = kernel.NewConvGeom(in.Shape[0], in.Shape[1], w[0], c.group, win); err != nil {
		return nil, err
	}
	c.kept.Store(kept)
	return kept.ConvGeom, nil
}

func runConv[T float32 | float64](x *Call, c *convolution, packed *kernel.PackedConv[T]) error {
	in := x.In[0]
	g, err := c.geometry(x)
	if err != nil {
		return err
	}
	if c.spaceToDepth != nil && packed == nil {
		return ErrUnfit
	}
	shape := append([]int{g.N, g.M}, g.Out...)
	if c.epilogue != nil {
		if err := c.epilogue.fit(x, shape); err != nil {
			return err
		}
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	var finish kernel.Finish
	if c.epilogue != nil {
		finish = c.epilogue.over(x, tensor.Data[float32](out), g.M, g.OutSize())
	}
	release, err := x.Hold(in.DType, kernel.ConvScratch(g, packed))
	if err != nil {
		return err
	}
	defer release()
	if packed != nil {
		kernel.ConvPacked(x.Parallel, g, tensor.Data[T](in), packed, dataOr[T](x, 2), tensor.Data[T](out), finish)
		return nil
	}
	kernel.Conv(x.Parallel, g, tensor.Data[T](in), tensor.Data[T](x.In[1]), dataOr[T](x, 2), tensor.Data[T](out), finish)
	return nil
}

// Conv is the convolution of x [N, C, …] by w [M, C/group, …] with the bias b
// [M], which may be Omit; attrs are those of ONNX's Conv.
func Conv(x, w, b *graph.Value, attrs ...*graph.Attr) *graph.Value {
	return apply("Conv", attrs, x, w, b)
}
