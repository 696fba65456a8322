package kernel

// maskedPlanes runs depthwise convolutions of float32 by fast32.planes, which reads
// planes where they lie.
type maskedPlanes struct {
	g *ConvGeom
	maskedWindow
}

// maskedWindow is a loop of fast32.planes and the masks of a Window for it.
type maskedWindow struct {
	*Window
	loop  planeLoop
	masks []uint16
	vecs  int // of a row of outputs
}

// planeLoop is a loop of fast32.planes.
type planeLoop = func(dst, x, w *float32, bias float32, inRows, inCols, outRows, outCols, top, left int, masks *uint16, vecs int, act *float32)

// maskedLen is the length of the vectors of fast32.planes.
const maskedLen = 16

// newMaskedPlanes returns nil where there is no loop for the geometry.
func newMaskedPlanes(g *ConvGeom) *maskedPlanes {
	size, stride := g.square()
	if size != 3 && size != 5 || stride > 2 || fast32.planes[size/2-1][stride-1] == nil {
		return nil
	}
	return &maskedPlanes{g, newMaskedWindow(g.Window, fast32.planes[size/2-1][stride-1])}
}

// square is the size of the kernel and the stride, if they are the same in two
// dimensions; else 0.
func (w *Window) square() (size, stride int) {
	if len(w.In) != 2 || w.outSize == 0 || w.Kernel[0] != w.Kernel[1] || w.Stride[0] != w.Stride[1] || w.Dilation[0] != 1 || w.Dilation[1] != 1 {
		return 0, 0
	}
	return w.Kernel[0], w.Stride[0]
}

// newMaskedWindow makes the masks for a loop of w's kernel and stride.
func newMaskedWindow(w *Window, loop planeLoop) maskedWindow {
	size, stride := w.square()
	p := maskedWindow{Window: w, loop: loop}
	outputs, loads, next := maskedLen, size, 1
	if stride == 2 { // two vectors, of which the outputs are those that see no more
		outputs, loads, next = maskedLen-(size-1)/2, 2, maskedLen
	}
	for o := 0; o < w.Out[1]; o += outputs {
		for k := range loads {
			at := o*stride - w.PadBegin[1] + k*next
			p.masks = append(p.masks, between(-at, w.In[1]-at))
		}
		p.masks = append(p.masks, between(0, min(outputs, w.Out[1]-o)))
	}
	p.vecs = len(p.masks) / (loads + 1)
	return p
}

// between has bits [lo, hi) set.
func between(lo, hi int) uint16 {
	lo, hi = min(max(lo, 0), maskedLen), min(max(hi, 0), maskedLen)
	return uint16((1<<hi - 1) &^ (1<<lo - 1))
}

// plane runs the loop over one plane.
func (p *maskedWindow) plane(dst, src, w []float32, bias float32, act *float32) {
	_ = dst[p.outSize-1]
	p.loop(&dst[0], at32(src), at32(w), bias, p.In[0], p.In[1], p.Out[0], p.Out[1], p.PadBegin[0], p.PadBegin[1],
		&p.masks[0], p.vecs, act)
}

func (p *maskedPlanes) run(par Parallel, x, w, bias, y []float32, finish Finish) {
	act, then := finish.Act.at(), finish.Then
	if finish.Act.isSilu() {
		act, then = nil, apart(finish, y, p.g.outStep)
	}
	par.Do(p.g.N*p.g.M, grainFor(p.outSize*p.taps/8), func(lo, hi int) {
		eachPlane(p.g, lo, hi, x, w, bias, y, then, func(dst, src, w []float32, bias float32, _ int) { p.plane(dst, src, w, bias, act) })
	})
}
