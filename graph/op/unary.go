package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// unary is a row of the family y = f(x), element by element, on floats. grad
// gives the adjoint of x from x, y and the adjoint of y.
type unary struct {
	name, equation string
	versions       []int64
	f32            func(dst, x []float32)
	f64            func(dst, x []float64)
	grad           func(x, y, dy *graph.Value) *graph.Value
	noGrad         string
	check          Check
}

func init() {
	for _, u := range []unary{
		{"Neg", "y = −x", []int64{1, 6, 13}, kernel.Neg[float32], kernel.Neg[float64],
			func(_, _, dy *graph.Value) *graph.Value { return Neg(dy) }, "", Check{Lo: -2, Hi: 2}},
		{"Exp", "y = exp(x)", []int64{1, 6, 13}, kernel.Exp[float32], kernel.Exp[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Mul(dy, y) }, "", Check{Lo: -2, Hi: 2}},
		{"Log", "y = ln(x)", []int64{1, 6, 13}, kernel.Log[float32], kernel.Log[float64],
			func(x, _, dy *graph.Value) *graph.Value { return Div(dy, x) }, "", Check{Lo: 0.1, Hi: 3}},
		{"Sigmoid", "y = 1/(1+exp(-x))", []int64{1, 6, 13}, kernel.Sigmoid[float32], kernel.Sigmoid[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Mul(dy, Mul(y, Sub(Like(y, 1), y))) }, "", Check{Lo: -4, Hi: 4}},
		{"Floor", "y = ⌊x⌋", []int64{1, 6, 13}, kernel.Floor[float32], kernel.Floor[float64],
			nil, "piecewise constant", Check{}},
	} {
		Register(u.row())
	}
}

func (u unary) row() *Op {
	o := &Op{
		Name: u.name, Equation: u.equation, Versions: u.versions, In: Arity{1, 1}, Out: Arity{1, 1},
		Infer: SameAsInput, Half: true, NoGrad: u.noGrad, Check: u.check,
		Kernel: func(*Spec) (Kernel, error) { return elementwise(u.f32, u.f64), nil },
	}
	if u.grad != nil {
		o.Grad = func(c *Grad) error {
			c.Set(0, u.grad(c.In(0), c.Out(0), c.Dy[0]))
			return nil
		}
	}
	return o
}

// elementwise is the kernel of a map over the floats of input 0.
func elementwise(f32 func(dst, x []float32), f64 func(dst, x []float64)) Kernel {
	return func(x *Call) error {
		switch in := x.In[0]; in.DType {
		case tensor.Float32:
			return mapTo(x, f32)
		case tensor.Float64:
			return mapTo(x, f64)
		default:
			return x.InputError(0, "%v, want floats", in)
		}
	}
}

// mapTo runs f over input 0 into output 0.
func mapTo[D, S tensor.Elem](x *Call, f func(dst []D, x []S)) error {
	out, err := x.New(0, tensor.TypeOf[D](), x.In[0].Shape...)
	if err != nil {
		return err
	}
	kernel.Unary(x.Parallel, f, tensor.Data[D](out), tensor.Data[S](x.In[0]))
	return nil
}

// Neg is −x, element by element.
func Neg(x *graph.Value) *graph.Value { return apply("Neg", nil, x) }

// Exp is exp(x), element by element.
func Exp(x *graph.Value) *graph.Value { return apply("Exp", nil, x) }

// Log is ln(x), element by element.
func Log(x *graph.Value) *graph.Value { return apply("Log", nil, x) }

// Sigmoid is 1/(1+exp(-x)), element by element.
func Sigmoid(x *graph.Value) *graph.Value { return apply("Sigmoid", nil, x) }
