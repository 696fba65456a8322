package kernel

import (
	"slices"
	"sync"
)

// winogradRun is one run of such a convolution.
type winogradRun struct {
	*winograd
	x, packed, bias, y []float32
	finish             Finish

	sync.Mutex
	free []*winogradSpace // that no core works at
}

// winogradSpace is the memory that a core works in.
type winogradSpace struct {
	s                                             scratch[float32]
	inputs, planes, kernels, products, lines, tmp []float32

	chunk int // whose transformed inputs are there, counted over all images
}

func (w *winograd) run(par Parallel, x, packed, bias, y []float32, finish Finish) {
	r := &winogradRun{winograd: w, x: x, packed: packed, bias: bias, y: y, finish: finish}
	defer func() {
		for _, d := range r.free {
			d.s.free()
		}
	}()
	chunks, parts := w.g.N*w.chunks, 1
	if chunks < wantTasks/3 {
		parts = min(w.blocks, (wantTasks+chunks-1)/max(chunks, 1))
	}
	cost := w.chunk * w.tile.cols * w.g.mg / parts * w.channels * winogradPlaces / 8
	par.Do(chunks*parts, grainFor(cost), func(lo, hi int) {
		d := r.take(lo / parts)
		for t := lo; t < hi; t++ {
			r.transform(d, t/parts)
			r.outputs(d, t%parts*w.blocks/parts, (t%parts+1)*w.blocks/parts)
		}
		r.Lock()
		defer r.Unlock()
		r.free = append(r.free, d)
	})
}

// take returns a workspace, best one with the inputs of that chunk.
func (r *winogradRun) take(chunk int) *winogradSpace {
	r.Lock()
	if len(r.free) > 0 {
		k := max(0, slices.IndexFunc(r.free, func(d *winogradSpace) bool { return d.chunk == chunk }))
		d := r.free[k]
		r.free = slices.Delete(r.free, k, k+1)
		r.Unlock()
		return d
	}
	r.Unlock()
	sizes, all := r.spaceSizes()
	d := &winogradSpace{s: borrow[float32](all), chunk: -1}
	rest := d.s.s
	for i, part := range []*[]float32{&d.inputs, &d.planes, &d.kernels, &d.products, &d.lines, &d.tmp} {
		*part, rest = rest[:sizes[i]], rest[sizes[i]:]
	}
	return d
}

// spaceSizes are those of a workspace's memory, and their sum.
func (w *winograd) spaceSizes() (sizes [6]int, all int) {
	rows, cols := roundUp(winogradRows, w.tile.rows), w.tile.cols
	sizes = [...]int{
		w.chunk * winogradPlaces * w.place,
		16*w.step*w.size + cols,
		winogradPlaces * (rows*min(w.channels, winogradDepth) + 2*maskedLen),
		winogradPlaces * rows * min(w.chunk, winogradPanels) * cols,
		16 * cols,
		winogradPlaces * max(fast32.winograd.lanes, 1),
	}
	for _, n := range sizes {
		all += n
	}
	return sizes, all
}

// transform transforms the inputs of a chunk, if they are not there yet.
func (r *winogradRun) transform(d *winogradSpace, chunk int) {
	if d.chunk == chunk {
		return
	}
	g := r.g
	p0, p1 := r.panelsOf(chunk)
	row0 := p0 * r.tile.cols / r.cols
	image := r.x[chunk/r.chunks*g.C*g.inSize:]
	for u := range g.C * r.step {
		r.split(d.planes, image[u/r.step*g.inSize:][:g.inSize], u%r.step, row0)
		for b := range r.step {
			for p := p0; p < p1; p++ {
				r.input(d.inputs[(p-p0)*winogradPlaces*r.place+(u*r.step+b)*r.ldb:], d.planes[b*16*r.size:], d.tmp, p, row0)
			}
		}
	}
	d.chunk = chunk
}

// panelsOf is the panels of a chunk, counted over all images, in its image.
func (w *winograd) panelsOf(chunk int) (p0, p1 int) {
	p0 = chunk % w.chunks * w.chunk
	return p0, min(p0+w.chunk, w.panels)
}

