package kernel

import (
	"slices"
	"sort"
)

// ConvStripes is a group of convolutions of float32, each of the output of the one before
// it, that are computed together by stripes of rows. Intermediate results and padded planes
// never exist as a whole, and those of a stripe stay in the cache of the core that works on
// it. A stripe reuses the rows that the one before it has computed and both need. The
// results have the bits of ConvPacked. (Alwani, Chen, Ferdman and Milder, "Fused-Layer
// CNN Accelerators", MICRO 2016.)
type ConvStripes struct {
	stages   []*ConvGeom
	rows     int   // of the last stage's output in a stripe
	held     []int // by stage but the last: rows of each plane that a stripe has at most
	unfolded int   // elements that a stage unfolds of a stripe at most
}

// ConvStage is the operands of one convolution of the group, and the activation of its
// output.
type ConvStage struct {
	Weight *PackedConv[float32]
	Bias   []float32        // may be nil
	Act    *FusedActivation // may be nil
}

// rowRange is rows [lo, hi).
type rowRange struct{ lo, hi int }

// NewConvStripes returns nil where the convolutions of the given geometries cannot be
// computed by stripes, or where that is no faster. Pointwise and depthwise ones can be, and
// those that have few weights and no Winograd transform.
func NewConvStripes(stages ...*ConvGeom) *ConvStripes {
	c := &ConvStripes{stages: stages}
	between, padded, planes := 0, 0, 0
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
			padded += g.unfolded() / max(1, g.N)
		}
	}
	end := stages[len(stages)-1].Out[0]
	rows := 1 + sort.Search((end+fewStripes-1)/fewStripes-1, func(n int) bool { return c.between(n+2) > stripeElems })
	stripes := (end + rows - 1) / rows
	if pays := padded >= paddedElems || between >= groupElems && between >= planeElems*planes*stripes; !pays || c.between(rows) > 2*stripeElems || stripes > manyStripes {
		return nil
	}
	c.cut(rows)
	return c
}

// runsByRows reports whether rows of g's output can be computed by themselves, to the
// same bits.
func (g *ConvGeom) runsByRows() bool {
	if len(g.In) != 2 || g.C == 0 || g.M == 0 || g.outSize == 0 || g.Out[1] <= fewColumns {
		return false
	}
	if g.isDense() {
		return winogradStep(g) == 0 && g.M*g.cg*g.taps <= stripeWeights
	}
	return g.isPointwise() || fast32.taps[0] == nil || newMaskedPlanes(g) != nil || newTapPlanes(g) != nil
}

// isDense reports whether g is neither pointwise nor depthwise.
func (g *ConvGeom) isDense() bool { return g.cg > 1 && !g.isPointwise() }

// follows reports whether g's input can be f's output.
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

// rowsFor is the rows of each stage's output that rows of the last one's are made of,
// written to list.
func (c *ConvStripes) rowsFor(list []rowRange, out rowRange) {
	for k, g := range slices.Backward(c.stages) {
		list[k] = out
		out, _ = g.rowsOf(out)
	}
}

