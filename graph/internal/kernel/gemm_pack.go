package kernel

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// panels is the number of panels that the rows of an m-row matrix are split
// into.
func (s *tileShape[T]) panels(m int) int { return (m + s.rows - 1) / s.rows }

// panelRow is the first row of panel i of n. Heights differ by one at most.
func panelRow(i, n, m int) int { return i * m / n }

// packRows packs the m×k matrix A. Block after block of the summed index; in
// a block, panel after panel; in a panel, for each p, its rows' values.
func packRows[T Float](par Parallel, tile *tileShape[T], trans bool, dst, a []T, lda, m, k int) {
	panels := tile.panels(m)
	blocks := (k + blockDepth - 1) / blockDepth
	par.Do(panels*blocks, grainFor(2*tile.rows*min(k, blockDepth)), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			p0 := t / panels * blockDepth
			i0, i1 := panelRow(t%panels, panels, m), panelRow(t%panels+1, panels, m)
			kc, rows := min(blockDepth, k-p0), i1-i0
			panel := dst[p0*m+i0*kc:][:kc*rows]
			if trans {
				packRowPanel(panel, a[p0*lda+i0:], 1, lda, rows, kc)
			} else {
				packRowPanel(panel, a[i0*lda+p0:], lda, 1, rows, kc)
			}
		}
	})
}

// packRowPanel is for p < kc, i < rows: dst[p*rows+i] = a[i*row+p*col].
func packRowPanel[T Float](dst, a []T, row, col, rows, kc int) {
	for i := range rows {
		gatherStrided(dst[i:], rows, a[i*row:], col, kc)
	}
}

// unpackRows is the rows of a panel from i0 of an m×k matrix that packRows packed.
func unpackRows[T Float](dst, packed []T, i0, rows, m, k int) {
	for p0 := 0; p0 < k; p0 += blockDepth {
		kc := min(blockDepth, k-p0)
		panel := packed[p0*m+i0*kc:][:kc*rows]
		for i := range rows {
			gatherStrided(dst[i*k+p0:], 1, panel[i:], rows, kc)
		}
	}
}

// gatherStrided is for i < n: dst[i*sd] = src[i*ss].
func gatherStrided[T Float](dst []T, sd int, src []T, ss, n int) {
	d, s := 0, 0
	for range n {
		dst[d] = src[s]
		d += sd
		s += ss
	}
}

// packColumns packs the block of B of kc rows from p0 and nc columns from j0.
// Panel after panel; in a panel, for each p, tile.cols values, of which those
// beyond nc are arbitrary.
func packColumns[T Float](tile *tileShape[T], trans bool, dst, b []T, ldb, p0, kc, j0, nc int) {
	cols := tile.cols
	for j := 0; j < nc; j += cols {
		panel := dst[j*kc:][:kc*cols]
		w := min(cols, nc-j)
		if trans {
			for q := range w {
				gatherStrided(panel[q:], cols, b[(j0+j+q)*ldb+p0:], 1, kc)
			}
			continue
		}
		packPanel(panel, cols, b[p0*ldb+j0+j:], ldb, kc, w)
	}
}

// packPanel is for p < kc, j < w: dst[p*cols+j] = b[p*ldb+j].
func packPanel[T Float](dst []T, cols int, b []T, ldb, kc, w int) {
	switch w {
	case 32: // without a call for each row
		for p := range kc {
			*(*[32]T)(dst[p*cols:]) = *(*[32]T)(b[p*ldb:])
		}
	case 16:
		for p := range kc {
			*(*[16]T)(dst[p*cols:]) = *(*[16]T)(b[p*ldb:])
		}
	case 8:
		for p := range kc {
			*(*[8]T)(dst[p*cols:]) = *(*[8]T)(b[p*ldb:])
		}
	default:
		for p := range kc {
			copy(dst[p*cols:p*cols+w], b[p*ldb:])
		}
	}
}
