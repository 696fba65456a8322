package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// convStripes is Conv nodes that run as one (kernel.ConvStripes), each of which reads as
// input 0 what the one before it makes.
type convStripes struct {
	stages []*convolution
	in     []int // the shape of the first one's input, but for the number of images
	group  *kernel.ConvStripes
}

// MakeConvStripes is the kernel of Conv nodes of float32 and constant weights, each of
// which reads as input 0 what the one before it makes, and of which only the last may
// have an Epilogue of more than an activation. Its inputs are those of the nodes one after
// the other, each padded to three, without input 0 of those but the first. The kernel is
// nil where they cannot be run as one or that does not pay, for all that is known of
// their shapes; it gives ErrUnfit in runs where it is of no use.
func MakeConvStripes(specs []ConvSpec) (Kernel, error) {
	c := &convStripes{}
	shape := specs[0].shape(0)
	if len(shape) != 4 || !shape[1:].IsStatic() {
		return nil, nil
	}
	c.in = shape[1:].Ints()
	channels, in := c.in[0], c.in[1:]
	var geoms []*kernel.ConvGeom
	for i, s := range specs {
		w := s.Const[1]
		if w == nil || w.Rank() != 4 || w.DType != tensor.Float32 || s.SpaceToDepth != nil || i < len(specs)-1 && !s.Epilogue.isActivation() {
			return nil, nil
		}
		stage, err := newConvolution(s)
		if err != nil {
			return nil, err
		}
		slide, err := stage.slide.withKernel(w.Shape[2:])
		if err != nil {
			return nil, err
		}
		win, err := slide.window(in)
		if err != nil {
			return nil, err
		}
		g, err := kernel.NewConvGeom(1, channels, w.Shape[0], stage.group, win)
		if err != nil {
			return nil, err
		}
		c.stages, geoms = append(c.stages, stage), append(geoms, g)
		channels, in = g.M, g.Out
	}
	if c.group = kernel.NewConvStripes(geoms...); c.group == nil {
		return nil, nil
	}
	return c.run, nil
}

func (c *convStripes) run(x *Call) error {
	first := x.In[0]
	if first.DType != tensor.Float32 || first.Rank() != 4 || !slices.Equal(first.Shape[1:], c.in) {
		return ErrUnfit
	}
	last := len(c.stages) - 1
	sub, rest := *x, x.In[1:]
	in := first
	operands := make([]kernel.ConvStage, len(c.stages))
	x.Work = 0
	var g *kernel.ConvGeom
	for i, s := range c.stages {
		n := 2
		if i == last {
			n = len(rest)
		}
		sub.In = append([]*tensor.Tensor{in}, rest[:n]...)
		rest = rest[n:]
		var err error
		if g, err = s.geometry(&sub); err != nil {
			return ErrUnfit // the nodes one by one say what is wrong
		}
		operands[i] = kernel.ConvStage{Weight: s.p32, Bias: dataOr[float32](&sub, 2)}
		if s.epilogue != nil {
			operands[i].Act = s.epilogue.act
		}
		in = tensor.NewOutline(tensor.Float32, append([]int{g.N, g.M}, g.Out...)...)
		x.Work += 2 * int64(in.Len()) * int64(tensor.Elements(sub.In[1].Shape[1:]))
	}
	e := c.stages[last].epilogue
	if e != nil {
		if err := e.fit(&sub, in.Shape); err != nil {
			return err
		}
	}
	out, err := x.New(0, tensor.Float32, in.Shape...)
	if err != nil {
		return err
	}
	y := tensor.Data[float32](out)
	var finish kernel.Finish
	if e != nil {
		finish = e.over(&sub, y, g.M, g.OutSize())
	}
	release, err := x.Hold(tensor.Float32, c.group.Scratch())
	if err != nil {
		return err
	}
	defer release()
	c.group.Run(x.Parallel, g.N, tensor.Data[float32](first), operands, y, finish.Then)
	return nil
}

// isActivation reports whether the epilogue is nothing but what the node's kernel can do by
// itself, if anything.
func (e *Epilogue) isActivation() bool { return e == nil || e.act != nil && len(e.Steps) == 0 }
