package kernel

import "math"

// The row functions of float32 that are computed from one exponential, in
// float64 and rounded once. Each exists in Go, here, and in assembly. Both
// evaluate the same polynomials, whose relative errors are below 2^-34, so
// results are within 0.51 of a unit in the last place, denormals included. The
// exceptions are what detectors and losses spend their time on, which assembly
// computes in float32: the logistic function, within 4.5 units, and for AVX-512 the
// exponential, within 0.8, and the logarithm, within 1.6.

// exprel is (exp(r)-1)/r for |r| <= ln 2/2, by powers of r: interpolated at
// Chebyshev's nodes, as all polynomials here. Its relative error is 2^-37.
func exprel(r float64) float64 {
	return 0.9999999999955055 + r*(0.4999999999995507+r*(0.1666666678638044+r*(0.041666666786337556+
		r*(0.008333283518768105+r*(0.001388883909064138+r*(0.00019907582591325134+r*2.4867883453521802e-05))))))
}

// expParts returns s, a power of two, and sp with exp(x) = s + sp; s is 0 where
// exp(x) is far below what float32 holds.
func expParts(x float64) (s, sp float64) {
	if x < -700 {
		return 0, 0
	}
	const rounder = 0x1.8p52 // added to a small number, it leaves that rounded in the low bits
	x = min(x, 700)
	n := x*math.Log2E + rounder
	s = math.Float64frombits(math.Float64bits(n)<<52 + 1023<<52)
	x -= (n - rounder) * math.Ln2
	return s, s * x * exprel(x)
}

func expShort(x float64) float64 {
	s, sp := expParts(x)
	return s + sp
}

func sigmoidShort(x float64) float64 {
	e := expShort(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

// siluShort is x times the rounded sigmoid of x.
func siluShort(x float64) float64 { return x * float64(float32(sigmoidShort(x))) }

func tanhShort(x float64) float64 {
	s, sp := expParts(-2 * math.Abs(x))
	m := s - 1 + sp // exp(-2|x|) - 1
	return math.Copysign(m/(2+m), x)
}

// log1pShort is ln(1+e) for 0 <= e <= 1, as 2*atanh(z) with z = e/(2+e). The
// relative error of the polynomial is 2^-38.
func log1pShort(e float64) float64 {
	z := e / (2 + e)
	q := z * z
	return 2 * z * atanhrel(q)
}

// atanhrel is atanh(z)/z for |z| <= 1/3, by powers of q = z².
func atanhrel(q float64) float64 {
	return 1.000000000002433 + q*(0.33333333118960873+q*(0.2000003071060397+q*(0.14284072879100546+
		q*(0.11152563692791477+q*(0.08561268333645095+q*0.1093028415715348)))))
}

// logShort is ln x for a float32: x is m·2^k with m between √½ and √2, and ln m
// is 2*atanh(z), z = (m-1)/(m+1).
func logShort(x float64) float64 {
	const sqrtHalf = 0x3fe6a09e667f3bcd
	switch {
	case math.IsInf(x, 1):
		return x
	case x == 0:
		return math.Inf(-1)
	case !(x > 0):
		return math.NaN()
	}
	b := math.Float64bits(x)
	k := int64(b-sqrtHalf) >> 52
	m := math.Float64frombits(b - uint64(k)<<52)
	z := (m - 1) / (m + 1)
	return 2*z*atanhrel(z*z) + float64(k)*math.Ln2
}

func softplusShort(x float64) float64 { return max(x, 0) + log1pShort(expShort(-math.Abs(x))) }

// mishShort is x*tanh(ln(1+exp(x))), in terms of exp(-|x|).
func mishShort(x float64) float64 {
	t := expShort(-math.Abs(x))
	if x < 0 {
		return x * (t*t + 2*t) / (t*t + 2*t + 2)
	}
	return x * (1 + 2*t) / (1 + 2*t + 2*t*t)
}

// erfcShort is 1 - erf z for z >= 0: exp(-z²)/(1+2z) times a polynomial of
// (z-2)/(z+2), of relative error 2^-35.
func erfcShort(z float64) float64 {
	z = min(z, 25)
	u := (z - 2) / (z + 2)
	r := 1.2769783815556783 + u*(-0.09276382660679786+u*(-0.16603039825101196+u*(0.16405127945529657+
		u*(-0.05421998191126758+u*(-0.008033977525888683+u*(0.008722457331414333+u*(0.0012708559887492465+
			u*(-0.0014559717601145994+u*(-0.0004516947501084056+u*(0.0002051299040930543+u*(0.00014392578179240513+
				u*(-2.8962307554749722e-06+u*(-2.7361645968333336e-05+u*-7.5199480897799836e-06)))))))))))))
	return expShort(-z*z) * r / (1 + 2*z)
}

// erfShort is erf x: near 0 by a polynomial of x², of relative error 2^-34.
func erfShort(x float64) float64 {
	if math.Abs(x) < 1 {
		q := x * x
		return x * (1.1283791670615435 + q*(-0.3761263846802871+q*(0.11283782495236845+q*(-0.026865430727670243+
			q*(0.005221031807858023+q*(-0.0008484080405535107+q*(0.00011265959025606609+q*-9.667044571486996e-06)))))))
	}
	return math.Copysign(1-erfcShort(math.Abs(x)), x)
}

func geluShort(x float64) float64 {
	q := erfcShort(math.Abs(x) * (1 / math.Sqrt2))
	if x >= 0 {
		q = 2 - q
	}
	return 0.5 * x * q
}

func geluTanhShort(x float64) float64 {
	const c = 0.7978845608028653558798921198687637 // √(2/π)
	return x * sigmoidShort(2*c*(x*(0.044715*x*x+1)))
}

func hardSwishShort(x float64) float64 { return x * min(max(x*(1.0/6)+0.5, 0), 1) }

// row32 is a loop over float32 rows of any one length.
type row32 func(dst, x []float32)

// rows32 are the loops in use. An initializer replaces them where the
// processor has faster ones.
var rows32 = struct {
	sigmoid, silu, tanh, softplus, mish, erf, gelu, geluTanh, hardSwish, log row32

	exp   func(dst, x []float32, shift float32) // exp(x-shift)
	swish func(dst, x []float32, alpha float64)

	hardSigmoid func(dst, x []float32, alpha, beta float32)
}{
	sigmoid: rowOf(sigmoidShort), silu: rowOf(siluShort), tanh: rowOf(tanhShort), softplus: rowOf(softplusShort), mish: rowOf(mishShort),
	erf: rowOf(erfShort), log: rowOf(logShort), gelu: rowOf(geluShort), geluTanh: rowOf(geluTanhShort), hardSwish: rowOf(hardSwishShort),
	exp: func(dst, x []float32, shift float32) {
		x = x[:len(dst)]
		for i, v := range x {
			dst[i] = float32(expShort(float64(v) - float64(shift)))
		}
	},
	swish: func(dst, x []float32, alpha float64) {
		x = x[:len(dst)]
		for i, v := range x {
			dst[i] = float32(float64(v) * sigmoidShort(alpha*float64(v)))
		}
	},
	hardSigmoid: func(dst, x []float32, alpha, beta float32) {
		x = x[:len(dst)]
		for i, v := range x {
			dst[i] = float32(min(max(float64(alpha)*float64(v)+float64(beta), 0), 1))
		}
	},
}

func rowOf(f func(float64) float64) row32 {
	return func(dst, x []float32) { Map(dst, x, f) }
}
