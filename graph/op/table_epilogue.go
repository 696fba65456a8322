package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Epilogue is the elementwise operators that a convolution applies to each piece of its
// output before it leaves the cache. Register 0 is the piece: it holds the
// convolution's own results before the first step and those of the last step after it.
// The other registers are scratch.
type Epilogue struct {
	Steps     []EpilogueStep
	Registers int
	Rank      int // that the constants were made for; 0 if there are none
	act       *kernel.FusedActivation
	scratch   sync.Pool
}

// EpilogueStep is one operator of an Epilogue.
type EpilogueStep struct {
	Name  string // what it computes, for people
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

// ErrUnfit is the error of a fused kernel whose operands do not have, in this run, the
// types or shapes that it was made for. Nothing was computed.
var ErrUnfit = errors.New("operands do not fit the fused kernel")

// epiloguePiece is the greatest number of elements of a piece.
const epiloguePiece = 1024

// fit returns ErrUnfit unless the epilogue can run over an output of the given shape.
func (e *Epilogue) fit(x *Call, shape []int) error {
	if e.Rank != 0 && e.Rank != len(shape) {
		return ErrUnfit
	}
	for _, s := range e.Steps {
		if s.Piece.Channel != nil && s.Piece.Channels != shape[1] {
			return ErrUnfit
		}
		for _, o := range s.Args {
			switch {
			case o.Input >= 0:
				if t := x.Input(o.Input); t == nil || t.DType != tensor.Float32 || !slices.Equal(t.Shape, shape) {
					return ErrUnfit
				}
			case len(o.Const) > 1 && len(o.Const) != shape[1]:
				return ErrUnfit
			}
		}
	}
	return nil
}

// over is the epilogue over y, of the given channels of size elements.
func (e *Epilogue) over(x *Call, y []float32, channels, size int) kernel.Finish {
	if e.act == nil {
		return kernel.Finish{Then: e.then(x, y, channels, size)}
	}
	f := kernel.Finish{Act: e.act}
	if len(e.Steps) > 0 {
		f.Then = e.then(x, y, channels, size)
	}
	return f
}

// Ready is to be called once the steps are there: a first one that is an activation is
// left to the node.
func (e *Epilogue) Ready() {
	if s := &e.Steps[0]; s.Piece.Act != nil && s.Dst == 0 && s.Args[0].Register == 0 {
		e.act, e.Steps = s.Piece.Act, e.Steps[1:]
	}
}

func (e *Epilogue) then(x *Call, y []float32, channels, size int) func(first, count, at, n int) {
	inputs := make([][]float32, len(x.In))
	for _, s := range e.Steps {
		for _, o := range s.Args {
			if o.Input >= 0 {
				inputs[o.Input] = tensor.Data[float32](x.In[o.Input])
			}
		}
	}
	alike := e.alike()
	return func(first, count, at, n int) {
		var regs []float32
		if e.Registers > 1 {
			kept, _ := e.scratch.Get().(*[]float32)
			if kept == nil {
				block := make([]float32, (e.Registers-1)*epiloguePiece)
				kept = &block
			}
			defer e.scratch.Put(kept)
			regs = *kept
		}
		begin := first*size + at
		if n == size && alike { // planes that follow each other are one
			count, n = 1, count*n
		}
		for p := first; p < first+count; p++ {
			for lo := 0; lo < n; lo += epiloguePiece {
				e.run(y, inputs, regs, begin+lo, min(epiloguePiece, n-lo), p%channels)
			}
			begin += size
		}
	}
}

// alike reports whether the epilogue does the same in all channels.
func (e *Epilogue) alike() bool {
	for _, s := range e.Steps {
		if s.Piece.Channel != nil || slices.ContainsFunc(s.Args, func(o Operand) bool { return len(o.Const) > 1 }) {
			return false
		}
	}
	return true
}

// run does one piece: n elements from at.
func (e *Epilogue) run(y []float32, inputs [][]float32, regs []float32, at, n, channel int) {
	register := func(r int) []float32 {
		if r == 0 {
			return y[at : at+n]
		}
		return regs[(r-1)*epiloguePiece:][:n]
	}
	row := func(o *Operand) []float32 {
		if o.Input >= 0 {
			return inputs[o.Input][at : at+n]
		}
		return register(o.Register)
	}
	for i := range e.Steps {
		s := &e.Steps[i]
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

// String says what the epilogue does, in a few words.
func (e *Epilogue) String() string {
	var parts []string
	if e.act != nil {
		parts = append(parts, "activation")
	}
	for _, s := range e.Steps {
		parts = append(parts, s.String())
	}
	if e.Registers > 1 {
		parts = append(parts, fmt.Sprintf("%d registers", e.Registers))
	}
	return strings.Join(parts, ", ")
}

func (s EpilogueStep) String() string {
	text := fmt.Sprintf("r%d = %s", s.Dst, s.Name)
	for _, a := range s.Args {
		switch {
		case a.Input >= 0:
			text += fmt.Sprintf(" input %d", a.Input)
		case len(a.Const) == 1:
			text += " constant"
		case len(a.Const) > 1:
			text += " constant by channel"
		default:
			text += fmt.Sprintf(" r%d", a.Register)
		}
	}
	return text
}
