package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows512 writes row functions with sixteen elements at a time.
func rows512() {
	var e exponential
	sigmoid := func(times bool) func(v vec) vec {
		return func(v vec) vec {
			t, den := ZMM(), ZMM()
			VPORD(e.sign, v, t)
			p := e.of(t)
			VADDPS(e.one, p, den)
			negative := K()
			VPMOVD2M(v, negative)
			VBLENDMPS(p, e.one, negative, p)
			p = quotient(p, den)
			if times {
				VMULPS(p, v, p)
			}
			return p
		}
	}
	row512("sigmoid32AVX512", sigmoidDoc, func() { e.load() }, sigmoid(false))
	row512("silu32AVX512", siluDoc, func() { e.load() }, sigmoid(true))
	var most vec
	row512("exp32AVX512", "dst[i] = exp(x[i]), within 1.1 units in the last place.", func() {
		e.load()
		most = spread512(f32(110))
	}, func(v vec) vec {
		VMINPS(v, most, v) // NaN stays
		return e.of(v)
	})
	log512()
}

// exponential has the constants of exp in registers: with k the multiple of 1/16
// that is nearest to t·log₂e and r = t − k·ln 2, exp t is 2^⌊k⌋ times one of sixteen
// powers of two times exp r.
type exponential struct {
	one, sign, least, scale, rounder, high, low, third, second, powers vec
}

// Coefficients of r³ and r² in exp r for |r| <= ln 2/32, the latter with most of
// what r⁴/24 adds.
const (
	exp3 = 1. / 6
	exp2 = 0.5 + 0.828*(math.Ln2/32)*(math.Ln2/32)/24
)

func (e *exponential) load() {
	e.one, e.scale, e.high, e.low = spread512(f32(1)), spread512(f32(log2e)), spread512(f32(ln2High)), spread512(f32(ln2Low))
	e.sign, e.least = spread512(bits32(1<<31)), spread512(f32(-110))
	e.rounder = spread512(f32(0x1.8p19)) // leaves sixteenths in the low bits
	e.third, e.second = spread512(f32(exp3)), spread512(f32(exp2))
	e.powers = ZMM()
	VMOVUPS(table512("powers", func(i int) uint32 { return math.Float32bits(float32(math.Exp2(float64(i) / 16))) }), e.powers)
}

// of is exp(t) for t up to some 110; t is destroyed.
func (e *exponential) of(t vec) vec {
	n, k, p, sq, power := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VMAXPS(t, e.least, t) // NaN stays
	VMOVAPS(e.rounder, n)
	VFMADD231PS(e.scale, t, n)
	VSUBPS(e.rounder, n, k)
	VFNMADD231PS(e.high, k, t)
	VFNMADD231PS(e.low, k, t)
	VPERMPS(e.powers, n, power)
	VMOVAPS(e.second, p)
	VFMADD231PS(e.third, t, p)
	VMULPS(t, t, sq)
	VFMADD213PS(t, sq, p)
	VFMADD213PS(power, power, p)
	VSCALEFPS(k, p, p)
	return p
}

// quotient is a/b for b from 1 to 2: an estimate, and once what it leaves.
func quotient(a, b vec) vec {
	inverse, q, rest := ZMM(), ZMM(), ZMM()
	VRCP14PS(b, inverse)
	VMULPS(inverse, a, q)
	VMOVAPS(a, rest)
	VFNMADD231PS(b, q, rest)
	VFMADD231PS(inverse, rest, q)
	return q
}

// logTail is (ln(1+f) - f + f²/2)/f³ for -1/4 <= f < 1/2, by powers of f.
var logTail = []float32{
	0.33333334, -0.25000057, 0.2000014, -0.16660817, 0.14268306, -0.12639311, 0.11680682, -0.0956134, 0.04287198,
}

// log512 is ln x as ln m + k·ln 2, with m between 3/4 and 3/2.
func log512() {
	const (
		normal   = 0xf // m is from 3/4; NaN of negative numbers, and 1 of -0
		ln2First = 0x1.62e4p-1
		ln2Rest  = 1.4286068203094172e-06 // positive, so that nothing is undefined for 0
	)
	var one, half, high, low vec
	var tail []vec
	row512("log32AVX512", "dst[i] = ln x[i], within 1.6 units in the last place.", func() {
		one, half, high, low = spread512(f32(1)), spread512(f32(-0.5)), spread512(f32(ln2First)), spread512(f32(ln2Rest))
		for _, c := range logTail {
			tail = append(tail, spread512(f32(c)))
		}
	}, func(v vec) vec {
		f, k, shift, p, sq := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
		VGETMANTPS(Imm(normal), v, f)
		VGETEXPPS(v, k)
		VGETEXPPS(f, shift)
		VSUBPS(shift, k, k)
		VSUBPS(one, f, f)
		VMOVAPS(tail[len(tail)-1], p)
		for i := len(tail) - 2; i >= 0; i-- {
			VFMADD213PS(tail[i], f, p)
		}
		VFMADD213PS(half, f, p)
		VMULPS(f, f, sq)
		VMULPS(sq, p, p)
		VFMADD231PS(low, k, p)
		VFMADD231PS(high, k, f)
		VADDPS(p, f, p)
		return p
	})
}

// row512 is a loop over float32 rows whose length n is a multiple of 8. body maps
// sixteen elements; of a last eight the other half of the vector is masked.
func row512(name, doc string, setup func(), body func(v vec) vec) {
	TEXT(name, NOSPLIT, "func(dst, x *float32, n int)")
	Pragma("noescape")
	Doc(name+" is "+doc, "n is a multiple of 8.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	setup()
	mask, bits := K(), GP32()
	MOVL(U32(0xffff), bits)
	KMOVW(bits, mask)
	TESTQ(n, n)
	JE(LabelRef("done"))
	Label("loop")
	CMPQ(n, Imm(16))
	JGE(LabelRef("whole"))
	MOVL(U32(0xff), bits)
	KMOVW(bits, mask)
	Label("whole")
	v := ZMM()
	VMOVUPS_Z(Mem{Base: x}, mask, v)
	VMOVUPS(body(v), mask, Mem{Base: dst})
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(16), n)
	JG(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// spread512 is the first number in memory in all places of a vector.
func spread512(m Mem) reg.VecVirtual {
	r := ZMM()
	VBROADCASTSS(m, r)
	return r
}

// table512 is sixteen words in memory.
func table512(name string, of func(i int) uint32) Mem {
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, 8|16) // read-only, no pointers
		for i := range 16 {
			DATA(4*i, U32(of(i)))
		}
		constants[name] = m
	}
	return m
}
