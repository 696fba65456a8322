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

// winograd is such a convolution of one image.
type winograd struct {
	g           *ConvGeom
	tile        *tileShape[float32]
	rows, cols  int // of tiles
	wide, phase int // width and size of a phase plane
	panels      int
	ldb         int // of a panel of transformed input: a vector may spill behind its tiles
	off         [winogradPlaces]int
}

// winogradFits tells whether the kernel and the channels are such that the
// transforms pay.
func winogradFits(g *ConvGeom) bool {
	if len(g.Kernel) != 2 || g.Group != 1 || g.cg < 16 || g.mg < 16 {
		return false
	}
	for d := range 2 {
		if g.Kernel[d] != 3 || g.Stride[d] != 1 || g.Dilation[d] != 1 {
			return false
		}
	}
	return true
}

// winogradPays tells whether the transform saves at least half of the products.
func winogradPays(g *ConvGeom) bool {
	cols := tileFor[float32]().cols
	tiles := (g.Out[0] + winogradTile - 1) / winogradTile * ((g.Out[1] + winogradTile - 1) / winogradTile)
	return 2*winogradPlaces*roundUp(tiles, cols/2) <= 9*roundUp(g.outSize, cols/2)
}

// newWinograd gives nil where the window is no common one.
func newWinograd(g *ConvGeom) *winograd {
	if !winogradFits(g) || g.outSize == 0 {
		return nil
	}
	for d := range 2 {
		if g.PadBegin[d] < 0 || g.PadBegin[d] > 2 || g.Out[d] > g.In[d]+4 {
			return nil
		}
	}
	w := &winograd{g: g, tile: tileFor[float32]()}
	w.rows, w.cols = (g.Out[0]+winogradTile-1)/winogradTile, (g.Out[1]+winogradTile-1)/winogradTile
	w.wide = w.cols + 1
	w.phase = (w.rows + 1) * w.wide
	w.panels = (w.rows*w.cols + w.tile.cols - 1) / w.tile.cols
	w.ldb = w.tile.cols + 16
	for i := range 6 {
		for j := range 6 {
			w.off[6*i+j] = (i%4*4+j%4)*w.phase + i/4*w.wide + j/4
		}
	}
	return w
}

// packWinograd is G g Gᵀ of every kernel g of the weight w, as 36 packed left
// operands; a nil w is read from what packWeights made of it.
func packWinograd(par Parallel, g *ConvGeom, w, packed []float32) []float32 {
	size, tile := g.mg*g.cg, tileFor[float32]()
	dst := make([]float32, winogradPlaces*size)
	panels := tile.panels(g.mg)
	par.Do(panels, grainFor(200*tile.rows*g.cg), func(lo, hi int) {
		s := borrow[float32]((winogradPlaces + 9) * (tile.rows + 1) * g.cg)
		defer s.free()
		k := 9 * g.cg
		for r := lo; r < hi; r++ {
			i0, i1 := panelRow(r, panels, g.mg), panelRow(r+1, panels, g.mg)
			rows := i1 - i0
			plain := s.s[winogradPlaces*rows*g.cg:][:rows*k]
			if w != nil {
				copy(plain, w[i0*k:])
			} else {
				unpackRows(plain, packed, i0, rows, g.mg, k)
			}
			for t := range rows * g.cg {
				winogradKernel(s.s[t:], rows*g.cg, plain[9*t:][:9])
			}
			for p := range winogradPlaces {
				for p0 := 0; p0 < g.cg; p0 += blockDepth {
					kc := min(blockDepth, g.cg-p0)
					packRowPanel(dst[p*size+p0*g.mg+i0*kc:][:kc*rows], s.s[p*rows*g.cg+p0:], g.cg, 1, rows, kc)
				}
			}
		}
	})
	return dst
}

// winogradKernel is G k Gᵀ, element (i, j) of which is dst[(6*i+j)*step].
func winogradKernel(dst []float32, step int, k []float32) {
	var half [6][3]float64
	for i, row := range winogradG {
		for c := range 3 {
			half[i][c] = row[0]*float64(k[c]) + row[1]*float64(k[3+c]) + row[2]*float64(k[6+c])
		}
	}
	for i := range half {
		for j, row := range winogradG {
			dst[(6*i+j)*step] = float32(half[i][0]*row[0] + half[i][1]*row[1] + half[i][2]*row[2])
		}
	}
}

