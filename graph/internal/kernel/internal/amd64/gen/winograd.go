package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winograd writes the transforms of F(4×4, 3×3) over vectors of eight and of sixteen
// tiles.
func winograd() {
	for _, w := range []transform{
		{"AVX2", 32, YMM, VFMADD231PS, VFNMADD231PS, VMULPS},
		{"AVX512", 64, ZMM, VFMADD231PS_BCST, VFNMADD231PS_BCST, VMULPS_BCST},
	} {
		w.kernels()
		w.input()
		w.output()
	}
	for step := 1; step <= 2; step++ {
		winogradSplit(step)
	}
}

// transform has what differs between lengths of vectors.
type transform struct {
	name   string
	width  int // bytes of a vector
	vector func() reg.VecVirtual

	addTimes, subTimes, times func(...Op) // by a number in memory
}

// The points of interpolation are 0, ±inner, ±outer and infinity, as in package
// kernel, which has the matrices.
const inner, outer = 0.75, 1.5

func (w *transform) vectors(n int) []vec {
	v := make([]vec, n)
	for i := range v {
		v[i] = w.vector()
	}
	return v
}

// sixToSix is the transform Bᵀd of one column or row.
func (w *transform) sixToSix(d []vec) []vec {
	t := w.vectors(6)
	for i, to := range []vec{t[0], t[5]} {
		VMOVAPS(d[4+i], to)
		w.subTimes(f32(inner*inner+outer*outer), d[2+i], to)
		w.addTimes(f32(inner*inner*outer*outer), d[i], to)
	}
	for i, p := range []struct{ point, other float32 }{{inner, outer}, {outer, inner}} {
		odd, minus := w.vector(), t[2+2*i]
		VMOVAPS(d[3], odd)
		w.subTimes(f32(p.other*p.other), d[1], odd)
		VMOVAPS(d[4], minus)
		w.subTimes(f32(p.other*p.other), d[2], minus)
		VMOVAPS(minus, t[1+2*i])
		w.addTimes(f32(p.point), odd, t[1+2*i])
		w.subTimes(f32(p.point), odd, minus)
	}
	return t
}

// sixToFour is the transform Aᵀm of one column or row.
func (w *transform) sixToFour(m []vec) []vec {
	t := w.vectors(4)
	s1, d1, s2, d2 := w.vector(), w.vector(), w.vector(), w.vector()
	VADDPS(m[2], m[1], s1)
	VSUBPS(m[2], m[1], d1)
	VADDPS(m[4], m[3], s2)
	VSUBPS(m[4], m[3], d2)
	VADDPS(m[0], s1, t[0])
	VADDPS(s2, t[0], t[0])
	w.times(f32(inner), d1, t[1])
	w.addTimes(f32(outer), d2, t[1])
	w.times(f32(inner*inner), s1, t[2])
	w.addTimes(f32(outer*outer), s2, t[2])
	VMOVAPS(m[5], t[3])
	w.addTimes(f32(inner*inner*inner), d1, t[3])
	w.addTimes(f32(outer*outer*outer), d2, t[3])
	return t
}

func (w *transform) loadSix(at func(i int) Mem) []vec {
	v := w.vectors(6)
	for i := range v {
		VMOVUPS(at(i), v[i])
	}
	return v
}

// pair is what a pair of points ±p contributes to G: the kernel's even and odd parts at p,
// of which the sum is that of p and the difference that of -p.
type pair struct{ zero, one, two float32 }

func pairOf(p, other float32) pair {
	n := 2 * p * p * (p*p - other*other)
	return pair{1 / n, p / n, p * p / n}
}

