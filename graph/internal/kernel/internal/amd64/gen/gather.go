package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// gathers writes the loop that packs panels of a padded plane: it copies, for each
// p, the vectors of each run from the image to a row of the panel.
func gathers() {
	TEXT("GatherAVX2", NOSPLIT, "func(dst, x *float32, off *int, kc, cols int, runs *int, count int)")
	Pragma("noescape")
	Doc("GatherAVX2 is, for p < kc and the runs (at, from, n): for i < 8*n: dst[p*cols+at+i] = x[off[p]+from+i],",
		"in that order.")
	dst, x := Load(Param("dst"), GP64()), Load(Param("x"), GP64())
	off, kc := Load(Param("off"), GP64()), Load(Param("kc"), GP64())
	cols := Load(Param("cols"), GP64())
	runs, count := Load(Param("runs"), GP64()), Load(Param("count"), GP64())
	SHLQ(Imm(2), cols)
	Label("depth")
	row := GP64()
	MOVQ(Mem{Base: off}, row)
	LEAQ(Mem{Base: x, Index: row, Scale: 4}, row)
	run, left := GP64(), GP64()
	MOVQ(runs, run)
	MOVQ(count, left)
	Label("run")
	to, from, n := GP64(), GP64(), GP64()
	MOVQ(Mem{Base: run}, to)
	LEAQ(Mem{Base: dst, Index: to, Scale: 4}, to)
	MOVQ(Mem{Base: run, Disp: 8}, from)
	LEAQ(Mem{Base: row, Index: from, Scale: 4}, from)
	MOVQ(Mem{Base: run, Disp: 16}, n)
	Label("vector")
	v := YMM()
	VMOVUPS(Mem{Base: from}, v)
	VMOVUPS(v, Mem{Base: to})
	ADDQ(Imm(32), from)
	ADDQ(Imm(32), to)
	DECQ(n)
	JNE(LabelRef("vector"))
	ADDQ(Imm(24), run)
	DECQ(left)
	JNE(LabelRef("run"))
	ADDQ(cols, dst)
	ADDQ(Imm(8), off)
	DECQ(kc)
	JNE(LabelRef("depth"))
	VZEROUPPER()
	RET()
}
