package kernel

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"
)

// references are the functions of float32.go by package math, which is right
// to less than 1e-9 of a unit in float32's last place.
var references = []struct {
	name string
	f    row32
	want func(float64) float64
}{
	{"Exp", func(d, x []float32) { rows32.exp(d, x, 0) }, math.Exp},
	{"Exp shifted", func(d, x []float32) { rows32.exp(d, x, 3.25) }, func(x float64) float64 { return math.Exp(x - 3.25) }},
	{"Sigmoid", func(d, x []float32) { rows32.sigmoid(d, x) }, sigmoid},
	{"Tanh", func(d, x []float32) { rows32.tanh(d, x) }, math.Tanh},
	{"Log", func(d, x []float32) { rows32.log(d, x) }, math.Log},
	{"Softplus", func(d, x []float32) { rows32.softplus(d, x) }, softplus},
	{"Swish", func(d, x []float32) { rows32.swish(d, x, 1) }, func(x float64) float64 { return x * sigmoid(x) }},
	{"Mish", func(d, x []float32) { rows32.mish(d, x) }, func(x float64) float64 {
		if x > 100 {
			return x
		}
		e := math.Exp(x)
		return x * ((e*e + 2*e) / (e*e + 2*e + 2))
	}},
	{"Erf", func(d, x []float32) { rows32.erf(d, x) }, math.Erf},
	{"Gelu", func(d, x []float32) { rows32.gelu(d, x) }, func(x float64) float64 { return x * 0.5 * math.Erfc(-x/math.Sqrt2) }},
	{"GeluTanh", func(d, x []float32) { rows32.geluTanh(d, x) }, func(x float64) float64 {
		return x * sigmoid(2*0.7978845608028653558798921198687637*(x+0.044715*x*x*x))
	}},
	{"HardSwish", func(d, x []float32) { rows32.hardSwish(d, x) }, func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) }},
	{"HardSigmoid", func(d, x []float32) { rows32.hardSigmoid(d, x, 0.2, 0.5) },
		func(x float64) float64 { return min(max(float64(float32(0.2))*x+0.5, 0), 1) }},
}

// places32 are the functions that some processors compute in float32, and how far they
// may be off then.
var places32 = map[string]float64{"Sigmoid": 4.5, "Exp": 0.8, "Exp shifted": 0.8, "Log": 1.6}

// lastPlaces is how far got is from want, in units of float32's last place at
// want.
func lastPlaces(got float32, want float64) float64 {
	w := float32(want)
	switch {
	case got != got && w != w, got == w && (w == 0 || math.IsInf(float64(w), 0)):
		return 0
	case got != got:
		return math.Inf(1)
	case math.IsInf(float64(w), 0):
		want = math.Copysign(math.MaxFloat32, want)
	}
	unit := math.Ldexp(1, max(math.Ilogb(want), -126)-23)
	return math.Abs(float64(got)-want) / unit
}

// TestFloat32 holds each function over inputs spread over all bit patterns.
// With ONNXLOSS_EXHAUSTIVE=1 it takes every one of them.
func TestFloat32(t *testing.T) {
	step := uint64(4093)
	if v, _ := strconv.Atoi(os.Getenv("ONNXLOSS_EXHAUSTIVE")); v > 0 {
		step = uint64(v)
	}
	for _, r := range references {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			const block = 1 << 12
			x, y := make([]float32, 0, block), make([]float32, block)
			worst, at := 0.0, float32(0)
			for bits := uint64(0); bits < 1<<32; {
				for x = x[:0]; len(x) < block && bits < 1<<32; bits += step {
					x = append(x, math.Float32frombits(uint32(bits)))
				}
				r.f(y[:len(x)], x)
				for i, v := range x {
					if d := lastPlaces(y[i], r.want(float64(v))); !(d <= worst) {
						worst, at = d, v
					}
				}
			}
			t.Logf("at most %.4f units in the last place, at %v", worst, at)
			limit := 0.51
			if l := places32[r.name]; l > 0 {
				limit = l
			}
			if !(worst <= limit) {
				t.Errorf("%v units in the last place at %v", worst, at)
			}
		})
	}
}

// TestRowsAlike: a row's bits do not depend on its length, place or on being
// its own result, and nothing beside it is written.
func TestRowsAlike(t *testing.T) {
	x := make([]float32, 67)
	for i := range x {
		x[i] = float32(i-31) * float32(0.37+5*float64(i%5/4))
	}
	for _, r := range references {
		all := make([]float32, len(x))
		r.f(all, x)
		for n := range 40 {
			got, check := guarded[float32](n)
			r.f(got, x[27-n/2:][:n])
			check(t)
			if fmt.Sprint(got) != fmt.Sprint(all[27-n/2:][:n]) {
				t.Fatalf("%s of %d: %v, want %v", r.name, n, got, all[27-n/2:][:n])
			}
			copy(got, x)
			r.f(got, got)
			if fmt.Sprint(got) != fmt.Sprint(all[:n]) {
				t.Fatalf("%s of %d in place: %v, want %v", r.name, n, got, all[:n])
			}
		}
	}
}

