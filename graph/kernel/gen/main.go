// The generator of the assembly of package kernel. It is a
// module of its own, so that nobody who uses the tool needs its dependencies.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows is the height of a tile; its width is two vectors.
const rows = 6

func main() {
	ConstraintExpr("amd64,!noasm")
	tile("tile32AVX2", "float32", 4, VBROADCASTSS, VMOVUPS, VADDPS, VFMADD231PS)
	tile("tile64AVX2", "float64", 8, VBROADCASTSD, VMOVUPD, VADDPD, VFMADD231PD)
	functions()
	arithmetic()
	taps()
	Generate()
}

// tile is the microKernel of one element type: 12 accumulators, two vectors of
// B, and one element of A at a time in all places of a vector.
func tile(name, elem string, size int, broadcast, move func(...Op), add, fma func(...Op)) {
	TEXT(name, NOSPLIT, "func(kc int, a, b, c *"+elem+", ldc int, add bool)")
	Pragma("noescape")
	Doc(name + " is tilePlain for " + elem + ", by AVX2 and FMA.")
	kc := Load(Param("kc"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("c"), GP64())
	ldc := Load(Param("ldc"), GP64())
	IMUL3Q(Imm(uint64(size)), ldc, ldc)

	var acc [rows][2]reg.VecVirtual
	for i := range acc {
		for v := range acc[i] {
			acc[i][v] = YMM()
			VXORPS(acc[i][v], acc[i][v], acc[i][v])
		}
	}
	b0, b1, av := YMM(), YMM(), YMM()
	Label("depth")
	move(Mem{Base: b}, b0)
	move(Mem{Base: b, Disp: 32}, b1)
	for i := range acc {
		broadcast(Mem{Base: a, Disp: i * size}, av)
		fma(b0, av, acc[i][0])
		fma(b1, av, acc[i][1])
	}
	ADDQ(Imm(uint64(rows*size)), a)
	ADDQ(Imm(64), b)
	DECQ(kc)
	JNE(LabelRef("depth"))

	flag := Load(Param("add"), GP8())
	TESTB(flag, flag)
	JE(LabelRef("store"))
	at := GP64()
	MOVQ(c, at)
	for i := range acc {
		add(Mem{Base: at}, acc[i][0], acc[i][0])
		add(Mem{Base: at, Disp: 32}, acc[i][1], acc[i][1])
		ADDQ(ldc, at)
	}
	Label("store")
	for i := range acc {
		move(acc[i][0], Mem{Base: c})
		move(acc[i][1], Mem{Base: c, Disp: 32})
		ADDQ(ldc, c)
	}
	VZEROUPPER()
	RET()
}