// between returns the elements of intermediate results and padded planes that so many rows
// in the middle of the output are made of.
func (c *ConvStripes) between(rows int) int {
	last := len(c.stages) - 1
	lo := (c.stages[last].Out[0] - rows) / 2
	needs, n := make([]rowRange, len(c.stages)), 0
	c.rowsFor(needs, rowRange{lo, lo + rows})
	for k, r := range needs {
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

// cut makes stripes of so many rows.
func (c *ConvStripes) cut(rows int) {
	c.rows, c.held = rows, make([]int, len(c.stages)-1)
	needs, parts := make([]rowRange, len(c.stages)), make([]*ConvGeom, len(c.stages))
	for i := range c.stripes() {
		c.rowsFor(needs, c.stripeRows(i))
		for k, g := range c.stages {
			if k < len(c.held) {
				c.held[k] = max(c.held[k], needs[k].hi-needs[k].lo)
			}
			if g.isDense() {
				parts[k] = g.part(parts[k], needs[k])
				c.unfolded = max(c.unfolded, parts[k].unfolded())
			}
		}
	}
}

func (c *ConvStripes) stripes() int {
	return (c.stages[len(c.stages)-1].Out[0] + c.rows - 1) / c.rows
}

// stripeRows is the rows of stripe i.
func (c *ConvStripes) stripeRows(i int) rowRange {
	return rowRange{i * c.rows, min((i+1)*c.rows, c.stages[len(c.stages)-1].Out[0])}
}

// Scratch returns the elements that Run borrows on one core.
func (c *ConvStripes) Scratch() int { return c.workspace() + c.unfolded }

// workspace is how many of them are for what passes between stages.
func (c *ConvStripes) workspace() int {
	n := 0
	for k, rows := range c.held {
		n += rows * c.stages[k].rowElems()
	}
	return n
}

// Run computes y, of the last stage's output, from x, of the first one's input, both of n
// images. operands has one entry a stage. then, which may be nil, is Finish.Then of the last.
func (c *ConvStripes) Run(par Parallel, n int, x []float32, operands []ConvStage, y []float32, then func(first, count, at, n int)) {
	stripes := c.stripes()
	par.Do(n*stripes, (stripes+fewStripes-1)/fewStripes, func(lo, hi int) {
		workspace := borrow[float32](c.workspace())
		defer workspace.free()
		r := stripesRun{ConvStripes: c, operands: operands, workspace: workspace.s, then: then,
			needs: make([]rowRange, len(c.stages)), above: make([]rowRange, len(c.stages)), parts: make([]*ConvGeom, len(c.stages))}
		first, last := c.stages[0], c.stages[len(c.stages)-1]
		for t := lo; t < hi; t++ {
			r.image = t / stripes
			r.stripe(t%stripes, t == lo || t%stripes == 0, x[r.image*first.C*first.inSize:], y[r.image*last.M*last.outSize:])
		}
	})
}

// stripesRun is the state of one core in a run.
type stripesRun struct {
	*ConvStripes
	operands     []ConvStage
	workspace    []float32
	then         func(first, count, at, n int)
	image        int
	needs, above []rowRange  // rows of each stage's output that the stripe has, and the one before it
	parts        []*ConvGeom // of each stage the rows that were computed last
}

// stripe computes stripe i of an image: alone, or with the rows that the stripe above it
// has left in the workspace.
func (r *stripesRun) stripe(i int, alone bool, x, y []float32) {
	r.needs, r.above = r.above, r.needs
	r.rowsFor(r.needs, r.stripeRows(i))
	src, first, step := x, 0, r.stages[0].inSize // of what the stage reads: its first row
	workspace, last := r.workspace, len(r.stages)-1
	for k, g := range r.stages {
		need, o, width := r.needs[k], &r.operands[k], g.Out[1]
		dst, from, begin, dstStep, f := y, need.lo, 0, g.outSize, Finish{Act: o.Act}
		if k < last {
			dstStep = r.held[k] * width
			dst, workspace = workspace[:g.M*dstStep], workspace[g.M*dstStep:]
			begin = need.lo
			if above := r.above[k]; !alone && above.hi > need.lo {
				from = min(above.hi, need.hi)
				takeRows(dst, dstStep, (need.lo-above.lo)*width, (from-need.lo)*width)
			}
		} else if r.then != nil {
			f.Then = func(first, count, at, n int) { r.then(r.image*g.M+first, count, need.lo*width+at, n) }
		}
		if from < need.hi {
			rows := rowRange{from, need.hi}
			in, _ := g.rowsOf(rows)
			part := g.part(r.parts[k], rows)
			part.inStep, part.outStep, r.parts[k] = step, dstStep, part
			ConvPacked(nil, part, src[(in.lo-first)*g.In[1]:], o.Weight, o.Bias, dst[(from-begin)*width:], f)
		}
		src, first, step = dst, need.lo, dstStep
	}
}

// takeRows moves n elements of each plane, from element from on, to its beginning.
func takeRows(planes []float32, step, from, n int) {
	for at := 0; from > 0 && at < len(planes); at += step {
		copy(planes[at:][:n], planes[at+from:])
	}
}

// part returns the geometry that computes some rows of one image's output from the rows
// of input that they are made of; like itself, if it is that geometry.
func (g *ConvGeom) part(like *ConvGeom, rows rowRange) *ConvGeom {
	from, padding := g.rowsOf(rows)
	in, out := from.hi-from.lo, rows.hi-rows.lo
	if like != nil && like.In[0] == in && like.Out[0] == out && like.PadBegin[0] == padding {
		return like
	}
	w := *g.Window
	w.In, w.Out, w.PadBegin = slices.Clone(g.In), slices.Clone(g.Out), slices.Clone(g.PadBegin)
	w.In[0], w.Out[0], w.PadBegin[0] = in, out, padding
	if err := w.finish(); err != nil {
		panic(err) // they are no larger than g's
	}
	h := *g
	h.Window, h.N = &w, 1
	return &h
}
