package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// taps writes the loops of depthwise convolution, by stride of the input.
func taps() {
	tapsLoop("taps1AVX2", 1)
	tapsLoop("taps2AVX2", 2)
}

// tapsLoop is, for blocks of 8 outputs, four at once while there are as many,
// a sum over the taps of a weight times shifted inputs.
func tapsLoop(name string, stride int) {
	TEXT(name, NOSPLIT, "func(dst, x, w *float32, off *int, taps int, bias float32, blocks int)")
	Pragma("noescape")
	Doc(name+" is, for i < 8*blocks: dst[i] = bias + Σ_t w[t]*x[stride*i+off[t]], the stride being the number",
		"in its name. It reads no element beyond those.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	w, off := Load(Param("w"), GP64()), Load(Param("off"), GP64())
	count, blocks := Load(Param("taps"), GP64()), Load(Param("blocks"), GP64())
	bias := spread32("bias")
	for _, width := range []int{4, 1} {
		again, next, end := labels(width)
		Label(again)
		CMPQ(blocks, Imm(uint64(width)))
		JL(LabelRef(end))
		acc := make([]vec, width)
		for i := range acc {
			acc[i] = YMM()
			VMOVAPS(bias, acc[i])
		}
		t := GP64()
		XORQ(t, t)
		Label(next)
		at := GP64()
		MOVQ(Mem{Base: off, Index: t, Scale: 8}, at)
		v := YMM()
		VBROADCASTSS(Mem{Base: w, Index: t, Scale: 4}, v)
		for i := range acc {
			from := Mem{Base: x, Index: at, Scale: 4, Disp: 32 * stride * i}
			if stride == 1 {
				VFMADD231PS(from, v, acc[i])
				continue
			}
			even := YMM() // of 15 elements, each half by itself
			VMOVUPS(from, even)
			VSHUFPS(Imm(0xd8), from.Offset(28), even, even)
			VFMADD231PS(even, v, acc[i])
		}
		INCQ(t)
		CMPQ(t, count)
		JL(LabelRef(next))
		for i := range acc {
			if stride == 2 {
				VPERMPD(Imm(0xd8), acc[i], acc[i])
			}
			VMOVUPS(acc[i], Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(U32(32*width), dst)
		ADDQ(U32(32*stride*width), x)
		SUBQ(Imm(uint64(width)), blocks)
		JMP(LabelRef(again))
		Label(end)
	}
	VZEROUPPER()
	RET()
}

// labels are the names of the places of a loop.
func labels(width int) (again, next, end string) {
	if width == 1 {
		return "single", "singleTap", "done"
	}
	return "wide", "wideTap", "rest"
}
