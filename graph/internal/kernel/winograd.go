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

// winograd is such a convolution. One by a kernel of 3·step rows and columns that moves
// by step is one too: that of its input by space-to-depth, of step² times as many
// channels, each of which has every step-th element of a row and a column.
type winograd struct {
	g        *ConvGeom
	tile     *tileShape[float32]
	step     int
	channels int // after space-to-depth
	rows     int // of tiles
	cols     int
	panels   int

	chunk      int // panels that are transformed before they are multiplied
	chunks     int // of an image
	blocks     int // of output channels
	held       int // rows of tiles that a chunk lies in
	wide, size int // width and size of a plane of a chunk, which has every fourth row and column of a channel
	ldb        int // of a panel of transformed input
	place      int // size of a panel's place
	off        [winogradPlaces]int
	masks      []uint16 // of fast32.winograd.split
}

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

// winogradPays reports whether there is a transform, which saves at least half of the
// products.
func winogradPays(g *ConvGeom) bool {
	if winogradStep(g) == 0 {
		return false
	}
	cols := tileFor[float32]().cols
	tiles := (g.Out[0] + winogradTile - 1) / winogradTile * ((g.Out[1] + winogradTile - 1) / winogradTile)
	return 2*winogradPlaces*roundUp(tiles, cols/2) <= 9*roundUp(g.outSize, cols/2)
}

// newWinograd returns nil where padding or output are larger than usual.
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

// cut splits the panels in chunks whose transformed inputs stay in a core's cache; these
// have several rows of tiles, since neighbours share some of what they transform. If there
// are few chunks, cores share one, and each transforms its inputs: to write what another
// core has just read takes longer.
func (w *winograd) cut() {
	if w.ldb = w.tile.cols; 2*w.rows*w.cols <= w.ldb {
		w.ldb /= 2
	}
	w.place = w.channels*w.ldb + maskedLen // a vector may spill behind the last channel's
	least := (3*w.cols + w.tile.cols - 1) / w.tile.cols
	w.chunk = min(max(least, (w.panels+wantTasks-1)/wantTasks), max(1, winogradChunk/(winogradPlaces*w.channels*w.ldb)))
	w.chunks = (w.panels + w.chunk - 1) / w.chunk
	w.held = min(w.rows, (w.chunk*w.tile.cols-2)/w.cols+2)

	perBlock := max(1, winogradRows/w.tile.rows)
	w.blocks = (w.tile.panels(w.g.mg) + perBlock - 1) / perBlock
}

// packWinograd packs the kernels of the weight w; a nil w is read from what packWeights
// made of it. Block after block of winogradDepth channels; in a block, panel after panel
// of output channels; in a panel, for each of the nine elements of a kernel, for each
// channel, those of its rows. They are transformed when they are needed: the transforms
// are four times as large, and take longer to come from memory.
func packWinograd(par Parallel, g *ConvGeom, w, packed []float32) []float32 {
	step, tile := winogradStep(g), tileFor[float32]()
	channels := g.cg * step * step
	dst := make([]float32, 9*g.mg*channels+maxCols)
	panels := tile.panels(g.mg)
	par.Do(panels, grainFor(40*tile.rows*channels), func(lo, hi int) {
		k := 9 * channels
		s := borrow[float32](tile.rows * k)
		defer s.free()
		for r := lo; r < hi; r++ {
			i0, i1 := panelRow(r, panels, g.mg), panelRow(r+1, panels, g.mg)
			rows := i1 - i0
			plain := s.s[:rows*k]
			if w != nil {
				copy(plain, w[i0*k:])
			} else {
				unpackRows(plain, packed, i0, rows, g.mg, k)
			}
			for p0 := 0; p0 < channels; p0 += winogradDepth {
				kc := min(winogradDepth, channels-p0)
				panel := dst[9*(p0*g.mg+i0*kc):]
				for c := range kc {
					u, place := (p0+c)/(step*step), (p0+c)%(step*step)
					first := u*g.taps + place/step*3*step + place%step
					for tap := range 9 {
						from := first + (tap/3*3*step+tap%3)*step
						gatherStrided(panel[(tap*kc+c)*rows:], 1, plain[from:], k, rows)
					}
				}
			}
		}
	})
	return dst
}

// split writes every step-th row of an image, from its row a on, and from the row of
// tiles row0 on, by space-to-depth: for each channel that its columns are laid out in, planes
// (i, j) of the elements of rows 4k+i and columns 4l+j, in the padded plane of the image.
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
// places of a panel. It may write on behind that, but by less than a vector.
func (w *winograd) input(dst, planes, tmp []float32, panel, row0 int) {
	var buf [maxCols]run
	f := &fast32.winograd
	for _, r := range w.runs(buf[:0], panel, row0) {
		if f.input != nil {
			f.input(&dst[r.at], w.place, &planes[r.from], &w.off[0], (r.size+f.lanes-1)/f.lanes, &tmp[0])
		} else {
			winogradInput(dst[r.at:], w.place, planes[r.from:], &w.off, r.size)
		}
	}
}
