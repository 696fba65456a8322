package kernel

import (
	"slices"
	"sync"
)

// Conv is the convolution of g's geometry:
//
//	for n, m, o…: y[n, m, o…] = bias[m] + Σ x[n, c, o*Stride+k*Dilation-PadBegin…] * w[m, c', k…]
//
// over the kernel positions k… inside the input and the channels c of m's
// group, c' being c's number in the group. bias may be nil.
//
// A pointwise convolution is a matrix product; one with a single input channel
// per group (depthwise) runs along rows; all others are matrix products whose
// right operand, the unfolded input, exists only block by block.
func Conv[T Float](par Parallel, g *ConvGeom, x, w, bias, y []T, finish Finish) {
	g.check(len(x), len(w), len(bias), len(y), false)
	if g.cg == 1 {
		convDepthwise(par, g, x, w, bias, y, finish)
		return
	}
	size := g.mg * g.cg * g.taps
	s := borrow[T](size*g.Group + maxCols)
	defer s.free()
	packWeights(par, g, s.s, w)
	convGemm(par, g, x, s.s, bias, y, finish)
}

// PackedConv is the weight of a convolution in the orders in which its kernels
// read it: that of the matrix product, or of Winograd's transform, or both. It
// may be used by any number of runs at once.
type PackedConv[T Float] struct {
	cg, mg, taps, group int
	noWinograd          bool

	w            []T // of a depthwise convolution, as it was given
	data         []T
	winograd     []float32
	onceWinograd sync.Once
}

// NewPackedConv is a place for the weight of convolutions of g's channels, groups
// and kernel, which For and ForAny fill. With direct set, or in float64, outputs
// are sums of products of inputs and weights, and never computed by Winograd's
// transform.
func NewPackedConv[T Float](g *ConvGeom, direct bool) *PackedConv[T] {
	return &PackedConv[T]{cg: g.cg, mg: g.mg, taps: g.taps, group: g.Group, noWinograd: direct || !isFloat32[T]()}
}

// For packs the weight w in the order that convolutions of g's geometry read.
// Others may read it too, though another order may be faster for them. A weight
// that is packed so already may be nil.
func (p *PackedConv[T]) For(par Parallel, g *ConvGeom, w []T) {
	if !p.noWinograd && winogradPays(g) && newWinograd(g) != nil {
		p.forWinograd(par, g, w)
		return
	}
	p.ForAny(par, g, w)
}

// ForAny packs the weight w for all sizes. What else a size needs is made when a
// convolution first has it.
func (p *PackedConv[T]) ForAny(par Parallel, g *ConvGeom, w []T) {
	switch n := g.M * g.cg * g.taps; {
	case g.cg == 1:
		if p.w == nil {
			p.w = w[:n]
		}
	case p.data == nil:
		p.data = make([]T, n+maxCols)
		packWeights(par, g, p.data, w[:n])
	}
}

// IsRaw reports whether the weight is read as it was given, which then must not
// change.
func (p *PackedConv[T]) IsRaw() bool { return p.cg == 1 }

func (p *PackedConv[T]) forWinograd(par Parallel, g *ConvGeom, w []T) []float32 {
	p.onceWinograd.Do(func() { p.winograd = packWinograd(par, g, float32s(w), float32s(p.data)) })
	return p.winograd
}

// plan is Winograd's transform for a convolution of g's geometry; nil if products
// are summed directly.
func (p *PackedConv[T]) plan(g *ConvGeom) *winograd {
	if p.noWinograd || p.data != nil && !winogradPays(g) {
		return nil
	}
	return newWinograd(g)
}

// ConvPacked is Conv with the weight packed before.
func ConvPacked[T Float](par Parallel, g *ConvGeom, x []T, w *PackedConv[T], bias, y []T, finish Finish) {
	if w.cg != g.cg || w.mg != g.mg || w.taps != g.taps || w.group != g.Group {
		panic("kernel: weight was packed for another convolution")
	}
	g.check(len(x), g.M*g.cg*g.taps, len(bias), len(y), false)
	if g.cg == 1 {
		convDepthwise(par, g, x, w.w, bias, y, finish)
		return
	}
	if k := w.plan(g); k != nil {
		k.run(par, float32s(x), w.forWinograd(par, g, nil), float32s(bias), float32s(y), finish)
		return
	}
	convGemm(par, g, x, w.data, bias, y, finish)
}

// ConvScratch is how many elements ConvPacked borrows beside what each core but the first
// needs for the plane, block or chunk that it works on; w is nil for Conv.
func ConvScratch[T Float](g *ConvGeom, w *PackedConv[T]) int {
	switch {
	case g.cg == 1:
		return 0
	case w != nil:
		if k := w.plan(g); k != nil {
			_, n := k.spaceSizes()
			return n
		}
	}
	n := 0
	if w == nil {
		n = g.M * g.cg * g.taps
	}
	return n + g.unfolded()
}

