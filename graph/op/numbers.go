package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// numberMap is one map over elements, for each type of numbers; nil where an
// operator does not take the type.
type numberMap struct {
	f32 func(dst, x []float32)
	f64 func(dst, x []float64)
	i8  func(dst, x []int8)
	i16 func(dst, x []int16)
	i32 func(dst, x []int32)
	i64 func(dst, x []int64)
	u8  func(dst, x []uint8)
	u16 func(dst, x []uint16)
	u32 func(dst, x []uint32)
	u64 func(dst, x []uint64)
}

func (m numberMap) run(x *Call) error {
	switch d := x.In[0].DType; {
	case d == tensor.Float32 && m.f32 != nil:
		return mapTo(x, m.f32)
	case d == tensor.Float64 && m.f64 != nil:
		return mapTo(x, m.f64)
	case d == tensor.Int8 && m.i8 != nil:
		return mapTo(x, m.i8)
	case d == tensor.Int16 && m.i16 != nil:
		return mapTo(x, m.i16)
	case d == tensor.Int32 && m.i32 != nil:
		return mapTo(x, m.i32)
	case d == tensor.Int64 && m.i64 != nil:
		return mapTo(x, m.i64)
	case d == tensor.Uint8 && m.u8 != nil:
		return mapTo(x, m.u8)
	case d == tensor.Uint16 && m.u16 != nil:
		return mapTo(x, m.u16)
	case d == tensor.Uint32 && m.u32 != nil:
		return mapTo(x, m.u32)
	case d == tensor.Uint64 && m.u64 != nil:
		return mapTo(x, m.u64)
	}
	return x.InputError(0, "%v is not a type that %s takes", x.In[0], x.Node.Op)
}

func init() {
	Register(
		&Op{Name: "Neg", Equation: "y = −x", Versions: since1, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow: flow.Flow{Pass: flow.Mapped}, Infer: func(c *Infer) error {
				mapElems(c, func(a symbol.Num) symbol.Num { return symbol.Int(0).Minus(a) })
				return SameAsInput(c)
			},
			Kernel: func(*Spec) (Kernel, error) {
				return numberMap{f32: kernel.Neg[float32], f64: kernel.Neg[float64],
					i8: kernel.Neg[int8], i16: kernel.Neg[int16], i32: kernel.Neg[int32], i64: kernel.Neg[int64]}.run, nil
			},
			Piece: mapPiece(kernel.Neg[float32]),
			Grad:  func(c *Grad) error { c.Set(0, Neg(c.Dy[0])); return nil },
			Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "Abs", Equation: "y = |x|", Versions: since1, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow: flow.Flow{Pass: flow.Mapped}, Infer: func(c *Infer) error {
				mapElems(c, absNum)
				return SameAsInput(c)
			},
			Kernel: func(*Spec) (Kernel, error) {
				return numberMap{kernel.Abs[float32], kernel.Abs[float64],
					kernel.Abs[int8], kernel.Abs[int16], kernel.Abs[int32], kernel.Abs[int64],
					kernel.Abs[uint8], kernel.Abs[uint16], kernel.Abs[uint32], kernel.Abs[uint64]}.run, nil
			},
			Piece: linked(kernel.AbsLink, mapPiece(kernel.Abs[float32])),
			Grad:  func(c *Grad) error { c.Set(0, Mul(c.Dy[0], signOf(c.In(0)))); return nil },
			Check: Check{Lo: -2, Hi: 2, Avoid: []float64{0}}},
		&Op{Name: "Sign", Equation: "y = −1, 0 or 1 by the sign of x", Versions: []int64{9, 13}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow:  flow.Flow{Pass: flow.Mapped},
			Infer: SameAsInput,
			Kernel: func(*Spec) (Kernel, error) {
				return numberMap{kernel.Sign[float32], kernel.Sign[float64],
					kernel.Sign[int8], kernel.Sign[int16], kernel.Sign[int32], kernel.Sign[int64],
					kernel.Sign[uint8], kernel.Sign[uint16], kernel.Sign[uint32], kernel.Sign[uint64]}.run, nil
			},
			NoGrad: piecewiseConstant},
		&Op{Name: "Relu", Equation: "y = max(x, 0)", Versions: []int64{1, 6, 13, 14}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow:  flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier},
			Infer: SameAsInput,
			Kernel: func(*Spec) (Kernel, error) {
				return numberMap{f32: kernel.Relu[float32], f64: kernel.Relu[float64],
					i8: kernel.Relu[int8], i16: kernel.Relu[int16], i32: kernel.Relu[int32], i64: kernel.Relu[int64]}.run, nil
			},
			Piece: func(*Spec) *Piece {
				return &Piece{Map: kernel.Relu[float32], Act: kernel.ClipActivation(0, float32(math.Inf(1)))}
			},
			Grad:  func(c *Grad) error { c.Set(0, Mul(c.Dy[0], above(c.In(0), 0))); return nil },
			Check: Check{Lo: -2, Hi: 2, Avoid: []float64{0}}},
	)
}

func absNum(a symbol.Num) symbol.Num {
	switch {
	case a.Known && a.N < 0:
		return symbol.Int(-a.N)
	case a.IsNonNegative():
		return a
	}
	return symbol.Num{}
}

// signOf is the sign of x as a number of the type of x, at any opset.
func signOf(x *graph.Value) *graph.Value {
	if x != nil && x.Graph().Opset("") < 9 {
		return Sub(above(x, 0), below(x, 0))
	}
	return apply("Sign", nil, x)
}

// Neg is −x, element by element.
func Neg(x *graph.Value) *graph.Value { return apply("Neg", nil, x) }

// Abs is |x|, element by element.
func Abs(x *graph.Value) *graph.Value { return apply("Abs", nil, x) }

// Relu is max(x, 0), element by element.
func Relu(x *graph.Value) *graph.Value { return apply("Relu", nil, x) }
