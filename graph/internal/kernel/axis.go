package kernel

// ArgMax returns the index of the greatest element along the middle axis of x,
// of shape (outer, axis, inner); dst has shape (outer, inner). Of equal
// elements it takes the first, or the last if selectLast. NaN counts as
// greater than anything. axis is at least 1.
func ArgMax[T Number](par Parallel, dst []int64, x []T, outer, axis, inner int, selectLast bool) {
	argBest(par, dst, x, outer, axis, inner, selectLast, func(a, b T) bool { return a > b || a != a && b == b })
}

// ArgMin is ArgMax for the least element; NaN counts as less
// than anything.
func ArgMin[T Number](par Parallel, dst []int64, x []T, outer, axis, inner int, selectLast bool) {
	argBest(par, dst, x, outer, axis, inner, selectLast, func(a, b T) bool { return a < b || a != a && b == b })
}

func argBest[T Number](par Parallel, dst []int64, x []T, outer, axis, inner int, selectLast bool, better func(a, b T) bool) {
	par.Do(outer*inner, grainFor(4*axis), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			at := t/inner*axis*inner + t%inner
			best, v := 0, x[at]
			for k := 1; k < axis; k++ {
				w := x[at+k*inner]
				if better(w, v) || selectLast && !better(v, w) {
					best, v = k, w
				}
			}
			dst[t] = int64(best)
		}
	})
}

// CumSum is the running sum along the middle axis of the shape
// (outer, axis, inner):
//
//	dst[a] = Σ x[k], k <= a (k < a if exclusive; from the end if reverse)
//
// Floats are summed in float64 and rounded at each output.
func CumSum[T Number](par Parallel, dst, x []T, outer, axis, inner int, exclusive, reverse bool) {
	if isFloat[T]() {
		cumulate[T, float64](par, dst, x, outer, axis, inner, exclusive, reverse, 0, func(a, b float64) float64 { return a + b })
		return
	}
	cumulate[T, T](par, dst, x, outer, axis, inner, exclusive, reverse, 0, func(a, b T) T { return a + b })
}

// CumProd is the running product, as CumSum.
func CumProd[T Number](par Parallel, dst, x []T, outer, axis, inner int, exclusive, reverse bool) {
	if isFloat[T]() {
		cumulate[T, float64](par, dst, x, outer, axis, inner, exclusive, reverse, 1, func(a, b float64) float64 { return a * b })
		return
	}
	cumulate[T, T](par, dst, x, outer, axis, inner, exclusive, reverse, 1, func(a, b T) T { return a * b })
}

func cumulate[T, A Number](par Parallel, dst, x []T, outer, axis, inner int, exclusive, reverse bool, start A, f func(a, b A) A) {
	par.Do(outer*inner, grainFor(4*axis), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			at, step := t/inner*axis*inner+t%inner, inner
			if reverse {
				at, step = at+(axis-1)*inner, -inner
			}
			acc := start
			for range axis {
				next := f(acc, A(x[at]))
				if exclusive {
					dst[at] = T(acc)
				} else {
					dst[at] = T(next)
				}
				acc = next
				at += step
			}
		}
	})
}

// isFloat reports whether T is a floating-point type.
func isFloat[T Number]() bool {
	half := T(1)
	half /= 2
	return half != 0
}

// ReduceLayout says how to bring a reduction over any set of axes into the
// (outer, axis, inner) form. If the reduced axes are neighbours (axes of size
// 1 do not count), perm is nil. Otherwise perm puts the reduced axes last:
// copy x with its dimensions in that order, then reduce; inner is 1.
func ReduceLayout(shape []int, reduced []bool) (perm []int, outer, axis, inner int) {
	outer, axis, inner = 1, 1, 1
	state := 0 // before, inside, after the reduced run
	for d, n := range shape {
		switch {
		case n == 1:
		case reduced[d] && state == 2:
			return splitLayout(shape, reduced)
		case reduced[d]:
			state = 1
			axis *= n
		case state == 0:
			outer *= n
		default:
			state = 2
			inner *= n
		}
	}
	return nil, outer, axis, inner
}

func splitLayout(shape []int, reduced []bool) (perm []int, outer, axis, inner int) {
	outer, axis = 1, 1
	for d, n := range shape {
		if !reduced[d] {
			perm = append(perm, d)
			outer *= n
		}
	}
	for d, n := range shape {
		if reduced[d] {
			perm = append(perm, d)
			axis *= n
		}
	}
	return perm, outer, axis, 1
}
