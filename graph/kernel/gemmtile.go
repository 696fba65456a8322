package kernel

import "unsafe"

// The micro-kernel computes a tile of tileRows × cols elements of C. Its
// operands are packed in panels: a panel of A holds, for each p of a block,
// tileRows values; a panel of B holds cols values. Panels at the edge are
// filled up with zeros.
const (
	tileRows   = 6   // rows of a tile
	blockDepth = 256 // length of a block of the summed index
	blockRows  = 192 // rows of A that are multiplied while they lie in cache
	blockCols  = 128 // columns of B that one task packs
)

// microKernel adds one block to a tile, or stores it if !add:
//
//	for i < tileRows, j < cols: c[i*ldc+j] (+)= Σ_{p<kc} a[p*tileRows+i] * b[p*cols+j]
//
// Pointers are to T; kc >= 1.
type microKernel func(kc int, a, b, c unsafe.Pointer, ldc int, add bool)

// tileShape is the micro-kernel in use for an element type.
type tileShape[T Float] struct {
	cols   int
	kernel microKernel
}

const (
	cols32 = 16 // tile columns for 4-byte elements
	cols64 = 8  // tile columns for 8-byte elements
)

// kernel32 and kernel64 are the micro-kernels in use. An initializer replaces
// them where the processor has a faster one.
var (
	kernel32 microKernel = func(kc int, a, b, c unsafe.Pointer, ldc int, add bool) {
		tilePlain[float32](kc, cols32, a, b, c, ldc, add)
	}
	kernel64 microKernel = func(kc int, a, b, c unsafe.Pointer, ldc int, add bool) {
		tilePlain[float64](kc, cols64, a, b, c, ldc, add)
	}
)

func tileFor[T Float]() tileShape[T] {
	var zero T
	if unsafe.Sizeof(zero) == 4 {
		return tileShape[T]{cols32, kernel32}
	}
	return tileShape[T]{cols64, kernel64}
}

// tilePlain is the micro-kernel in Go, 2×4 elements at a time, as many as
// there are registers for.
func tilePlain[T Float](kc, cols int, pa, pb, pc unsafe.Pointer, ldc int, add bool) {
	a := unsafe.Slice((*T)(pa), kc*tileRows)
	b := unsafe.Slice((*T)(pb), kc*cols)
	c := unsafe.Slice((*T)(pc), (tileRows-1)*ldc+cols)
	for j := 0; j < cols; j += 4 {
		for i := 0; i < tileRows; i += 2 {
			var c00, c01, c02, c03, c10, c11, c12, c13 T
			ia, ib := i, j
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
				ia += tileRows
				ib += cols
			}
			r0, r1 := c[i*ldc+j:][:4], c[(i+1)*ldc+j:][:4]
			if add {
				c00, c01, c02, c03 = r0[0]+c00, r0[1]+c01, r0[2]+c02, r0[3]+c03
				c10, c11, c12, c13 = r1[0]+c10, r1[1]+c11, r1[2]+c12, r1[3]+c13
			}
			r0[0], r0[1], r0[2], r0[3] = c00, c01, c02, c03
			r1[0], r1[1], r1[2], r1[3] = c10, c11, c12, c13
		}
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// packedRows is the number of rows of A in whole panels.
func packedRows(m int) int { return roundUp(m, tileRows) }

// packRows packs the m×k matrix A. Block after block of the summed index; in
// a block, panel after panel; in a panel, for each p, tileRows values.
func packRows[T Float](par Parallel, _ tileShape[T], trans bool, dst, a []T, lda, m, k int) {
	height := packedRows(m)
	panels := height / tileRows
	blocks := (k + blockDepth - 1) / blockDepth
	par.Do(panels*blocks, grainFor(2*tileRows*min(k, blockDepth)), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			p0, i0 := t/panels*blockDepth, t%panels*tileRows
			kc := min(blockDepth, k-p0)
			panel := dst[p0*height+i0*kc:][:kc*tileRows]
			rows := min(tileRows, m-i0)
			if rows < tileRows {
				clear(panel)
			}
			for i := range rows {
				if trans {
					gatherStrided(panel[i:], tileRows, a[p0*lda+i0+i:], lda, kc)
				} else {
					gatherStrided(panel[i:], tileRows, a[(i0+i)*lda+p0:], 1, kc)
				}
			}
		}
	})
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
// Panel after panel; in a panel, for each p, tile.cols values.
func packColumns[T Float](tile tileShape[T], trans bool, dst, b []T, ldb, p0, kc, j0, nc int) {
	cols := tile.cols
	for j := 0; j < nc; j += cols {
		panel := dst[j*kc:][:kc*cols]
		w := min(cols, nc-j)
		if w < cols {
			clear(panel)
		}
		if trans {
			for q := range w {
				gatherStrided(panel[q:], cols, b[(j0+j+q)*ldb+p0:], 1, kc)
			}
			continue
		}
		from := b[p0*ldb+j0+j:]
		if w == cols32 { // without a call for each row
			for p := range kc {
				*(*[cols32]T)(panel[p*cols32:]) = *(*[cols32]T)(from[p*ldb:])
			}
			continue
		}
		for p := range kc {
			copy(panel[p*cols:p*cols+w], from[p*ldb:])
		}
	}
}
