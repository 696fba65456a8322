package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sigmoids512 writes the loops of sigmoidRows with sixteen elements at a time; of
// a last eight the other half of the vector is masked.
func sigmoids512() {
	sigmoid512("sigmoid32AVX512", sigmoidDoc, false)
	sigmoid512("silu32AVX512", siluDoc, true)
}

func sigmoid512(name, doc string, times bool) {
	TEXT(name, NOSPLIT, sigmoidSignature)
	Pragma("noescape")
	Doc(name+" is "+doc, "n is a multiple of 8.")
	dst, x, n := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	spread := func(m Mem) reg.VecVirtual {
		r := ZMM()
		VBROADCASTSS(m, r)
		return r
	}
	one, scale, high, low, sign := spread(f32(1)), spread(f32(log2e)), spread(f32(ln2High)), spread(f32(ln2Low)), spread(bits32(1<<31))
	least := spread(f32(-110))
	var tail []reg.VecVirtual
	for _, c := range expTail {
		tail = append(tail, spread(f32(c)))
	}
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
	v, t, k, p, sq, den := ZMM(), ZMM(), ZMM(), ZMM(), ZMM(), ZMM()
	VMOVUPS_Z(Mem{Base: x}, mask, v)
	VPORD(sign, v, t)
	VMAXPS(t, least, t) // NaN stays
	VMULPS(scale, t, k)
	VRNDSCALEPS(Imm(8), k, k)
	VFNMADD231PS(high, k, t)
	VFNMADD231PS(low, k, t)
	VMOVAPS(tail[len(tail)-1], p)
	for i := len(tail) - 2; i >= 0; i-- {
		VFMADD213PS(tail[i], t, p)
	}
	VMULPS(t, t, sq)
	VFMADD213PS(t, sq, p)
	VADDPS(one, p, p)
	VSCALEFPS(k, p, p)
	VADDPS(one, p, den)
	negative := K()
	VPMOVD2M(v, negative)
	VBLENDMPS(p, one, negative, p)
	VDIVPS(den, p, p)
	if times {
		VMULPS(p, v, p)
	}
	VMOVUPS(p, mask, Mem{Base: dst})
	ADDQ(Imm(64), x)
	ADDQ(Imm(64), dst)
	SUBQ(Imm(16), n)
	JG(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}