// outputs computes blocks [b0, b1) of the output channels for the workspace's chunk.
func (r *winogradRun) outputs(d *winogradSpace, b0, b1 int) {
	heights := r.tile.panels(r.g.mg)
	p0, p1 := r.panelsOf(d.chunk)
	groups := (p1 - p0 + winogradPanels - 1) / winogradPanels
	for b := b0; b < b1; b++ {
		for k := range groups {
			q0, q1 := k*(p1-p0)/groups, (k+1)*(p1-p0)/groups
			t := winogradTask{winogradRun: r, n: d.chunk / r.chunks, panel: p0 + q0, panels: q1 - q0}
			t.r0, t.r1 = b*heights/r.blocks, (b+1)*heights/r.blocks
			t.first = panelRow(t.r0, heights, r.g.mg)
			t.count = panelRow(t.r1, heights, r.g.mg) - t.first
			t.multiply(d.products, d.kernels, d.inputs[q0*winogradPlaces*r.place:])
			t.output(d.products, d.lines, d.tmp)
		}
	}
}

// winogradTask is some output channels, panels [r0, r1) of them, of some panels of
// tiles of image n.
type winogradTask struct {
	*winogradRun
	n, panel, panels     int
	r0, r1, first, count int
}

// tiles is how many tiles panel q of the task has.
func (t *winogradTask) tiles(q int) int {
	return min(t.tile.cols, t.rows*t.cols-(t.panel+q)*t.tile.cols)
}

// multiply computes the products of all places, [place, channel, panel, tile]. kernels
// has room for the transforms of as many kernels as are needed at a time.
func (t *winogradTask) multiply(dst, kernels, in []float32) {
	g, cols := t.g, t.tile.cols
	heights, ldc := t.tile.panels(g.mg), t.panels*cols
	for p0 := 0; p0 < t.channels; p0 += winogradDepth {
		kc := min(winogradDepth, t.channels-p0)
		// Places lie apart by what is no power of two, which few sets of the cache would
		// hold.
		size := roundUp(t.count*kc, maskedLen) + maskedLen
		t.kernels(kernels, size, t.packed[9*(p0*g.mg+t.first*kc):], kc)
		for p := range winogradPlaces {
			for q := range t.panels {
				half := 1
				if 2*t.tiles(q) <= cols {
					half = 0
				}
				b := in[(q*winogradPlaces+p)*t.place+p0*t.ldb:]
				for r := t.r0; r < t.r1; r++ {
					i, end := panelRow(r, heights, g.mg), panelRow(r+1, heights, g.mg)
					c := dst[(p*t.count+i-t.first)*ldc+q*cols:]
					t.tile.kernels[end-i-1][half](kc, &kernels[p*size+(i-t.first)*kc], &b[0], t.ldb, &c[0], ldc, nil, p0 > 0, 1, 0, nil)
				}
			}
		}
	}
}

// kernels transforms the packed kernels of the task's output channels and kc channels.
func (t *winogradTask) kernels(dst []float32, place int, packed []float32, kc int) {
	heights := t.tile.panels(t.g.mg)
	for r := t.r0; r < t.r1; r++ {
		i := panelRow(r, heights, t.g.mg) - t.first
		n := (panelRow(r+1, heights, t.g.mg) - t.first - i) * kc
		to, from := dst[i*kc:], packed[9*i*kc:]
		if f := &fast32.winograd; f.kernels != nil {
			f.kernels(&to[0], place, &from[0], n, (n+f.lanes-1)/f.lanes)
		} else {
			winogradKernels(to, place, from, n)
		}
	}
}

// output transforms the products into the channels' outputs, and finishes them.
func (t *winogradTask) output(products, lines, tmp []float32) {
	g, cols := t.g, t.tile.cols
	var buf [maxCols]run
	for q := range t.panels {
		runs := t.runs(buf[:0], t.panel+q, 0)
		for m := range t.count {
			var bias float32
			if t.bias != nil {
				bias = t.bias[t.first+m]
			}
			plane := t.n*g.M + t.first + m
			from := products[(m*t.panels+q)*cols:]
			if f := &fast32.winograd; f.output != nil {
				f.output(&lines[0], 4*cols, &from[0], t.count*t.panels*cols, bias, (t.tiles(q)+f.lanes-1)/f.lanes, &tmp[0])
			} else {
				winogradOutput(lines, 4*cols, from, t.count*t.panels*cols, bias, t.tiles(q))
			}
			if act := t.finish.Act; act != nil {
				act.rows(lines, lines)
			}
			for _, r := range runs {
				row, col := r.from/t.wide*winogradTile, r.from%t.wide*winogradTile
				n, rows := min(winogradTile*r.size, g.Out[1]-col), min(winogradTile, g.Out[0]-row)
				at := row*g.Out[1] + col
				for a := range rows {
					copy(t.y[plane*g.outSize+at+a*g.Out[1]:][:n], lines[a*4*cols+winogradTile*r.at:])
				}
				if t.finish.Then == nil {
					continue
				}
				if n == g.Out[1] { // rows that follow each other are one
					n, rows = rows*n, 1
				}
				for a := range rows {
					t.finish.Then(plane, 1, at+a*g.Out[1], n)
				}
			}
		}
	}
}

