package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// taps writes the loops of depthwise convolution, by stride of the input and
// by the shape of what they sum at once.
func taps() {
	for stride := 1; stride <= 2; stride++ {
		for _, s := range [][2]int{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 2}, {2, 3}, {4, 1}} {
			tapsLoop(stride, s[0], s[1])
		}
	}
	frameRows()
}

// tapsLoop sums rows × vecs vectors of outputs at once over the taps, until
// count rows are done.
func tapsLoop(stride, rows, vecs int) {
	name := fmt.Sprintf("taps%dAVX2r%dv%d", stride, rows, vecs)
	TEXT(name, NOSPLIT, "func(dst, x, w *float32, off *int, taps int, bias float32, count, dstStride, xStride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is, for r < count and i < %d: dst[r*dstStride+i] = bias + Σ_t w[t]*x[r*xStride+%d*i+off[t]],", name, 8*vecs, stride),
		fmt.Sprintf("row after row; count is a multiple of %d.", rows))
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	w, off := Load(Param("w"), GP64()), Load(Param("off"), GP64())
	taps, count := Load(Param("taps"), GP64()), Load(Param("count"), GP64())
	down, over := Load(Param("dstStride"), GP64()), Load(Param("xStride"), GP64())
	SHLQ(Imm(2), down)
	SHLQ(Imm(2), over)
	bias := spread32("bias")
	Label("rows")
	acc := make([][]vec, rows)
	for r := range acc {
		for range vecs {
			a := YMM()
			VMOVAPS(bias, a)
			acc[r] = append(acc[r], a)
		}
	}
	t := GP64()
	XORQ(t, t)
	Label("tap")
	at := GP64()
	MOVQ(Mem{Base: off, Index: t, Scale: 8}, at)
	LEAQ(Mem{Base: x, Index: at, Scale: 4}, at)
	v := YMM()
	VBROADCASTSS(Mem{Base: w, Index: t, Scale: 4}, v)
	for r := range acc {
		for i, a := range acc[r] {
			from := Mem{Base: at, Disp: 32 * stride * i}
			if stride == 1 {
				VFMADD231PS(from, v, a)
				continue
			}
			even := YMM() // of 15 elements, each half by itself
			VMOVUPS(from, even)
			VSHUFPS(Imm(0xd8), from.Offset(28), even, even)
			VFMADD231PS(even, v, a)
		}
		if r+1 < rows {
			ADDQ(over, at)
		}
	}
	INCQ(t)
	CMPQ(t, taps)
	JL(LabelRef("tap"))
	for r := range acc {
		for i, a := range acc[r] {
			if stride == 2 {
				VPERMPD(Imm(0xd8), a, a)
			}
			VMOVUPS(a, Mem{Base: dst, Disp: 32 * i})
		}
		ADDQ(down, dst)
		ADDQ(over, x)
	}
	SUBQ(Imm(uint64(rows)), count)
	JNE(LabelRef("rows"))
	VZEROUPPER()
	RET()
}

// frameRows writes the loop that copies an image's rows into its frame.
func frameRows() {
	TEXT("frameRowsAVX2", NOSPLIT, "func(dst, x *float32, rows, width, stride, vecs, zeros int)")
	Pragma("noescape")
	Doc("frameRowsAVX2 is, for r < rows: for i < 8*vecs: dst[r*stride+i] = x[r*width+i];",
		"for i < 8*zeros: dst[r*stride+width+i] = 0; in that order.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	rows, width, stride := Load(Param("rows"), GP64()), Load(Param("width"), GP64()), Load(Param("stride"), GP64())
	vecs, zeros := Load(Param("vecs"), GP64()), Load(Param("zeros"), GP64())
	SHLQ(Imm(2), width)
	SHLQ(Imm(2), stride)
	SHLQ(Imm(5), vecs)
	SHLQ(Imm(5), zeros)
	zero := YMM()
	VXORPS(zero, zero, zero)
	Label("row")
	i := GP64()
	XORQ(i, i)
	Label("copy")
	v := YMM()
	VMOVUPS(Mem{Base: x, Index: i, Scale: 1}, v)
	VMOVUPS(v, Mem{Base: dst, Index: i, Scale: 1})
	ADDQ(Imm(32), i)
	CMPQ(i, vecs)
	JL(LabelRef("copy"))
	end := GP64()
	LEAQ(Mem{Base: dst, Index: width, Scale: 1}, end)
	XORQ(i, i)
	Label("zero")
	VMOVUPS(zero, Mem{Base: end, Index: i, Scale: 1})
	ADDQ(Imm(32), i)
	CMPQ(i, zeros)
	JL(LabelRef("zero"))
	ADDQ(width, x)
	ADDQ(stride, dst)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
