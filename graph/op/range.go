package op

import (
	"errors"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Range", Equation: "y_i = start + i·delta, below limit (above it for a negative delta)", Versions: []int64{11, 27},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{3, 3}, Out: Arity{1, 1}, Half: true,
		Infer: func(c *Infer) error {
			d := c.Input(0).DType
			c.Set(0, d, unknownShape(1))
			start, limit, delta := numAt(c.Input(0).elems(), 0), numAt(c.Input(1).elems(), 0), numAt(c.Input(2).elems(), 0)
			if n := limit.Minus(start); delta.Known && delta.N == 1 && n.IsNonNegative() {
				c.Set(0, d, graph.Shape{n.Dim()})
			}
			return nil
		},
		Kernel: func(*Spec) (Kernel, error) {
			return func(x *Call) error {
				for i, t := range x.In {
					if t.Len() != 1 || t.DType != x.In[0].DType {
						return x.InputError(i, "%v, want one element of type %v", t, x.In[0].DType)
					}
				}
				switch x.In[0].DType {
				case tensor.Float32:
					return floatRange[float32](x)
				case tensor.Float64:
					return floatRange[float64](x)
				case tensor.Int16:
					return intRange[int16](x)
				case tensor.Int32:
					return intRange[int32](x)
				case tensor.Int64:
					return intRange[int64](x)
				}
				return x.InputError(0, "%v, want numbers", x.In[0])
			}, nil
		},
		// dstart = Σ dy, ddelta = Σ i·dy; limit only sets how many there are.
		Grad: func(c *Grad) error {
			dy := c.Dy[0]
			if c.Needs(0) {
				c.Set(0, ReduceSum(dy, []int64{0}, false))
			}
			if c.Needs(2) {
				i := Div(Sub(c.Out(0), c.In(0)), c.In(2))
				c.Set(2, ReduceSum(Mul(dy, i), []int64{0}, false))
			}
			return nil
		},
		Check: Check{Lo: 0.5, Hi: 0.9},
	})
}

var errRange = errors.New("the range is infinite")

func floatRange[T float32 | float64](x *Call) error {
	start, limit, delta := tensor.Data[T](x.In[0])[0], tensor.Data[T](x.In[1])[0], tensor.Data[T](x.In[2])[0]
	n := math.Ceil((float64(limit) - float64(start)) / float64(delta))
	if math.IsNaN(n) || n > tensor.MaxElems {
		return errRange
	}
	out, err := x.New(0, x.In[0].DType, int(max(n, 0)))
	if err != nil {
		return err
	}
	for i := range tensor.Data[T](out) {
		tensor.Data[T](out)[i] = start + T(i)*delta
	}
	return nil
}

func intRange[T int16 | int32 | int64](x *Call) error {
	start, limit, delta := tensor.Data[T](x.In[0])[0], tensor.Data[T](x.In[1])[0], tensor.Data[T](x.In[2])[0]
	var n uint64
	switch {
	case delta == 0:
		return errRange
	case delta > 0 && limit > start:
		n = (uint64(limit)-uint64(start)-1)/uint64(delta) + 1
	case delta < 0 && limit < start:
		n = (uint64(start)-uint64(limit)-1)/-uint64(delta) + 1
	}
	if n > tensor.MaxElems {
		return errRange
	}
	out, err := x.New(0, x.In[0].DType, int(n))
	if err != nil {
		return err
	}
	dst := tensor.Data[T](out)
	for i := range dst {
		dst[i] = start
		start += delta
	}
	return nil
}

// Range is start, start+delta, … below limit; all are scalars of one type.
func Range(start, limit, delta *graph.Value) *graph.Value {
	return apply("Range", nil, start, limit, delta)
}
