package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// transposes writes the loop that exchanges rows and columns, eight by eight, and
// that which takes every other element.
func transposes() {
	even()
	TEXT("Transpose32AVX2", NOSPLIT, "func(dst, src *float32, dstStride, srcStride, blocks int)")
	Pragma("noescape")
	Doc("Transpose32AVX2 is, for r < 8, c < 8*blocks: dst[r*dstStride+c] = src[c*srcStride+r].")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	ds, ss := Load(Param("dstStride"), GP64()), Load(Param("srcStride"), GP64())
	blocks := Load(Param("blocks"), GP64())
	SHLQ(Imm(2), ds)
	SHLQ(Imm(2), ss)
	Label("block")
	var a, b [8]vec
	for i := range a {
		a[i], b[i] = YMM(), YMM()
		VMOVUPS(Mem{Base: src}, a[i])
		ADDQ(ss, src)
	}
	for i := range 4 {
		VUNPCKLPS(a[2*i+1], a[2*i], b[2*i])
		VUNPCKHPS(a[2*i+1], a[2*i], b[2*i+1])
	}
	for i := range 2 {
		q := b[4*i:]
		VSHUFPS(Imm(0x44), q[2], q[0], a[4*i])
		VSHUFPS(Imm(0xee), q[2], q[0], a[4*i+1])
		VSHUFPS(Imm(0x44), q[3], q[1], a[4*i+2])
		VSHUFPS(Imm(0xee), q[3], q[1], a[4*i+3])
	}
	for i := range 4 {
		VPERM2F128(Imm(0x20), a[4+i], a[i], b[i])
		VPERM2F128(Imm(0x31), a[4+i], a[i], b[4+i])
	}
	at := GP64()
	MOVQ(dst, at)
	for i := range b {
		VMOVUPS(b[i], Mem{Base: at})
		if i < 7 {
			ADDQ(ds, at)
		}
	}
	ADDQ(Imm(32), dst)
	DECQ(blocks)
	JNE(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func even() {
	TEXT("Even32AVX2", NOSPLIT, "func(dst, src *float32, n int)")
	Pragma("noescape")
	Doc("Even32AVX2 is dst[i] = src[2*i].", "n is a multiple of 8 and not 0.")
	dst, src, n := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("n"), GP64())
	Label("loop")
	r := YMM()
	VMOVUPS(Mem{Base: src}, r)
	VSHUFPS(Imm(0xd8), Mem{Base: src, Disp: 28}, r, r) // of 15 elements, each half by itself
	VPERMPD(Imm(0xd8), r, r)
	VMOVUPS(r, Mem{Base: dst})
	ADDQ(Imm(64), src)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(8), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
