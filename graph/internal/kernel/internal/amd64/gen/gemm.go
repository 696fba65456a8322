package main

import (
	"fmt"
	"math"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileKind is a kind of tiles: one for each number of rows and for
// one and two vectors of columns.
type tileKind struct {
	name, elem                     string
	size, width                    int // bytes of an element and of a vector
	rows                           int // the greatest
	vector                         func() reg.VecVirtual
	broadcast, move, add, fma, xor func(...Op)
}

func tiles() {
	for _, k := range []tileKind{
		{"tile32AVX2", "float32", 4, 32, 6, YMM, VBROADCASTSS, VMOVUPS, VADDPS, VFMADD231PS, VXORPS},
		{"tile64AVX2", "float64", 8, 32, 6, YMM, VBROADCASTSD, VMOVUPD, VADDPD, VFMADD231PD, VXORPD},
		{"tile32AVX512", "float32", 4, 64, 12, ZMM, VBROADCASTSS, VMOVUPS, VADDPS, VFMADD231PS, VXORPS},
	} {
		for rows := 1; rows <= k.rows; rows++ {
			for vecs := 1; vecs <= 2; vecs++ {
				tile(&k, rows, vecs, false)
			}
			if k.size == 4 {
				tile(&k, rows, 2, true)
			}
		}
	}
}

// ahead is how many bytes before it needs it a tile asks for A, which may lie in memory
// that is far. It asks for B eight rows before: rows of an input read in place lie too far
// apart for the processor to foresee the next.
const ahead = 4096

// tile writes one tile: rows × vecs accumulators, the vectors of B, and one
// element of A at a time in all places of a vector; then the same for the next
// columns. If spread is set, the rows of B lie anywhere.
func tile(k *tileKind, rows, vecs int, spread bool) {
	name, step, doc := fmt.Sprintf("%sr%dv%d", k.name, rows, vecs), "ldb int", ""
	if spread {
		name, step, doc = fmt.Sprintf("%sr%doff", k.name, rows), "off *int", ", row p of B being at b[off[p]]"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(kc int, a, b *%[1]s, %[2]s, c *%[1]s, ldc int, start *%[1]s, add bool, count, next int, act *float32)", k.elem, step))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is a tile of %d rows and %d columns%s.", name, rows, vecs*k.width/k.size, doc))
	first, c := Load(Param("b"), GP64()), Load(Param("c"), GP64())
	ldc, next := Load(Param("ldc"), GP64()), Load(Param("next"), GP64())
	var ldb, off, at reg.Register
	if !spread {
		ldb = Load(Param("ldb"), GP64())
		IMUL3Q(Imm(uint64(k.size)), ldb, ldb)
	}
	IMUL3Q(Imm(uint64(k.size)), ldc, ldc)
	IMUL3Q(Imm(uint64(k.size)), next, next)

	Label("tile")
	kc, a, b := Load(Param("kc"), GP64()), Load(Param("a"), GP64()), GP64()
	MOVQ(first, b)
	if spread {
		off, at = Load(Param("off"), GP64()), GP64()
	}

	acc := make([][]vec, rows)
	for i := range acc {
		for range vecs {
			acc[i] = append(acc[i], k.vector())
		}
	}
	each := func(f func(m Mem, v vec)) {
		at := GP64()
		MOVQ(c, at)
		for i := range acc {
			for v := range acc[i] {
				f(Mem{Base: at, Disp: v * k.width}, acc[i][v])
			}
			if i+1 < rows {
				ADDQ(ldc, at)
			}
		}
	}
	for i := range acc {
		for _, v := range acc[i] {
			k.xor(v, v, v)
		}
	}

	Label("depth")
	av := k.vector()
	bv := make([]vec, vecs)
	row := Mem{Base: b}
	if spread {
		MOVQ(Mem{Base: off}, at)
		row = Mem{Base: b, Index: at, Scale: uint8(k.size)}
	}
	for v := range bv {
		bv[v] = k.vector()
		k.move(row.Offset(v*k.width), bv[v])
	}
	for i := range acc {
		k.broadcast(Mem{Base: a, Disp: i * k.size}, av)
		for v := range bv {
			k.fma(bv[v], av, acc[i][v])
		}
	}
	PREFETCHT0(Mem{Base: a, Disp: ahead})
	if !spread {
		for at := 0; at < vecs*k.width; at += 64 {
			PREFETCHT0(Mem{Base: b, Index: ldb, Scale: 8, Disp: at})
		}
	}
	ADDQ(Imm(uint64(rows*k.size)), a)
	if spread {
		ADDQ(Imm(8), off)
	} else {
		ADDQ(ldb, b)
	}
	DECQ(kc)
	JNE(LabelRef("depth"))

	flag := Load(Param("add"), GP8())
	TESTB(flag, flag)
	JE(LabelRef("fresh"))
	each(func(m Mem, v vec) { k.add(m, v, v) })
	JMP(LabelRef("store"))
	Label("fresh")
	start := Load(Param("start"), GP64())
	TESTQ(start, start)
	JE(LabelRef("store"))
	for i := range acc {
		k.broadcast(Mem{Base: start, Disp: i * k.size}, av)
		for _, v := range acc[i] {
			k.add(av, v, v)
		}
	}
	Label("store")
	act := Load(Param("act"), GP64())
	if k.size == 4 {
		activate(act, k.vector, slices.Concat(acc...))
	}
	each(func(m Mem, v vec) { k.move(v, m) })
	far := func() {}
	if k.size == 4 {
		TESTQ(act, act)
		JE(LabelRef("stored"))
		CMPL(Mem{Base: act}, Imm(uint64(math.Float32bits(siluKind))))
		JNE(LabelRef("stored"))
		far = siluTile(k, rows, vecs, c, ldc)
		Label("stored")
	}
	ADDQ(Imm(uint64(vecs*k.width)), c)
	ADDQ(next, first)
	DECQ(parameter("count"))
	JNE(LabelRef("tile"))
	VZEROUPPER()
	RET()
	far()
}