// TestSilu: functions times their argument have the bits of that product.
func TestSilu(t *testing.T) {
	inf := float32(math.Inf(1))
	x := []float32{0, -0.1, 3e38, -3e38, inf, float32(math.NaN()), 1e-45, -87, -104, 20}
	for i := range 1000 {
		x = append(x, float32(i-500)*0.037)
	}
	for _, c := range []struct {
		name         string
		factor, both func(dst, x []float32)
	}{
		{"Silu", Sigmoid[float32], Silu},
		{"TimesHardSigmoid", func(dst, x []float32) { HardSigmoid(dst, x, 0.2, 0.5) }, func(dst, x []float32) { TimesHardSigmoid(dst, x, 0.2, 0.5) }},
	} {
		got, s := make([]float32, len(x)), make([]float32, len(x))
		c.both(got, x)
		c.factor(s, x)
		for i, v := range x {
			if want := v * s[i]; math.Float32bits(got[i]) != math.Float32bits(want) && want == want {
				t.Fatalf("%s of %v: %v, want %v", c.name, v, got[i], want)
			}
		}
	}
}

// TestBooleanLoops: comparisons with a number, and booleans as numbers, in rows of
// every length.
func TestBooleanLoops(t *testing.T) {
	x := []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 1e-45, 0.5}
	for n := range 70 {
		row := make([]float32, n)
		for i := range row {
			row[i] = x[(i*5+n)%len(x)]
		}
		for _, b := range x {
			less, greater, number := make([]bool, n), make([]bool, n), make([]float32, n)
			Less[float32]().VS(less, row, b)
			Greater[float32]().VS(greater, row, b)
			FromBool(number, greater)
			for i, v := range row {
				if less[i] != (v < b) || greater[i] != (v > b) || (number[i] == 1) != greater[i] || number[i]*(1-number[i]) != 0 {
					t.Fatalf("%v and %v: less %v, greater %v, as a number %v", v, b, less[i], greater[i], number[i])
				}
			}
		}
	}
}

// TestVectorLoops: arithmetic on float32 rows of every length gives the bits
// that float64, rounded once, gives; so do special values.
func TestVectorLoops(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, inf, -inf, nan, 1e-45, -3e38, 0.1, 7, -0.3}
	val := func(i int) float32 { return special[i%len(special)] }
	type rows struct {
		Rows[float32, float32]
		want func(a, b float32) float32
	}
	for name, op := range map[string]rows{
		"add": {Add[float32](), func(a, b float32) float32 { return float32(float64(a) + float64(b)) }},
		"sub": {Sub[float32](), func(a, b float32) float32 { return float32(float64(a) - float64(b)) }},
		"mul": {Mul[float32](), func(a, b float32) float32 { return float32(float64(a) * float64(b)) }},
		"div": {Div[float32](), func(a, b float32) float32 { return float32(float64(a) / float64(b)) }},
		"prelu": {PRelu[float32](), func(a, b float32) float32 {
			if a < 0 {
				return a * b
			}
			return a
		}},
		"clip": {Rows[float32, float32]{VS: func(d, a []float32, b float32) { Clip(d, a, -0.5, b) }},
			func(a, b float32) float32 {
				if a < -0.5 {
					a = -0.5
				}
				if a > b {
					a = b
				}
				return a
			}},
		"softsign": {Rows[float32, float32]{VS: func(d, a []float32, _ float32) { Softsign(d, a) }},
			func(a, _ float32) float32 { return a / (1 + float32(math.Abs(float64(a)))) }},
		"abs": {Rows[float32, float32]{VS: func(d, a []float32, _ float32) { Abs(d, a) }},
			func(a, _ float32) float32 { return float32(math.Abs(float64(a))) }},
		"relu": {Rows[float32, float32]{VS: func(d, a []float32, _ float32) { Relu(d, a) }},
			func(a, _ float32) float32 {
				if a < 0 {
					return 0
				}
				return a
			}},
		"max": {Rows[float32, float32]{VV: func(d, a, b []float32) {
			wide := make([]float32, max(2*len(b)-1, 0)) // b in the even places, and what must not be read
			for i := range wide {
				wide[i] = float32(math.Inf(1))
			}
			for i, v := range b {
				wide[2*i] = v
			}
			even := append([]float32(nil), a...)
			maxStrided(even, wide, 2)
			copy(d, a)
			maxStrided(d, b, 1)
			for i, v := range d {
				if math.Float32bits(v) != math.Float32bits(even[i]) && v == v {
					d[i] = -77
				}
			}
		}},
			func(a, b float32) float32 {
				if b > a || b != b {
					return b
				}
				return a
			}},
	} {
		for n := range 35 {
			a, b := make([]float32, n), make([]float32, n)
			for i := range n {
				a[i], b[i] = val(i), val(i/3*5+n)
			}
			same := func(kind string, got []float32, want func(i int) float32) {
				for i, g := range got {
					if w := want(i); math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
						t.Fatalf("%s %s of %d: [%d] (%v, %v) = %v, want %v", name, kind, n, i, a[i], b[i], g, w)
					}
				}
			}
			got, check := guarded[float32](n)
			if op.VV != nil {
				op.VV(got, a, b)
				same("VV", got, func(i int) float32 { return op.want(a[i], b[i]) })
			}
			for _, s := range special {
				if op.VS != nil {
					op.VS(got, a, s)
					same("VS", got, func(i int) float32 { return op.want(a[i], s) })
				}
				if op.SV != nil {
					op.SV(got, s, b)
					same("SV", got, func(i int) float32 { return op.want(s, b[i]) })
				}
			}
			check(t)
		}
	}
}

func BenchmarkFloat32(b *testing.B) {
	x, y := make([]float32, 1<<12), make([]float32, 1<<12)
	for i := range x {
		x[i] = float32(i%97-48) * 0.2
	}
	for _, r := range references {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				r.f(y, x)
			}
			b.ReportMetric(float64(len(x))*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}
