package kernel

// Gemm multiplies matrices, row-major with row strides lda, ldb, ldc:
//
//	for i < m, j < n: c[i*ldc+j] = alpha * Σ_p A(i,p)*B(p,j) + beta*c[i*ldc+j]
//
// A(i,p) is a[i*lda+p], or a[p*lda+i] if transA; B(p,j) is b[p*ldb+j], or
// b[j*ldb+p] if transB. With beta = 0, c is not read.
func Gemm[T Float](par Parallel, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	GemmBatch(par, transA, transB, m, n, k, alpha, a, lda, []int{0}, b, ldb, []int{0}, beta, c, ldc, m*ldc)
}

// GemmBatch is len(aAt) products of one size: product t reads A at a[aAt[t]:]
// and B at b[bAt[t]:] and writes C at c[t*cStride:].
func GemmBatch[T Float](par Parallel, transA, transB bool, m, n, k int, alpha T, a []T, lda int, aAt []int, b []T, ldb int, bAt []int, beta T, c []T, ldc, cStride int) {
	batch := len(aAt)
	if m == 0 || n == 0 || batch == 0 {
		return
	}
	if k == 0 || m*n*k <= smallGemm || m == 1 || n == 1 && !transA {
		as, bs := strided[T]{a, lda, 1}, strided[T]{b, ldb, 1}
		if transA {
			as = strided[T]{a, 1, lda}
		}
		if transB {
			bs = strided[T]{b, 1, ldb}
		}
		inner := par // either the batch is split or the product
		if batch > 1 {
			inner = nil
		}
		par.Do(batch, grainFor(m*n*max(k, 1)), func(lo, hi int) {
			for t := lo; t < hi; t++ {
				at, bt := as, bs
				at.data, bt.data = a[aAt[t]:], b[bAt[t]:]
				gemmPlain(inner, m, n, k, alpha, at, bt, beta, c[t*cStride:], ldc)
			}
		})
		return
	}
	tile := tileFor[T]()
	packed, pools := packBatch(par, tile, transA, m, k, a, lda, aAt)
	defer func() {
		for _, p := range pools {
			p.free()
		}
	}()
	j := job[T]{
		tile: tile, batch: batch, m: m, n: n, k: k, alpha: alpha,
		a: func(t int) []T { return packed[t] },
		packB: func(t int, dst []T, p0, kc, j0, nc int) {
			packColumns(tile, transB, dst, b[bAt[t]:], ldb, p0, kc, j0, nc)
		},
		c: func(t int) []T { return c[t*cStride:] }, ldc: ldc,
	}
	j.setBeta(beta)
	j.run(par)
}

// packBatch packs the left operand of each product, once for each distinct
// place.
func packBatch[T Float](par Parallel, tile *tileShape[T], trans bool, m, k int, a []T, lda int, at []int) (packed [][]T, pools []scratch[T]) {
	packed = make([][]T, len(at))
	seen := make(map[int]int, len(at))
	for t, o := range at {
		if first, ok := seen[o]; ok {
			packed[t] = packed[first]
			continue
		}
		seen[o] = t
		s := borrow[T](m * k)
		pools = append(pools, s)
		packed[t] = s.s
		packRows(par, tile, trans, s.s, a[o:], lda, m, k)
	}
	return packed, pools
}

// PackedB is a right operand in the order in which the micro-kernel reads it.
// It may be used by any number of products at once.
type PackedB[T Float] struct {
	K, N int
	data []T
}

// PackB packs the k×n matrix B of Gemm's convention.
func PackB[T Float](trans bool, k, n int, b []T, ldb int) *PackedB[T] {
	tile := tileFor[T]()
	width := roundUp(n, tile.cols)
	p := &PackedB[T]{K: k, N: n, data: make([]T, width*k)}
	for p0 := 0; p0 < k; p0 += blockDepth {
		kc := min(blockDepth, k-p0)
		packColumns(tile, trans, p.data[p0*width:(p0+kc)*width], b, ldb, p0, kc, 0, n)
	}
	return p
}

// GemmPackedB is Gemm with B packed before.
func GemmPackedB[T Float](par Parallel, transA bool, m int, alpha T, a []T, lda int, b *PackedB[T], beta T, c []T, ldc int) {
	if m == 0 || b.N == 0 {
		return
	}
	tile := tileFor[T]()
	s := borrow[T](m * b.K)
	defer s.free()
	packRows(par, tile, transA, s.s, a, lda, m, b.K)
	j := job[T]{
		tile: tile, batch: 1, m: m, n: b.N, k: b.K, alpha: alpha,
		a:       func(int) []T { return s.s },
		packedB: b.data,
		c:       func(int) []T { return c }, ldc: ldc,
	}
	j.setBeta(beta)
	j.run(par)
}
