package kernel

import (
	"fmt"
	"math"
	"testing"
)

// unarySamples covers the range of float32: zeros, denormals, both ends.
func unarySamples() []float64 {
	out := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1)}
	for e := -149; e <= 127; e += 3 {
		for _, m := range []float64{1, 1.25, 1.9} {
			v := float64(float32(math.Ldexp(m, e)))
			out = append(out, v, -v)
		}
	}
	for i := -400; i <= 400; i++ {
		out = append(out, float64(float32(float64(i)*0.27)))
	}
	return out
}

// TestUnaryFormulas holds each function against its definition, evaluated
// where the definition is well conditioned.
func TestUnaryFormulas(t *testing.T) {
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for name, c := range map[string]struct {
		f32    func(dst, x []float32)
		f64    func(dst, x []float64)
		want   func(x float64) float64
		lo, hi float64 // where want is accurate
	}{
		"Exp":      {Exp[float32], Exp[float64], math.Exp, -1e9, 1e9},
		"Log":      {Log[float32], Log[float64], math.Log, -1e9, 1e38},
		"Tanh":     {Tanh[float32], Tanh[float64], math.Tanh, -1e38, 1e38},
		"Erf":      {Erf[float32], Erf[float64], math.Erf, -1e38, 1e38},
		"Sigmoid":  {Sigmoid[float32], Sigmoid[float64], sig, -700, 1e9},
		"Softplus": {Softplus[float32], Softplus[float64], func(x float64) float64 { return math.Log(1 + math.Exp(x)) }, -1, 700},
		"Gelu":     {Gelu[float32], Gelu[float64], func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }, -1, 1e38},
		"GeluTanh": {GeluTanh[float32], GeluTanh[float64], func(x float64) float64 {
			return x / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}, -1, 1e30},
		"Mish":      {Mish[float32], Mish[float64], func(x float64) float64 { return x * math.Tanh(math.Log(1+math.Exp(x))) }, -1, 700},
		"HardSwish": {HardSwish[float32], HardSwish[float64], func(x float64) float64 { return x * max(0, min(1, x/6+0.5)) }, -1e38, 1e38},
		"Softsign":  {Softsign[float32], Softsign[float64], func(x float64) float64 { return x / (1 + math.Abs(x)) }, -1e38, 1e38},
		"Round":     {Round[float32], Round[float64], math.RoundToEven, -1e38, 1e38},
		"Floor":     {Floor[float32], Floor[float64], math.Floor, -1e38, 1e38},
		"Ceil":      {Ceil[float32], Ceil[float64], math.Ceil, -1e38, 1e38},
		"Sqrt":      {Sqrt[float32], Sqrt[float64], math.Sqrt, -1e38, 1e38},
		"Abs":       {Abs[float32], Abs[float64], math.Abs, math.Inf(-1), math.Inf(1)},
		"Neg":       {Neg[float32], Neg[float64], func(x float64) float64 { return -x }, math.Inf(-1), math.Inf(1)},
		"Relu":      {Relu[float32], Relu[float64], func(x float64) float64 { return max(x, 0) }, math.Inf(-1), math.Inf(1)},
	} {
		for _, x := range unarySamples() {
			var d32 [1]float32
			var d64 [1]float64
			c.f32(d32[:], []float32{float32(x)})
			c.f64(d64[:], []float64{x})
			if math.IsNaN(x) {
				if d32[0] == d32[0] || d64[0] == d64[0] {
					t.Errorf("%s(NaN) = %v, %v", name, d32[0], d64[0])
				}
				continue
			}
			if x < c.lo || x > c.hi {
				continue
			}
			want := c.want(x)
			places := 1.0
			if name == "Sigmoid" {
				places = 2.5
			}
			if w := float32(want); !(d32[0] == w || d32[0] != d32[0] && w != w || math.Abs(float64(d32[0])-want) <= places*0x1p-23*math.Abs(want)+0.51*0x1p-149) {
				t.Errorf("%s(%v) = %v in float32, want %v", name, x, d32[0], want)
			}
			if d := math.Abs(d64[0] - want); !(d <= 4e-15*math.Abs(want) || d64[0] == want || d64[0] != d64[0] && want != want) {
				t.Errorf("%s(%v) = %v, want %v", name, x, d64[0], want)
			}
		}
	}
}

