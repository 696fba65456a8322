package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// arithmetic writes the row functions that compute in float32.
func arithmetic() {
	for _, o := range []struct {
		name, sign string
		op         func(...Op)
	}{{"Add", "+", VADDPS}, {"Sub", "-", VSUBPS}, {"Mul", "*", VMULPS}, {"Div", "/", VDIVPS}} {
		vv, vs := o.name+"VV32AVX2", o.name+"VS32AVX2"
		unrolledRow(4, vv, "func(dst, a, b *float32, n int)", "dst[i] = a[i] "+o.sign+" b[i].", []string{"a", "b"}, nil, func(at []Mem) vec {
			r := YMM()
			VMOVUPS(at[0], r)
			o.op(at[1], r, r)
			return r
		})
		var p vec
		scalar := func() { p = spread32("b") }
		unrolledRow(4, vs, "func(dst, a *float32, b float32, n int)", "dst[i] = a[i] "+o.sign+" b.", []string{"a"}, scalar, func(at []Mem) vec {
			r := YMM()
			VMOVUPS(at[0], r)
			o.op(p, r, r)
			return r
		})
		if o.name == "Add" || o.name == "Mul" {
			continue // b + a, b * a
		}
		sv := o.name + "SV32AVX2"
		first := func() { p = spread32("a") }
		unrolledRow(4, sv, "func(dst *float32, a float32, b *float32, n int)", "dst[i] = a "+o.sign+" b[i].", []string{"b"}, first, func(at []Mem) vec {
			r := YMM()
			o.op(at[0], p, r)
			return r
		})
	}
	var lo, hi vec
	unrolledRow(4, "Clip32AVX2", "func(dst, x *float32, lo, hi float32, n int)", "dst[i] = min(max(x[i], lo), hi); NaN stays.", []string{"x"}, func() {
		lo, hi = spread32("lo"), spread32("hi")
	}, func(at []Mem) vec {
		r := YMM()
		VMAXPS(at[0], lo, r)
		VMINPS(r, hi, r)
		return r
	})
	narrowRow("Leaky32AVX2", "func(dst, x *float32, alpha float32, n int)", "dst[i] = x[i] < 0 ? alpha*x[i] : x[i].", []string{"x"}, func() {
		lo, hi = spread32("alpha"), YMM()
		VXORPS(hi, hi, hi)
	}, func(at []Mem) vec {
		r, m := YMM(), YMM()
		VMOVUPS(at[0], r)
		VCMPPS(Imm(1), hi, r, m)
		y := YMM()
		VMULPS(r, lo, y)
		VBLENDVPS(m, y, r, r)
		return r
	})
	var sign, one vec
	narrowRow("Softsign32AVX2", "func(dst, x *float32, n int)", "dst[i] = x[i]/(1+|x[i]|).", []string{"x"}, func() {
		sign, one = YMM(), YMM()
		VBROADCASTSS(signBit32(), sign)
		VBROADCASTSS(ones(), one)
	}, func(at []Mem) vec {
		r, d := YMM(), YMM()
		VMOVUPS(at[0], r)
		VANDNPS(r, sign, d)
		VADDPS(one, d, d)
		VDIVPS(d, r, r)
		return r
	})
	unrolledRow(4, "Abs32AVX2", "func(dst, x *float32, n int)", "dst[i] = |x[i]|.", []string{"x"}, func() {
		sign = YMM()
		VBROADCASTSS(signBit32(), sign)
	}, func(at []Mem) vec {
		r := YMM()
		VANDNPS(at[0], sign, r)
		return r
	})
	unrolledRow(4, "Neg32AVX2", "func(dst, x *float32, n int)", "dst[i] = -x[i].", []string{"x"}, func() {
		sign = YMM()
		VBROADCASTSS(signBit32(), sign)
	}, func(at []Mem) vec {
		r := YMM()
		VXORPS(at[0], sign, r)
		return r
	})
	unrolledRow(4, "Sqrt32AVX2", "func(dst, x *float32, n int)", "dst[i] = √x[i].", []string{"x"}, nil, func(at []Mem) vec {
		r := YMM()
		VSQRTPS(at[0], r)
		return r
	})
	var low, top vec
	narrowRow("HardSigmoid32AVX2", "func(dst, x *float32, alpha, beta float32, n int)", "dst[i] = min(max(alpha*x[i]+beta, 0), 1); NaN stays.", []string{"x"}, func() {
		lo, hi = spread32("alpha"), spread32("beta")
		low, top = YMM(), YMM()
		VXORPS(low, low, low)
		VBROADCASTSS(ones(), top)
	}, func(at []Mem) vec {
		r := YMM()
		VMOVUPS(at[0], r)
		VFMADD213PS(hi, lo, r)
		VMAXPS(r, low, r)
		VMINPS(r, top, r)
		return r
	})
	unrolledRow(4, "TimesHardSigmoid32AVX2", "func(dst, x *float32, alpha, beta float32, n int)", "dst[i] = x[i]*min(max(alpha*x[i]+beta, 0), 1).", []string{"x"}, func() {
		lo, hi = spread32("alpha"), spread32("beta")
		low, top = YMM(), YMM()
		VXORPS(low, low, low)
		VBROADCASTSS(ones(), top)
	}, func(at []Mem) vec {
		x, r := YMM(), YMM()
		VMOVUPS(at[0], x)
		VMOVAPS(x, r)
		VFMADD213PS(hi, lo, r)
		VMAXPS(r, low, r)
		VMINPS(r, top, r)
		VMULPS(x, r, r)
		return r
	})
	comparisons()
	maxRow("Max32AVX2", 1)
	maxRow("MaxEven32AVX2", 2)
}

