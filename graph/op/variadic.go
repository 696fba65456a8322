package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	sum := numberRows{f32: kernel.Add[float32], f64: kernel.Add[float64]}
	for _, v := range []struct {
		name, equation string
		versions       []int64
		rows           numberRows
		mean           bool
		elems          func(a, b symbol.Num) symbol.Num
		grad           func(c *Grad)
		check          Check
	}{
		{"Max", "y = the greatest of the inputs, with broadcasting", []int64{1, 6, 8, 12, 13}, numberRows{
			kernel.Max[float32], kernel.Max[float64],
			kernel.Max[int8], kernel.Max[int16], kernel.Max[int32], kernel.Max[int64],
			kernel.Max[uint8], kernel.Max[uint16], kernel.Max[uint32], kernel.Max[uint64]},
			false, func(a, b symbol.Num) symbol.Num { return extremeNum(a, b, func(x, y int64) int64 { return max(x, y) }) },
			func(c *Grad) { gradExtreme(c, Less) }, Check{Lo: -2, Hi: 2}},
		{"Min", "y = the least of the inputs, with broadcasting", []int64{1, 6, 8, 12, 13}, numberRows{
			kernel.Min[float32], kernel.Min[float64],
			kernel.Min[int8], kernel.Min[int16], kernel.Min[int32], kernel.Min[int64],
			kernel.Min[uint8], kernel.Min[uint16], kernel.Min[uint32], kernel.Min[uint64]},
			false, func(a, b symbol.Num) symbol.Num { return extremeNum(a, b, func(x, y int64) int64 { return min(x, y) }) },
			func(c *Grad) { gradExtreme(c, Greater) }, Check{Lo: -2, Hi: 2}},
		{"Sum", "y = the sum of the inputs, with broadcasting", []int64{1, 6, 8, 13}, sum, false,
			func(a, b symbol.Num) symbol.Num { return a.Plus(b) },
			func(c *Grad) {
				for i := range c.Node.Inputs {
					c.Set(i, c.Dy[0])
				}
			}, Check{Lo: -2, Hi: 2}},
		{"Mean", "y = the mean of the inputs, with broadcasting", []int64{1, 6, 8, 13}, sum, true, nil,
			func(c *Grad) {
				dx := Div(c.Dy[0], Like(c.Dy[0], float64(len(c.Node.Inputs))))
				for i := range c.Node.Inputs {
					c.Set(i, dx)
				}
			}, Check{Lo: -2, Hi: 2}},
	} {
		run := v.rows.fold(v.mean)
		Register(&Op{
			Name: v.name, Equation: v.equation, Versions: v.versions, In: Arity{1, -1}, Out: Arity{1, 1}, Half: true,
			Flow:   flow.Flow{Pass: flow.Combined},
			Infer:  func(c *Infer) error { return inferVariadic(c, v.elems) },
			Kernel: func(*Spec) (Kernel, error) { return run, nil },
			Grad:   func(c *Grad) error { v.grad(c); return nil },
			Check:  v.check,
		})
	}
}

func extremeNum(a, b symbol.Num, f func(x, y int64) int64) symbol.Num {
	switch {
	case a.Known && b.Known:
		return symbol.Int(f(a.N, b.N))
	case a == b:
		return a
	}
	return symbol.Num{}
}

func inferVariadic(c *Infer, f func(a, b symbol.Num) symbol.Num) error {
	if err := sameTypes(c); err != nil {
		return err
	}
	s := c.Input(0).Shape
	for i := range c.In {
		var err error
		if s, err = Broadcast(s, c.Input(i).Shape); err != nil {
			return c.InputError(i, "%v", err)
		}
	}
	c.Set(0, c.Input(0).DType, s)
	if f != nil {
		broadcastElems(c, func(e []symbol.Num) symbol.Num {
			out := e[0]
			for _, b := range e[1:] {
				out = f(out, b)
			}
			return out
		})
	}
	return nil
}

// fold is the operation over all inputs, from the left.
func (r numberRows) fold(mean bool) Kernel {
	by := map[tensor.DType]Kernel{}
	addFold(by, r.f32, mean)
	addFold(by, r.f64, mean)
	addFold(by, r.i8, mean)
	addFold(by, r.i16, mean)
	addFold(by, r.i32, mean)
	addFold(by, r.i64, mean)
	addFold(by, r.u8, mean)
	addFold(by, r.u16, mean)
	addFold(by, r.u32, mean)
	addFold(by, r.u64, mean)
	return func(x *Call) error {
		k := by[x.In[0].DType]
		if k == nil {
			return x.InputError(0, "%v is not a type that %s takes", x.In[0], x.Node.Op)
		}
		for i, t := range x.In {
			if t == nil {
				return x.InputError(i, "is missing")
			}
			if t.DType != x.In[0].DType {
				return x.InputError(i, "%v, want %v as input 0 has", t, x.In[0].DType)
			}
		}
		return k(x)
	}
}

func addFold[T number](by map[tensor.DType]Kernel, rows func() kernel.Rows[T, T], mean bool) {
	if rows == nil {
		return
	}
	r := rows()
	by[tensor.TypeOf[T]()] = func(x *Call) error { return foldTo(x, r, mean) }
}

func foldTo[T number](x *Call, rows kernel.Rows[T, T], mean bool) error {
	if len(x.In) == 1 {
		x.Set(0, x.In[0])
		return nil
	}
	if len(x.In) == 2 && !mean {
		return broadcastTo(x, rows)
	}
	shape := x.In[0].Shape
	var err error
	for i, t := range x.In {
		if shape, err = BroadcastShapes(shape, t.Shape); err != nil {
			return x.InputError(i, "%v", err)
		}
	}
	out, err := x.New(0, tensor.TypeOf[T](), shape...)
	if err != nil {
		return err
	}
	dst := tensor.Data[T](out)
	if len(dst) == 0 {
		return nil
	}
	for i, t := range x.In {
		stride, _ := kernel.BroadcastStrides(shape, t.Shape)
		if i == 0 {
			kernel.CopyStrided(x.Parallel, shape, dst, 0, tensor.Strides(shape), tensor.Data[T](t), 0, stride)
			continue
		}
		kernel.Fold(x.Parallel, shape, dst, tensor.Data[T](t), stride, rows)
	}
	if mean {
		n := T(len(x.In))
		for i := range dst {
			dst[i] /= n
		}
	}
	return nil
}

// gradExtreme splits the adjoint evenly among the inputs that are the extreme:
// beaten says of two values whether the first is not.
func gradExtreme(c *Grad, beaten func(x, y *graph.Value) *graph.Value) {
	y := c.Out(0)
	masks := make([]*graph.Value, len(c.Node.Inputs))
	var ties *graph.Value
	for i, x := range c.Node.Inputs {
		masks[i] = castLike(Not(beaten(x, y)), y)
		if i == 0 {
			ties = masks[i]
		} else {
			ties = Add(ties, masks[i])
		}
	}
	share := Div(c.Dy[0], ties)
	for i := range masks {
		if c.Needs(i) {
			c.Set(i, Mul(share, masks[i]))
		}
	}
}

// Max is the greater of x and y with broadcasting.
func Max(x, y *graph.Value) *graph.Value { return apply("Max", nil, x, y) }

// Min is the lesser of x and y with broadcasting.
func Min(x, y *graph.Value) *graph.Value { return apply("Min", nil, x, y) }
