package main

import (
	"fmt"
	"math"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows512 writes row functions with sixteen elements at a time.
func rows512() {
	var e exponential
	sigmoid512("Sigmoid32AVX512", sigmoidDoc, false)
	sigmoid512("Silu32AVX512", siluDoc, true)
	row512("Exp32AVX512", "dst[i] = exp(x[i]), within 0.8 units in the last place.", func() {
		e.loadExact()
	}, func(v vec) vec {
		VMINPS(v, e.most, v) // NaN stays
		return e.of(v)
	})
	var shift vec
	row512("ExpShifted32AVX512", "dst[i] = exp(x[i]-shift), within 0.8 units in the last place.", func() {
		e.loadExact()
		shift = spread512(parameter("shift"))
	}, func(v vec) vec { return e.ofDifference(v, shift) })
	log512()
	softmax512(&e)
}

// sigmoid512 writes rows of the logistic function, or of its product with x.
func sigmoid512(name, doc string, times bool) {
	var l logistic
	row512(name, doc, l.load, func(v vec) vec { return l.of(v, times) })
	l.far()
}

// logistic is 1/(1+exp(-x)). An element that is not far from 0 needs
// neither bounds nor the second half of ln 2: with k the multiple of 1/32 that is
// nearest to -x·log₂e, 1 + exp(-x) is 1 + 2^k·(1+r+c·r²) to a quarter of a unit in the
// last place. The others go by exp(-|x|), and 1 or that over 1+exp(-|x|).
type logistic struct {
	one, magnitude, most, scale, rounder, ln2, square, linear, powers, morePowers vec

	x, y    vec // argument and result
	outside reg.OpmaskVirtual
}

func (l *logistic) load() {
	const (
		far  = 24
		half = math.Ln2 / 64 // |r| is up to that
	)
	l.one, l.magnitude, l.most = spread512(f32(1)), spread512(bits32(math.MaxInt32)), spread512(f32(far))
	l.scale, l.rounder = spread512(f32(-log2e)), spread512(f32(0x1.8p18)) // leaves 1/32 in the low bits
	l.ln2, l.square, l.linear = spread512(f32(math.Ln2)), spread512(f32(0.5)), spread512(f32(1+half*half/8))
	power := func(first int) vec {
		r := ZMM()
		VMOVUPS(table512(fmt.Sprintf("powers%d", first), func(i int) uint32 {
			i += first
			return math.Float32bits(float32(math.Exp2(float64(i)/32))) - uint32(i)<<18
		}), r)
		return r
	}
	l.powers, l.morePowers = power(0), power(16)
	l.x, l.y, l.outside = ZMM(), ZMM(), K()
}

// of is the logistic function of v, or its product with v; it is written once in a
// function.
func (l *logistic) of(v vec, times bool) vec {
	n, k, r, p := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVAPS(v, l.x)
	VPANDD(l.magnitude, v, p)
	VPCMPUD(Imm(6), l.most, p, l.outside) // greater, NaN too
	VMOVAPS(l.rounder, n)
	VFMADD231PS(l.scale, v, n)
	VSUBPS(l.rounder, n, k)
	VMOVAPS(v, r)
	VFNMSUB231PS(l.ln2, k, r) // -k·ln 2 - v
	VPSLLD(Imm(18), n, k)
	VPERMI2PS(l.morePowers, l.powers, n)
	VPADDD(k, n, n)
	VMOVAPS(l.square, p)
	VFMADD213PS(l.linear, r, p)
	VFMADD213PS(l.one, r, p)
	VFMADD213PS(l.one, n, p)
	VRCP14PS(p, l.y)
	VFNMADD213PS(l.one, l.y, p)
	VFMADD213PS(l.y, p, l.y)
	KORTESTW(l.outside, l.outside)
	JNE(LabelRef("far"))
	Label("near")
	if times {
		VMULPS(l.y, l.x, l.y)
	}
	return l.y
}

// far writes, after the function's end, what becomes of elements far from 0.
func (l *logistic) far() {
	Label("far")
	var e exponential
	e.load()
	t, den := ZMM(), ZMM()
	VPORD(e.sign, l.x, t)
	p := e.of(t)
	VADDPS(e.one, p, den)
	negative := K()
	VPMOVD2M(l.x, negative)
	VBLENDMPS(p, e.one, negative, p)
	VMOVAPS(quotient(p, den), l.outside, l.y)
	JMP(LabelRef("near"))
}

// exponential has the constants of exp in registers: with k the multiple of 1/16
// that is nearest to t·log₂e and r = t − k·ln 2, exp t is 2^⌊k⌋ times one of sixteen
// powers of two times exp r.
type exponential struct {
	one, sign, least, scale, rounder, high, low, third, second, powers vec

	roundings vec // what the powers were rounded by, of each; nil where that is let be
	most      vec // that exponents are at most
}

// Coefficients of r³ and r² in exp r for |r| <= ln 2/32, the latter with most of
// what r⁴/24 adds.
const (
	exp3 = 1. / 6
	exp2 = 0.5 + 0.828*(math.Ln2/32)*(math.Ln2/32)/24
)

func (e *exponential) load() {
	e.roundings, e.most = nil, nil
	e.one, e.scale, e.high, e.low = spread512(f32(1)), spread512(f32(log2e)), spread512(f32(ln2High)), spread512(f32(ln2Low))
	e.sign, e.least = spread512(bits32(1<<31)), spread512(f32(-110))
	e.rounder = spread512(f32(0x1.8p19)) // leaves sixteenths in the low bits
	e.third, e.second = spread512(f32(exp3)), spread512(f32(exp2))
	e.powers = ZMM()
	VMOVUPS(table512("powers", func(i int) uint32 { return math.Float32bits(sixteenth(i)) }), e.powers)
}

// loadExact is load where every result is to be rounded once, but for a tenth.
func (e *exponential) loadExact() {
	e.load()
	e.most = spread512(f32(110))
	e.roundings = ZMM()
	VMOVUPS(table512("roundings", func(i int) uint32 {
		return math.Float32bits(float32(math.Exp2(float64(i)/16)/float64(sixteenth(i)) - 1))
	}), e.roundings)
}

// sixteenth is 2^(i/16), rounded.
func sixteenth(i int) float32 { return float32(math.Exp2(float64(i) / 16)) }

// of is exp(t) for t up to some 110; t is destroyed.
func (e *exponential) of(t vec) vec { return e.ofSum(t, nil) }

// ofDifference is exp(v-m).
func (e *exponential) ofDifference(v, m vec) vec {
	t, back, rest, lost := ZMM(), ZMM(), ZMM(), ZMM()
	VSUBPS(m, v, t)
	VSUBPS(v, t, back) // of -m, what t has
	VSUBPS(back, t, rest)
	VSUBPS(rest, v, rest)
	VADDPS(back, m, lost)
	VSUBPS(lost, rest, rest)
	return e.ofSum(t, rest)
}

// ofSum is exp(t+rest), rest being what t was rounded by; nil is nothing. t is
// destroyed.
func (e *exponential) ofSum(t, rest vec) vec {
	n, k, p, sq, power := ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	counts := K()
	if rest != nil {
		VCMPPS(Imm(13), e.least, t, counts) // at least; the rest of an infinity is NaN
		if e.most != nil {
			VCMPPS(Imm(2), e.most, t, counts, counts) // at most
			VMINPS(t, e.most, t)                      // NaN stays
		}
	}
	VMAXPS(t, e.least, t) // NaN stays
	VMOVAPS(e.rounder, n)
	VFMADD231PS(e.scale, t, n)
	VSUBPS(e.rounder, n, k)
	VFNMADD231PS(e.high, k, t)
	VFNMADD231PS(e.low, k, t)
	if rest != nil {
		VADDPS(rest, t, counts, t)
	}
	VPERMPS(e.powers, n, power)
	VMOVAPS(e.second, p)
	VFMADD231PS(e.third, t, p)
	VMULPS(t, t, sq)
	VFMADD213PS(t, sq, p)
	if e.roundings != nil {
		VPERMPS(e.roundings, n, sq)
		VADDPS(sq, p, p)
	}
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
	row512("Log32AVX512", "dst[i] = ln x[i], within 1.6 units in the last place.", func() {
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
	signature := "func(dst, x *float32, n int)"
	if strings.Contains(doc, "shift") {
		signature = "func(dst, x *float32, shift float32, n int)"
	}
	TEXT(name, NOSPLIT, signature)
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

// parameter is where the function has its parameter of that name. Floats are read from
// there: what Load emits is no VEX instruction, which on Intel's cores takes as long as
// a hundred others while the upper halves of vectors are in use.
func parameter(name string) Mem { return address(Param(name)) }

// address is where a parameter or a result is.
func address(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// softmax512 writes the softmax of rows: their greatest element, the exponentials and
// their sum, in float64, and the quotients.
func softmax512(e *exponential) {
	TEXT("Softmax32AVX512", NOSPLIT, "func(dst, x *float32, rows, cols int)")
	Pragma("noescape")
	Doc("Softmax32AVX512 is, for each of rows of cols elements that follow each other:",
		"dst[i] = exp(x[i]-m) / Σ exp(x[k]-m), m being the greatest; cols > 0.")
	dst, x, rows := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("rows"), GP64())
	whole, rest := Load(Param("cols"), GP64()), GP64()
	e.loadExact()
	e.most = nil // differences from the greatest
	lowest := spread512(bits32(math.Float32bits(float32(math.Inf(-1)))))
	MOVQ(whole, rest)
	SHRQ(Imm(4), whole)
	SHLQ(Imm(6), whole) // bytes
	ANDQ(Imm(15), rest)
	bits := GP64()
	XORQ(bits, bits)
	BTSQ(rest, bits)
	DECQ(bits)
	tail := K()
	KMOVW(bits.As32(), tail)
	at := GP64()
	// each goes over the row, and does what is left of it under the mask.
	each := func(name string, body func(m Mem, last bool)) {
		XORQ(at, at)
		Label(name)
		CMPQ(at, whole)
		JGE(LabelRef(name + "Rest"))
		body(Mem{Base: x, Index: at, Scale: 1}, false)
		ADDQ(Imm(64), at)
		JMP(LabelRef(name))
		Label(name + "Rest")
		TESTQ(rest, rest)
		JE(LabelRef(name + "Done"))
		body(Mem{Base: x, Index: at, Scale: 1}, true)
		Label(name + "Done")
	}
	out := Mem{Base: dst, Index: at, Scale: 1}

	Label("row")
	m := ZMM()
	VMOVAPS(lowest, m)
	each("greatest", func(from Mem, last bool) {
		if last {
			VMAXPS(from, m, tail, m)
		} else {
			VMAXPS(from, m, m)
		}
	})
	across(m, 4, VMAXPS)
	sums, kept := [2]vec{ZMM(), ZMM()}, ZMM()
	for _, s := range sums {
		VPXORQ(s, s, s)
	}
	each("exponentials", func(from Mem, last bool) {
		v := ZMM()
		if last {
			VMOVUPS_Z(from, tail, v)
		} else {
			VMOVUPS(from, v)
		}
		p := e.ofDifference(v, m)
		if last { // stays where it is: what is stored under a mask is long in coming back
			VMOVAPS_Z(p, tail, kept)
			p = kept
		} else {
			VMOVUPS(p, out)
		}
		for half, s := range sums {
			part, wide := YMM(), ZMM()
			VEXTRACTF64X4(Imm(uint64(half)), p, part)
			VCVTPS2PD(part, wide)
			VADDPD(wide, s, s)
		}
	})
	VADDPD(sums[1], sums[0], sums[0])
	across(sums[0], 8, VADDPD)
	inverse, lost := reciprocal(sums[0])
	each("quotients", func(_ Mem, last bool) {
		v, q := kept, ZMM()
		if !last {
			v = ZMM()
			VMOVUPS(out, v)
		}
		VMULPS(lost, v, q)
		VFMADD231PS(inverse, v, q)
		if last {
			VMOVUPS(q, tail, out)
		} else {
			VMOVUPS(q, out)
		}
	})
	LEAQ(Mem{Base: x, Index: whole, Scale: 1}, x)
	LEAQ(Mem{Base: x, Index: rest, Scale: 4}, x)
	LEAQ(Mem{Base: dst, Index: whole, Scale: 1}, dst)
	LEAQ(Mem{Base: dst, Index: rest, Scale: 4}, dst)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// reciprocal is 1/x in float32, and what that was rounded by, of the float64 that is
// in all places of x.
func reciprocal(x vec) (inverse, lost vec) {
	one, whole, near, rest := ZMM(), ZMM(), YMM(), YMM()
	VBROADCASTSD(f64(1), one)
	VDIVPD(x, one, whole)
	VCVTPD2PS(whole, near)
	VCVTPS2PD(near, one)
	VSUBPD(one, whole, whole)
	VCVTPD2PS(whole, rest)
	inverse, lost = ZMM(), ZMM()
	VBROADCASTSS(near.AsX(), inverse)
	VBROADCASTSS(rest.AsX(), lost)
	return inverse, lost
}

// across joins all elements of v, of so many bytes, in each of its places.
func across(v vec, size int, join func(...Op)) {
	other := ZMM()
	for _, half := range []uint64{0x4e, 0xb1} { // of the vector, and of its quarters
		VSHUFF64X2(Imm(half), v, v, other)
		join(other, v, v)
	}
	VPERMILPD(Imm(0x55), v, other)
	join(other, v, v)
	if size == 4 {
		VPERMILPS(Imm(0xb1), v, other)
		join(other, v, v)
	}
}
