package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "CumSum", Equation: "y_i = Σ x_k for k ≤ i along an axis (k < i if exclusive, from the end if reverse)",
			Flow:     flow.Flow{Pass: flow.Mapped},
			Versions: []int64{11, 14}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeCumulate,
			Grad: func(c *Grad) error {
				c.Set(0, cumulateBack(c, c.Dy[0]))
				return nil
			},
			Check: Check{Lo: -2, Hi: 2}},
		// The adjoint divides by x: it has no value where x is 0.
		&Op{Name: "CumProd", Equation: "y_i = Π x_k for k ≤ i along an axis (k < i if exclusive, from the end if reverse)",
			Flow:     flow.Flow{Pass: flow.Mapped},
			Versions: []int64{26}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeCumulate,
			Grad: func(c *Grad) error {
				c.Set(0, Div(cumulateBack(c, Mul(c.Dy[0], c.Out(0))), c.In(0)))
				return nil
			},
			Check: Check{Lo: 0.5, Hi: 2}},
	)
}

// cumulateBack is the sum of v in the other direction than the node's.
func cumulateBack(c *Grad, v *graph.Value) *graph.Value {
	return apply("CumSum", []*graph.Attr{
		graph.Int("exclusive", c.Node.Int("exclusive", 0)),
		graph.Int("reverse", truth(c.Node.Int("reverse", 0) == 0).N),
	}, v, c.In(1))
}

func makeCumulate(s *Spec) (Kernel, error) {
	exclusive, reverse, sum := s.Int("exclusive", 0) != 0, s.Int("reverse", 0) != 0, s.Node.Op == "CumSum"
	return func(x *Call) error {
		at, err := intOf(x, 1)
		if err != nil {
			return err
		}
		axis, err := Axis(at, x.In[0].Rank())
		if err != nil {
			return x.InputError(1, "%v", err)
		}
		switch x.In[0].DType {
		case tensor.Float32:
			return cumulate[float32](x, axis, sum, exclusive, reverse)
		case tensor.Float64:
			return cumulate[float64](x, axis, sum, exclusive, reverse)
		case tensor.Int32:
			return cumulate[int32](x, axis, sum, exclusive, reverse)
		case tensor.Int64:
			return cumulate[int64](x, axis, sum, exclusive, reverse)
		case tensor.Uint32:
			return cumulate[uint32](x, axis, sum, exclusive, reverse)
		case tensor.Uint64:
			return cumulate[uint64](x, axis, sum, exclusive, reverse)
		}
		return x.InputError(0, "%v is not a type that %s takes", x.In[0], x.Node.Op)
	}, nil
}

func cumulate[T number](x *Call, axis int, sum, exclusive, reverse bool) error {
	in := x.In[0]
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	outer, n, inner := dimsAround(in.Shape, axis)
	if sum {
		kernel.CumSum(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, n, inner, exclusive, reverse)
	} else {
		kernel.CumProd(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, n, inner, exclusive, reverse)
	}
	return nil
}
