package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "SwiGLU", Equation: "y = a/(1+exp(−α·a)) · b", Versions: []int64{28}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
		Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
			if err := sameTypes(c); err != nil {
				return err
			}
			return SameAsInput(c)
		},
		Kernel: func(s *Spec) (Kernel, error) {
			alpha := s.Float("alpha", 1)
			return byFloat(
				func(x *Call) error { return runSwiGLU[float32](x, alpha) },
				func(x *Call) error { return runSwiGLU[float64](x, alpha) }), nil
		},
		Grad: func(c *Grad) error {
			a, dy := c.In(0), c.Dy[0]
			alpha := float64(c.Node.Float("alpha", 1))
			if c.Needs(0) {
				c.Set(0, Mul(Mul(dy, c.In(1)), swishDerivative(a, alpha)))
			}
			if c.Needs(1) {
				c.Set(1, Mul(dy, Mul(a, Sigmoid(Mul(Like(a, alpha), a)))))
			}
			return nil
		},
		Check: Check{Lo: -3, Hi: 3},
	})
}

// swishDerivative is the derivative of x·σ(αx).
func swishDerivative(x *graph.Value, alpha float64) *graph.Value {
	ax := Mul(Like(x, alpha), x)
	s := Sigmoid(ax)
	return Mul(s, Add(Like(x, 1), Mul(ax, Sub(Like(x, 1), s))))
}

func runSwiGLU[T float32 | float64](x *Call, alpha float64) error {
	if err := sameType(x, 1); err != nil {
		return err
	}
	a, b := x.In[0], x.In[1]
	if !sameShape(a.Shape, b.Shape) {
		return x.InputError(1, "shape %v, want %v as input 0 has", b.Shape, a.Shape)
	}
	out, err := x.New(0, a.DType, a.Shape...)
	if err != nil {
		return err
	}
	dst, gate, value := tensor.Data[T](out), tensor.Data[T](a), tensor.Data[T](b)
	x.Parallel(len(dst), 1<<12, func(lo, hi int) {
		kernel.Swish(dst[lo:hi], gate[lo:hi], alpha)
		for i, v := range value[lo:hi] {
			dst[lo+i] *= v
		}
	})
	return nil
}
