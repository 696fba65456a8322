package kernel

import "fmt"

// ConvGeom is the geometry of a convolution: C channels of a Window in, M
// channels out, both split evenly into Group groups.
//
//	x [N, C, In…]   w [M, C/Group, Kernel…]   y [N, M, Out…]
//
// For ConvTranspose, In and Out keep their meaning of that convolution whose
// adjoint it is: its input has the Window's Out and its output the Window's In:
//
//	x [N, C, Out…]   w [C, M/Group, Kernel…]   y [N, M, In…]
type ConvGeom struct {
	*Window
	N, C, M, Group int

	cg, mg          int // channels per group, in and out
	inStep, outStep int // from a plane of x, of y, to the next: its size, but in a stripe
}

// NewConvGeom checks and makes a ConvGeom.
func NewConvGeom(n, c, m, group int, w *Window) (*ConvGeom, error) {
	switch {
	case group < 1:
		return nil, fmt.Errorf("group is %d, want at least 1", group)
	case n < 0 || c < 0 || m < 0:
		return nil, fmt.Errorf("negative size: batch %d, channels %d, %d", n, c, m)
	case c%group != 0 || m%group != 0:
		return nil, fmt.Errorf("channels %d and %d do not split into %d groups", c, m, group)
	}
	for _, sizes := range [][]int{{n, c, w.inSize}, {n, m, w.outSize}, {n, m, w.inSize}, {n, c, w.outSize}, {m, c, w.taps}} {
		if _, err := checkedProduct(sizes...); err != nil {
			return nil, err
		}
	}
	return &ConvGeom{Window: w, N: n, C: c, M: m, Group: group, cg: c / group, mg: m / group, inStep: w.inSize, outStep: w.outSize}, nil
}

// check panics if a slice is shorter than the geometry says: callers compute
// both from the same shapes.
func (g *ConvGeom) check(x, w, bias, y int, transposed bool) {
	in, out, weights := span(g.N*g.C, g.inStep, g.inSize), span(g.N*g.M, g.outStep, g.outSize), g.M*g.cg*g.taps
	if transposed {
		in, out, weights = g.N*g.C*g.outSize, g.N*g.M*g.inSize, g.C*g.mg*g.taps
	}
	if x < in || w < weights || y < out || bias != 0 && bias < g.M {
		panic("kernel: convolution operand is shorter than its geometry")
	}
}

// span is the length of n planes of the given size that lie step apart.
func span(n, step, size int) int {
	if n == 0 {
		return 0
	}
	return (n-1)*step + size
}

// isSampled reports whether the outputs read one position each, none of them padding, but
// not all positions.
func (g *ConvGeom) isSampled() bool {
	if g.taps != 1 || g.outSize == 0 || g.isPointwise() {
		return false
	}
	for d, p := range g.PadBegin {
		if p != 0 || (g.Out[d]-1)*g.Stride[d] >= g.In[d] {
			return false
		}
	}
	return true
}
