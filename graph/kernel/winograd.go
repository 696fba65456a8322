package kernel

// Winograd's minimal filtering F(4×4, 3×3), for convolutions by 3×3 kernels of
// stride 1: 36 products give 16 outputs that take 144 directly. Lavin and
// Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), equation
// 12:
//
//	Y = Aᵀ[ (G g Gᵀ) ⊙ (Bᵀ d B) ]A
//
// summed over channels in the domain of the products, where each of the 36
// places is a matrix product. The matrices follow from points of interpolation
// (Toom and Cook), here 0, ±inner, ±outer and infinity. These are exact and keep
// the matrices' entries near 1: rounding errors are a fifth of those with the
// usual ±1 and ±2. TestWinogradAccuracy reports them.
const (
	inner, outer   = 0.75, 1.5
	winogradTile   = 4 // outputs of a tile in each dimension
	winogradPlaces = 36
)

// winogradG is G.
var winogradG = [6][3]float64{
	{1 / (inner * inner * outer * outer), 0, 0},
	winogradGRow(inner, outer), winogradGRow(-inner, outer), winogradGRow(outer, inner), winogradGRow(-outer, inner),
	{0, 0, 1},
}

// winogradGRow is the row of a point p, the other pair of points being ±q.
func winogradGRow(p, q float64) [3]float64 {
	n := 2 * p * p * (p*p - q*q)
	return [3]float64{1 / n, p / n, p * p / n}
}

// winograd is such a convolution. One by a kernel of 3·step rows and columns that moves
// by step is one too: that of step² times as many channels, each of which has the
// elements of one phase, every step-th of a row and a column.
type winograd struct {
	g        *ConvGeom
	tile     *tileShape[float32]
	step     int
	channels int // of all phases
	rows     int // of tiles
	cols     int
	panels   int

	chunk      int // panels that are transformed before they are multiplied
	held       int // rows of tiles that a chunk lies in
	wide, size int // width and size of a plane of a chunk, which has every fourth row and column of a phase
	ldb        int // of a panel of transformed input
	place      int // size of a panel's place
	off        [winogradPlaces]int
	masks      []uint16 // of fast32.winograd.split
}

const (
	winogradLeast = 12      // channels from which on the transforms pay
	winogradSteps = 2       // the greatest step
	winogradChunk = 1 << 18 // elements of transformed input that should stay in the cache
)

// winogradStep is the step of a convolution whose kernel and channels are such that the
// transforms pay; 0 for others.
func winogradStep(g *ConvGeom) int {
	if len(g.Kernel) != 2 || g.Group != 1 {
		return 0
	}
	step := g.Stride[0]
	if step > winogradSteps || g.cg*step*step < winogradLeast || g.mg < winogradLeast {
		return 0
	}
	for d := range 2 {
		if g.Kernel[d] != 3*step || g.Stride[d] != step || g.Dilation[d] != 1 {
			return 0
		}
	}
	return step
}

// winogradPays tells whether there is a transform, which saves at least half of the
// products.
func winogradPays(g *ConvGeom) bool {
	if winogradStep(g) == 0 {
		return false
	}
	cols := tileFor[float32]().cols
	tiles := (g.Out[0] + winogradTile - 1) / winogradTile * ((g.Out[1] + winogradTile - 1) / winogradTile)
	return 2*winogradPlaces*roundUp(tiles, cols/2) <= 9*roundUp(g.outSize, cols/2)
}

