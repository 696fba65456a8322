package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// planes writes the loops of depthwise convolution that need no padded plane, since masks
// leave out what lies beside a row, by the size of the square kernel and the stride,
// and those of greatest elements under windows that move by two.
func planes() {
	for _, size := range []int{3, 5} {
		for _, stride := range []int{1, 2} {
			planeLoop(size, stride, false)
		}
	}
	for _, size := range []int{2, 3} {
		planeLoop(size, 2, true)
	}
}

// planeRows is how many output rows a loop of planes sums at once.
const planeRows = 4

func planeLoop(size, stride int, greatest bool) {
	name, does := fmt.Sprintf("planeAVX512k%ds%d", size, stride), "convolves a plane by %d×%d taps"
	if greatest {
		name, does = "maxP"+name[1:], "finds the greatest elements of a plane under %d×%d positions"
	}
	TEXT(name, NOSPLIT, "func(dst, x, w *float32, bias float32, inRows, inCols, outRows, outCols, top, left int, masks *uint16, vecs int, act *float32)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s "+does+" with stride %d; see Plane.", name, size, size, stride))
	dst, x, w := Load(Param("dst"), GP64()), Load(Param("x"), GP64()), Load(Param("w"), GP64())
	inRows, inCols := Load(Param("inRows"), GP64()), Load(Param("inCols"), GP64())
	outRows, outCols := Load(Param("outRows"), GP64()), Load(Param("outCols"), GP64())
	masks := Load(Param("masks"), GP64())
	SHLQ(Imm(2), inCols)
	SHLQ(Imm(2), outCols)
	p := &planeSums{size: size, stride: stride, greatest: greatest, w: w}
	p.load()

	// x is where kernel position 0 of the first output lies.
	at := Load(Param("left"), GP64())
	SHLQ(Imm(2), at)
	SUBQ(at, x)
	Load(Param("top"), at)
	IMULQ(inCols, at)
	SUBQ(at, x)

	Label("column")
	for i, m := range p.masks {
		KMOVW(Mem{Base: masks, Disp: 2 * i}, m)
	}
	row, in, from, to := GP64(), GP64(), GP64(), GP64()
	XORQ(row, row)
	Load(Param("top"), in)
	NEGQ(in)
	MOVQ(x, from)
	MOVQ(dst, to)
	Label("rows")
	for r := range p.acc {
		VBROADCASTSS(parameter("bias"), p.acc[r])
	}
	next := GP64()
	MOVQ(from, next)
	reads := (planeRows-1)*stride + size
	for i := range reads {
		skip := fmt.Sprintf("skip%d", i)
		if i == planeRows*stride {
			MOVQ(next, from)
		}
		CMPQ(in, inRows)
		JAE(LabelRef(skip)) // as of unsigned numbers: negative ones are great
		p.row(next, i)
		Label(skip)
		INCQ(in)
		ADDQ(inCols, next)
	}
	if reads == planeRows*stride {
		MOVQ(next, from)
	}
	SUBQ(Imm(uint64(size-stride)), in)
	if !greatest {
		activate(Load(Param("act"), GP64()), ZMM, p.acc)
	}
	for r := range p.acc {
		VMOVUPS(p.acc[r], p.masks[len(p.masks)-1], Mem{Base: to})
		ADDQ(outCols, to)
		INCQ(row)
		CMPQ(row, outRows)
		JE(LabelRef("below"))
	}
	JMP(LabelRef("rows"))
	Label("below")
	ADDQ(Imm(uint64(4*p.outputs())), dst)
	ADDQ(Imm(uint64(4*p.outputs()*stride)), x)
	ADDQ(Imm(uint64(2*len(p.masks))), masks)
	DECQ(parameter("vecs"))
	JNE(LabelRef("column"))
	VZEROUPPER()
	RET()
}

// planeSums is the work of one vector of columns.
type planeSums struct {
	size, stride int
	greatest     bool // elements are compared, not added
	w            reg.Register
	taps         []vec // nil where there are too many
	beside       vec   // the elements beside a row; nil for 0
	nan          reg.OpmaskVirtual
	acc          []vec
	masks        []reg.OpmaskVirtual // of the loads of a row, and of the stores
	picks        []vec               // by kernel column, for stride 2: what it sees of two vectors
}

func (p *planeSums) load() {
	if p.greatest {
		p.beside, p.nan = ZMM(), K()
		VBROADCASTSS(parameter("bias"), p.beside)
	} else if p.size == 3 || p.stride == 1 {
		for i := range p.size * p.size {
			v := ZMM()
			VBROADCASTSS(Mem{Base: p.w, Disp: 4 * i}, v)
			p.taps = append(p.taps, v)
		}
	}
	for range planeRows {
		p.acc = append(p.acc, ZMM())
	}
	loads := p.size
	if p.stride == 2 {
		loads = 2
		for kx := range p.size {
			v := ZMM()
			VMOVUPS(table512(fmt.Sprintf("second%d", kx), func(i int) uint32 { return uint32(2*i + kx) }), v)
			p.picks = append(p.picks, v)
		}
	}
	for range loads + 1 {
		p.masks = append(p.masks, K())
	}
}

// outputs is how many of a row a vector sums: with stride 2, as many as see no more than
// two vectors.
func (p *planeSums) outputs() int { return 16 - (p.stride-1)*(p.size-1)/2 }

// row adds what input row i of a block of output rows, at from, has for them.
func (p *planeSums) row(from reg.Register, i int) {
	load := func(k, disp int) vec {
		v, m := ZMM(), Mem{Base: from, Disp: disp}
		if p.greatest {
			VMOVAPS(p.beside, v)
			VMOVUPS(m, p.masks[k], v)
		} else {
			VMOVUPS_Z(m, p.masks[k], v)
		}
		return v
	}
	if p.stride == 1 {
		for kx := range p.size {
			p.add(load(kx, 4*kx), i, kx)
		}
		return
	}
	a, b := load(0, 0), load(1, 64)
	for kx, pick := range p.picks {
		v := ZMM()
		VMOVAPS(pick, v)
		VPERMI2PS(b, a, v)
		p.add(v, i, kx)
	}
}

// add adds input row i, as kernel column kx sees it, to the outputs that it is for.
func (p *planeSums) add(v vec, i, kx int) {
	if p.greatest {
		VCMPPS(Imm(3), v, v, p.nan) // unordered
	}
	for r, acc := range p.acc {
		ky := i - r*p.stride
		if ky < 0 || ky >= p.size {
			continue
		}
		if t := ky*p.size + kx; p.greatest {
			VMAXPS(acc, v, acc) // which stays if it is as great, or either is NaN
			VMOVAPS(v, p.nan, acc)
		} else if p.taps != nil {
			VFMADD231PS(v, p.taps[t], acc)
		} else {
			VFMADD231PS_BCST(Mem{Base: p.w, Disp: 4 * t}, v, acc)
		}
	}
}
