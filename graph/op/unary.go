package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// unary is a row of the family y = f(x), element by element, on floats. grad
// gives the adjoint of x from x, y and the adjoint of y.
type unary struct {
	name, equation string
	effect         flow.Effect
	versions       []int64
	f32            func(dst, x []float32)
	f64            func(dst, x []float64)
	grad           func(x, y, dy *graph.Value) *graph.Value
	noGrad         string
	check          Check
}

const piecewiseConstant = "piecewise constant: the derivative is 0 wherever there is one"

var (
	since1 = []int64{1, 6, 13}
	since7 = []int64{7, 22}
	since9 = []int64{9, 22}
)

func init() {
	for _, u := range []unary{
		{"Reciprocal", "y = 1/x", flow.None, since1, kernel.Reciprocal[float32], kernel.Reciprocal[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Neg(Mul(dy, Mul(y, y))) }, "", Check{Lo: 0.5, Hi: 3}},
		{"Sqrt", "y = √x", flow.Root, since1, kernel.Sqrt[float32], kernel.Sqrt[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Div(dy, Mul(Like(y, 2), y)) }, "", Check{Lo: 0.1, Hi: 3}},
		{"Exp", "y = exp(x)", flow.Exponential, since1, kernel.Exp[float32], kernel.Exp[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Mul(dy, y) }, "", Check{Lo: -2, Hi: 2}},
		{"Log", "y = ln(x)", flow.None, since1, kernel.Log[float32], kernel.Log[float64],
			func(x, _, dy *graph.Value) *graph.Value { return Div(dy, x) }, "", Check{Lo: 0.1, Hi: 3}},
		{"Sigmoid", "y = 1/(1+exp(-x))", flow.Sigmoid, since1, kernel.Sigmoid[float32], kernel.Sigmoid[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Mul(dy, Mul(y, Sub(Like(y, 1), y))) }, "", Check{Lo: -4, Hi: 4}},
		{"Tanh", "y = tanh(x)", flow.Curve, since1, kernel.Tanh[float32], kernel.Tanh[float64],
			func(_, y, dy *graph.Value) *graph.Value { return Mul(dy, Sub(Like(y, 1), Mul(y, y))) }, "", Check{Lo: -3, Hi: 3}},
		{"Softplus", "y = ln(1+exp(x))", flow.Rectifier, []int64{1, 22}, kernel.Softplus[float32], kernel.Softplus[float64],
			func(x, _, dy *graph.Value) *graph.Value { return Mul(dy, Sigmoid(x)) }, "", Check{Lo: -4, Hi: 4}},
		{"Softsign", "y = x/(1+|x|)", flow.Rectifier, []int64{1, 22}, kernel.Softsign[float32], kernel.Softsign[float64],
			func(x, _, dy *graph.Value) *graph.Value {
				d := Add(Like(x, 1), Abs(x))
				return Div(dy, Mul(d, d))
			}, "", Check{Lo: -3, Hi: 3, Avoid: []float64{0}}},
		{"HardSwish", "y = x·min(max(x/6+1/2, 0), 1)", flow.Rectifier, []int64{14, 22}, kernel.HardSwish[float32], kernel.HardSwish[float64],
			func(x, _, dy *graph.Value) *graph.Value {
				inside := Mul(above(x, -3), below(x, 3))
				derivative := Add(Div(x, Like(x, 3)), Like(x, 0.5))
				return Mul(dy, Add(Mul(inside, derivative), above(x, 3)))
			}, "", Check{Lo: -5, Hi: 5, Avoid: []float64{-3, 3}}},
		{"Mish", "y = x·tanh(ln(1+exp(x)))", flow.Rectifier, []int64{18, 22}, kernel.Mish[float32], kernel.Mish[float64],
			func(x, _, dy *graph.Value) *graph.Value {
				t := Tanh(Softplus(x))
				return Mul(dy, Add(t, Mul(x, Mul(Sub(Like(x, 1), Mul(t, t)), Sigmoid(x)))))
			}, "", Check{Lo: -3, Hi: 3}},
		{"Erf", "y = 2/√π · ∫₀ˣ exp(-t²) dt", flow.Curve, []int64{9, 13}, kernel.Erf[float32], kernel.Erf[float64],
			func(x, _, dy *graph.Value) *graph.Value {
				return Mul(dy, Mul(Like(x, 2/math.Sqrt(math.Pi)), Exp(Neg(Mul(x, x)))))
			}, "", Check{Lo: -2, Hi: 2}},
	} {
		Register(u.row())
	}
	Lookup("", "Sigmoid").Piece = func(*Spec) *Piece {
		return &Piece{Map: kernel.Sigmoid[float32], Times: kernel.Silu, TimesAct: kernel.SiluActivation()}
	}
	for _, u := range []unary{
		{"Ceil", "y = ⌈x⌉", flow.Rounding, since1, kernel.Ceil[float32], kernel.Ceil[float64], nil, piecewiseConstant, Check{}},
		{"Floor", "y = ⌊x⌋", flow.Rounding, since1, kernel.Floor[float32], kernel.Floor[float64], nil, piecewiseConstant, Check{}},
		{"Round", "y = x rounded to a whole number, halves to even", flow.Rounding, []int64{11, 22}, kernel.Round[float32], kernel.Round[float64], nil, piecewiseConstant, Check{}},
	} {
		o := u.row()
		o.Infer = inferWhole
		Register(o)
	}
}

