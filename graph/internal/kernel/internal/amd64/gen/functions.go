package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// The coefficients are those of package kernel's Go functions; see there.
var (
	exprel = []float64{
		0.9999999999955055, 0.4999999999995507, 0.1666666678638044, 0.041666666786337556,
		0.008333283518768105, 0.001388883909064138, 0.00019907582591325134, 2.4867883453521802e-05,
	}
	atanhrel = []float64{
		1.000000000002433, 0.33333333118960873, 0.2000003071060397, 0.14284072879100546,
		0.11152563692791477, 0.08561268333645095, 0.1093028415715348,
	}
	erfcrel = []float64{
		1.2769783815556783, -0.09276382660679786, -0.16603039825101196, 0.16405127945529657,
		-0.05421998191126758, -0.008033977525888683, 0.008722457331414333, 0.0012708559887492465,
		-0.0014559717601145994, -0.0004516947501084056, 0.0002051299040930543, 0.00014392578179240513,
		-2.8962307554749722e-06, -2.7361645968333336e-05, -7.5199480897799836e-06,
	}
	erfrel = []float64{
		1.1283791670615435, -0.3761263846802871, 0.11283782495236845, -0.026865430727670243,
		0.005221031807858023, -0.0008484080405535107, 0.00011265959025606609, -9.667044571486996e-06,
	}
)

// poly is Σ c[i]*x^i.
func poly(x vec, c []float64) vec {
	r := load64(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PD(f64(c[i]), x, r)
	}
	return r
}

const (
	signBit  = 1 << 63
	sqrtHalf = 0x3fe6a09e667f3bcd // √½
	rounder  = 0x1.8p52           // added to a small number, it leaves that rounded in the low bits
)

// exp1 gives s, a power of two, and s*p with exp(x) = s + s*p; x is destroyed.
func exp1(x vec) (s, sp vec) {
	s, t, live := YMM(), YMM(), YMM()
	VMOVUPD(f64(-700), t)
	VCMPPD(Imm(5), t, x, live) // not less: NaN stays
	VMAXPD(x, t, t)
	VMOVUPD(f64(700), x)
	VMINPD(t, x, x)
	n := load64(rounder)
	VFMADD231PD(f64(1.4426950408889634), x, n)
	VPSLLQ(Imm(52), n, s)
	VPADDQ(f64(1), s, s)
	VSUBPD(f64(rounder), n, n)
	VFNMADD231PD(f64(0.6931471805599453), n, x)
	p := poly(x, exprel)
	VANDPD(live, s, s)
	VMULPD(x, p, p)
	sp = YMM()
	VMULPD(s, p, sp)
	return s, sp
}

// expOf is exp(x); x is destroyed.
func expOf(x vec) vec {
	s, sp := exp1(x)
	VADDPD(s, sp, sp)
	return sp
}

// minusAbs is -|x|.
func minusAbs(x vec) vec {
	r := YMM()
	VORPD(bits64(signBit), x, r)
	return r
}

// sigmoidOf is 1/(1+exp(-x)): 1 or e over 1+e, with e = exp(-|x|).
func sigmoidOf(x vec) vec {
	e := expOf(minusAbs(x))
	one := load64(1)
	den := YMM()
	VADDPD(one, e, den)
	VBLENDVPD(x, e, one, one)
	VDIVPD(den, one, one)
	return one
}

// log1pOf is ln(1+e) for 0 <= e <= 1, as 2*atanh(e/(2+e)).
func log1pOf(e vec) vec {
	den, z := YMM(), YMM()
	VADDPD(f64(2), e, den)
	VDIVPD(den, e, e)
	VMULPD(e, e, z)
	r := poly(z, atanhrel)
	VADDPD(e, e, e)
	VMULPD(e, r, r)
	return r
}

// logOf is ln x: x is m·2^k with m between √½ and √2, and ln m is 2*atanh(z),
// z = (m-1)/(m+1).
func logOf(x vec) vec {
	t, k, m := YMM(), YMM(), YMM()
	VPSUBQ(bits64(sqrtHalf), x, t)
	VPAND(bits64(0xfff<<52), t, m)
	VPSUBQ(m, x, m)
	VPADDQ(f64(1), t, t)
	VPSRLQ(Imm(52), t, k) // k + 1023, which 2^52 takes in its low bits
	VPOR(f64(0x1p52), k, k)
	VSUBPD(f64(0x1p52+1023), k, k)
	den, q := YMM(), YMM()
	VADDPD(f64(1), m, den)
	VSUBPD(f64(1), m, m)
	VDIVPD(den, m, m)
	VMULPD(m, m, q)
	r := poly(q, atanhrel)
	VADDPD(m, m, m)
	VMULPD(m, r, r)
	VFMADD231PD(f64(0.6931471805599453), k, r)
	mask, inf := YMM(), load64(math.Inf(1))
	VCMPPD(Imm(0), inf, x, mask)
	VBLENDVPD(mask, inf, r, r)
	zero := load64(0)
	VCMPPD(Imm(0), zero, x, mask)
	VBLENDVPD(mask, f64(math.Inf(-1)), r, r)
	VCMPPD(Imm(9), zero, x, mask) // neither greater nor equal: NaN
	VORPD(mask, r, r)
	return r
}