// Kinds of Activation, as their first parameter says them.
const (
	clipKind = iota
	timesHardSigmoidKind
	siluKind
)

// siluTile makes of a tile that was stored its SiLU, with the registers that the sums
// no longer need; it gives what is to be written after the function's end.
func siluTile(k *tileKind, rows, vecs int, c, ldc reg.Register) (after func()) {
	row, left, at, end := GP64(), GP64(), GP64(), GP64()
	body, after := func(m Mem) vec { return sigmoidAt(m, true) }, func() {}
	if k.width == 64 {
		var l logistic
		l.load()
		body = func(m Mem) vec {
			v := ZMM()
			VMOVUPS(m, v)
			return l.of(v, true)
		}
		after = l.far
	}
	MOVQ(c, row)
	MOVQ(U32(rows), left)
	Label("row")
	MOVQ(row, at)
	LEAQ(Mem{Base: row, Disp: vecs * k.width}, end)
	Label("vector")
	VMOVUPS(body(Mem{Base: at}), Mem{Base: at})
	ADDQ(Imm(uint64(k.width)), at)
	CMPQ(at, end)
	JNE(LabelRef("vector"))
	ADDQ(ldc, row)
	DECQ(left)
	JNE(LabelRef("row"))
	return after
}

// activate applies an Activation, if there is one, to sums of float32, but for that
// which needs more registers than are left.
func activate(act reg.Register, vector func() reg.VecVirtual, sums []vec) {
	TESTQ(act, act)
	JE(LabelRef("activated"))
	first, second := Mem{Base: act, Disp: 4}, Mem{Base: act, Disp: 8}
	p := vector()
	VBROADCASTSS(first, p)
	CMPL(Mem{Base: act}, Imm(uint64(math.Float32bits(timesHardSigmoidKind))))
	JEQ(LabelRef("product"))
	JGT(LabelRef("activated"))
	q := vector()
	VBROADCASTSS(second, q)
	for _, v := range sums {
		VMAXPS(v, p, v)
		VMINPS(v, q, v)
	}
	JMP(LabelRef("activated"))
	Label("product") // with as few registers as are left
	r, zero := vector(), vector()
	if r.Size() == 32 {
		VXORPS(zero, zero, zero)
		VBROADCASTSS(second, q)
	} else {
		VPXORD(zero, zero, zero)
	}
	for _, v := range sums {
		VMOVAPS(v, r)
		if r.Size() == 32 {
			VFMADD213PS(q, p, r)
			VMAXPS(r, zero, r)
			VMINPS(f32(1), r, r)
		} else {
			VFMADD213PS_BCST(second, p, r)
			VMAXPS(r, zero, r)
			VMINPS_BCST(f32(1), r, r)
		}
		VMULPS(v, r, v)
	}
	Label("activated")
}
