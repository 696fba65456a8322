package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

type vec = reg.VecVirtual

// constants are the constants in memory, by their bits, each in all places of
// a vector.
var constants = map[string]Mem{}

// bits64 is a vector of four equal 8-byte constants.
func bits64(b uint64) Mem {
	name := fmt.Sprintf("word%016x", b)
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, 8|16) // read-only, no pointers
		for i := range 4 {
			DATA(8*i, U64(b))
		}
		constants[name] = m
	}
	return m
}

// f64 is a vector of four constants.
func f64(v float64) Mem { return bits64(math.Float64bits(v)) }

// load64 is f64 in a register.
func load64(v float64) vec {
	r := YMM()
	VMOVUPD(f64(v), r)
	return r
}

// wideRow is a loop over float32 rows whose length n is a multiple of 8. body
// maps four elements as float64; setup loads parameters.
func wideRow(name, signature, doc string, setup func(), body func(x vec) vec) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name+" is "+doc, "n is a multiple of 8.")
	dst := Load(Param("dst"), GP64())
	x := Load(Param("x"), GP64())
	n := Load(Param("n"), GP64())
	if setup != nil {
		setup()
	}
	eights(n, func() {
		for half := range 2 {
			v := YMM()
			VCVTPS2PD(Mem{Base: x, Disp: 16 * half}, v)
			r := XMM()
			VCVTPD2PSY(body(v), r)
			VMOVUPS(r, Mem{Base: dst, Disp: 16 * half})
		}
		ADDQ(Imm(32), x)
		ADDQ(Imm(32), dst)
	})
	VZEROUPPER()
	RET()
}

// eights runs body for every eight of n elements, n being a multiple of eight.
func eights(n reg.Register, body func()) {
	TESTQ(n, n)
	JE(LabelRef("done"))
	Label("loop")
	body()
	SUBQ(Imm(8), n)
	JNE(LabelRef("loop"))
	Label("done")
}

// narrowRow is a loop over float32 rows whose length n is a multiple of 8.
// body maps the eight elements at each of the operands.
func narrowRow(name, signature, doc string, operands []string, setup func(), body func(at []Mem) vec) {
	unrolledRow(1, name, signature, doc, operands, setup, body)
}

// unrolledRow is narrowRow with so many vectors at a time, and what is left one by
// one.
func unrolledRow(times int, name, signature, doc string, operands []string, setup func(), body func(at []Mem) vec) {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name+" is "+doc, "n is a multiple of 8.")
	dst := Load(Param("dst"), GP64())
	var at []Mem
	for _, o := range operands {
		at = append(at, Mem{Base: Load(Param(o), GP64())})
	}
	n := Load(Param("n"), GP64())
	if setup != nil {
		setup()
	}
	step := func(vectors int) {
		for k := range vectors {
			var here []Mem
			for _, m := range at {
				here = append(here, m.Offset(32*k))
			}
			VMOVUPS(body(here), Mem{Base: dst, Disp: 32 * k})
		}
		for _, m := range at {
			ADDQ(U32(32*vectors), m.Base)
		}
		ADDQ(U32(32*vectors), dst)
		SUBQ(U32(8*vectors), n)
	}
	if times > 1 {
		SUBQ(U32(8*times), n)
		JL(LabelRef("rest"))
		Label("several")
		step(times)
		JGE(LabelRef("several"))
		Label("rest")
		ADDQ(U32(8*times), n)
	}
	TESTQ(n, n)
	JE(LabelRef("done"))
	Label("loop")
	step(1)
	JNE(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// spread32 is the parameter in all places of a vector of float32.
func spread32(name string) vec {
	r := YMM()
	VBROADCASTSS(parameter(name), r)
	return r
}

// spread64 is the parameter in all places of a vector of float64.
func spread64(name string) vec {
	r := YMM()
	VBROADCASTSD(parameter(name), r)
	return r
}

// ends writes what reduces a row to a few numbers.
func ends() {
	TEXT("SumLanes32AVX2", NOSPLIT, "func(x *float32, n int) (lanes [8]float64)")
	Pragma("noescape")
	Doc("SumLanes32AVX2 is lanes[k] = Σ x[8i+k].", "n is a multiple of 8.")
	x, n := Load(Param("x"), GP64()), Load(Param("n"), GP64())
	low, high := YMM(), YMM()
	VXORPD(low, low, low)
	VXORPD(high, high, high)
	eights(n, func() {
		a, b := YMM(), YMM()
		VCVTPS2PD(Mem{Base: x}, a)
		VCVTPS2PD(Mem{Base: x, Disp: 16}, b)
		VADDPD(a, low, low)
		VADDPD(b, high, high)
		ADDQ(Imm(32), x)
	})
	lanes := func(i int) Mem {
		at, err := Return("lanes").Index(i).Resolve()
		if err != nil {
			panic(err)
		}
		return at.Addr
	}
	VMOVUPD(low, lanes(0))
	VMOVUPD(high, lanes(4))
	VZEROUPPER()
	RET()

	TEXT("Accumulate32AVX2", NOSPLIT, "func(acc *float64, x *float32, n int)")
	Pragma("noescape")
	Doc("Accumulate32AVX2 is acc[i] = acc[i] + x[i].", "n is a multiple of 8.")
	acc := Load(Param("acc"), GP64())
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	eights(n, func() {
		for half := range 2 {
			v := YMM()
			VCVTPS2PD(Mem{Base: x, Disp: 16 * half}, v)
			VADDPD(Mem{Base: acc, Disp: 32 * half}, v, v)
			VMOVUPD(v, Mem{Base: acc, Disp: 32 * half})
		}
		ADDQ(Imm(32), x)
		ADDQ(Imm(64), acc)
	})
	VZEROUPPER()
	RET()

	TEXT("Greatest32AVX2", NOSPLIT, "func(x *float32, n int) float32")
	Pragma("noescape")
	Doc("Greatest32AVX2 is max x[i], NaN if any is.", "n is a multiple of 8 and not 0.")
	x, n = Load(Param("x"), GP64()), Load(Param("n"), GP64())
	m, nan := YMM(), YMM()
	VMOVUPS(Mem{Base: x}, m)
	VXORPS(nan, nan, nan)
	Label("loop")
	v, is := YMM(), YMM()
	VMOVUPS(Mem{Base: x}, v)
	VCMPPS(Imm(3), v, v, is)
	VORPS(is, nan, nan) // all bits, which is a NaN
	VMAXPS(v, m, m)
	ADDQ(Imm(32), x)
	SUBQ(Imm(8), n)
	JNE(LabelRef("loop"))
	for _, r := range []vec{m, nan} {
		top := XMM()
		VEXTRACTF128(Imm(1), r, top)
		l := r.AsX()
		join := func() {
			if r == m {
				VMAXPS(top, l, l)
			} else {
				VORPS(top, l, l)
			}
		}
		join()
		VMOVHLPS(l, l, top)
		join()
		VSHUFPS(Imm(1), l, l, top)
		join()
	}
	VORPS(nan.AsX(), m.AsX(), m.AsX())
	VMOVSS(m.AsX(), address(ReturnIndex(0)))
	VZEROUPPER()
	RET()
}
