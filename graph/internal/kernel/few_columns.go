package kernel

// fewPositions is convGemm for a pointwise convolution of few output positions. The
// products of most columns of a tile would be given up; here the tile lies on its side:
// its columns are a panel's rows, and its rows are the positions. The panel is read as
// it was packed, with what follows it in the place of the columns that it does not have.
func fewPositions[T Float](par Parallel, g *ConvGeom, x, packed, bias, y []T, then func(first, count, at, n int)) {
	tile, n, k := tileFor[T](), g.outSize, g.cg
	panels := tile.panels(g.mg)
	half, cols := 0, tile.cols/2
	if cols < tile.rows {
		half, cols = 1, tile.cols
	}
	kernel := tile.kernels[n-1][half]
	par.Do(g.N*g.Group*panels, grainFor(2*tile.rows*k), func(lo, hi int) {
		sums := borrow[T](n * cols)
		defer sums.free()
		for t := lo; t < hi; t++ {
			image, r := t/panels, t%panels
			i, end := panelRow(r, panels, g.mg), panelRow(r+1, panels, g.mg)
			a := packed[image%g.Group*g.mg*k:]
			b := x[image*k*n:][:k*n]
			for p0 := 0; p0 < k; p0 += blockDepth {
				kc := min(blockDepth, k-p0)
				panel := a[p0*g.mg+i*kc:]
				_ = panel[(kc-1)*(end-i)+cols-1]
				kernel(kc, &b[p0*n], &panel[0], end-i, &sums.s[0], cols, nil, p0 > 0, 1, 0, nil)
			}
			for m := i; m < end; m++ {
				var v T
				if bias != nil {
					v = bias[image%g.Group*g.mg+m]
				}
				for q := range n {
					y[(image*g.mg+m)*n+q] = sums.s[q*cols+m-i] + v
				}
			}
			if then != nil {
				then(image*g.mg+i, end-i, 0, n)
			}
		}
	})
}
