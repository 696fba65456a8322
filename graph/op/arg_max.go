package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	for _, greatest := range []bool{true, false} {
		name, equation := "ArgMin", "y = the index of the least x along an axis"
		if greatest {
			name, equation = "ArgMax", "y = the index of the greatest x along an axis"
		}
		Register(&Op{
			Name: name, Equation: equation, Versions: []int64{1, 11, 12, 13}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow: flow.Flow{Pass: flow.Located, Effect: flow.Peak}, Infer: func(c *Infer) error {
				s, err := reducedShape(c.Input(0).Shape, []int64{c.Node.Int("axis", 0)}, true, 1, c.Node.Int("keepdims", 1) != 0)
				c.Set(0, tensor.Int64, s)
				return err
			},
			Kernel: func(s *Spec) (Kernel, error) { return makeArg(s, greatest), nil },
			NoGrad: "its results are indices, which have no derivative",
		})
	}
}

func makeArg(s *Spec, greatest bool) Kernel {
	axis, keep, last := s.Int("axis", 0), s.Int("keepdims", 1) != 0, s.Int("select_last_index", 0) != 0
	return func(x *Call) error {
		in := x.In[0]
		k, err := Axis(axis, in.Rank())
		if err != nil {
			return err
		}
		shape := append([]int{}, in.Shape[:k]...)
		if keep {
			shape = append(shape, 1)
		}
		shape = append(shape, in.Shape[k+1:]...)
		out, err := x.New(0, tensor.Int64, shape...)
		if err != nil {
			return err
		}
		if in.Shape[k] == 0 && out.Len() > 0 {
			return x.InputError(0, "axis %d is empty", k)
		}
		switch in.DType {
		case tensor.Float32:
			arg[float32](x, out, k, greatest, last)
		case tensor.Float64:
			arg[float64](x, out, k, greatest, last)
		case tensor.Int8:
			arg[int8](x, out, k, greatest, last)
		case tensor.Int16:
			arg[int16](x, out, k, greatest, last)
		case tensor.Int32:
			arg[int32](x, out, k, greatest, last)
		case tensor.Int64:
			arg[int64](x, out, k, greatest, last)
		case tensor.Uint8:
			arg[uint8](x, out, k, greatest, last)
		case tensor.Uint16:
			arg[uint16](x, out, k, greatest, last)
		case tensor.Uint32:
			arg[uint32](x, out, k, greatest, last)
		case tensor.Uint64:
			arg[uint64](x, out, k, greatest, last)
		default:
			return x.InputError(0, "%v, want numbers", in)
		}
		return nil
	}
}

func arg[T number](x *Call, out *tensor.Tensor, axis int, greatest, last bool) {
	outer, n, inner := dimsAround(x.In[0].Shape, axis)
	dst, src := tensor.Data[int64](out), tensor.Data[T](x.In[0])
	switch {
	case len(dst) == 0:
	case greatest:
		kernel.ArgMax(x.Parallel, dst, src, outer, n, inner, last)
	default:
		kernel.ArgMin(x.Parallel, dst, src, outer, n, inner, last)
	}
}

// ArgMax is the index, int64, of the greatest x along axis.
func ArgMax(x *graph.Value, axis int64, keepdims bool) *graph.Value {
	return apply("ArgMax", []*graph.Attr{graph.Int("axis", axis), graph.Int("keepdims", truth(keepdims).N)}, x)
}
