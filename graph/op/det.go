package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Det", Equation: "y = determinant of the square matrices in the last two axes", Versions: []int64{11, 22},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true, Infer: inferDet, NoGrad: "its adjoint needs the inverse matrix, which ONNX has no operator for",
		Kernel: func(*Spec) (Kernel, error) { return byFloat(runDet[float32], runDet[float64]), nil },
	})
}

func inferDet(c *Infer) error {
	s := c.Input(0).Shape
	if s == nil {
		c.Set(0, c.Input(0).DType, nil)
		return nil
	}
	if len(s) < 2 {
		return c.InputError(0, "rank %d, want at least 2", len(s))
	}
	c.Set(0, c.Input(0).DType, s[:len(s)-2].Clone())
	return nil
}

func runDet[T float32 | float64](x *Call) error {
	in := x.In[0]
	r := in.Rank()
	if r < 2 || in.Shape[r-1] != in.Shape[r-2] {
		return x.InputError(0, "shape %v, want square matrices", in.Shape)
	}
	n := in.Shape[r-1]
	out, err := x.New(0, in.DType, in.Shape[:r-2]...)
	if err != nil {
		return err
	}
	src, dst := tensor.Data[T](in), tensor.Data[T](out)
	x.Parallel(len(dst), 1, func(lo, hi int) {
		m := make([]float64, n*n)
		for t := lo; t < hi; t++ {
			for i := range m {
				m[i] = float64(src[t*n*n+i])
			}
			dst[t] = T(determinant(m, n))
		}
	})
	return nil
}

// determinant is that of the n×n matrix m, by elimination with row pivots; m
// is overwritten.
func determinant(m []float64, n int) float64 {
	det := 1.0
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(m[i*n+k]) > math.Abs(m[p*n+k]) {
				p = i
			}
		}
		pivot := m[p*n+k]
		if pivot == 0 {
			return 0
		}
		if p != k {
			det = -det
			for j := k; j < n; j++ {
				m[k*n+j], m[p*n+j] = m[p*n+j], m[k*n+j]
			}
		}
		det *= pivot
		for i := k + 1; i < n; i++ {
			f := m[i*n+k] / pivot
			for j := k; j < n; j++ {
				m[i*n+j] -= f * m[k*n+j]
			}
		}
	}
	return det
}
