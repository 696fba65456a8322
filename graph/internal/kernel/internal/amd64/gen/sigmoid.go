package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// f32 is a vector of eight constants of float32.
func f32(v float32) Mem { return bits32(math.Float32bits(v)) }

// bits32 is a vector of eight equal 4-byte constants.
func bits32(b uint32) Mem { return bits64(uint64(b)<<32 | uint64(b)) }

// The exponential of float32: x = n·ln 2 + r, and exp r is 1 + r + r²·p(r).
// Coefficients of p by S. Moshier, Cephes, expf.
const (
	log2e   = 1.44269504088896341
	ln2High = 0.693359375
	ln2Low  = -2.12194440e-4
)

var expTail = []float32{5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4}

// expMinus is exp(x) of eight float32 for x <= 0, to the least denormal; x is
// destroyed.
func expMinus(x vec) vec {
	low := YMM()
	VMOVUPS(f32(-110), low)
	VMAXPS(x, low, x) // NaN stays
	n := YMM()
	VMULPS(f32(log2e), x, n)
	VROUNDPS(Imm(8), n, n)
	VFNMADD231PS(f32(ln2High), n, x)
	VFNMADD231PS(f32(ln2Low), n, x)
	p := YMM()
	VMOVUPS(f32(expTail[len(expTail)-1]), p)
	for i := len(expTail) - 2; i >= 0; i-- {
		VFMADD213PS(f32(expTail[i]), x, p)
	}
	sq := YMM()
	VMULPS(x, x, sq)
	VFMADD213PS(x, sq, p)
	VADDPS(f32(1), p, p)
	whole, half := YMM(), YMM()
	VCVTPS2DQ(n, whole)
	VPSRAD(Imm(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, e := range []vec{half, whole} {
		VPADDD(bits32(127), e, e)
		VPSLLD(Imm(23), e, e)
		VMULPS(e, p, p)
	}
	return p
}

// sigmoidRows writes the loops of the logistic function in float32, and of its
// product with x: with e = exp(-|x|), 1 or e over 1+e.
func sigmoidRows() {
	narrowRow("Sigmoid32AVX2", sigmoidSignature, sigmoidDoc, []string{"x"}, nil, func(at []Mem) vec { return sigmoidAt(at[0], false) })
	narrowRow("Silu32AVX2", sigmoidSignature, siluDoc, []string{"x"}, nil, func(at []Mem) vec { return sigmoidAt(at[0], true) })
}

const (
	sigmoidSignature = "func(dst, x *float32, n int)"
	sigmoidDoc       = "dst[i] = 1/(1+exp(-x[i])), within 4.5 units in the last place."
	siluDoc          = "dst[i] = x[i] times what the logistic function of the same kind gives."
)

func sigmoidAt(at Mem, times bool) vec {
	x, t := YMM(), YMM()
	VMOVUPS(at, x)
	VORPS(bits32(1<<31), x, t)
	e := expMinus(t)
	one, den := YMM(), YMM()
	VMOVUPS(f32(1), one)
	VADDPS(one, e, den)
	VBLENDVPS(x, e, one, one)
	VDIVPS(den, one, one)
	if times {
		VMULPS(one, x, one)
	}
	return one
}
