package kernel

// winogradRun is one run of such a convolution.
type winogradRun struct {
	*winograd
	packed, bias, y []float32
	finish          Finish
}

// panelsOf computes the outputs of panels [p0, p1) of image n; in has room for what
// their transformed inputs are.
func (r *winogradRun) panelsOf(par Parallel, image, in []float32, n, p0, p1 int) {
	g, row0 := r.g, p0*r.tile.cols/r.cols
	lanes := max(fast32.winograd.lanes, 1)
	par.Do(g.C*r.step, grainFor(8*g.inSize/r.step), func(lo, hi int) {
		tmp := winogradPlaces * lanes
		s := borrow[float32](tmp + 16*r.step*r.size + r.tile.cols)
		defer s.free()
		for u := lo; u < hi; u++ {
			r.split(s.s[tmp:], image[u/r.step*g.inSize:][:g.inSize], u%r.step, row0)
			for b := range r.step {
				r.input(in[(u*r.step+b)*r.ldb:], s.s[tmp+b*16*r.size:], s.s[:tmp], p0, p1, row0)
			}
		}
	})
	heights := r.tile.panels(g.mg)
	step := (winogradRows + r.tile.rows - 1) / r.tile.rows
	blocks := (heights + step - 1) / step
	cost := step * r.tile.rows * r.tile.cols * r.channels * winogradPlaces / 8
	par.Do((p1-p0)*blocks, grainFor(cost), func(lo, hi int) {
		products := winogradPlaces * (step*r.tile.rows + 1) * r.tile.cols
		s := borrow[float32](products + 16*r.tile.cols + 24*lanes)
		defer s.free()
		for t := lo; t < hi; t++ {
			r0 := t % blocks * step
			r1 := min(r0+step, heights)
			task := winogradTask{winogradRun: r, n: n, panel: p0 + t/blocks, first: panelRow(r0, heights, g.mg)}
			task.count = panelRow(r1, heights, g.mg) - task.first
			task.multiply(s.s, in[t/blocks*winogradPlaces*r.place:], r0, r1)
			task.output(s.s[:products], s.s[products:])
		}
	})
}

// winogradTask is some output channels of a panel of tiles of image n.
type winogradTask struct {
	*winogradRun
	n, panel, first, count int
}

// tiles is how many tiles the panel has.
func (t *winogradTask) tiles() int {
	return min(t.tile.cols, t.rows*t.cols-t.panel*t.tile.cols)
}

// multiply computes the products of all places, [place, channel, tile], from
// panels [r0, r1) of the packed kernels.
func (t *winogradTask) multiply(dst, in []float32, r0, r1 int) {
	g, cols := t.g, t.tile.cols
	size, heights := g.mg*t.channels, t.tile.panels(g.mg)
	half := 1
	if 2*t.tiles() <= cols {
		half = 0
	}
	for p := range winogradPlaces {
		for p0 := 0; p0 < t.channels; p0 += blockDepth {
			kc := min(blockDepth, t.channels-p0)
			b := in[p*t.place+p0*t.ldb:]
			for r := r0; r < r1; r++ {
				i, end := panelRow(r, heights, g.mg), panelRow(r+1, heights, g.mg)
				c := dst[(p*t.count+i-t.first)*cols:]
				t.tile.kernels[end-i-1][half](kc, &t.packed[p*size+p0*g.mg+i*kc], &b[0], t.ldb, &c[0], cols, nil, p0 > 0, 1, 0, nil)
			}
		}
	}
}

// output transforms the products into the channels' outputs, and finishes them.
func (t *winogradTask) output(products, s []float32) {
	g, cols := t.g, t.tile.cols
	lines, tmp := s[:16*cols], s[16*cols:]
	var buf [maxCols]run
	runs := t.runs(buf[:0], t.panel, 0)
	for m := range t.count {
		var bias float32
		if t.bias != nil {
			bias = t.bias[t.first+m]
		}
		plane := t.n*g.M + t.first + m
		from := products[m*cols:]
		if f := &fast32.winograd; f.output != nil {
			f.output(&lines[0], 4*cols, &from[0], t.count*cols, bias, (t.tiles()+f.lanes-1)/f.lanes, &tmp[0])
		} else {
			winogradOutput(lines, 4*cols, from, t.count*cols, bias, t.tiles())
		}
		if act := t.finish.Act; act != nil {
			act.rows(lines, lines)
		}
		for _, r := range runs {
			row, col := r.from/t.wide*winogradTile, r.from%t.wide*winogradTile
			n := min(winogradTile*r.size, g.Out[1]-col)
			for a := range min(winogradTile, g.Out[0]-row) {
				at := (row+a)*g.Out[1] + col
				copy(t.y[plane*g.outSize+at:][:n], lines[a*4*cols+winogradTile*r.at:])
				if t.finish.Then != nil {
					t.finish.Then(plane, 1, at, n)
				}
			}
		}
	}
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
