package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// through is a function of the math package as the two loops of a unary row.
func through(f func(float64) float64) (f32 func(dst, x []float32), f64 func(dst, x []float64)) {
	return func(dst, x []float32) { kernel.Map(dst, x, f) }, func(dst, x []float64) { kernel.Map(dst, x, f) }
}

// trig is a row of the trigonometric and hyperbolic functions and their
// inverses. derivative is dy/dx from x and y.
type trig struct {
	name, equation string
	versions       []int64
	f              func(float64) float64
	derivative     func(x, y *graph.Value) *graph.Value
	check          Check
}

func init() {
	one := func(x *graph.Value) *graph.Value { return Like(x, 1) }
	sq := func(x *graph.Value) *graph.Value { return Mul(x, x) }
	for _, t := range []trig{
		{"Sin", "y = sin(x)", since7, math.Sin,
			func(x, _ *graph.Value) *graph.Value { return apply("Cos", nil, x) }, Check{Lo: -3, Hi: 3}},
		{"Cos", "y = cos(x)", since7, math.Cos,
			func(x, _ *graph.Value) *graph.Value { return Neg(apply("Sin", nil, x)) }, Check{Lo: -3, Hi: 3}},
		{"Tan", "y = tan(x)", since7, math.Tan,
			func(_, y *graph.Value) *graph.Value { return Add(one(y), sq(y)) }, Check{Lo: -1.2, Hi: 1.2}},
		{"Asin", "y = arcsin(x)", since7, math.Asin,
			func(x, _ *graph.Value) *graph.Value { return Reciprocal(Sqrt(Sub(one(x), sq(x)))) }, Check{Lo: -0.8, Hi: 0.8}},
		{"Acos", "y = arccos(x)", since7, math.Acos,
			func(x, _ *graph.Value) *graph.Value { return Neg(Reciprocal(Sqrt(Sub(one(x), sq(x))))) }, Check{Lo: -0.8, Hi: 0.8}},
		{"Atan", "y = arctan(x)", since7, math.Atan,
			func(x, _ *graph.Value) *graph.Value { return Reciprocal(Add(one(x), sq(x))) }, Check{Lo: -3, Hi: 3}},
		{"Sinh", "y = sinh(x)", since9, math.Sinh,
			func(x, _ *graph.Value) *graph.Value { return apply("Cosh", nil, x) }, Check{Lo: -2, Hi: 2}},
		{"Cosh", "y = cosh(x)", since9, math.Cosh,
			func(x, _ *graph.Value) *graph.Value { return apply("Sinh", nil, x) }, Check{Lo: -2, Hi: 2}},
		{"Asinh", "y = arsinh(x)", since9, math.Asinh,
			func(x, _ *graph.Value) *graph.Value { return Reciprocal(Sqrt(Add(sq(x), one(x)))) }, Check{Lo: -3, Hi: 3}},
		{"Acosh", "y = arcosh(x)", since9, math.Acosh,
			func(x, _ *graph.Value) *graph.Value { return Reciprocal(Sqrt(Sub(sq(x), one(x)))) }, Check{Lo: 1.2, Hi: 4}},
		{"Atanh", "y = artanh(x)", since9, math.Atanh,
			func(x, _ *graph.Value) *graph.Value { return Reciprocal(Sub(one(x), sq(x))) }, Check{Lo: -0.8, Hi: 0.8}},
	} {
		f32, f64 := through(t.f)
		Register(unary{t.name, t.equation, flow.Curve, t.versions, f32, f64, func(x, y, dy *graph.Value) *graph.Value {
			return Mul(dy, t.derivative(x, y))
		}, "", t.check}.row())
	}
}

// Atanh is artanh(x), element by element.
func Atanh(x *graph.Value) *graph.Value { return apply("Atanh", nil, x) }
