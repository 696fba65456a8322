package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	for _, p := range []struct {
		name, equation string
		versions       []int64
		reduce         kernel.ReduceOp
		grad           func(c *Grad) error
	}{
		{"GlobalAveragePool", "y[n,c] = mean of x[n,c] over all spatial positions", []int64{1, 22}, kernel.ReduceMean, gradGlobalAveragePool},
		{"GlobalMaxPool", "y[n,c] = max of x[n,c] over all spatial positions", []int64{1, 22}, kernel.ReduceMax, gradGlobalMaxPool},
	} {
		Register(&Op{
			Name: p.name, Equation: p.equation, Versions: p.versions, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow:  flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Merged},
			Infer: inferGlobalPool, Grad: p.grad, Check: Check{Lo: -1, Hi: 1},
			Kernel: func(*Spec) (Kernel, error) {
				return byFloat(
					func(x *Call) error { return runGlobalPool[float32](x, p.reduce) },
					func(x *Call) error { return runGlobalPool[float64](x, p.reduce) }), nil
			},
		})
	}
	Register(&Op{
		Name: "GlobalLpPool", Equation: "y[n,c] = (Σ |x[n,c]|^p)^(1/p) over all spatial positions",
		Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Merged},
		Versions: []int64{1, 2, 22}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
		Infer: inferGlobalPool, Kernel: makeGlobalLpPool, Grad: gradLpPool, Check: Check{Lo: 0.2, Hi: 1},
	})
}

func inferGlobalPool(c *Infer) error {
	x := c.Input(0)
	if x.Shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	if len(x.Shape) < 3 {
		return c.InputError(0, "rank %d, want at least 3", len(x.Shape))
	}
	shape := x.Shape.Clone()
	for i := 2; i < len(shape); i++ {
		shape[i] = graph.Known(1)
	}
	c.Set(0, x.DType, shape)
	return nil
}

// globalOut allocates the output of a global pool and gives the sizes of the
// (planes, positions) view of the input.
func globalOut(x *Call) (out *tensor.Tensor, planes, size int, err error) {
	in := x.In[0]
	if in.Rank() < 3 {
		return nil, 0, 0, x.InputError(0, "rank %d, want at least 3", in.Rank())
	}
	shape := make([]int, in.Rank())
	for i := range shape {
		shape[i] = 1
	}
	copy(shape, in.Shape[:2])
	planes = in.Shape[0] * in.Shape[1]
	if size = tensor.Elements(in.Shape[2:]); size == 0 && planes > 0 {
		return nil, 0, 0, x.InputError(0, "shape %v has no positions to pool over", in.Shape)
	}
	out, err = x.New(0, in.DType, shape...)
	return out, planes, size, err
}

func runGlobalPool[T float32 | float64](x *Call, op kernel.ReduceOp) error {
	out, planes, size, err := globalOut(x)
	if err != nil {
		return err
	}
	kernel.Reduce(x.Parallel, op, tensor.Data[T](out), tensor.Data[T](x.In[0]), planes, size, 1)
	return nil
}

func makeGlobalLpPool(s *Spec) (Kernel, error) {
	order, err := normOrder(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runGlobalLpPool[float32](x, order) },
		func(x *Call) error { return runGlobalLpPool[float64](x, order) }), nil
}

func runGlobalLpPool[T float32 | float64](x *Call, order float64) error {
	out, planes, size, err := globalOut(x)
	if err != nil || planes == 0 {
		return err
	}
	if size > slideLimit {
		return x.InputError(0, "%d positions, want at most %d", size, slideLimit)
	}
	w, err := kernel.NewWindow([]int{size}, []int{size}, nil, nil, nil, nil, nil)
	if err != nil {
		return err
	}
	kernel.LpPool(x.Parallel, w, planes, tensor.Data[T](out), tensor.Data[T](x.In[0]), order)
	return nil
}