// comparisons writes the loops between float32 and booleans, which are bytes.
func comparisons() {
	var p, one vec
	for _, o := range []struct {
		name, sign string
		predicate  uint64
	}{{"Less", "<", 0x11}, {"Greater", ">", 0x1e}} {
		boolRow(o.name+"VS32AVX2", "func(dst *bool, a *float32, b float32, n int)", "dst[i] = a[i] "+o.sign+" b.", func() { p = spread32("b") }, func(at Mem) vec {
			r := YMM()
			VMOVUPS(at, r)
			VCMPPS(Imm(o.predicate), p, r, r)
			return r
		})
	}
	TEXT("FromBool32AVX2", NOSPLIT, "func(dst *float32, x *bool, n int)")
	Pragma("noescape")
	Doc("FromBool32AVX2 is dst[i] = 1 where x[i], else 0.", "n is a multiple of 8.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	one = YMM()
	VBROADCASTSS(ones(), one)
	eights(n, func() {
		r, zero := YMM(), YMM()
		VPMOVZXBD(Mem{Base: x}, r)
		VPXOR(zero, zero, zero)
		VPSUBD(r, zero, r) // all bits where true
		VANDPS(one, r, r)
		VMOVUPS(r, Mem{Base: dst})
		ADDQ(Imm(8), x)
		ADDQ(Imm(32), dst)
	})
	VZEROUPPER()
	RET()
}

// boolRow is a loop that stores a boolean for each element; body gives all bits of
// an element where it is true.
func boolRow(name, signature, doc string, setup func(), body func(at Mem) vec) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name+" is "+doc, "n is a multiple of 8.")
	dst, a, n := Load(Param("dst"), GP64()), Load(Param("a"), GP64()), Load(Param("n"), GP64())
	setup()
	eights(n, func() {
		r := body(Mem{Base: a})
		high := XMM()
		VEXTRACTF128(Imm(1), r, high)
		low := r.AsX()
		VPACKSSDW(high, low, low)
		VPACKSSWB(low, low, low)
		VPABSB(low, low) // -1 becomes 1
		VMOVQ(low, Mem{Base: dst})
		ADDQ(Imm(32), a)
		ADDQ(Imm(8), dst)
	})
	VZEROUPPER()
	RET()
}

// maxRow is a loop of dst[i] = max(dst[i], x[stride*i]).
func maxRow(name string, stride int) {
	TEXT(name, NOSPLIT, "func(dst, x *float32, n int)")
	Pragma("noescape")
	Doc(name+" is dst[i] = max(dst[i], x[stride*i]), the stride being 2 if its name says Even, else 1;",
		"NaN wins. n is a multiple of 8.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	eights(n, func() {
		r, y, m, nan := YMM(), YMM(), YMM(), YMM()
		VMOVUPS(Mem{Base: x}, r)
		if stride == 2 {
			VSHUFPS(Imm(0xd8), Mem{Base: x, Disp: 28}, r, r)
			VPERMPD(Imm(0xd8), r, r)
		}
		VMOVUPS(Mem{Base: dst}, y)
		VCMPPS(Imm(2), y, r, m) // x <= dst: dst stays
		VCMPPS(Imm(3), y, y, nan)
		VORPS(nan, m, m)
		VBLENDVPS(m, y, r, r)
		VMOVUPS(r, Mem{Base: dst})
		ADDQ(U32(32*stride), x)
		ADDQ(U32(32), dst)
	})
	VZEROUPPER()
	RET()
}

// word32 is four bytes in memory.
func word32(name string, b uint32) Mem {
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, 8|16)
		DATA(0, U32(b))
		constants[name] = m
	}
	return m
}

// signBit32 is the sign of a float32 in memory.
func signBit32() Mem { return word32("sign32", 1<<31) }

// ones is the float32 number 1 in memory.
func ones() Mem { return word32("one32", 0x3f800000) }
