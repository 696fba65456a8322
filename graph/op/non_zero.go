package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "NonZero", Equation: "y = the indices of the elements of x that are not 0, a column each", Versions: []int64{9, 13},
			Flow: flow.Flow{Pass: flow.Conditioned}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				s := unknownShape(2)
				if in := c.Input(0).Shape; in != nil {
					s[0] = graph.Known(int64(len(in)))
				}
				c.Set(0, tensor.Int64, s)
				return nil
			},
			Kernel: func(*Spec) (Kernel, error) { return nonZero, nil },
			NoGrad: "its results are indices, which have no derivative"},
		&Op{Name: "Compress", Equation: "y = the slices of x along an axis (or its elements) where the condition holds", Versions: []int64{9, 11},
			Flow: flow.Flow{Pass: flow.Selected}, In: Arity{2, 2}, Out: Arity{1, 1}, Infer: inferCompress,
			Kernel: func(s *Spec) (Kernel, error) {
				axis, along := s.Int("axis", 0), s.Has("axis")
				return func(x *Call) error { return compress(x, axis, along) }, nil
			},
			Grad: gradCompress, Check: Check{Lo: -2, Hi: 2}},
	)
}

func nonZero(x *Call) error {
	in := x.In[0]
	b, err := convert(x, in, tensor.Bool, rounding{})
	if err != nil {
		return x.InputError(0, "%v", err)
	}
	defer dropTemp(x, b, in)
	flags := tensor.Data[bool](b)
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	rank := in.Rank()
	out, err := x.New(0, tensor.Int64, rank, n)
	if err != nil {
		return err
	}
	dst := tensor.Data[int64](out)
	k := 0
	for i, f := range flags {
		if !f {
			continue
		}
		rest := i
		for d := rank - 1; d >= 0; d-- {
			dst[d*n+k] = int64(rest % in.Shape[d])
			rest /= in.Shape[d]
		}
		k++
	}
	return nil
}

func inferCompress(c *Infer) error {
	x := c.Input(0)
	if c.Node.Attr("axis") == nil {
		c.Set(0, x.DType, unknownShape(1))
		return nil
	}
	s := x.Shape.Clone()
	if s != nil {
		k, err := Axis(c.Node.Int("axis", 0), len(s))
		if err != nil {
			return err
		}
		s[k] = graph.Unknown()
	}
	c.Set(0, x.DType, s)
	return nil
}

func compress(x *Call, axis int64, along bool) error {
	in := x.In[0]
	if !along {
		flat, err := in.Reshape(in.Len())
		if err != nil {
			return err
		}
		in, axis = flat, 0
	}
	k, err := Axis(axis, in.Rank())
	if err != nil {
		return err
	}
	cond := x.In[1]
	if cond.DType != tensor.Bool || cond.Rank() != 1 || cond.Len() > in.Shape[k] {
		return x.InputError(1, "%v, want at most %d truth values", cond, in.Shape[k])
	}
	var index []int64
	for i, c := range tensor.Data[bool](cond) {
		if c {
			index = append(index, int64(i))
		}
	}
	return take(x, 0, in, k, index)
}

// take makes output i the slices of in along axis that index names.
func take(x *Call, i int, in *tensor.Tensor, axis int, index []int64) error {
	shape := append([]int{}, in.Shape...)
	shape[axis] = len(index)
	out, err := x.New(i, in.DType, shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	outer, n, inner := dimsAround(in.Shape, axis)
	par := x.Parallel
	mover{
		func(d, s []uint8) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
		func(d, s []uint16) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
		func(d, s []uint32) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
		func(d, s []uint64) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
		func(d, s []complex128) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
		func(d, s []string) { err = kernel.Gather(par, d, s, outer, n, inner, index) },
	}.run(out, in)
	return err
}

// gradCompress reads the adjoint, with a slice of zeros behind it, at the place
// of each slice of x: its number among the chosen ones, or the zeros.
func gradCompress(c *Grad) error {
	x, dy := c.In(0), c.Dy[0]
	axis, whole := c.Node.Int("axis", 0), c.Node.Attr("axis") == nil
	flat := x
	if whole {
		flat, axis = Reshape(x, -1), 0
	}
	if flat == nil || flat.Shape() == nil {
		return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
	}
	k, err := Axis(axis, len(flat.Shape()))
	if err != nil {
		return err
	}
	rank := len(flat.Shape())
	zeros := make([]int64, 2*rank)
	zeros[rank+k] = 1
	one := Const(x.Graph(), "one", tensor.Vector[int64](1))
	zero := Const(x.Graph(), "zero", tensor.Vector[int64](0))
	chosen := Cast(c.In(1), tensor.Int64)
	// The condition may be shorter than the axis.
	chosen = padValues(chosen, []*graph.Value{zero, Sub(dimOf(flat, k), Shape(chosen))})
	last := Const(x.Graph(), "axis", tensor.Scalar[int64](0))
	number := Sub(Mul(chosen, apply("CumSum", nil, chosen, last)), one)
	dx := Gather(Pad(dy, zeros...), number, k)
	if whole {
		dx = ReshapeTo(dx, shapeOf(x))
	}
	c.Set(0, dx)
	return nil
}
