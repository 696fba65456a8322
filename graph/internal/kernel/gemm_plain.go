package kernel

// strided is a matrix by its two strides: element (i, j) is
// data[i*row + j*col].
type strided[T Float] struct {
	data     []T
	row, col int
}

// gemmPlain is Gemm without packing, for small products and for those with a
// single row or column, where memory is the limit.
func gemmPlain[T Float](par Parallel, m, n, k int, alpha T, a, b strided[T], beta T, c []T, ldc int) {
	if b.col == 1 && n > 1 {
		par.Do(n, grainFor(m*max(k, 1)), func(lo, hi int) {
			for i := range m {
				gemmRow(c[i*ldc+lo:i*ldc+hi], k, alpha, a.data, i*a.row, a.col, b.data, lo, b.row, beta)
			}
		})
		return
	}
	par.Do(m*n, grainFor(k), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			i, j := t/n, t%n
			sum := dot(k, a.data, i*a.row, a.col, b.data, j*b.col, b.row)
			at := i*ldc + j
			if beta == 0 {
				c[at] = alpha * sum
			} else {
				c[at] = alpha*sum + beta*c[at]
			}
		}
	})
}

// gemmRow is one row of C by rows of B: each is scaled and added.
func gemmRow[T Float](c []T, k int, alpha T, a []T, ia, sa int, b []T, ib, sb int, beta T) {
	switch beta {
	case 0:
		clear(c)
	case 1:
	default:
		for j := range c {
			c[j] *= beta
		}
	}
	p := 0
	for ; p+4 <= k; p += 4 {
		a0, a1, a2, a3 := alpha*a[ia], alpha*a[ia+sa], alpha*a[ia+2*sa], alpha*a[ia+3*sa]
		b0, b1 := b[ib:][:len(c)], b[ib+sb:][:len(c)]
		b2, b3 := b[ib+2*sb:][:len(c)], b[ib+3*sb:][:len(c)]
		for j := range c {
			c[j] += (a0*b0[j] + a1*b1[j]) + (a2*b2[j] + a3*b3[j])
		}
		ia += 4 * sa
		ib += 4 * sb
	}
	for ; p < k; p++ {
		axpy(c, alpha*a[ia], b[ib:])
		ia += sa
		ib += sb
	}
}

// axpy is for i: y[i] += s*x[i].
func axpy[T Float](y []T, s T, x []T) {
	x = x[:len(y)]
	for i := range y {
		y[i] += s * x[i]
	}
}

// dot is Σ_p a[ia+p*sa] * b[ib+p*sb].
func dot[T Float](k int, a []T, ia, sa int, b []T, ib, sb int) T {
	if k == 0 {
		return 0
	}
	if sa == 1 && sb == 1 {
		return dotUnit(a[ia:ia+k], b[ib:ib+k])
	}
	var s0, s1 T
	p := 0
	for ; p+2 <= k; p += 2 {
		s0 += a[ia] * b[ib]
		s1 += a[ia+sa] * b[ib+sb]
		ia += 2 * sa
		ib += 2 * sb
	}
	if p < k {
		s0 += a[ia] * b[ib]
	}
	return s0 + s1
}

// dotUnit is Σ a[i]*b[i].
func dotUnit[T Float](a, b []T) T {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	b = b[:len(a)]
	for len(a) >= 8 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		s4 += a[4] * b[4]
		s5 += a[5] * b[5]
		s6 += a[6] * b[6]
		s7 += a[7] * b[7]
		a, b = a[8:], b[8:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return ((s0 + s4) + (s1 + s5)) + ((s2 + s6) + (s3 + s7))
}