// newWinograd gives nil where the window is no common one.
func newWinograd(g *ConvGeom) *winograd {
	step := winogradStep(g)
	if step == 0 || g.outSize == 0 {
		return nil
	}
	for d := range 2 {
		if g.PadBegin[d] < 0 || g.PadBegin[d] > 2*step || g.Out[d]*step > g.In[d]+4*step {
			return nil
		}
	}
	w := &winograd{g: g, tile: tileFor[float32](), step: step, channels: g.cg * step * step}
	w.rows, w.cols = (g.Out[0]+winogradTile-1)/winogradTile, (g.Out[1]+winogradTile-1)/winogradTile
	w.panels = (w.rows*w.cols + w.tile.cols - 1) / w.tile.cols
	w.wide = w.cols + 1
	w.cut()
	w.size = (w.held + 1) * w.wide
	for i := range 6 {
		for j := range 6 {
			w.off[6*i+j] = (i%4*4+j%4)*w.size + i/4*w.wide + j/4
		}
	}
	if fast32.winograd.split[step-1] != nil {
		for at := 0; at < w.wide; at += maskedLen {
			for k := range 4 * step {
				col := (4*step*at + k*maskedLen) - g.PadBegin[1]
				w.masks = append(w.masks, between(-col, g.In[1]-col))
			}
			w.masks = append(w.masks, between(0, w.wide-at))
		}
	}
	return w
}

// cut splits the panels in chunks, if they give enough tasks and each has several rows of
// tiles, since neighbours share some of what they transform. Each chunk is then one
// core's, and stays in its cache.
func (w *winograd) cut() {
	cols := w.tile.cols
	least := (3*w.cols + cols - 1) / cols
	w.chunk = min(max(least, (w.panels+wantTasks-1)/wantTasks), winogradChunk/(winogradPlaces*w.channels*cols))
	// A vector may spill behind the tiles of a channel, into the next one, which a core
	// writes later if it writes both.
	if w.ldb = cols; w.chunk < least || (w.panels+w.chunk-1)/w.chunk < wantTasks/3 {
		w.chunk, w.ldb = w.panels, cols+maskedLen
	}
	w.place = w.channels*w.ldb + maskedLen
	w.held = min(w.rows, (w.chunk*cols-2)/w.cols+2)
}

// packWinograd is G g Gᵀ of every kernel g of the weight w, as 36 packed left
// operands; a nil w is read from what packWeights made of it.
func packWinograd(par Parallel, g *ConvGeom, w, packed []float32) []float32 {
	step, tile := winogradStep(g), tileFor[float32]()
	channels := g.cg * step * step
	size := g.mg * channels
	dst := make([]float32, winogradPlaces*size)
	panels := tile.panels(g.mg)
	par.Do(panels, grainFor(200*tile.rows*channels), func(lo, hi int) {
		s := borrow[float32]((winogradPlaces + 9) * (tile.rows + 1) * channels)
		defer s.free()
		k := 9 * channels
		for r := lo; r < hi; r++ {
			i0, i1 := panelRow(r, panels, g.mg), panelRow(r+1, panels, g.mg)
			rows := i1 - i0
			plain := s.s[winogradPlaces*rows*channels:][:rows*k]
			if w != nil {
				copy(plain, w[i0*k:])
			} else {
				unpackRows(plain, packed, i0, rows, g.mg, k)
			}
			for t := range rows * channels {
				window, phase := plain[t/(step*step)*g.taps:][:g.taps], t%(step*step)
				winogradKernel(s.s[t:], rows*channels, window[phase/step*3*step+phase%step:], step)
			}
			for p := range winogradPlaces {
				for p0 := 0; p0 < channels; p0 += blockDepth {
					kc := min(blockDepth, channels-p0)
					packRowPanel(dst[p*size+p0*g.mg+i0*kc:][:kc*rows], s.s[p*rows*channels+p0:], channels, 1, rows, kc)
				}
			}
		}
	})
	return dst
}

// winogradKernel is G k Gᵀ, element (i, j) of which is dst[(6*i+j)*stride], of k's every
// step-th row, which are 3·step long, and column.
func winogradKernel(dst []float32, stride int, k []float32, step int) {
	var half [6][3]float64
	down := 3 * step * step
	for i, row := range winogradG {
		for c := range 3 {
			c *= step
			half[i][c/step] = row[0]*float64(k[c]) + row[1]*float64(k[down+c]) + row[2]*float64(k[2*down+c])
		}
	}
	for i := range half {
		for j, row := range winogradG {
			dst[(6*i+j)*stride] = float32(half[i][0]*row[0] + half[i][1]*row[1] + half[i][2]*row[2])
		}
	}
}

