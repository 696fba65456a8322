package kernel

import (
	"slices"
	"sort"
)

// ConvChain is convolutions of float32, each of what the one before it gives, that are
// computed by bands of rows: what passes between them, and their frames, is never there
// as a whole, and stays in the cache of the core that works on the band. A band takes
// over from the one before it the rows that both need. The results are those of
// ConvPacked to the bit. (Alwani, Chen, Ferdman and Milder, "Fused-Layer CNN
// Accelerators", MICRO 2016.)
type ConvChain struct {
	stages []*ConvGeom
	held   []int // by stage but the last: rows of each plane that a band has at most
	bands  []band
}

// ConvStage is the operands of one of the convolutions, and what is applied to what it
// gives.
type ConvStage struct {
	Weight *PackedConv[float32]
	Bias   []float32 // may be nil
	Act    *Activation
}

// band is how a range of rows of the last stage's output is made, by stages: after the
// band above it, or alone.
type band struct{ after, alone []bandStage }

// bandStage is what a stage does in a band.
type bandStage struct {
	geom *ConvGeom // of the rows that are computed; nil for none
	in   int       // geom's first row of input, among those that there are
	out  int       // and of output; rows above it, if there are any, are taken over
	down int       // from so many rows further down
}

// rowRange is rows [lo, hi).
type rowRange struct{ lo, hi int }

const (
	bandElems   = 1 << 17 // elements between stages that one core holds, unless one row needs more
	stageElems  = 1 << 18 // elements between two stages, and
	chainElems  = 3 << 17 // between all, from which on bands pay, and
	planeElems  = 1 << 10 // for each plane of a depthwise convolution in a band
	frameElems  = 1 << 18 // elements in frames from which on bands pay
	bandWeights = 1 << 15 // elements of a weight that every band reads
	fewBands    = 8       // bands that there are at least, if there are as many rows
	manyBands   = 1 << 10 // and at most
)

// NewConvChain gives nil where the convolutions of the given geometries cannot be
// computed by bands, or that does not pay. Those can that are pointwise, depthwise or
// have few weights, and a kernel and strides that Winograd's transform has nothing for.
func NewConvChain(stages ...*ConvGeom) *ConvChain {
	c := &ConvChain{stages: stages}
	between, frames, planes := 0, 0, 0
	for k, g := range stages {
		if !g.runsByRows() || k > 0 && (!g.follows(stages[k-1]) || g.C*g.inSize < stageElems) {
			return nil
		}
		if k > 0 {
			between += g.C * g.inSize
		}
		switch {
		case g.cg == 1:
			planes += g.M
		case g.isDense():
			frames += g.unfolded() / max(1, g.N)
		}
	}
	end := stages[len(stages)-1].Out[0]
	rows := 1 + sort.Search((end+fewBands-1)/fewBands-1, func(n int) bool { return c.between(n+2) > bandElems })
	bands := (end + rows - 1) / rows
	if pays := frames >= frameElems || between >= chainElems && between >= planeElems*planes*bands; !pays || c.between(rows) > 2*bandElems || bands > manyBands {
		return nil
	}
	c.plan(rows)
	return c
}

// runsByRows tells whether rows of g's output can be computed by themselves, to the
// same bits.
func (g *ConvGeom) runsByRows() bool {
	if len(g.In) != 2 || g.C == 0 || g.M == 0 || g.outSize == 0 || g.Out[1] <= fewColumns {
		return false
	}
	if g.isDense() {
		return winogradStep(g) == 0 && g.M*g.cg*g.taps <= bandWeights
	}
	return g.isPointwise() || fast32.taps[0] == nil || newMaskedPlanes(g) != nil || newTapPlanes(g) != nil
}

// isDense tells whether g is neither pointwise nor depthwise.
func (g *ConvGeom) isDense() bool { return g.cg > 1 && !g.isPointwise() }

// follows tells whether g's input can be f's output.
func (g *ConvGeom) follows(f *ConvGeom) bool { return g.C == f.M && slices.Equal(g.In, f.Out) }

// rowsOf is the rows of input that rows of the output are made of, and how many more of
// padding the first of those begins with.
func (g *ConvGeom) rowsOf(out rowRange) (in rowRange, padding int) {
	first := out.lo*g.Stride[0] - g.PadBegin[0]
	end := (out.hi-1)*g.Stride[0] - g.PadBegin[0] + (g.Kernel[0]-1)*g.Dilation[0] + 1
	in.lo = min(max(first, 0), g.In[0])
	in.hi = min(max(end, in.lo), g.In[0])
	return in, in.lo - first
}

// needs is the rows of each stage's output that rows of the last one's are made of.
func (c *ConvChain) needs(out rowRange) []rowRange {
	needs := make([]rowRange, len(c.stages))
	for k, g := range slices.Backward(c.stages) {
		needs[k] = out
		out, _ = g.rowsOf(out)
	}
	return needs
}

