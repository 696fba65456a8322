package op

import (
	"errors"
	"slices"
	"sync"

	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Piece is an elementwise operator's work on a piece of float32 operands:
// elements that follow each other, all of one channel (of axis 1). Exactly one
// of the first three is set. Each gives the bits that the operator's kernel gives.
type Piece struct {
	Map     func(dst, x []float32)
	Pair    *kernel.Rows[float32, float32]
	Channel func(dst, x []float32, channel int)
	// Channels is how many Channel knows.
	Channels int
	// Link is what it is in a kernel.Chain, if anything.
	Link kernel.Link
	// Times, which may be nil, is x times what Map makes of it, in one go.
	Times func(dst, x []float32)
	// Act and TimesAct are Map and Times as activations of a convolution, where they
	// can be.
	Act, TimesAct *kernel.Activation
}

// Tail is elementwise operators that follow a node and run on each piece of
// its output while that lies in cache. Register 0 is the piece; it has the
// node's own results before the first step and those of the last after it. The
// other registers are scratch.
type Tail struct {
	Steps     []TailStep
	Registers int
	Rank      int // that the constants were made for; 0 if there are none
	act       *kernel.Activation
	scratch   sync.Pool
}

// TailStep is one operator of a Tail.
type TailStep struct {
	Piece *Piece
	Dst   int       // register
	Args  []Operand // one or two
}

// Operand is a register, an input of the call of the output's shape, or a
// constant: one element, or one for each channel.
type Operand struct {
	Register, Input int // -1 where it is none
	Const           []float32
}

// ErrUnfit is the error of a node with a Tail whose operands, in this run, are
// not of the shapes that a Tail takes. Nothing was computed.
var ErrUnfit = errors.New("the operators after the node do not run piece by piece")

// tailPiece is the greatest number of elements of a piece.
const tailPiece = 1024

// fit looks whether the tail can run over an output of the given shape.
func (t *Tail) fit(x *Call, shape []int) error {
	if t.Rank != 0 && t.Rank != len(shape) {
		return ErrUnfit
	}
	for _, s := range t.Steps {
		if s.Piece.Channel != nil && s.Piece.Channels != shape[1] {
			return ErrUnfit
		}
		for _, o := range s.Args {
			switch {
			case o.Input >= 0:
				if e := x.Input(o.Input); e == nil || e.DType != tensor.Float32 || !slices.Equal(e.Shape, shape) {
					return ErrUnfit
				}
			case len(o.Const) > 1 && len(o.Const) != shape[1]:
				return ErrUnfit
			}
		}
	}
	return nil
}

// over is the tail over y, of the given channels of size elements.
func (t *Tail) over(x *Call, y []float32, channels, size int) kernel.Finish {
	if t.act == nil {
		return kernel.Finish{Then: t.then(x, y, channels, size)}
	}
	f := kernel.Finish{Act: t.act}
	if len(t.Steps) > 0 {
		f.Then = t.then(x, y, channels, size)
	}
	return f
}

// Ready is to be called once the steps are there: a first one that is an activation is
// left to the node.
func (t *Tail) Ready() {
	if s := &t.Steps[0]; s.Piece.Act != nil && s.Dst == 0 && s.Args[0].Register == 0 {
		t.act, t.Steps = s.Piece.Act, t.Steps[1:]
	}
}

func (t *Tail) then(x *Call, y []float32, channels, size int) func(first, count, at, n int) {
	inputs := make([][]float32, len(x.In))
	for _, s := range t.Steps {
		for _, o := range s.Args {
			if o.Input >= 0 {
				inputs[o.Input] = tensor.Data[float32](x.In[o.Input])
			}
		}
	}
	alike := t.alike()
	return func(first, count, at, n int) {
		var regs []float32
		if t.Registers > 1 {
			kept, _ := t.scratch.Get().(*[]float32)
			if kept == nil {
				block := make([]float32, (t.Registers-1)*tailPiece)
				kept = &block
			}
			defer t.scratch.Put(kept)
			regs = *kept
		}
		begin := first*size + at
		if n == size && alike { // planes that follow each other are one
			count, n = 1, count*n
		}
		for p := first; p < first+count; p++ {
			for lo := 0; lo < n; lo += tailPiece {
				t.run(y, inputs, regs, begin+lo, min(tailPiece, n-lo), p%channels)
			}
			begin += size
		}
	}
}

// alike tells whether the tail does the same in all channels.
func (t *Tail) alike() bool {
	for _, s := range t.Steps {
		if s.Piece.Channel != nil || slices.ContainsFunc(s.Args, func(o Operand) bool { return len(o.Const) > 1 }) {
			return false
		}
	}
	return true
}

// run does one piece: n elements from at.
func (t *Tail) run(y []float32, inputs [][]float32, regs []float32, at, n, channel int) {
	register := func(r int) []float32 {
		if r == 0 {
			return y[at : at+n]
		}
		return regs[(r-1)*tailPiece:][:n]
	}
	row := func(o *Operand) []float32 {
		if o.Input >= 0 {
			return inputs[o.Input][at : at+n]
		}
		return register(o.Register)
	}
	for i := range t.Steps {
		s := &t.Steps[i]
		dst, a := register(s.Dst), &s.Args[0]
		switch p := s.Piece; {
		case p.Map != nil:
			p.Map(dst, row(a))
		case p.Channel != nil:
			p.Channel(dst, row(a), channel)
		case a.Const != nil:
			p.Pair.SV(dst, a.Const[min(channel, len(a.Const)-1)], row(&s.Args[1]))
		case s.Args[1].Const != nil:
			c := s.Args[1].Const
			p.Pair.VS(dst, row(a), c[min(channel, len(c)-1)])
		default:
			p.Pair.VV(dst, row(a), row(&s.Args[1]))
		}
	}
}

// mapPiece is the Piece of a map over elements.
func mapPiece(f func(dst, x []float32)) func(*Spec) *Piece {
	return func(*Spec) *Piece { return &Piece{Map: f} }
}

// linked is a Piece that may be part of a kernel.Chain.
func linked(l kernel.Link, piece func(*Spec) *Piece) func(*Spec) *Piece {
	return func(s *Spec) *Piece {
		p := piece(s)
		if p != nil {
			p.Link = l
		}
		return p
	}
}

// pairPiece is the Piece of a binary operator; there is none before
// broadcasting became what it is.
func pairPiece(rows func() kernel.Rows[float32, float32]) func(*Spec) *Piece {
	return func(s *Spec) *Piece {
		if s.Since < 7 {
			return nil
		}
		r := rows()
		return &Piece{Pair: &r}
	}
}