func (u unary) row() *Op {
	o := &Op{
		Name: u.name, Equation: u.equation, Versions: u.versions, In: Arity{1, 1}, Out: Arity{1, 1},
		Flow:  flow.Flow{Pass: flow.Mapped, Effect: u.effect},
		Infer: SameAsInput, Half: true, NoGrad: u.noGrad, Check: u.check,
		Kernel: func(*Spec) (Kernel, error) { return elementwise(u.f32, u.f64), nil },
		Piece:  mapPiece(u.f32),
	}
	if u.grad != nil {
		o.Grad = func(c *Grad) error {
			c.Set(0, u.grad(c.In(0), c.Out(0), c.Dy[0]))
			return nil
		}
	}
	return o
}

// inferWhole is the rule of the roundings: elements that are known are whole.
func inferWhole(c *Infer) error {
	mapElems(c, func(a symbol.Num) symbol.Num { return a })
	return SameAsInput(c)
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

// above is 1 where x > t and 0 elsewhere, with the element type of x.
func above(x *graph.Value, t float64) *graph.Value {
	return castLike(Greater(x, Like(x, t)), x)
}

// below is 1 where x < t and 0 elsewhere, with the element type of x.
func below(x *graph.Value, t float64) *graph.Value {
	return castLike(Less(x, Like(x, t)), x)
}

// castLike is v as the element type of x.
func castLike(v, x *graph.Value) *graph.Value {
	if v == nil || x == nil {
		return nil
	}
	return Cast(v, x.Type.DType)
}

// Reciprocal is 1/x, element by element.
func Reciprocal(x *graph.Value) *graph.Value { return apply("Reciprocal", nil, x) }

// Sqrt is √x, element by element.
func Sqrt(x *graph.Value) *graph.Value { return apply("Sqrt", nil, x) }

// Exp is exp(x), element by element.
func Exp(x *graph.Value) *graph.Value { return apply("Exp", nil, x) }

// Log is ln(x), element by element.
func Log(x *graph.Value) *graph.Value { return apply("Log", nil, x) }

// Sigmoid is 1/(1+exp(-x)), element by element.
func Sigmoid(x *graph.Value) *graph.Value { return apply("Sigmoid", nil, x) }

// Tanh is tanh(x), element by element.
func Tanh(x *graph.Value) *graph.Value { return apply("Tanh", nil, x) }

// Softplus is ln(1+exp(x)), element by element.
func Softplus(x *graph.Value) *graph.Value { return apply("Softplus", nil, x) }

// Softsign is x/(1+|x|), element by element.
func Softsign(x *graph.Value) *graph.Value { return apply("Softsign", nil, x) }

// Erf is the error function of x, element by element.
func Erf(x *graph.Value) *graph.Value { return apply("Erf", nil, x) }

// Floor is ⌊x⌋, element by element.
func Floor(x *graph.Value) *graph.Value { return apply("Floor", nil, x) }