// TestStableTails: sigmoid and softplus of large negative x are exp(x), of
// large positive x are 1 and x.
func TestStableTails(t *testing.T) {
	for x := -40.0; x > -740; x -= 1.7 {
		var s, p [1]float64
		Sigmoid(s[:], []float64{x})
		Softplus(p[:], []float64{x})
		if e := math.Exp(x); math.Abs(s[0]-e) > 1e-15*e || math.Abs(p[0]-e) > 1e-15*e {
			t.Fatalf("x=%v: sigmoid %v, softplus %v, exp %v", x, s[0], p[0], e)
		}
		Sigmoid(s[:], []float64{-x})
		Softplus(p[:], []float64{-x})
		if s[0] != 1 || p[0] != -x {
			t.Fatalf("x=%v: sigmoid %v, softplus %v", -x, s[0], p[0])
		}
	}
	for _, x := range []float32{-1e4, 1e4, -math.MaxFloat32, math.MaxFloat32} {
		var s, p, g [1]float32
		Sigmoid(s[:], []float32{x})
		Softplus(p[:], []float32{x})
		Gelu(g[:], []float32{x})
		if s[0] != max(0, min(1, x)) || p[0] != max(0, x) || g[0] != max(0, x) {
			t.Fatalf("x=%v: sigmoid %v, softplus %v, gelu %v", x, s[0], p[0], g[0])
		}
	}
}

func TestParameters(t *testing.T) {
	in := []float64{-3, -0.5, 0, 0.5, 3}
	for _, c := range []struct {
		name string
		run  func(d, x []float64)
		want []float64
	}{
		{"LeakyRelu", func(d, x []float64) { LeakyRelu(d, x, 0.5) }, []float64{-1.5, -0.25, 0, 0.5, 3}},
		{"ThresholdedRelu", func(d, x []float64) { ThresholdedRelu(d, x, 0.5) }, []float64{0, 0, 0, 0, 3}},
		{"Elu", func(d, x []float64) { Elu(d, x, 2) }, []float64{2 * math.Expm1(-3), 2 * math.Expm1(-0.5), 0, 0.5, 3}},
		{"Selu", func(d, x []float64) { Selu(d, x, 2, 3) }, []float64{6 * math.Expm1(-3), 6 * math.Expm1(-0.5), 0, 1.5, 9}},
		{"Celu", func(d, x []float64) { Celu(d, x, 2) }, []float64{2 * math.Expm1(-1.5), 2 * math.Expm1(-0.25), 0, 0.5, 3}},
		{"HardSigmoid", func(d, x []float64) { HardSigmoid(d, x, 0.2, 0.5) }, []float64{0, 0.4, 0.5, 0.6, 1}},
		{"Swish", func(d, x []float64) { Swish(d, x, 2) }, []float64{-3 / (1 + math.Exp(6)), -0.5 / (1 + math.E), 0, 0.5 / (1 + 1/math.E), 3 / (1 + math.Exp(-6))}},
		{"Shrink", func(d, x []float64) { Shrink(d, x, 1, 0.5) }, []float64{-2.5, 0, 0, 0, 2.5}},
		{"Clip", func(d, x []float64) { Clip(d, x, -1, 1) }, []float64{-1, -0.5, 0, 0.5, 1}},
		{"Clip crossed", func(d, x []float64) { Clip(d, x, 2, 1) }, []float64{1, 1, 1, 1, 1}},
		{"Sign", Sign[float64], []float64{-1, -1, 0, 1, 1}},
		{"Reciprocal", Reciprocal[float64], []float64{-1.0 / 3, -2, math.Inf(1), 2, 1.0 / 3}},
	} {
		got := make([]float64, len(in))
		Unary(split(2), c.run, got, in)
		one := []float64{1, 1, 1, 1, 1}
		near(t, c.name, got, c.want, one, 1e-15)
	}
}

func TestConvert(t *testing.T) {
	x := []float32{-1e30, -1.9, -0.5, 0, 0.5, 1.9, 300, 1e30, float32(math.NaN())}
	i8, u8, i64 := make([]int8, len(x)), make([]uint8, len(x)), make([]int64, len(x))
	Convert(nil, i8, x)
	Convert(nil, u8, x)
	Convert(split(2), i64, x)
	if got := fmt.Sprint(i8, u8, i64); got != fmt.Sprint(
		[]int8{-128, -1, 0, 0, 0, 1, 127, 127, 0}, []uint8{0, 0, 0, 0, 0, 1, 255, 255, 0},
		[]int64{math.MinInt64, -1, 0, 0, 0, 1, 300, math.MaxInt64, 0}) {
		t.Error(got)
	}
	f := make([]float32, 2)
	Convert(nil, f, []int64{1<<24 + 1, -3})
	if f[0] != 1<<24 || f[1] != -3 {
		t.Error(f)
	}
}
