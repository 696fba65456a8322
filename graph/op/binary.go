package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// arithmetic is a row of the family z = f(x, y) with broadcasting, on numbers.
type arithmetic struct {
	name, equation string
	versions       []int64
	run            func(x *Call) error
	elems          func(a, b int64) (int64, bool) // on the elements of shapes
	grad           func(c *Grad, x, y, z, dz *graph.Value)
	check          Check
}

func init() {
	for _, a := range []arithmetic{
		{"Add", "z = x + y", []int64{1, 6, 7, 13, 14}, numbers(numberRows{kernel.Add[float32], kernel.Add[float64], kernel.Add[int64], kernel.Add[int32]}),
			func(a, b int64) (int64, bool) { return a + b, true },
			func(c *Grad, x, y, z, dz *graph.Value) { c.Set(0, dz); c.Set(1, dz) }, Check{Lo: -2, Hi: 2}},
		{"Sub", "z = x − y", []int64{1, 6, 7, 13, 14}, numbers(numberRows{kernel.Sub[float32], kernel.Sub[float64], kernel.Sub[int64], kernel.Sub[int32]}),
			func(a, b int64) (int64, bool) { return a - b, true },
			func(c *Grad, x, y, z, dz *graph.Value) {
				c.Set(0, dz)
				if c.Needs(1) {
					c.Set(1, Neg(dz))
				}
			}, Check{Lo: -2, Hi: 2}},
		{"Mul", "z = x · y", []int64{1, 6, 7, 13, 14}, numbers(numberRows{kernel.Mul[float32], kernel.Mul[float64], kernel.Mul[int64], kernel.Mul[int32]}),
			func(a, b int64) (int64, bool) { return a * b, true },
			func(c *Grad, x, y, z, dz *graph.Value) {
				if c.Needs(0) {
					c.Set(0, Mul(dz, y))
				}
				if c.Needs(1) {
					c.Set(1, Mul(dz, x))
				}
			}, Check{Lo: -2, Hi: 2}},
		{"Div", "z = x / y, truncated for integers", []int64{1, 6, 7, 13, 14}, numbers(numberRows{kernel.Div[float32], kernel.Div[float64], kernel.DivInt[int64], kernel.DivInt[int32]}),
			func(a, b int64) (int64, bool) {
				if b == 0 {
					return 0, false
				}
				return a / b, true
			},
			func(c *Grad, x, y, z, dz *graph.Value) {
				if c.Needs(0) {
					c.Set(0, Div(dz, y))
				}
				if c.Needs(1) {
					c.Set(1, Neg(Div(Mul(dz, z), y)))
				}
			}, Check{Lo: 0.5, Hi: 2}},
	} {
		Register(&Op{
			Name: a.name, Equation: a.equation, Versions: a.versions, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Infer:  func(c *Infer) error { return inferArithmetic(c, a.elems) },
			Kernel: func(*Spec) (Kernel, error) { return a.run, nil },
			Grad: func(c *Grad) error {
				a.grad(c, c.In(0), c.In(1), c.Out(0), c.Dy[0])
				return nil
			},
			Check: a.check,
		})
	}
}

// inferBroadcast gives output 0 element type d and the joint shape of inputs 0
// and 1.
func inferBroadcast(c *Infer, d tensor.DType) error {
	s, err := Broadcast(c.Input(0).Shape, c.Input(1).Shape)
	if err != nil {
		return err
	}
	c.Set(0, d, s)
	return nil
}

func inferArithmetic(c *Infer, f func(a, b int64) (int64, bool)) error {
	a, b := c.Input(0), c.Input(1)
	if a.Kind == graph.TensorKind && b.Kind == graph.TensorKind && a.DType != b.DType {
		return c.InputError(1, "%v, want %v as input 0 has", b.DType, a.DType)
	}
	if err := inferBroadcast(c, a.DType); err != nil {
		return err
	}
	x, y := a.Elems, b.Elems
	if x == nil || y == nil || len(x) != len(y) && len(x) != 1 && len(y) != 1 {
		return nil
	}
	out := make([]Num, max(len(x), len(y)))
	for i := range out {
		p, q := x[i%len(x)], y[i%len(y)]
		if p.Known && q.Known {
			if n, ok := f(p.N, q.N); ok {
				out[i] = Number(n)
			}
		}
	}
	c.SetElems(0, out)
	return nil
}

// numberRows are the loops of one operation for the common element types.
type numberRows struct {
	f32 func() kernel.Rows[float32, float32]
	f64 func() kernel.Rows[float64, float64]
	i64 func() kernel.Rows[int64, int64]
	i32 func() kernel.Rows[int32, int32]
}

func numbers(r numberRows) func(x *Call) error {
	f32, f64, i64, i32 := r.f32(), r.f64(), r.i64(), r.i32()
	return func(x *Call) error {
		a, b := x.In[0], x.In[1]
		if a.DType != b.DType {
			return x.InputError(1, "%v, want %v as input 0 has", b.DType, a.DType)
		}
		switch a.DType {
		case tensor.Float32:
			return broadcastTo(x, f32)
		case tensor.Float64:
			return broadcastTo(x, f64)
		case tensor.Int64:
			return broadcastTo(x, i64)
		case tensor.Int32:
			return broadcastTo(x, i32)
		}
		return x.InputError(0, "%v, want numbers", a)
	}
}

// broadcastTo runs rows over inputs 0 and 1 into output 0.
func broadcastTo[D, S tensor.Elem](x *Call, rows kernel.Rows[D, S]) error {
	a, b := x.In[0], x.In[1]
	shape, err := BroadcastShapes(a.Shape, b.Shape)
	if err != nil {
		return err
	}
	out, err := x.New(0, tensor.TypeOf[D](), shape...)
	if err != nil {
		return err
	}
	sa, _ := kernel.BroadcastStrides(shape, a.Shape)
	sb, _ := kernel.BroadcastStrides(shape, b.Shape)
	kernel.Broadcast(x.Parallel, shape, tensor.Data[D](out), tensor.Data[S](a), sa, tensor.Data[S](b), sb, rows)
	return nil
}

// Add is x + y with broadcasting.
func Add(x, y *graph.Value) *graph.Value { return apply("Add", nil, x, y) }

// Sub is x − y with broadcasting.
func Sub(x, y *graph.Value) *graph.Value { return apply("Sub", nil, x, y) }

// Mul is x · y with broadcasting.
func Mul(x, y *graph.Value) *graph.Value { return apply("Mul", nil, x, y) }

// Div is x / y with broadcasting.
func Div(x, y *graph.Value) *graph.Value { return apply("Div", nil, x, y) }
