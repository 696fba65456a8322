package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// activation is a row of the family y = f(x; a, b), element by element on
// floats, whose parameters a and b are attributes.
type activation struct {
	name, equation string
	effect         flow.Effect
	versions       []int64
	a, b           param
	loops          func(a, b float64) (f32 func(dst, x []float32), f64 func(dst, x []float64))
	// derivative is dy/dx from x, y and the parameters.
	derivative func(x, y *graph.Value, a, b float64) *graph.Value
	check      Check
	// times, which may be nil, is Piece.Times and Piece.TimesAct.
	times func(a, b float64) (func(dst, x []float32), *kernel.FusedActivation)
}

// param is a float attribute with its default.
type param struct {
	name string
	def  float32
}

func (p param) of(n *graph.Node) float64 {
	if p.name == "" {
		return 0
	}
	return float64(n.Float(p.name, p.def))
}

// Selu's parameters, from Klambauer et al., "Self-Normalizing Neural Networks"
// (2017), equation 14; the schema states them in float32.
const (
	seluAlpha = 1.67326319217681884765625
	seluGamma = 1.05070102214813232421875
)

func init() {
	alpha := func(def float32) param { return param{"alpha", def} }
	kinkAtZero := Check{Lo: -2, Hi: 2, Avoid: []float64{0}}
	for _, a := range []activation{
		{name: "LeakyRelu", equation: "y = x if x ≥ 0, else α·x", effect: flow.Rectifier, versions: []int64{1, 6, 16}, a: alpha(0.01),
			loops: func(a, _ float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.LeakyRelu(dst, x, float32(a)) }, func(dst, x []float64) { kernel.LeakyRelu(dst, x, a) }
			},
			derivative: func(x, _ *graph.Value, a, _ float64) *graph.Value { return either(x, Like(x, 1), Like(x, a)) }, check: kinkAtZero},
		{name: "ThresholdedRelu", equation: "y = x if x > α, else 0", effect: flow.Rectifier, versions: []int64{10, 22}, a: alpha(1),
			loops: func(a, _ float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.ThresholdedRelu(dst, x, float32(a)) }, func(dst, x []float64) { kernel.ThresholdedRelu(dst, x, a) }
			},
			derivative: func(x, _ *graph.Value, a, _ float64) *graph.Value { return above(x, a) },
			check:      Check{Lo: -2, Hi: 3, Avoid: []float64{1}}},
		{name: "Elu", equation: "y = x if x ≥ 0, else α·(exp(x)−1)", effect: flow.Rectifier, versions: []int64{1, 6, 22}, a: alpha(1),
			loops: func(a, _ float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.Elu(dst, x, a) }, func(dst, x []float64) { kernel.Elu(dst, x, a) }
			},
			derivative: func(x, y *graph.Value, a, _ float64) *graph.Value { return either(x, Like(x, 1), Add(y, Like(y, a))) }, check: kinkAtZero},
		{name: "Selu", equation: "y = γ·x if x ≥ 0, else γ·α·(exp(x)−1)", effect: flow.Rectifier, versions: []int64{1, 6, 22},
			a: alpha(seluAlpha), b: param{"gamma", seluGamma},
			loops: func(a, g float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.Selu(dst, x, a, g) }, func(dst, x []float64) { kernel.Selu(dst, x, a, g) }
			},
			derivative: func(x, y *graph.Value, a, g float64) *graph.Value { return either(x, Like(x, g), Add(y, Like(y, a*g))) }, check: kinkAtZero},
		{name: "Celu", equation: "y = max(x, 0) + min(0, α·(exp(x/α)−1))", effect: flow.Rectifier, versions: []int64{12, 28}, a: alpha(1),
			loops: func(a, _ float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.Celu(dst, x, a) }, func(dst, x []float64) { kernel.Celu(dst, x, a) }
			},
			derivative: func(x, y *graph.Value, a, _ float64) *graph.Value {
				return either(x, Like(x, 1), Add(Div(y, Like(y, a)), Like(y, 1)))
			}, check: kinkAtZero},
		{name: "HardSigmoid", equation: "y = min(max(α·x+β, 0), 1)", effect: flow.Sigmoid, versions: []int64{1, 6, 22}, a: alpha(0.2), b: param{"beta", 0.5},
			loops: func(a, b float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.HardSigmoid(dst, x, a, b) }, func(dst, x []float64) { kernel.HardSigmoid(dst, x, a, b) }
			},
			derivative: func(_, y *graph.Value, a, _ float64) *graph.Value {
				return Mul(Like(y, a), Mul(above(y, 0), below(y, 1)))
			}, check: Check{Lo: -4, Hi: 4, Avoid: []float64{-2.5, 2.5}},
			times: func(a, b float64) (func(dst, x []float32), *kernel.FusedActivation) {
				return func(dst, x []float32) { kernel.TimesHardSigmoid(dst, x, a, b) }, kernel.TimesHardSigmoidActivation(a, b)
			}},
		{name: "Swish", equation: "y = x/(1+exp(−α·x))", effect: flow.Rectifier, versions: []int64{24}, a: alpha(1),
			loops: func(a, _ float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.Swish(dst, x, a) }, func(dst, x []float64) { kernel.Swish(dst, x, a) }
			},
			derivative: func(x, _ *graph.Value, a, _ float64) *graph.Value { return swishDerivative(x, a) }, check: Check{Lo: -3, Hi: 3}},
		{name: "Shrink", equation: "y = x+bias if x < −λ, x−bias if x > λ, else 0", effect: flow.Rectifier, versions: []int64{9},
			a: param{"lambd", 0.5}, b: param{"bias", 0},
			loops: func(l, b float64) (func(dst, x []float32), func(dst, x []float64)) {
				return func(dst, x []float32) { kernel.Shrink(dst, x, float32(l), float32(b)) }, func(dst, x []float64) { kernel.Shrink(dst, x, l, b) }
			},
			derivative: func(x, _ *graph.Value, l, _ float64) *graph.Value { return Add(below(x, -l), above(x, l)) },
			check:      Check{Lo: -2, Hi: 2, Avoid: []float64{-0.5, 0.5}}},
	} {
		Register(a.row())
	}
	registerGelu()
}