func functions() {
	const plain = "func(dst, x *float32, n int)"
	var p vec
	wideRow("Exp32AVX2", "func(dst, x *float32, shift float64, n int)", "dst[i] = exp(x[i]-shift).", func() { p = spread64("shift") }, func(x vec) vec {
		VSUBPD(p, x, x)
		return expOf(x)
	})
	sigmoidRows()
	wideRow("Log32AVX2", plain, "dst[i] = ln x[i].", nil, logOf)
	wideRow("Tanh32AVX2", plain, "dst[i] = tanh x[i].", nil, func(x vec) vec {
		t := minusAbs(x)
		VADDPD(t, t, t)
		s, m := exp1(t) // m becomes exp(-2|x|)-1
		VSUBPD(f64(1), s, s)
		VADDPD(s, m, m)
		den, sign := YMM(), YMM()
		VADDPD(f64(2), m, den)
		VDIVPD(den, m, m)
		VANDPD(bits64(signBit-1), m, m)
		VANDPD(bits64(signBit), x, sign)
		VORPD(sign, m, m)
		return m
	})
	wideRow("Swish32AVX2", "func(dst, x *float32, alpha float64, n int)", "dst[i] = x[i]/(1+exp(-alpha*x[i])).", func() { p = spread64("alpha") }, func(x vec) vec {
		z := YMM()
		VMULPD(p, x, z)
		s := sigmoidOf(z)
		VMULPD(x, s, s)
		return s
	})
	var mean, factor, shift vec
	wideRow("Affine32AVX2", "func(dst, x *float32, mean, s, b float64, n int)", "dst[i] = (x[i]-mean)*s + b.", func() {
		mean, factor, shift = spread64("mean"), spread64("s"), spread64("b")
	}, func(x vec) vec {
		r := YMM()
		VSUBPD(mean, x, r)
		VMULPD(factor, r, r)
		VADDPD(shift, r, r)
		return r
	})
	wideRow("Softplus32AVX2", plain, "dst[i] = ln(1+exp(x[i])).", nil, func(x vec) vec {
		r := log1pOf(expOf(minusAbs(x)))
		top := load64(0)
		VMAXPD(x, top, top)
		VADDPD(top, r, r)
		return r
	})
	wideRow("Mish32AVX2", plain, "dst[i] = x[i]*tanh(ln(1+exp(x[i]))).", nil, mish)
	wideRow("Gelu32AVX2", plain, "dst[i] = x[i]/2*(1+erf(x[i]/√2)).", nil, func(x vec) vec {
		z := YMM()
		VANDPD(bits64(signBit-1), x, z)
		VMULPD(f64(0.7071067811865476), z, z)
		q := erfcOf(z)
		two := load64(2)
		VSUBPD(q, two, two)
		VBLENDVPD(x, q, two, two)
		VMULPD(x, two, two)
		VMULPD(f64(0.5), two, two)
		return two
	})
	wideRow("GeluTanh32AVX2", plain, "dst[i] = x[i]/2*(1+tanh(√(2/π)*(x[i]+0.044715*x[i]³))).", nil, func(x vec) vec {
		u := YMM()
		VMULPD(x, x, u)
		one := load64(1)
		VFMADD132PD(f64(0.044715), one, u)
		VMULPD(x, u, u)
		VMULPD(f64(2*0.7978845608028653558798921198687637), u, u)
		s := sigmoidOf(u)
		VMULPD(x, s, s)
		return s
	})
	wideRow("Erf32AVX2", plain, "dst[i] = erf x[i].", nil, erf)
	wideRow("HardSwish32AVX2", plain, "dst[i] = x[i]*min(max(x[i]/6+1/2, 0), 1).", nil, func(x vec) vec {
		u, zero, one := YMM(), load64(0), load64(1)
		VMOVUPD(f64(1.0/6), u)
		half := load64(0.5)
		VFMADD213PD(half, x, u)
		VMAXPD(u, zero, u)
		VMINPD(u, one, u)
		VMULPD(x, u, u)
		return u
	})
}

// mish, with t = exp(-|x|), is x*(1+2t)/(1+2t+2t²) for x >= 0 and
// x*(t²+2t)/(t²+2t+2) for x < 0.
func mish(x vec) vec {
	t := expOf(minusAbs(x))
	t2, num, neg := YMM(), YMM(), YMM()
	VMULPD(t, t, t2)
	VADDPD(t, t, t)
	VADDPD(f64(1), t, num)
	VADDPD(t2, t, neg)
	den, nden := YMM(), YMM()
	VADDPD(t2, t2, t2)
	VADDPD(t2, num, den)
	VADDPD(f64(2), neg, nden)
	VBLENDVPD(x, neg, num, num)
	VBLENDVPD(x, nden, den, den)
	VDIVPD(den, num, num)
	VMULPD(x, num, num)
	return num
}

// erfcOf is 1 - erf z for z >= 0; z is destroyed.
func erfcOf(z vec) vec {
	top := load64(25)
	VMINPD(z, top, z)
	sq := YMM()
	VMULPD(z, z, sq)
	VXORPD(bits64(signBit), sq, sq)
	e := expOf(sq)
	two := load64(2)
	num, den := YMM(), YMM()
	VSUBPD(two, z, num)
	VADDPD(two, z, den)
	VDIVPD(den, num, num)
	r := poly(num, erfcrel)
	VMULPD(e, r, r)
	VADDPD(z, z, z)
	VADDPD(f64(1), z, z)
	VDIVPD(z, r, r)
	return r
}

// erf is x times a polynomial of x² where |x| < 1, else 1 - erfc |x| with the
// sign of x.
func erf(x vec) vec {
	z, sq, small, sign := YMM(), YMM(), YMM(), YMM()
	VANDPD(bits64(signBit-1), x, z)
	one := load64(1)
	VCMPPD(Imm(1), one, z, small)
	VMULPD(x, x, sq)
	inner := poly(sq, erfrel)
	VMULPD(x, inner, inner)
	VANDPD(bits64(signBit), x, sign)
	q := erfcOf(z)
	VSUBPD(q, one, q)
	VORPD(sign, q, q)
	VBLENDVPD(small, inner, q, q)
	return q
}
