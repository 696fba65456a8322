package kernel

import (
	"errors"
	"fmt"
	"math"
)

// Window is the geometry of a sliding window over the spatial dimensions: the
// output position o, with kernel position k, reads the input position
//
//	o*Stride + k*Dilation - PadBegin
//
// in each dimension, and padding where that lies outside [0, In). All slices
// have one length, the spatial rank. Windows are made by NewWindow, which
// checks them; Out may be anything, since no kernel reads outside its input.
type Window struct {
	In, Kernel, Out, Stride, Dilation, PadBegin, PadEnd []int

	inSize, outSize, taps int   // products of In, Out and Kernel
	inStride              []int // row-major strides of In
}

// maxSize bounds products of sizes, so that no index computation overflows.
const maxSize = math.MaxInt / 64

// errTooLarge says that a size overflows.
var errTooLarge = errors.New("size overflows")

// checkedProduct is the product of the sizes, or an error if one is negative
// or the product is beyond maxSize.
func checkedProduct(sizes ...int) (int, error) {
	n := 1
	for _, d := range sizes {
		if d < 0 {
			return 0, fmt.Errorf("size %d is negative", d)
		}
	}
	for _, d := range sizes {
		if d == 0 {
			return 0, nil
		}
	}
	for _, d := range sizes {
		if n > maxSize/d {
			return 0, fmt.Errorf("%w: %v", errTooLarge, sizes)
		}
		n *= d
	}
	return n, nil
}

// NewWindow checks and makes a Window. Nil out is computed: the number of
// window positions that fit, OutSize. Nil stride and dilation are 1s; nil pads
// are 0s.
func NewWindow(in, kernel, out, stride, dilation, padBegin, padEnd []int) (*Window, error) {
	rank := len(in)
	if rank < 1 || rank > maxRank {
		return nil, fmt.Errorf("%d spatial dimensions, want 1 to %d", rank, maxRank)
	}
	if len(kernel) != rank {
		return nil, fmt.Errorf("kernel has %d dimensions, want %d", len(kernel), rank)
	}
	w := &Window{In: in, Kernel: kernel, Out: out, Stride: stride, Dilation: dilation, PadBegin: padBegin, PadEnd: padEnd}
	for _, p := range []struct {
		name string
		v    *[]int
		fill int
	}{{"strides", &w.Stride, 1}, {"dilations", &w.Dilation, 1}, {"begin pads", &w.PadBegin, 0}, {"end pads", &w.PadEnd, 0}} {
		if *p.v == nil {
			*p.v = make([]int, rank)
			fill(*p.v, p.fill)
		}
		if len(*p.v) != rank {
			return nil, fmt.Errorf("%s have %d dimensions, want %d", p.name, len(*p.v), rank)
		}
	}
	if err := w.checkSizes(); err != nil {
		return nil, err
	}
	if w.Out == nil {
		w.Out = make([]int, rank)
		for d := range w.Out {
			w.Out[d] = w.fitting(d)
		}
	}
	return w, w.finish()
}

// checkSizes checks each dimension by itself.
func (w *Window) checkSizes() error {
	const limit = 1 << 40 // so that sums and products of two stay below 2^63 where tested
	for d := range w.In {
		switch {
		case w.In[d] < 0 || w.In[d] > limit:
			return fmt.Errorf("dimension %d: input size %d is out of range", d, w.In[d])
		case w.Kernel[d] < 1 || w.Kernel[d] > 1<<20:
			return fmt.Errorf("dimension %d: kernel size %d is out of range", d, w.Kernel[d])
		case w.Stride[d] < 1 || w.Stride[d] > 1<<20:
			return fmt.Errorf("dimension %d: stride %d is out of range", d, w.Stride[d])
		case w.Dilation[d] < 1 || w.Dilation[d] > 1<<20:
			return fmt.Errorf("dimension %d: dilation %d is out of range", d, w.Dilation[d])
		case w.PadBegin[d] < -limit || w.PadBegin[d] > limit || w.PadEnd[d] < -limit || w.PadEnd[d] > limit:
			return fmt.Errorf("dimension %d: pads %d, %d are out of range", d, w.PadBegin[d], w.PadEnd[d])
		}
	}
	return nil
}

// fitting is the number of window positions in dimension d.
func (w *Window) fitting(d int) int {
	room := w.In[d] + w.PadBegin[d] + w.PadEnd[d] - (w.Kernel[d]-1)*w.Dilation[d] - 1
	if room < 0 {
		return 0
	}
	return room/w.Stride[d] + 1
}

// finish computes the derived sizes.
func (w *Window) finish() (err error) {
	if len(w.Out) != len(w.In) {
		return fmt.Errorf("output has %d spatial dimensions, want %d", len(w.Out), len(w.In))
	}
	for d, o := range w.Out {
		if o < 0 || o > 1<<40 {
			return fmt.Errorf("dimension %d: output size %d is out of range", d, o)
		}
	}
	if w.inSize, err = checkedProduct(w.In...); err != nil {
		return err
	}
	if w.outSize, err = checkedProduct(w.Out...); err != nil {
		return err
	}
	if w.taps, err = checkedProduct(w.Kernel...); err != nil {
		return err
	}
	w.inStride = rowStrides(w.In)
	return nil
}

// InSize is the number of input positions.
func (w *Window) InSize() int { return w.inSize }

// OutSize is the number of output positions.
func (w *Window) OutSize() int { return w.outSize }

// Taps is the number of kernel positions.
func (w *Window) Taps() int { return w.taps }

// isPointwise reports whether every output position reads just the input
// position of the same number.
func (w *Window) isPointwise() bool {
	for d := range w.In {
		if w.Kernel[d] != 1 || w.Stride[d] != 1 || w.PadBegin[d] != 0 || w.Out[d] != w.In[d] {
			return false
		}
	}
	return true
}

// inside returns the range [lo, hi) of output positions in dimension d whose
// input position under kernel position k is inside the input.
func (w *Window) inside(d, k int) (lo, hi int) {
	at := k*w.Dilation[d] - w.PadBegin[d]
	s := w.Stride[d]
	if at < 0 {
		lo = (-at + s - 1) / s
	}
	if room := w.In[d] - 1 - at; room >= 0 {
		hi = room/s + 1
	}
	hi = min(hi, w.Out[d])
	return min(lo, hi), hi
}

// overlap returns the range [lo, hi) of kernel positions in dimension d that are
// inside the input at output position o.
func (w *Window) overlap(d, o int) (lo, hi int) {
	at := o*w.Stride[d] - w.PadBegin[d]
	s := w.Dilation[d]
	if at < 0 {
		lo = (-at + s - 1) / s
	}
	if room := w.In[d] - 1 - at; room >= 0 {
		hi = room/s + 1
	}
	hi = min(hi, w.Kernel[d])
	return min(lo, hi), hi
}

// rows is the product of all output dimensions but the last, and width the
// last.
func (w *Window) rows() (rows, width int) {
	last := len(w.Out) - 1
	return product(w.Out[:last]), w.Out[last]
}
