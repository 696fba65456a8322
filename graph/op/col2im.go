package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Col2Im", Equation: "y[n,c,o·stride+k·dilation−pad] += x[n,(c,k),o]", Versions: []int64{18},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{3, 3}, Out: Arity{1, 1}, Half: true, Infer: inferCol2Im, Kernel: makeCol2Im, Grad: gradCol2Im, Check: Check{Lo: -1, Hi: 1},
	})
}

func inferCol2Im(c *Infer) error {
	x, image, block := c.Input(0), c.Input(1), c.Input(2)
	if image.Elems() == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	shape := graph.Shape{graph.Unknown(), graph.Unknown()}
	if len(x.Shape) == 3 {
		shape[0] = x.Shape[0]
		if b, ok := block.Ints(); ok && x.Shape[1].IsKnown() {
			n := int64(1)
			for _, k := range b {
				if k < 1 || k > slideLimit {
					return c.InputError(2, "block size %d is out of range", k)
				}
				if n *= k; n > 1<<40 {
					return c.InputError(2, "the block is too large")
				}
			}
			shape[1] = graph.Known(x.Shape[1].Value / n)
		}
	}
	for _, e := range image.Elems() {
		shape = append(shape, e.Dim())
	}
	c.Set(0, x.DType, shape)
	return nil
}

func makeCol2Im(s *Spec) (Kernel, error) {
	slide, err := slideOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runCol2Im[float32](x, slide) },
		func(x *Call) error { return runCol2Im[float64](x, slide) }), nil
}

func runCol2Im[T float32 | float64](x *Call, s *slide) error {
	image, err := Ints(x.In[1])
	if err != nil {
		return x.InputError(1, "%v", err)
	}
	block, err := Ints(x.In[2])
	if err != nil {
		return x.InputError(2, "%v", err)
	}
	if s, err = s.withKernel(block); err != nil {
		return err
	}
	w, err := s.window(image)
	if err != nil {
		return err
	}
	in := x.In[0]
	if in.Rank() != 3 || in.Shape[1]%w.Taps() != 0 || in.Shape[2] != w.OutSize() {
		return x.InputError(0, "shape %v, want [batch, channels·%d, %d]", in.Shape, w.Taps(), w.OutSize())
	}
	channels := in.Shape[1] / w.Taps()
	out, err := x.New(0, in.DType, append([]int{in.Shape[0], channels}, image...)...)
	if err != nil {
		return err
	}
	if len(image) == 0 {
		return fmt.Errorf("the image has no axes")
	}
	kernel.FoldWindows(x.Parallel, w, in.Shape[0]*channels, tensor.Data[T](out), tensor.Data[T](in))
	return nil
}

// gradCol2Im unfolds the adjoint: a convolution whose weights pick one place
// of the window each.
func gradCol2Im(c *Grad) error {
	t, err := ConstantOf(c.In(2))
	if err != nil {
		return InputError(c.Node, 2, "%v", err)
	}
	block, err := Ints(t)
	if err != nil {
		return InputError(c.Node, 2, "%v", err)
	}
	s, err := slideOf(c.Node)
	if err != nil {
		return err
	}
	if s, err = s.withKernel(block); err != nil {
		return err
	}
	taps, err := tensor.Count(block)
	if err != nil || taps > 1<<10 {
		return InputError(c.Node, 2, "%v is too large for the gradient rule", block)
	}
	eye := make([]float32, taps*taps)
	for i := range taps {
		eye[i*taps+i] = 1
	}
	x, dy := c.In(0), c.Dy[0]
	if dy == nil || len(dy.Shape()) != 2+len(block) {
		return fmt.Errorf("the gradient needs the rank of the image, which is not known")
	}
	w := Cast(Const(x.Graph(), "const", tensor.Of(append([]int{taps, 1}, block...), eye)), x.Type.DType)
	n := len(block)
	a := &adjointConv{slide: s, group: 1}
	cols := Conv(planes(dy), w, Omit, a.attrs(s.stride, s.dilation, s.pads[:n], s.pads[n:])...)
	c.Set(0, ReshapeTo(cols, shapeOf(x)))
	return nil
}
