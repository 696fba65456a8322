package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// taps writes the loops of depthwise convolution, by the shape of what they sum at
// once.
func taps() {
	for _, s := range [][2]int{{1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 2}, {2, 3}, {4, 1}} {
		tapsLoop(s[0], s[1])
	}
	padRows()
	splitRows()
}

// tapsLoop sums rows × vecs vectors of outputs at once over the taps, until
// count rows are done.
func tapsLoop(rows, vecs int) {
	name := fmt.Sprintf("tapsAVX2r%dv%d", rows, vecs)
	TEXT(name, NOSPLIT, "func(dst, x, w *float32, off *int, taps int, bias float32, count, dstStride, xStride int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is, for r < count and i < %d: dst[r*dstStride+i] = bias + Σ_t w[t]*x[r*xStride+i+off[t]],", name, 8*vecs),
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
			VFMADD231PS(Mem{Base: at, Disp: 32 * i}, v, a)
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

// padRows writes the loop that copies an image's rows into a padded plane.
func padRows() {
	TEXT("PadRowsAVX2", NOSPLIT, "func(dst, x *float32, rows, width, stride, vecs, zeros int)")
	Pragma("noescape")
	Doc("PadRowsAVX2 is, for r < rows: for i < 8*vecs: dst[r*stride+i] = x[r*width+i];",
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

// splitRows writes the loop that copies an image's rows into a padded plane, even columns apart from odd ones.
func splitRows() {
	TEXT("SplitRowsAVX2", NOSPLIT, "func(dst, x *float32, rows, width, stride, part, first, second, n0, n1, vecs int)")
	Pragma("noescape")
	Doc("SplitRowsAVX2 is, for r < rows: for i < 8*vecs: dst[r*stride+first+i] = x[r*width+2i],",
		"dst[r*stride+second+i] = x[r*width+2i+1]; with eight zeros before that at 0 and at part,",
		"and after it at first+n0 and second+n1.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	rows, width, stride, part := Load(Param("rows"), GP64()), Load(Param("width"), GP64()), Load(Param("stride"), GP64()), Load(Param("part"), GP64())
	first, second := Load(Param("first"), GP64()), Load(Param("second"), GP64())
	vecs := Load(Param("vecs"), GP64())
	zero := YMM()
	VXORPS(zero, zero, zero)
	Label("row")
	VMOVUPS(zero, Mem{Base: dst})
	VMOVUPS(zero, Mem{Base: dst, Index: part, Scale: 4})
	to, and, from, left := GP64(), GP64(), GP64(), GP64()
	LEAQ(Mem{Base: dst, Index: first, Scale: 4}, to)
	LEAQ(Mem{Base: dst, Index: second, Scale: 4}, and)
	MOVQ(x, from)
	MOVQ(vecs, left)
	end0, end1 := Load(Param("n0"), GP64()), Load(Param("n1"), GP64())
	LEAQ(Mem{Base: to, Index: end0, Scale: 4}, end0)
	LEAQ(Mem{Base: and, Index: end1, Scale: 4}, end1)
	Label("vector")
	a, even, odd := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: from}, a)
	VMOVUPS(Mem{Base: from, Disp: 32}, odd)
	VSHUFPS(Imm(0x88), odd, a, even)
	VSHUFPS(Imm(0xdd), odd, a, odd)
	VPERMPD(Imm(0xd8), even, even)
	VPERMPD(Imm(0xd8), odd, odd)
	VMOVUPS(even, Mem{Base: to})
	VMOVUPS(odd, Mem{Base: and})
	ADDQ(Imm(64), from)
	ADDQ(Imm(32), to)
	ADDQ(Imm(32), and)
	DECQ(left)
	JNE(LabelRef("vector"))
	VMOVUPS(zero, Mem{Base: end0})
	VMOVUPS(zero, Mem{Base: end1})
	LEAQ(Mem{Base: x, Index: width, Scale: 4}, x)
	LEAQ(Mem{Base: dst, Index: stride, Scale: 4}, dst)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}
