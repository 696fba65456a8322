package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// arithmetic is a row of the family z = f(x, y) with broadcasting, on numbers.
type arithmetic struct {
	name, equation string
	link           kernel.Link
	rows           numberRows
	elems          func(a, b symbol.Num) symbol.Num // on the elements of shapes
	grad           func(c *Grad, x, y, z, dz *graph.Value)
	check          Check
}

func init() {
	for _, a := range []arithmetic{
		{"Add", "z = x + y", kernel.AddLink, numberRows{
			kernel.Add[float32], kernel.Add[float64],
			kernel.Add[int8], kernel.Add[int16], kernel.Add[int32], kernel.Add[int64],
			kernel.Add[uint8], kernel.Add[uint16], kernel.Add[uint32], kernel.Add[uint64]},
			func(a, b symbol.Num) symbol.Num { return a.Plus(b) },
			func(c *Grad, x, y, z, dz *graph.Value) { c.Set(0, dz); c.Set(1, dz) }, Check{Lo: -2, Hi: 2}},
		{"Sub", "z = x − y", kernel.SubLink, numberRows{
			kernel.Sub[float32], kernel.Sub[float64],
			kernel.Sub[int8], kernel.Sub[int16], kernel.Sub[int32], kernel.Sub[int64],
			kernel.Sub[uint8], kernel.Sub[uint16], kernel.Sub[uint32], kernel.Sub[uint64]},
			func(a, b symbol.Num) symbol.Num { return a.Minus(b) },
			func(c *Grad, x, y, z, dz *graph.Value) {
				c.Set(0, dz)
				if c.Needs(1) {
					c.Set(1, Neg(dz))
				}
			}, Check{Lo: -2, Hi: 2}},
		{"Mul", "z = x · y", kernel.MulLink, numberRows{
			kernel.Mul[float32], kernel.Mul[float64],
			kernel.Mul[int8], kernel.Mul[int16], kernel.Mul[int32], kernel.Mul[int64],
			kernel.Mul[uint8], kernel.Mul[uint16], kernel.Mul[uint32], kernel.Mul[uint64]},
			symbol.Num.Times,
			func(c *Grad, x, y, z, dz *graph.Value) {
				if c.Needs(0) {
					c.Set(0, Mul(dz, y))
				}
				if c.Needs(1) {
					c.Set(1, Mul(dz, x))
				}
			}, Check{Lo: -2, Hi: 2}},
		{"Div", "z = x / y; for integers truncated, and 0 where y = 0", kernel.NoLink, numberRows{
			kernel.Div[float32], kernel.Div[float64],
			kernel.DivInt[int8], kernel.DivInt[int16], kernel.DivInt[int32], kernel.DivInt[int64],
			kernel.DivInt[uint8], kernel.DivInt[uint16], kernel.DivInt[uint32], kernel.DivInt[uint64]},
			symbol.Num.Over,
			func(c *Grad, x, y, z, dz *graph.Value) {
				if c.Needs(0) {
					c.Set(0, Div(dz, y))
				}
				if c.Needs(1) {
					c.Set(1, Neg(Div(Mul(dz, z), y)))
				}
			}, Check{Lo: 0.5, Hi: 2}},
	} {
		run := a.rows.kernel()
		Register(&Op{
			Name: a.name, Equation: a.equation, Versions: []int64{1, 6, 7, 13, 14}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Flow:   flow.Flow{Pass: flow.Combined},
			Infer:  func(c *Infer) error { return inferArithmetic(c, a.elems) },
			Kernel: func(s *Spec) (Kernel, error) { return aligned(s, run), nil },
			Piece:  linked(a.link, pairPiece(a.rows.f32)),
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
	b := c.Input(1).Shape
	if c.Since < 7 && b != nil && c.Input(0).Shape != nil {
		b = b.Clone()
		for range trailing(c.Node, len(c.Input(0).Shape), len(b)) {
			b = append(b, graph.Known(1))
		}
	}
	s, err := Broadcast(c.Input(0).Shape, b)
	if err != nil {
		return err
	}
	c.Set(0, d, s)
	return nil
}

// sameTypes reports inputs of another element type than input 0.
func sameTypes(c *Infer) error {
	a := c.Input(0)
	for i := range c.In {
		if b := c.Input(i); a.DType != tensor.Invalid && b.DType != tensor.Invalid && a.DType != b.DType {
			return c.InputError(i, "%v, want %v as input 0 has", b.DType, a.DType)
		}
	}
	return nil
}

func inferArithmetic(c *Infer, f func(a, b symbol.Num) symbol.Num) error {
	if err := sameTypes(c); err != nil {
		return err
	}
	if err := inferBroadcast(c, c.Input(0).DType); err != nil {
		return err
	}
	if d := c.Input(0).DType; f == nil || d.IsFloat() && c.Node.Op == "Div" {
		return nil
	}
	broadcastElems(c, func(e []symbol.Num) symbol.Num { return f(e[0], e[1]) })
	return nil
}

// aligned makes k serve the broadcasting of operator sets before 7: attribute
// axis says where the axes of input 1 begin among those of input 0.
func aligned(s *Spec, k Kernel) Kernel {
	if s.Since >= 7 {
		return k
	}
	return func(x *Call) error {
		b := x.In[1]
		shape := b.Shape
		for range trailing(x.Node, x.In[0].Rank(), b.Rank()) {
			shape = append(shape[:len(shape):len(shape)], 1)
		}
		view, err := b.Reshape(shape...)
		if err != nil {
			return err
		}
		wide := *x
		wide.In = []*tensor.Tensor{x.In[0], view}
		return k(&wide)
	}
}

// trailing is how many axes of size 1 follow those of the second operand, by
// attribute axis; none if the attribute makes no sense.
func trailing(n *graph.Node, rankA, rankB int) int {
	if n.Attr("axis") == nil {
		return 0
	}
	at := n.Int("axis", 0)
	if at < 0 {
		at += int64(rankA)
	}
	if at < 0 || at > int64(rankA-rankB) {
		return 0
	}
	return rankA - rankB - int(at)
}

// numberRows are the loops of one binary operation for each type of numbers;
// nil where an operator does not take the type.
type numberRows struct {
	f32 func() kernel.Rows[float32, float32]
	f64 func() kernel.Rows[float64, float64]
	i8  func() kernel.Rows[int8, int8]
	i16 func() kernel.Rows[int16, int16]
	i32 func() kernel.Rows[int32, int32]
	i64 func() kernel.Rows[int64, int64]
	u8  func() kernel.Rows[uint8, uint8]
	u16 func() kernel.Rows[uint16, uint16]
	u32 func() kernel.Rows[uint32, uint32]
	u64 func() kernel.Rows[uint64, uint64]
}

// kernel is the operation over inputs 0 and 1.
func (r numberRows) kernel() Kernel {
	by := map[tensor.DType]Kernel{}
	addRows(by, r.f32)
	addRows(by, r.f64)
	addRows(by, r.i8)
	addRows(by, r.i16)
	addRows(by, r.i32)
	addRows(by, r.i64)
	addRows(by, r.u8)
	addRows(by, r.u16)
	addRows(by, r.u32)
	addRows(by, r.u64)
	return byType(by)
}

// addRows adds the kernel of rows for its element type.
func addRows[D, S tensor.Elem](by map[tensor.DType]Kernel, rows func() kernel.Rows[D, S]) {
	if rows == nil {
		return
	}
	r := rows()
	by[tensor.TypeOf[S]()] = func(x *Call) error { return broadcastTo(x, r) }
}

// byType runs the kernel for the element type that inputs 0 and 1 share.
func byType(by map[tensor.DType]Kernel) Kernel {
	return func(x *Call) error {
		a, b := x.In[0], x.In[1]
		k := by[a.DType]
		if k == nil {
			return x.InputError(0, "%v is not a type that %s takes", a, x.Node.Op)
		}
		if a.DType != b.DType {
			return x.InputError(1, "%v, want %v as input 0 has", b, a.DType)
		}
		return k(x)
	}
}

// broadcastTo runs rows over inputs 0 and 1 into output 0.
func broadcastTo[D, S tensor.Elem](x *Call, rows kernel.Rows[D, S]) error {
	a, b := x.In[0], x.In[1]
	if shape := flatShape(a, b); shape != nil {
		out, err := x.New(0, tensor.TypeOf[D](), shape...)
		if err != nil {
			return err
		}
		kernel.Pairs(x.Parallel, tensor.Data[D](out), tensor.Data[S](a), tensor.Data[S](b), rows)
		return nil
	}
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

// flatShape is the shape of the result where both have the same, or one is a single
// element that adds no axis; else nil.
func flatShape(a, b *tensor.Tensor) []int {
	switch {
	case b.Len() == 1 && b.Rank() <= a.Rank(), slices.Equal(a.Shape, b.Shape):
		return a.Shape
	case a.Len() == 1 && a.Rank() <= b.Rank():
		return b.Shape
	}
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