func (a activation) row() *Op {
	return &Op{
		Name: a.name, Equation: a.equation, Versions: a.versions, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
		Flow:  flow.Flow{Pass: flow.Mapped, Effect: a.effect},
		Infer: SameAsInput, Check: a.check,
		Kernel: func(s *Spec) (Kernel, error) {
			f32, f64 := a.loops(a.a.of(s.Node), a.b.of(s.Node))
			return elementwise(f32, f64), nil
		},
		Piece: func(s *Spec) *Piece {
			f32, _ := a.loops(a.a.of(s.Node), a.b.of(s.Node))
			p := &Piece{Map: f32}
			if a.times != nil {
				p.Times, p.TimesAct = a.times(a.a.of(s.Node), a.b.of(s.Node))
			}
			return p
		},
		Grad: func(c *Grad) error {
			c.Set(0, Mul(c.Dy[0], a.derivative(c.In(0), c.Out(0), a.a.of(c.Node), a.b.of(c.Node))))
			return nil
		},
	}
}

// either is p where x > 0 and n elsewhere, at any opset; both are finite.
func either(x, p, n *graph.Value) *graph.Value {
	m := above(x, 0)
	return Add(Mul(m, p), Mul(Sub(Like(x, 1), m), n))
}

func registerGelu() {
	Register(&Op{
		Name: "Gelu", Equation: "y = x/2·(1+erf(x/√2)), or x/2·(1+tanh(√(2/π)·(x+0.044715·x³)))",
		Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier},
		Versions: []int64{20}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true, Infer: SameAsInput,
		Kernel: func(s *Spec) (Kernel, error) {
			if s.Str("approximate", "none") == "tanh" {
				return elementwise(kernel.GeluTanh[float32], kernel.GeluTanh[float64]), nil
			}
			return elementwise(kernel.Gelu[float32], kernel.Gelu[float64]), nil
		},
		Grad: func(c *Grad) error {
			derivative := geluDerivative
			if c.Node.Str("approximate", "none") == "tanh" {
				derivative = geluTanhDerivative
			}
			c.Set(0, Mul(c.Dy[0], derivative(c.In(0))))
			return nil
		},
		Check: Check{Lo: -3, Hi: 3},
	})
}

// geluDerivative is Φ(x) + x·φ(x), of the normal distribution.
func geluDerivative(x *graph.Value) *graph.Value {
	cdf := Mul(Like(x, 0.5), Add(Like(x, 1), Erf(Mul(x, Like(x, math.Sqrt(0.5))))))
	pdf := Mul(Like(x, 1/math.Sqrt(2*math.Pi)), Exp(Mul(Like(x, -0.5), Mul(x, x))))
	return Add(cdf, Mul(x, pdf))
}

// geluTanhDerivative is (1+t)/2 + x/2·(1−t²)·√(2/π)·(1+3·0.044715·x²), t the tanh.
func geluTanhDerivative(x *graph.Value) *graph.Value {
	k, c := math.Sqrt(2/math.Pi), 0.044715
	xx := Mul(x, x)
	t := Tanh(Mul(Mul(Like(x, k), x), Add(Like(x, 1), Mul(Like(x, c), xx))))
	du := Mul(Like(x, k), Add(Like(x, 1), Mul(Like(x, 3*c), xx)))
	sech := Sub(Like(x, 1), Mul(t, t))
	return Mul(Like(x, 0.5), Add(Add(Like(x, 1), t), Mul(x, Mul(sech, du))))
}