// winogradKernels is G g Gᵀ of n kernels, element (i, j) of kernel t's g being
// x[(3*i+j)*tap+t] with tap = n, and that of its result dst[(6*i+j)*place+t].
func winogradKernels(dst []float32, place int, x []float32, n int) {
	for t := range n {
		var half [6][3]float32
		for j := range 3 {
			for i, v := range threeToSix(x[j*n+t], x[(3+j)*n+t], x[(6+j)*n+t]) {
				half[i][j] = v
			}
		}
		for i, h := range half {
			for j, v := range threeToSix(h[0], h[1], h[2]) {
				dst[(6*i+j)*place+t] = v
			}
		}
	}
}

// threeToSix is G g.
func threeToSix(g0, g1, g2 float32) [6]float32 {
	const ni, no = 2 * inner * inner * (inner*inner - outer*outer), 2 * outer * outer * (outer*outer - inner*inner)
	ei, oi := g0/ni+inner*inner/ni*g2, inner/ni*g1
	eo, oo := g0/no+outer*outer/no*g2, outer/no*g1
	return [6]float32{g0 / (inner * inner * outer * outer), ei + oi, ei - oi, eo + oo, eo - oo, g2}
}

// winogradInput is Bᵀ d B of n tiles, element (i, j) of tile t's d being
// x[off[6*i+j]+t] and that of its result dst[(6*i+j)*step+t].
func winogradInput(dst []float32, step int, x []float32, off *[winogradPlaces]int, n int) {
	for t := range n {
		var half [6][6]float32
		for j := range 6 {
			var d [6]float32
			for i := range 6 {
				d[i] = x[off[6*i+j]+t]
			}
			for i, v := range sixToSix(d) {
				half[i][j] = v
			}
		}
		for i := range 6 {
			for j, v := range sixToSix(half[i]) {
				dst[(6*i+j)*step+t] = v
			}
		}
	}
}

// sixToSix is Bᵀd.
func sixToSix(d [6]float32) [6]float32 {
	const even, product = inner*inner + outer*outer, inner * inner * outer * outer
	e1, o1 := d[4]-outer*outer*d[2], inner*(d[3]-outer*outer*d[1])
	e2, o2 := d[4]-inner*inner*d[2], outer*(d[3]-inner*inner*d[1])
	return [6]float32{
		product*d[0] - even*d[2] + d[4], e1 + o1, e1 - o1, e2 + o2, e2 - o2, product*d[1] - even*d[3] + d[5],
	}
}

// winogradOutput is Aᵀ m A + bias of n tiles, element (i, j) of tile t's m
// being m[(6*i+j)*step+t] and (a, b) of its result dst[a*stride+4*t+b].
func winogradOutput(dst []float32, stride int, m []float32, step int, bias float32, n int) {
	for t := range n {
		var half [4][6]float32
		for j := range 6 {
			var c [6]float32
			for i := range 6 {
				c[i] = m[(6*i+j)*step+t]
			}
			for a, v := range sixToFour(c) {
				half[a][j] = v
			}
		}
		for a := range half {
			for b, v := range sixToFour(half[a]) {
				dst[a*stride+4*t+b] = v + bias
			}
		}
	}
}

// sixToFour is Aᵀm.
func sixToFour(m [6]float32) [4]float32 {
	s1, d1, s2, d2 := m[1]+m[2], m[1]-m[2], m[3]+m[4], m[3]-m[4]
	return [4]float32{
		m[0] + s1 + s2, inner*d1 + outer*d2, inner*inner*s1 + outer*outer*s2, inner*inner*inner*d1 + outer*outer*outer*d2 + m[5],
	}
}
