package kernel

// foldStep is how many channels are unfolded at a time: as many as keep that small.
func foldStep(g *ConvGeom) int { return min(g.mg, max(1, foldElements/max(1, g.taps*g.outSize))) }

// ConvTransposeScratch is how many elements ConvTranspose borrows beside the blocks of
// its matrix products.
func ConvTransposeScratch(g *ConvGeom) int { return foldStep(g) * g.taps * g.outSize }

// ConvTranspose is the adjoint of the convolution of g's geometry, plus a bias
// that may be nil:
//
//	y = bias; for n, c, o…, k…, m of c's group:
//		y[n, m, o*Stride+k*Dilation-PadBegin…] += x[n, c, o…] * w[c, m', k…]
//
// m' being m's number in its group; positions outside the output are left out.
//
// It is a matrix product, whose result is folded onto y, for some output
// channels at a time.
func ConvTranspose[T Float](par Parallel, g *ConvGeom, x, w, bias, y []T) {
	g.check(len(x), len(w), len(bias), len(y), true)
	if g.mg == 0 || g.inSize == 0 {
		return
	}
	step := foldStep(g)
	cols := borrow[T](ConvTransposeScratch(g))
	defer cols.free()
	for n := range g.N {
		for i := range g.Group {
			src := x[(n*g.C+i*g.cg)*g.outSize:]
			for m := 0; m < g.mg; m += step {
				count := min(step, g.mg-m)
				Gemm(par, true, false, count*g.taps, g.outSize, g.cg, 1,
					w[i*g.cg*g.mg*g.taps+m*g.taps:], g.mg*g.taps, src, g.outSize, 0, cols.s, g.outSize)
				first := i*g.mg + m
				par.Do(count, grainFor(g.taps*g.outSize), func(lo, hi int) {
					for c := lo; c < hi; c++ {
						var b T
						if bias != nil {
							b = bias[first+c]
						}
						plane := y[(n*g.M+first+c)*g.inSize:][:g.inSize]
						foldPlane(g.Window, plane, cols.s[c*g.taps*g.outSize:], b)
					}
				})
			}
		}
	}
}

// foldPlane adds the rows of the unfolded plane, one for each kernel position,
// to the places that they were unfolded from.
func foldPlane[T Float](w *Window, dst, cols []T, bias T) {
	fill(dst, bias)
	last := len(w.In) - 1
	rows, width := w.rows()
	kw, s := w.Kernel[last], w.Stride[last]
	for k := range w.taps {
		lo, hi := w.inside(last, k%kw)
		if lo == hi {
			continue
		}
		at := lo*s + k%kw*w.Dilation[last] - w.PadBegin[last]
		for r := range rows {
			base, ok := w.outerOffset(r, k/kw)
			if !ok {
				continue
			}
			x := cols[(k*rows+r)*width:][lo:hi]
			d := dst[base+at:]
			for i, v := range x {
				d[i*s] += v
			}
		}
	}
}
