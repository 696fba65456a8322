package kernel

import (
	"math"
	"slices"
)

// axisRows runs row over every line along the middle axis of an
// (outer, axis, inner) shape. Lines that are not contiguous are gathered in
// float64 into a borrowed row and scattered back from it.
func axisRows[T Float](par Parallel, dst, x []T, outer, axis, inner int, row func(buf []float64)) {
	par.Do(outer*inner, grainFor(16*axis), func(lo, hi int) {
		b := borrow[float64](axis)
		defer b.free()
		for t := lo; t < hi; t++ {
			at := t/inner*axis*inner + t%inner
			for k := range b.s {
				b.s[k] = float64(x[at+k*inner])
			}
			row(b.s)
			for k, v := range b.s {
				dst[at+k*inner] = T(v)
			}
		}
	})
}

// Softmax is, along the middle axis of the shape (outer, axis, inner),
//
//	dst[a] = exp(x[a]-m) / Σ exp(x[k]-m),  m = max x
//
// in float64 and rounded once, but for float32 lines that are contiguous: of these
// the exponentials are rounded, and their sum. dst may be x.
func Softmax[T Float](par Parallel, dst, x []T, outer, axis, inner int) {
	if inner == 1 && axis > 0 && isFloat32[T]() && fast32.softmax != nil {
		par.Do(outer, grainFor(2*axis), func(lo, hi int) {
			_, _ = dst[hi*axis-1], x[hi*axis-1]
			fast32.softmax(at32(dst[lo*axis:]), at32(x[lo*axis:]), hi-lo, axis)
		})
		return
	}
	if inner == 1 && axis >= vectorLen && isFloat32[T]() {
		lines32(par, float32s(dst), float32s(x), axis, func(dst, x []float32) {
			rows32.exp(dst, x, greatest(x))
			sum := float32(sumRow(dst))
			divVS(dst, dst, sum)
		})
		return
	}
	axisRows(par, dst, x, outer, axis, inner, func(row []float64) {
		m := maxOf(row)
		sum := 0.0
		for i, v := range row {
			e := math.Exp(v - m)
			row[i] = e
			sum += e
		}
		for i := range row {
			row[i] /= sum
		}
	})
}

// LogSoftmax is dst[a] = x[a] - m - ln Σ exp(x[k]-m), m = max x, along the
// middle axis of the shape (outer, axis, inner). dst may be x. Results near 0
// keep their relative accuracy.
func LogSoftmax[T Float](par Parallel, dst, x []T, outer, axis, inner int) {
	if inner == 1 && axis >= vectorLen && isFloat32[T]() {
		par.Do(outer, grainFor(2*axis), func(lo, hi int) {
			b := borrow[float32](axis)
			defer b.free()
			for t := lo; t < hi; t++ {
				row := float32s(x)[t*axis:][:axis]
				m := greatest(row)
				rows32.exp(b.s, row, m)
				for i, v := range row {
					if v == m {
						b.s[i] = 0 // 1, which is left to Log1p
						break
					}
				}
				s := math.Log1p(sumRow(b.s))
				out := float32s(dst)[t*axis:][:axis]
				n := vectors[float32](fast32.affine != nil, axis)
				if n > 0 {
					fast32.affine(&out[0], &row[0], float64(m), 1, -s, n)
				}
				for i, v := range row[n:] {
					out[n+i] = float32(float64(v) - float64(m) - s)
				}
			}
		})
		return
	}
	axisRows(par, dst, x, outer, axis, inner, func(row []float64) {
		m, s := logSumExp(row)
		for i, v := range row {
			row[i] = v - m - s
		}
	})
}

// logSumExpAxis is m + ln Σ exp(x[a]-m), m = max x, along the middle axis of x, of
// shape (outer, axis, inner); dst has shape (outer, inner). It is -Inf for an
// empty axis or one that is all -Inf.
func logSumExpAxis[T Float](par Parallel, dst, x []T, outer, axis, inner int) {
	par.Do(outer*inner, grainFor(16*axis), func(lo, hi int) {
		b := borrow[float64](axis)
		defer b.free()
		for t := lo; t < hi; t++ {
			at := t/inner*axis*inner + t%inner
			for k := range b.s {
				b.s[k] = float64(x[at+k*inner])
			}
			m, s := logSumExp(b.s)
			if math.IsInf(m, 0) {
				s = 0
			}
			dst[t] = T(m + s)
		}
	})
}

// lines32 runs f over every line of so many elements.
func lines32(par Parallel, dst, x []float32, axis int, f func(dst, x []float32)) {
	par.Do(len(x)/axis, grainFor(2*axis), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			f(dst[t*axis:][:axis], x[t*axis:][:axis])
		}
	})
}

// greatest is the greatest element, NaN if any is, -Inf of none.
func greatest(x []float32) float32 {
	m, sum := float32(math.Inf(-1)), float32(0)
	if n := vectors[float32](fast32.greatest != nil, len(x)); n > 0 {
		if m = fast32.greatest(at32(x), n); m != m {
			return m
		}
		x = x[n:]
	}
	for _, v := range x {
		if v > m {
			m = v
		}
		sum += v * 0 // NaN where v is, or is infinite
	}
	if sum != 0 && slices.ContainsFunc(x, func(v float32) bool { return v != v }) {
		return float32(math.NaN())
	}
	return m
}

// Hardmax is 1 at the first greatest element along the middle axis of the
// shape (outer, axis, inner) and 0 elsewhere.
func Hardmax[T Float](par Parallel, dst, x []T, outer, axis, inner int) {
	axisRows(par, dst, x, outer, axis, inner, func(row []float64) {
		best := 0
		for i, v := range row {
			if v > row[best] {
				best = i
			}
		}
		for i := range row {
			row[i] = 0
		}
		if len(row) > 0 {
			row[best] = 1
		}
	})
}

// maxOf is the greatest element, NaN if any is, -Inf of none.
func maxOf(x []float64) float64 {
	m := math.Inf(-1)
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

// logSumExp returns m = max x and s = ln Σ exp(x[i]-m). The term of the maximum,
// which is 1, is left to Log1p, so that s is accurate where it is small.
func logSumExp(x []float64) (m, s float64) {
	m = maxOf(x)
	top := false
	for _, v := range x {
		if v == m && !top {
			top = true
			continue
		}
		s += math.Exp(v - m)
	}
	return m, math.Log1p(s)
}