// winogradRows are the rows of output channels of one task.
const winogradRows = 48

// size is how many elements the transformed inputs of an image have.
func (w *winograd) size() int { return w.panels*winogradPlaces*w.g.cg*w.ldb + vectorLen }

func (w *winograd) run(par Parallel, x, packed, bias, y []float32, finish func(first, count, at, n int)) {
	g := w.g
	place := g.cg * w.ldb // a panel's place
	in := borrow[float32](w.size())
	defer in.free()
	heights := w.tile.panels(g.mg)
	step := (winogradRows + w.tile.rows - 1) / w.tile.rows
	blocks := (heights + step - 1) / step
	for n := range g.N {
		image := x[n*g.C*g.inSize:]
		par.Do(g.C, grainFor(8*g.inSize), func(lo, hi int) {
			s := borrow[float32](16*w.phase + w.tile.cols + 36*vectorLen)
			defer s.free()
			clear(s.s)
			for c := lo; c < hi; c++ {
				w.split(s.s, image[c*g.inSize:][:g.inSize])
				w.input(in.s[c*w.ldb:], place, s.s, s.s[len(s.s)-36*vectorLen:])
			}
		})
		cost := step * w.tile.rows * w.tile.cols * g.cg * winogradPlaces / 8
		par.Do(w.panels*blocks, grainFor(cost), func(lo, hi int) {
			products := winogradPlaces * (step*w.tile.rows + 1) * w.tile.cols
			s := borrow[float32](products + 16*w.tile.cols + 24*vectorLen)
			defer s.free()
			for t := lo; t < hi; t++ {
				panel, r0 := t/blocks, t%blocks*step
				task := winogradTask{winograd: w, n: n, panel: panel, first: panelRow(r0, heights, g.mg), finish: finish, y: y, bias: bias}
				task.count = panelRow(min(r0+step, heights), heights, g.mg) - task.first
				task.multiply(s.s, packed, in.s[panel*winogradPlaces*place:], r0, min(r0+step, heights))
				task.output(s.s[:products], s.s[products:])
			}
		})
	}
}

// split writes the phases of an image in its frame: phase (i, j) has the
// elements of rows 4k+i and columns 4l+j. What lies outside is zero already.
func (w *winograd) split(dst, image []float32) {
	g := w.g
	for r := range g.In[0] {
		at := r + g.PadBegin[0]
		if at >= 4*w.rows+2 {
			break
		}
		to := dst[at%4*4*w.phase+at/4*w.wide:]
		row := image[r*g.In[1]:][:min(g.In[1], 4*w.cols+2-g.PadBegin[1])]
		for j := range 4 {
			c := (j - g.PadBegin[1]%4 + 4) % 4 // first column of the image in phase j
			d := to[j*w.phase+(c+g.PadBegin[1])/4:]
			for i := 0; c < len(row); c += 4 {
				d[i] = row[c]
				i++
			}
		}
	}
}

// runs are the tiles of a panel by rows of tiles.
func (w *winograd) runs(list []run, panel int) []run {
	first := panel * w.tile.cols
	for at := first; at < min(first+w.tile.cols, w.rows*w.cols); {
		r, c := at/w.cols, at%w.cols
		size := min(w.cols-c, first+w.tile.cols-at)
		list = append(list, run{at - first, r*w.wide + c, size})
		at += size
	}
	return list
}

// input transforms a channel's phases into its row of every panel's places.
func (w *winograd) input(dst []float32, place int, phases, tmp []float32) {
	var buf [maxCols]run
	for p := range w.panels {
		for _, r := range w.runs(buf[:0], p) {
			to := dst[p*winogradPlaces*place+r.at:]
			if f := fast32.winogradInput; f != nil {
				f(&to[0], place, &phases[r.from], &w.off[0], (r.size+vectorLen-1)/vectorLen, &tmp[0])
			} else {
				winogradInput(to, place, phases[r.from:], &w.off, r.size)
			}
		}
	}
}