// kernels writes G g Gᵀ, row after row: of the first product there are registers for the
// rows of a pair.
func (w *transform) kernels() {
	name := "WinogradKernels" + w.name
	TEXT(name, NOSPLIT, "func(dst *float32, place int, x *float32, tap, vecs int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is G g Gᵀ of %d*vecs kernels, element (i, j) of kernel t's g being", name, w.width/4),
		"x[(3*i+j)*tap+t], and that of its result dst[(6*i+j)*place+t].")
	dst, place := Load(Param("dst"), GP64()), Load(Param("place"), GP64())
	rows, tap := []reg.GPVirtual{GP64(), GP64(), GP64()}, GP64()
	Load(Param("x"), rows[0])
	Load(Param("tap"), tap)
	vecs := Load(Param("vecs"), GP64())
	SHLQ(Imm(2), place)
	SHLQ(Imm(2), tap)
	for i := range 2 {
		LEAQ(Mem{Base: rows[i], Index: tap, Scale: 2}, rows[i+1])
		ADDQ(tap, rows[i+1])
	}
	load := func(i, j int) vec {
		v, m := w.vector(), Mem{Base: rows[i]}
		if j > 0 {
			m.Index, m.Scale = tap, uint8(j)
		}
		VMOVUPS(m, v)
		return v
	}
	parts := func(p pair, g0, g1, g2 vec) (even, odd vec) {
		even, odd = w.vector(), w.vector()
		w.times(f32(p.zero), g0, even)
		w.addTimes(f32(p.two), g2, even)
		w.times(f32(p.one), g1, odd)
		return even, odd
	}
	pairs := []pair{pairOf(inner, outer), pairOf(outer, inner)}
	const first = 1 / (inner * inner * outer * outer)

	Label("kernels")
	to := GP64()
	MOVQ(dst, to)
	store := func(v vec) {
		VMOVUPS(v, Mem{Base: to})
		ADDQ(place, to)
	}
	row := func(g []vec) {
		v := w.vector()
		w.times(f32(first), g[0], v)
		store(v)
		for _, p := range pairs {
			even, odd := parts(p, g[0], g[1], g[2])
			VADDPS(odd, even, v)
			store(v)
			VSUBPS(odd, even, v)
			store(v)
		}
		store(g[2])
	}
	half := w.vectors(3)
	for j := range half {
		w.times(f32(first), load(0, j), half[j])
	}
	row(half)
	for _, p := range pairs {
		var even, odd [3]vec
		for j := range half {
			even[j], odd[j] = parts(p, load(0, j), load(1, j), load(2, j))
			VADDPS(odd[j], even[j], half[j])
		}
		row(half)
		for j := range half {
			VSUBPS(odd[j], even[j], half[j])
		}
		row(half)
	}
	row([]vec{load(2, 0), load(2, 1), load(2, 2)})
	ADDQ(Imm(uint64(w.width)), dst)
	for _, r := range rows {
		ADDQ(Imm(uint64(w.width)), r)
	}
	DECQ(vecs)
	JNE(LabelRef("kernels"))
	VZEROUPPER()
	RET()
}

func (w *transform) input() {
	name := "WinogradInput" + w.name
	TEXT(name, NOSPLIT, "func(dst *float32, place int, x *float32, off *int, vecs int, tmp *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is Bᵀ d B of %d*vecs tiles, element (i, j) of tile t's d being x[off[6*i+j]+t],", name, w.width/4),
		"and that of its result dst[(6*i+j)*place+t]; tmp has room for 36 vectors.")
	dst, place := Load(Param("dst"), GP64()), Load(Param("place"), GP64())
	x, off := Load(Param("x"), GP64()), Load(Param("off"), GP64())
	vecs, tmp := Load(Param("vecs"), GP64()), Load(Param("tmp"), GP64())
	SHLQ(Imm(2), place)
	Label("tiles")
	for j := range 6 {
		t := w.sixToSix(w.loadSix(func(i int) Mem {
			at := GP64()
			MOVQ(Mem{Base: off, Disp: 8 * (6*i + j)}, at)
			return Mem{Base: x, Index: at, Scale: 4}
		}))
		for i, v := range t {
			VMOVUPS(v, Mem{Base: tmp, Disp: w.width * (6*i + j)})
		}
	}
	to := GP64()
	MOVQ(dst, to)
	for i := range 6 {
		for _, v := range w.sixToSix(w.loadSix(func(j int) Mem { return Mem{Base: tmp, Disp: w.width * (6*i + j)} })) {
			VMOVUPS(v, Mem{Base: to})
			ADDQ(place, to)
		}
	}
	ADDQ(Imm(uint64(w.width)), dst)
	ADDQ(Imm(uint64(w.width)), x)
	DECQ(vecs)
	JNE(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

func (w *transform) output() {
	name := "WinogradOutput" + w.name
	TEXT(name, NOSPLIT, "func(dst *float32, stride int, m *float32, place int, bias float32, vecs int, tmp *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is Aᵀ m A + bias of %d*vecs tiles, element (i, j) of tile t's m being", name, w.width/4),
		"m[(6*i+j)*place+t] and (a, b) of its result dst[a*stride+4*t+b]; tmp has room for 24 vectors.")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	m, place := Load(Param("m"), GP64()), Load(Param("place"), GP64())
	vecs, tmp := Load(Param("vecs"), GP64()), Load(Param("tmp"), GP64())
	bias := w.vector()
	VBROADCASTSS(parameter("bias"), bias)
	SHLQ(Imm(2), stride)
	SHLQ(Imm(2), place)
	down := GP64()
	IMUL3Q(Imm(6), place, down)
	Label("tiles")
	from := GP64()
	MOVQ(m, from)
	for j := range 6 {
		at := GP64()
		MOVQ(from, at)
		t := w.sixToFour(w.loadSix(func(i int) Mem {
			if i > 0 {
				ADDQ(down, at)
			}
			return Mem{Base: at}
		}))
		for a, v := range t {
			VMOVUPS(v, Mem{Base: tmp, Disp: w.width * (6*a + j)})
		}
		ADDQ(place, from)
	}
	to := GP64()
	MOVQ(dst, to)
	for a := range 4 {
		y := w.sixToFour(w.loadSix(func(j int) Mem { return Mem{Base: tmp, Disp: w.width * (6*a + j)} }))
		for _, v := range y {
			VADDPS(bias, v, v)
		}
		for i, v := range w.interleave(y) {
			VMOVUPS(v, Mem{Base: to, Disp: w.width * i})
		}
		ADDQ(stride, to)
	}
	ADDQ(U32(4*w.width), dst)
	ADDQ(Imm(uint64(w.width)), m)
	DECQ(vecs)
	JNE(LabelRef("tiles"))
	VZEROUPPER()
	RET()
}