// unfolded is how many elements convGemm copies of the input, beside what each core does.
func (g *ConvGeom) unfolded() int {
	if g.isPointwise() {
		return 0
	}
	if g.isSampled() {
		return g.N * g.C * g.outSize
	}
	if f := newPaddedPlane(g.Window); f != nil {
		return g.N * g.C * f.size()
	}
	return 0
}

func packWeights[T Float](par Parallel, g *ConvGeom, dst, w []T) {
	k := g.cg * g.taps
	size := g.mg * k
	for i := range g.Group {
		packRows(par, tileFor[T](), false, dst[i*size:(i+1)*size], w[i*g.mg*k:], k, g.mg, k)
	}
}

// convGemm runs the matrix products of all images and groups. Each is
// [M/Group, C/Group*taps] × [C/Group*taps, outSize]. After the packed weight there are
// maxCols elements that may be read.
func convGemm[T Float](par Parallel, g *ConvGeom, x, packed, bias, y []T, finish Finish) {
	k := g.cg * g.taps
	size := g.mg * k
	if g.N == 0 || g.mg == 0 || g.outSize == 0 {
		return
	}
	if g.isSampled() {
		s := borrow[T](g.unfolded())
		defer s.free()
		convGemm(par, sample(par, g, s.s, x), s.s, packed, bias, y, finish)
		return
	}
	tile := tileFor[T]()
	then := apart(finish, y, g.outStep)
	if g.isPointwise() && k > 0 && g.outStep <= min(fewColumns, tile.rows) {
		fewPositions(par, g, x, packed, bias, y, then)
		return
	}
	j := job[T]{
		tile: tile, batch: g.N * g.Group, m: g.mg, n: g.outSize, k: k, alpha: 1,
		a:   func(t int) []T { return packed[t%g.Group*size:][:size] },
		c:   func(t int) []T { return y[t*g.mg*g.outStep:][:span(g.mg, g.outStep, g.outSize)] },
		ldc: g.outStep,
	}
	if bias != nil {
		j.start = func(t int) []T { return bias[t%g.Group*g.mg:][:g.mg] }
	}
	if tile.acts && k > 0 {
		j.act, then = finish.Act.at(), finish.Then
	}
	if then != nil {
		j.after = func(t, i0, i1, j0, nc int) { then(t*g.mg+i0, i1-i0, j0, nc) }
	}
	image := func(t int) []T { return x[t*g.cg*g.inStep:][:span(g.cg, g.inStep, g.inSize)] }
	var f *paddedPlane
	if !g.isPointwise() {
		f = newPaddedPlane(g.Window)
	}
	switch {
	case g.isPointwise():
		off := make([]int, g.cg)
		for i := range off {
			off[i] = i * g.inStep
		}
		j.packB = func(t int, dst []T, p0, kc, j0, nc int) {
			packChannels(tile, dst, x[t*g.cg*g.inStep:], off[p0:p0+kc], j0, nc)
		}
		// too few rows to pay for packing, rows of B that lie close together, or few of them
		if tile.panels(g.mg) <= 8 || g.outSize <= plainColumns || g.cg*g.outSize <= blockElems {
			j.plainB, j.ldb = image, g.inStep
		}
	case f != nil:
		padded := borrow[T](g.N*g.C*f.size() + paddedSlack)
		defer padded.free()
		par.Do(g.N*g.C, grainFor(f.size()), func(lo, hi int) {
			for t := lo; t < hi; t++ {
				fillPadded(f, padded.s[t*f.size():][:f.size()], x[t*g.inStep:][:g.inSize])
			}
		})
		off := f.offsets(g.cg)
		j.packB = func(t int, dst []T, p0, kc, j0, nc int) {
			packPadded(f, tile, dst, padded.s[t*g.cg*f.size():], off[p0:p0+kc], j0, nc)
		}
		if tile.spread != nil && tile.panels(g.mg) <= 4 { // as for a pointwise one
			j.off = off
			j.spreadB = func(t int) []T { return padded.s[t*g.cg*f.size():] }
			j.column = func(q int) int { return f.column(q, tile.cols) }
		}
	default:
		j.packB = func(t int, dst []T, p0, kc, j0, nc int) {
			packUnfolded(g.Window, tile.cols, dst, image(t), p0, kc, j0, nc)
		}
	}
	j.run(par)
}

// sample copies the elements that a convolution that isSampled reads, and returns the
// geometry of the same convolution of the copy.
func sample[T Float](par Parallel, g *ConvGeom, dst, x []T) *ConvGeom {
	shape := append([]int{g.N * g.C}, g.Out...)
	from := []int{g.inStep}
	for d, s := range g.Stride {
		from = append(from, g.inStride[d]*s)
	}
	CopyStrided(par, shape, dst, 0, rowStrides(shape), x, 0, from)
	h, w := *g, *g.Window
	w.In, w.Stride = w.Out, slices.Repeat([]int{1}, len(w.Out))
	w.inSize, w.inStride = w.outSize, rowStrides(w.Out)
	h.Window, h.inStep = &w, g.outSize
	return &h
}