// winogradRows are the rows of output channels of one task.
const winogradRows = 48

// scratch is how many elements of transformed input all cores share.
func (w *winograd) scratch() int {
	if w.chunk < w.panels {
		return 0
	}
	return w.inputs()
}

// inputs is how many elements the transformed inputs of a chunk have.
func (w *winograd) inputs() int { return w.chunk*winogradPlaces*w.place + maskedLen }

func (w *winograd) run(par Parallel, x, packed, bias, y []float32, finish Finish) {
	r := winogradRun{winograd: w, packed: packed, bias: bias, y: y, finish: finish}
	image := func(n int) []float32 { return x[n*w.g.C*w.g.inSize:] }
	chunks := (w.panels + w.chunk - 1) / w.chunk
	if chunks == 1 {
		in := borrow[float32](w.inputs())
		defer in.free()
		for n := range w.g.N {
			r.panelsOf(par, image(n), in.s, n, 0, w.panels)
		}
		return
	}
	par.Do(w.g.N*chunks, 1, func(lo, hi int) {
		in := borrow[float32](w.inputs())
		defer in.free()
		for t := lo; t < hi; t++ {
			p := t % chunks * w.chunk
			r.panelsOf(nil, image(t/chunks), in.s, t/chunks, p, min(p+w.chunk, w.panels))
		}
	})
}

// split writes row phase a of an image, from the row of tiles row0 on: for each column
// phase, planes (i, j) of the elements of its rows 4k+i and columns 4l+j, in the frame of
// the image.
func (w *winograd) split(dst, image []float32, a, row0 int) {
	g := w.g
	for u := range 4*min(w.held, w.rows-row0) + 2 {
		at := (4*row0+u)*w.step + a - g.PadBegin[0]
		to := dst[u%4*4*w.size+u/4*w.wide:]
		if at < 0 || at >= g.In[0] {
			for p := range 4 * w.step {
				clear(to[w.plane(p):][:w.wide])
			}
			continue
		}
		row := image[at*g.In[1]:][:g.In[1]]
		if f := fast32.winograd.split[w.step-1]; f != nil {
			_ = to[w.plane(4*w.step-1)+w.wide-1]
			f(&to[0], w.size, &row[0], g.PadBegin[1], &w.masks[0], len(w.masks)/(4*w.step+1))
			continue
		}
		for p := range 4 * w.step {
			d, i := to[w.plane(p):][:w.wide], 0
			c := p - g.PadBegin[1]
			if c < 0 { // it is not below -4·step
				c += 4 * w.step
				d[0], i = 0, 1
			}
			for ; i < len(d) && c < len(row); i, c = i+1, c+4*w.step {
				d[i] = row[c]
			}
			clear(d[i:])
		}
	}
}

// plane is where in a row of planes that is for columns p of 4·step.
func (w *winograd) plane(p int) int { return (p%w.step*16 + p/w.step) * w.size }

// runs are the tiles of a panel by rows of tiles, from row row0 on.
func (w *winograd) runs(list []run, panel, row0 int) []run {
	first := panel * w.tile.cols
	for at := first; at < min(first+w.tile.cols, w.rows*w.cols); {
		r, c := at/w.cols, at%w.cols
		size := min(w.cols-c, first+w.tile.cols-at)
		list = append(list, run{at - first, (r-row0)*w.wide + c, size})
		at += size
	}
	return list
}

// input transforms a channel's planes, from the row of tiles row0 on, into its row of the
// places of panels [p0, p1).
func (w *winograd) input(dst, planes, tmp []float32, p0, p1, row0 int) {
	var buf [maxCols]run
	f := &fast32.winograd
	for p := p0; p < p1; p++ {
		for _, r := range w.runs(buf[:0], p, row0) {
			to := dst[(p-p0)*winogradPlaces*w.place+r.at:]
			if f.input != nil {
				f.input(&to[0], w.place, &planes[r.from], &w.off[0], (r.size+f.lanes-1)/f.lanes, &tmp[0])
			} else {
				winogradInput(to, w.place, planes[r.from:], &w.off, r.size)
			}
		}
	}
}