// interleave is y[0][0], y[1][0], y[2][0], y[3][0], y[0][1], …
func (w *transform) interleave(y []vec) []vec {
	t, u, out := w.vectors(4), w.vectors(4), w.vectors(4)
	VUNPCKLPS(y[1], y[0], t[0])
	VUNPCKHPS(y[1], y[0], t[1])
	VUNPCKLPS(y[3], y[2], t[2])
	VUNPCKHPS(y[3], y[2], t[3])
	VUNPCKLPD(t[2], t[0], u[0])
	VUNPCKHPD(t[2], t[0], u[1])
	VUNPCKLPD(t[3], t[1], u[2])
	VUNPCKHPD(t[3], t[1], u[3])
	if w.width == 32 {
		VPERM2F128(Imm(0x20), u[1], u[0], out[0])
		VPERM2F128(Imm(0x20), u[3], u[2], out[1])
		VPERM2F128(Imm(0x31), u[1], u[0], out[2])
		VPERM2F128(Imm(0x31), u[3], u[2], out[3])
		return out
	}
	for i, halves := range []uint64{0x44, 0xee} { // the first two quarters of each, and the others
		VSHUFF32X4(Imm(halves), u[1], u[0], t[2*i])
		VSHUFF32X4(Imm(halves), u[3], u[2], t[2*i+1])
	}
	for i := range out {
		VSHUFF32X4(Imm([]uint64{0x88, 0xdd}[i%2]), t[i/2*2+1], t[i/2*2], out[i])
	}
	return out
}

// winogradSplit writes the loop that takes a row apart in 4·step planes.
func winogradSplit(step int) {
	name, n := fmt.Sprintf("winogradSplitAVX512s%d", step), 4*step
	TEXT(name, NOSPLIT, "func(dst *float32, size int, x *float32, left int, masks *uint16, vecs int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s writes every %d-th element of a row to one of %d planes; see Split.", name, n, n))
	dst, size := Load(Param("dst"), GP64()), Load(Param("size"), GP64())
	x, left := Load(Param("x"), GP64()), Load(Param("left"), GP64())
	masks, vecs := Load(Param("masks"), GP64()), Load(Param("vecs"), GP64())
	SHLQ(Imm(2), size)
	SHLQ(Imm(2), left)
	SUBQ(left, x)
	var picks [2]vec
	for odd := range picks {
		picks[odd] = ZMM()
		VMOVUPS(table512(fmt.Sprintf("second%d", odd), func(i int) uint32 { return uint32(2*i + odd) }), picks[odd])
	}
	mask := K()
	Label("loop")
	v := make([]vec, n)
	for k := range v {
		v[k] = ZMM()
		KMOVW(Mem{Base: masks, Disp: 2 * k}, mask)
		VMOVUPS_Z(Mem{Base: x, Disp: 64 * k}, mask, v[k])
	}
	KMOVW(Mem{Base: masks, Disp: 2 * n}, mask)
	v = everyNth(v, picks)
	to := GP64()
	MOVQ(dst, to)
	next := GP64() // planes of the next column of space-to-depth
	IMUL3Q(Imm(16), size, next)
	ADDQ(dst, next)
	for b := range step {
		for j := range 4 {
			VMOVUPS(v[j*step+b], mask, Mem{Base: to})
			if j < 3 {
				ADDQ(size, to)
			}
		}
		MOVQ(next, to)
	}
	ADDQ(Imm(64), dst)
	ADDQ(U32(64*n), x)
	ADDQ(Imm(uint64(2*n+2)), masks)
	DECQ(vecs)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// everyNth is, of vectors that follow each other, as many as they are, the elements i,
// i+n, i+2n, … for each i below their number n.
func everyNth(v []vec, picks [2]vec) []vec {
	n := len(v)
	if n == 1 {
		return v
	}
	out := make([]vec, n)
	for odd, pick := range picks {
		var half []vec
		for k := 0; k < n; k += 2 {
			r := ZMM()
			VMOVAPS(pick, r)
			VPERMI2PS(v[k+1], v[k], r)
			half = append(half, r)
		}
		for i, r := range everyNth(half, picks) {
			out[2*i+odd] = r
		}
	}
	return out
}
