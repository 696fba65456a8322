package kernel

// tapPlanes runs depthwise convolutions of float32 by fast32.taps, which sums
// all taps of a vector of outputs at once. Each input plane is copied into a
// frame of zeros, so that every tap of every output is inside.
type tapPlanes struct {
	g             *ConvGeom
	height, width int   // of the frame
	blocks        int   // vectors in an output row
	off           []int // of the taps in the frame
	loop          func(dst, x, w *float32, off *int, taps int, bias float32, blocks int)
}

// newTapPlanes gives nil where there is no loop for the geometry, or where the
// frame would be much larger than the planes.
func newTapPlanes(g *ConvGeom) *tapPlanes {
	if len(g.In) != 2 || g.outSize == 0 || g.Stride[1] > len(fast32.taps) || fast32.taps[g.Stride[1]-1] == nil {
		return nil
	}
	p := &tapPlanes{g: g, loop: fast32.taps[g.Stride[1]-1], blocks: (g.Out[1] + vectorLen - 1) / vectorLen}
	p.height = (g.Out[0]-1)*g.Stride[0] + (g.Kernel[0]-1)*g.Dilation[0] + 1
	p.width = (p.blocks*vectorLen-1)*g.Stride[1] + (g.Kernel[1]-1)*g.Dilation[1] + 1
	size, err := checkedProduct(p.height, p.width)
	if err != nil || size > 8*(g.inSize+g.outSize)+1<<12 {
		return nil
	}
	for k := range g.Kernel[0] {
		for l := range g.Kernel[1] {
			p.off = append(p.off, k*g.Dilation[0]*p.width+l*g.Dilation[1])
		}
	}
	return p
}

func (p *tapPlanes) run(par Parallel, x, w, bias, y []float32) {
	g := p.g
	par.Do(g.N*g.M, grainFor(g.outSize*g.taps/4), func(lo, hi int) {
		b := borrow[float32](p.height*p.width + p.blocks*vectorLen)
		defer b.free()
		frame, row := b.s[:p.height*p.width], b.s[p.height*p.width:]
		clear(frame)
		for t := lo; t < hi; t++ {
			n, m := t/g.M, t%g.M
			p.fill(frame, x[(n*g.C+m/g.mg)*g.inSize:][:g.inSize])
			var v float32
			if bias != nil {
				v = bias[m]
			}
			p.plane(y[t*g.outSize:][:g.outSize], frame, row, w[m*g.taps:][:g.taps], v)
		}
	})
}

// fill copies a plane into the frame, whose border is 0 and stays so.
func (p *tapPlanes) fill(frame, src []float32) {
	g := p.g
	from := max(0, -g.PadBegin[1])
	n := min(g.In[1], p.width-g.PadBegin[1]) - from
	if n <= 0 {
		return
	}
	for r := max(0, g.PadBegin[0]); r < min(p.height, g.In[0]+g.PadBegin[0]); r++ {
		copy(frame[r*p.width+from+g.PadBegin[1]:][:n], src[(r-g.PadBegin[0])*g.In[1]+from:])
	}
}

// plane convolves a framed plane. Whole vectors are stored, so a row spills
// into the next, which comes after it; the last rows go through row.
func (p *tapPlanes) plane(dst, frame, row, w []float32, bias float32) {
	width := p.g.Out[1]
	for at, from := 0, 0; at < len(dst); at, from = at+width, from+p.g.Stride[0]*p.width {
		out := row
		if at+len(row) <= len(dst) {
			out = dst[at : at+len(row)]
		}
		p.loop(&out[0], &frame[from], &w[0], &p.off[0], len(w), bias, p.blocks)
		if at+len(row) > len(dst) {
			copy(dst[at:at+width], row)
		}
	}
}
