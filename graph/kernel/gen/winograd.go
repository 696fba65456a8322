package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// winograd writes the transforms of F(4×4, 3×3) over vectors of eight tiles.
func winograd() {
	winogradInput()
	winogradOutput()
}

// The points of interpolation are 0, ±inner, ±outer and infinity, as in package
// kernel.
const inner, outer = 0.75, 1.5

// sixToSix is the transform Bᵀd of one column or row.
func sixToSix(d []vec) []vec {
	t := make([]vec, 6)
	for i := range t {
		t[i] = YMM()
	}
	for i, to := range []vec{t[0], t[5]} {
		VMOVAPS(d[4+i], to)
		VFNMADD231PS(f32(inner*inner+outer*outer), d[2+i], to)
		VFMADD231PS(f32(inner*inner*outer*outer), d[i], to)
	}
	for i, p := range []struct{ point, other float32 }{{inner, outer}, {outer, inner}} {
		odd, minus := YMM(), t[2+2*i]
		VMOVAPS(d[3], odd)
		VFNMADD231PS(f32(p.other*p.other), d[1], odd)
		VMOVAPS(d[4], minus)
		VFNMADD231PS(f32(p.other*p.other), d[2], minus)
		VMOVAPS(minus, t[1+2*i])
		VFMADD231PS(f32(p.point), odd, t[1+2*i])
		VFNMADD231PS(f32(p.point), odd, minus)
	}
	return t
}

// sixToFour is the transform Aᵀm of one column or row.
func sixToFour(m []vec) []vec {
	t := make([]vec, 4)
	for i := range t {
		t[i] = YMM()
	}
	s1, d1, s2, d2 := YMM(), YMM(), YMM(), YMM()
	VADDPS(m[2], m[1], s1)
	VSUBPS(m[2], m[1], d1)
	VADDPS(m[4], m[3], s2)
	VSUBPS(m[4], m[3], d2)
	VADDPS(m[0], s1, t[0])
	VADDPS(s2, t[0], t[0])
	VMULPS(f32(inner), d1, t[1])
	VFMADD231PS(f32(outer), d2, t[1])
	VMULPS(f32(inner*inner), s1, t[2])
	VFMADD231PS(f32(outer*outer), s2, t[2])
	VMOVAPS(m[5], t[3])
	VFMADD231PS(f32(inner*inner*inner), d1, t[3])
	VFMADD231PS(f32(outer*outer*outer), d2, t[3])
	return t
}

func loadSix(at func(i int) Mem) []vec {
	v := make([]vec, 6)
	for i := range v {
		v[i] = YMM()
		VMOVUPS(at(i), v[i])
	}
	return v
}

func winogradInput() {
	TEXT("winogradInputAVX2", NOSPLIT, "func(dst *float32, step int, x *float32, off *int, vecs int, tmp *float32)")
	Pragma("noescape")
	Doc("winogradInputAVX2 is winogradInput for 8*vecs tiles; tmp has room for 36 vectors.")
	dst, step := Load(Param("dst"), GP64()), Load(Param("step"), GP64())
	x, off := Load(Param("x"), GP64()), Load(Param("off"), GP64())
	vecs, tmp := Load(Param("vecs"), GP64()), Load(Param("tmp"), GP64())
	SHLQ(Imm(2), step)
	Label("tiles")
	for j := range 6 {
		t := sixToSix(loadSix(func(i int) Mem {
			at := GP64()
			MOVQ(Mem{Base: off, Disp: 8 * (6*i + j)}, at)
			return Mem{Base: x, Index: at, Scale: 4}
		}))
		for i, v := range t {
			VMOVUPS(v, Mem{Base: tmp, Disp: 32 * (6*i + j)})
		}
	}
	to := GP64()
	MOVQ(dst, to)
	for i := range 6 {
		for _, v := range sixToSix(loadSix(func(j int) Mem { return Mem{Base: tmp, Disp: 32 * (6*i + j)} })) {
			VMOVUPS(v, Mem{Base: to})
			ADDQ(step, to)
		}
	}
	ADDQ(Imm(32), dst)
	ADDQ(Imm(32), x)
	DECQ(vecs)
	JNE(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

func winogradOutput() {
	TEXT("winogradOutputAVX2", NOSPLIT, "func(dst *float32, stride int, m *float32, step int, bias float32, vecs int, tmp *float32)")
	Pragma("noescape")
	Doc("winogradOutputAVX2 is winogradOutput for 8*vecs tiles; tmp has room for 24 vectors.")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	m, step := Load(Param("m"), GP64()), Load(Param("step"), GP64())
	vecs, tmp := Load(Param("vecs"), GP64()), Load(Param("tmp"), GP64())
	bias := spread32("bias")
	SHLQ(Imm(2), stride)
	SHLQ(Imm(2), step)
	down := GP64()
	IMUL3Q(Imm(6), step, down)
	Label("tiles")
	from := GP64()
	MOVQ(m, from)
	for j := range 6 {
		at := GP64()
		MOVQ(from, at)
		t := sixToFour(loadSix(func(i int) Mem {
			if i > 0 {
				ADDQ(down, at)
			}
			return Mem{Base: at}
		}))
		for a, v := range t {
			VMOVUPS(v, Mem{Base: tmp, Disp: 32 * (6*a + j)})
		}
		ADDQ(step, from)
	}
	to := GP64()
	MOVQ(dst, to)
	for a := range 4 {
		y := sixToFour(loadSix(func(j int) Mem { return Mem{Base: tmp, Disp: 32 * (6*a + j)} }))
		for _, v := range y {
			VADDPS(bias, v, v)
		}
		for i, v := range interleave(y) {
			VMOVUPS(v, Mem{Base: to, Disp: 32 * i})
		}
		ADDQ(stride, to)
	}
	ADDQ(U32(128), dst)
	ADDQ(Imm(32), m)
	DECQ(vecs)
	JNE(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

// interleave is y[0][0], y[1][0], y[2][0], y[3][0], y[0][1], …
func interleave(y []vec) []vec {
	var t, u, out [4]vec
	for i := range 4 {
		t[i], u[i], out[i] = YMM(), YMM(), YMM()
	}
	VUNPCKLPS(y[1], y[0], t[0])
	VUNPCKHPS(y[1], y[0], t[1])
	VUNPCKLPS(y[3], y[2], t[2])
	VUNPCKHPS(y[3], y[2], t[3])
	VUNPCKLPD(t[2], t[0], u[0])
	VUNPCKHPD(t[2], t[0], u[1])
	VUNPCKLPD(t[3], t[1], u[2])
	VUNPCKHPD(t[3], t[1], u[3])
	VPERM2F128(Imm(0x20), u[1], u[0], out[0])
	VPERM2F128(Imm(0x20), u[3], u[2], out[1])
	VPERM2F128(Imm(0x31), u[1], u[0], out[2])
	VPERM2F128(Imm(0x31), u[3], u[2], out[3])
	return out[:]
}
