package kernel

import "math"

// Unary runs a row function over equal slices, split over par:
//
//	Unary(par, kernel.Exp[float32], dst, x)
//
// dst may be x. The cost of one element is taken as that of exp.
func Unary[D, S any](par Parallel, f func(dst []D, x []S), dst []D, x []S) {
	par.Do(len(dst), elementGrain/8, func(lo, hi int) { f(dst[lo:hi], x[lo:hi]) })
}

// Map is dst[i] = f(x[i]), computed in float64 and rounded once. Functions of
// the math package that have no loop of their own here are calls of this.
func Map[T Float](dst, x []T, f func(float64) float64) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}

// Neg is dst[i] = -x[i].
func Neg[T Number](dst, x []T) {
	x = x[:len(dst)]
	at := vectorV(fast32.neg, dst, x)
	for i, v := range x[at:] {
		dst[at+i] = -v
	}
}

// Abs is dst[i] = |x[i]|; the least integer stays as it is.
func Abs[T Number](dst, x []T) {
	x = x[:len(dst)]
	at := vectorV(fast32.abs, dst, x)
	for i, v := range x[at:] {
		if v <= 0 {
			v = 0 - v
		}
		dst[at+i] = v
	}
}

// Sign is dst[i] = -1, 0 or 1 by the sign of x[i]; NaN stays.
func Sign[T Number](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		var zero T
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = zero - 1
		}
		dst[i] = v
	}
}

// Reciprocal is dst[i] = 1 / x[i].
func Reciprocal[T Float](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = 1 / v
	}
}

// Sqrt is dst[i] = √x[i].
func Sqrt[T Float](dst, x []T) {
	x = x[:len(dst)]
	at := vectorV(fast32.sqrt, dst, x)
	for i, v := range x[at:] {
		dst[at+i] = T(math.Sqrt(float64(v)))
	}
}

// Exp is dst[i] = exp(x[i]).
func Exp[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.exp(d, s, 0)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Exp(float64(v)))
	}
}

// Log is dst[i] = ln x[i].
func Log[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.log(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Log(float64(v)))
	}
}

// Tanh is dst[i] = tanh x[i].
func Tanh[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.tanh(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Tanh(float64(v)))
	}
}

// Erf is dst[i] = erf x[i].
func Erf[T Float](dst, x []T) {
	if d, s, ok := asFloat32(dst, x); ok {
		rows32.erf(d, s)
		return
	}
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Erf(float64(v)))
	}
}

// Ceil is dst[i] = ⌈x[i]⌉.
func Ceil[T Float](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Ceil(float64(v)))
	}
}

// Floor is dst[i] = ⌊x[i]⌋.
func Floor[T Float](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.Floor(float64(v)))
	}
}

// Round is dst[i] = x[i] rounded to an integer, halves to even.
func Round[T Float](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = T(math.RoundToEven(float64(v)))
	}
}

// Clip is dst[i] = min(max(x[i], lo), hi); NaN stays. lo > hi gives hi.
func Clip[T Number](dst, x []T, lo, hi T) {
	x = x[:len(dst)]
	at := clipFast(dst, x, lo, hi)
	for i, v := range x[at:] {
		if v < lo {
			v = lo
		}
		if v > hi {
			v = hi
		}
		dst[at+i] = v
	}
}

// Not is dst[i] = !x[i].
func Not(dst, x []bool) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = !v
	}
}

// BitNot is dst[i] = ^x[i].
func BitNot[T Integer](dst, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = ^v
	}
}

// IsNaN is dst[i] = x[i] is not a number.
func IsNaN[T Float](dst []bool, x []T) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = v != v
	}
}

// IsInf is dst[i] = x[i] is an infinity of a sign that is asked for.
func IsInf[T Float](dst []bool, x []T, positive, negative bool) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = positive && math.IsInf(float64(v), 1) || negative && math.IsInf(float64(v), -1)
	}
}
