package kernel

import "unsafe"

// The micro-kernel computes a tile of C. Its operands are packed in panels: a
// panel of A holds, for each p of a block, the elements of as many rows as the
// tile has; a panel of B holds those of the tile's columns.

// maxCols is the columns of the widest tile.
const maxCols = 32

// microKernel computes a tile of a given number of rows and columns:
//
//	for i < rows, j < cols: c[i*ldc+j] = Σ_{p<kc} a[p*rows+i] * b[p*ldb+j] + s
//
// s being c[i*ldc+j] if add, else start[i], or 0 if start is nil; then the same, count
// times in all, for the next columns of C, with b further on by next elements. kc and
// count are at least 1. act, which may be nil and is left alone where the tileShape's
// acts is not set, is a FusedActivation's parameters.
type microKernel[T Float] = func(kc int, a, b *T, ldb int, c *T, ldc int, start *T, add bool, count, next int, act *float32)

// spreadKernel is a microKernel of all columns whose rows of B lie anywhere:
// b[off[p]+j] is in the place of b[p*ldb+j].
type spreadKernel[T Float] = func(kc int, a, b *T, off *int, c *T, ldc int, start *T, add bool, count, next int, act *float32)

// tileShape is the micro-kernels in use for an element type. kernels[r-1] are
// those of r rows, for half of cols columns and for all of them; spread[r-1], where
// there are any, are those of r rows and all columns.
type tileShape[T Float] struct {
	rows, cols int // the greatest
	acts       bool
	kernels    [][2]microKernel[T]
	spread     []spreadKernel[T]
}

// tile32 and tile64 are the micro-kernels in use. An initializer replaces them
// where the processor has faster ones.
var (
	tile32 = plainTiles[float32](6, 16)
	tile64 = plainTiles[float64](6, 8)
)

func tileFor[T Float]() *tileShape[T] {
	var zero T
	if unsafe.Sizeof(zero) == 4 {
		return (*tileShape[T])(unsafe.Pointer(tile32))
	}
	return (*tileShape[T])(unsafe.Pointer(tile64))
}

func plainTiles[T Float](rows, cols int) *tileShape[T] {
	s := &tileShape[T]{rows: rows, cols: cols}
	for r := 1; r <= rows; r++ {
		var pair [2]microKernel[T]
		for i := range pair {
			w := cols / 2 * (i + 1)
			pair[i] = func(kc int, a, b *T, ldb int, c *T, ldc int, start *T, add bool, count, next int, _ *float32) {
				for k := range count {
					tilePlain(r, w, kc, a, further(b, k*next), ldb, further(c, k*w), ldc, start, add)
				}
			}
		}
		s.kernels = append(s.kernels, pair)
	}
	return s
}

// further is the element n after p's.
func further[T Float](p *T, n int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p))))
}

// tilePlain is the micro-kernel in Go, 2×4 elements at a time, as many as
// there are registers for.
func tilePlain[T Float](rows, cols, kc int, pa, pb *T, ldb int, pc *T, ldc int, start *T, add bool) {
	a := unsafe.Slice(pa, kc*rows)
	b := unsafe.Slice(pb, (kc-1)*ldb+cols)
	c := unsafe.Slice(pc, (rows-1)*ldc+cols)
	first := func(i int) (v T) {
		if start != nil {
			v = unsafe.Slice(start, rows)[i]
		}
		return v
	}
	for j := 0; j < cols; j += 4 {
		i := 0
		for ; i+2 <= rows; i += 2 {
			tilePair(rows, kc, a[i:], b[j:], ldb, (*[4]T)(c[i*ldc+j:]), (*[4]T)(c[(i+1)*ldc+j:]), first(i), first(i+1), add)
		}
		if i < rows {
			tileRow(rows, kc, a[i:], b[j:], ldb, (*[4]T)(c[i*ldc+j:]), first(i), add)
		}
	}
}

// tileRow is one row of four columns.
func tileRow[T Float](rows, kc int, a, b []T, ldb int, r *[4]T, s T, add bool) {
	var c0, c1, c2, c3 T
	ia, ib := 0, 0
	for range kc {
		bv := b[ib : ib+4 : ib+4]
		v := a[ia]
		c0 += v * bv[0]
		c1 += v * bv[1]
		c2 += v * bv[2]
		c3 += v * bv[3]
		ia += rows
		ib += ldb
	}
	finish(r, c0, c1, c2, c3, s, add)
}

// tilePair is two rows of four columns.
func tilePair[T Float](rows, kc int, a, b []T, ldb int, r0, r1 *[4]T, s0, s1 T, add bool) {
	var c00, c01, c02, c03, c10, c11, c12, c13 T
	ia, ib := 0, 0
	for range kc {
		bv := b[ib : ib+4 : ib+4]
		av := a[ia : ia+2 : ia+2]
		b0, b1, b2, b3 := bv[0], bv[1], bv[2], bv[3]
		v := av[0]
		c00 += v * b0
		c01 += v * b1
		c02 += v * b2
		c03 += v * b3
		v = av[1]
		c10 += v * b0
		c11 += v * b1
		c12 += v * b2
		c13 += v * b3
		ia += rows
		ib += ldb
	}
	finish(r0, c00, c01, c02, c03, s0, add)
	finish(r1, c10, c11, c12, c13, s1, add)
}

// finish stores four sums, each with what it adds to.
func finish[T Float](r *[4]T, c0, c1, c2, c3, s T, add bool) {
	if add {
		r[0], r[1], r[2], r[3] = r[0]+c0, r[1]+c1, r[2]+c2, r[3]+c3
		return
	}
	r[0], r[1], r[2], r[3] = s+c0, s+c1, s+c2, s+c3
}