// between is how many elements between stages and in frames so many rows in the middle
// are made of.
func (c *ConvChain) between(rows int) int {
	last := len(c.stages) - 1
	lo := (c.stages[last].Out[0] - rows) / 2
	n := 0
	for k, r := range c.needs(rowRange{lo, lo + rows}) {
		g := c.stages[k]
		if k < last {
			n += (r.hi - r.lo) * g.rowElems()
		}
		if g.isDense() {
			in, _ := g.rowsOf(r)
			n += (in.hi - in.lo) * g.C * g.In[1]
		}
	}
	return n
}

// rowElems is the elements of one row of all planes of one output.
func (g *ConvGeom) rowElems() int { return g.M * g.Out[1] }

// plan makes the bands.
func (c *ConvChain) plan(rows int) {
	last := len(c.stages) - 1
	end := c.stages[last].Out[0]
	var needs [][]rowRange
	c.held = make([]int, last)
	for lo := 0; lo < end; lo += rows {
		n := c.needs(rowRange{lo, min(lo+rows, end)})
		for k := range c.held {
			c.held[k] = max(c.held[k], n[k].hi-n[k].lo)
		}
		needs = append(needs, n)
	}
	for i, n := range needs {
		b := band{alone: c.band(n, nil)}
		if i > 0 {
			b.after = c.band(n, needs[i-1])
		}
		c.bands = append(c.bands, b)
	}
}

// band is what the stages do for the rows that are needed, after a band that needed
// those above, or nil.
func (c *ConvChain) band(needs, above []rowRange) []bandStage {
	stages := make([]bandStage, len(needs))
	last := len(needs) - 1
	for k, g := range c.stages {
		s, need, step := &stages[k], needs[k], g.outStep
		from := need.lo
		if k < last {
			step = c.held[k] * g.Out[1]
			if above != nil {
				from = min(max(from, above[k].hi), need.hi)
				s.down = need.lo - above[k].lo
			}
			s.out = from - need.lo
		} else {
			s.out = from
		}
		if from == need.hi {
			continue
		}
		in, padding := g.rowsOf(rowRange{from, need.hi})
		s.geom = g.rows(in.hi-in.lo, need.hi-from, padding)
		s.geom.outStep = step
		s.in = in.lo
		if k > 0 {
			s.in -= needs[k-1].lo
			s.geom.inStep = c.held[k-1] * g.In[1]
		}
	}
	return stages
}

// rows is the geometry of out rows of one image's output, from so many rows of input.
func (g *ConvGeom) rows(in, out, padding int) *ConvGeom {
	w := *g.Window
	w.In, w.Out, w.PadBegin = slices.Clone(g.In), slices.Clone(g.Out), slices.Clone(g.PadBegin)
	w.In[0], w.Out[0], w.PadBegin[0] = in, out, padding
	if err := w.finish(); err != nil {
		panic(err) // they are no larger than g's
	}
	part := *g
	part.Window, part.N = &w, 1
	return &part
}

// Scratch is how many elements Run borrows on one core.
func (c *ConvChain) Scratch() int {
	n := 0
	for k, rows := range c.held {
		n += rows * c.stages[k].rowElems()
	}
	return n
}

// Run computes y from x, both of n images; there is an operand for each stage. then is
// Finish.Then of the last one.
func (c *ConvChain) Run(par Parallel, n int, x []float32, operands []ConvStage, y []float32, then func(first, count, at, n int)) {
	count := len(c.bands)
	par.Do(n*count, (count+fewBands-1)/fewBands, func(lo, hi int) {
		desk := borrow[float32](c.Scratch())
		defer desk.free()
		for t := lo; t < hi; t++ {
			stages := c.bands[t%count].after
			if t == lo || stages == nil {
				stages = c.bands[t%count].alone
			}
			c.run(stages, t/count, x, operands, y, desk.s, then)
		}
	})
}

// run does a band of one image.
func (c *ConvChain) run(stages []bandStage, image int, x []float32, operands []ConvStage, y, desk []float32, then func(first, count, at, n int)) {
	src := x[image*c.stages[0].C*c.stages[0].inSize:]
	for k, g := range c.stages {
		s, o, width := &stages[k], &operands[k], g.Out[1]
		f := Finish{Act: o.Act}
		var dst []float32
		if k < len(c.held) {
			step := c.held[k] * width
			dst, desk = desk[:g.M*step], desk[g.M*step:]
			if s.out > 0 && s.down > 0 {
				for at := 0; at < len(dst); at += step {
					copy(dst[at:][:s.out*width], dst[at+s.down*width:])
				}
			}
		} else {
			dst = y[image*g.M*g.outSize:]
			if then != nil {
				f.Then = func(first, count, at, n int) { then(image*g.M+first, count, s.out*width+at, n) }
			}
		}
		if s.geom != nil {
			ConvPacked(nil, s.geom, src[s.in*g.In[1]:], o.Weight, o.Bias, dst[s.out*width:], f)
		}
		src = dst
	}
}
