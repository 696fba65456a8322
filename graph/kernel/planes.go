package kernel

// maskedPlanes runs depthwise convolutions of float32 by fast32.planes, which reads
// planes where they lie.
type maskedPlanes struct {
	g     *ConvGeom
	loop  planeLoop
	masks []uint16
	vecs  int // of a row of outputs
}

// planeLoop is a loop of fast32.planes.
type planeLoop = func(dst, x, w *float32, bias float32, inRows, inCols, outRows, outCols, top, left int, masks *uint16, vecs int, act *float32)

// maskedLen is the length of the vectors of fast32.planes.
const maskedLen = 16

// newMaskedPlanes gives nil where there is no loop for the geometry.
func newMaskedPlanes(g *ConvGeom) *maskedPlanes {
	if len(g.In) != 2 || g.outSize == 0 || g.Kernel[0] != g.Kernel[1] || g.Stride[0] != g.Stride[1] || g.Dilation[0] != 1 || g.Dilation[1] != 1 {
		return nil
	}
	size, stride := g.Kernel[0], g.Stride[0]
	if size != 3 && size != 5 || stride > 2 || fast32.planes[size/2-1][stride-1] == nil {
		return nil
	}
	p := &maskedPlanes{g: g, loop: fast32.planes[size/2-1][stride-1]}
	outputs, loads, next := maskedLen, size, 1
	if stride == 2 { // two vectors, of which the outputs are those that see no more
		outputs, loads, next = maskedLen-size/2, 2, maskedLen
	}
	for o := 0; o < g.Out[1]; o += outputs {
		for k := range loads {
			at := o*stride - g.PadBegin[1] + k*next
			p.masks = append(p.masks, between(-at, g.In[1]-at))
		}
		p.masks = append(p.masks, between(0, min(outputs, g.Out[1]-o)))
	}
	p.vecs = len(p.masks) / (loads + 1)
	return p
}

// between has bits [lo, hi) set.
func between(lo, hi int) uint16 {
	lo, hi = min(max(lo, 0), maskedLen), min(max(hi, 0), maskedLen)
	return uint16((1<<hi - 1) &^ (1<<lo - 1))
}

func (p *maskedPlanes) plane(dst, src, w []float32, bias float32, act *float32) {
	g := p.g
	_ = dst[g.outSize-1]
	p.loop(&dst[0], at32(src), &w[0], bias, g.In[0], g.In[1], g.Out[0], g.Out[1], g.PadBegin[0], g.PadBegin[1],
		&p.masks[0], p.vecs, act)
}

func (p *maskedPlanes) run(par Parallel, x, w, bias, y []float32, finish Finish) {
	act, then := finish.Act.at(), finish.Then
	if finish.Act.isSilu() {
		act, then = nil, apart(finish, y, p.g.outStep)
	}
	par.Do(p.g.N*p.g.M, grainFor(p.g.outSize*p.g.taps/8), func(lo, hi int) {
		eachPlane(p.g, lo, hi, x, w, bias, y, then, func(dst, src, w []float32, bias float32, _ int) { p.plane(dst, src, w, bias, act) })
	})
}
