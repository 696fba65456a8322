package kernel

import "math"

// And is dst[i] = a[i] && b[i].
func And() Rows[bool, bool] { return rowsOf(func(a, b bool) bool { return a && b }) }

// Or is dst[i] = a[i] || b[i].
func Or() Rows[bool, bool] { return rowsOf(func(a, b bool) bool { return a || b }) }

// Xor is dst[i] = a[i] != b[i].
func Xor() Rows[bool, bool] { return rowsOf(func(a, b bool) bool { return a != b }) }

// BitAnd is dst[i] = a[i] & b[i].
func BitAnd[T Integer]() Rows[T, T] { return rowsOf(func(a, b T) T { return a & b }) }

// BitOr is dst[i] = a[i] | b[i].
func BitOr[T Integer]() Rows[T, T] { return rowsOf(func(a, b T) T { return a | b }) }

// BitXor is dst[i] = a[i] ^ b[i].
func BitXor[T Integer]() Rows[T, T] { return rowsOf(func(a, b T) T { return a ^ b }) }

// ShiftLeft is dst[i] = a[i] << b[i]; shifts of the width or more give 0.
func ShiftLeft[T Unsigned]() Rows[T, T] { return rowsOf(func(a, b T) T { return a << b }) }

// ShiftRight is dst[i] = a[i] >> b[i]; shifts of the width or more give 0.
func ShiftRight[T Unsigned]() Rows[T, T] { return rowsOf(func(a, b T) T { return a >> b }) }

// DivInt is the quotient truncated towards zero. b[i] = 0 gives 0: callers
// that refuse it look first, with Contains.
func DivInt[T Integer]() Rows[T, T] {
	return rowsOf(func(a, b T) T {
		if b == 0 {
			return 0
		}
		return a / b
	})
}

// ModInt is the remainder with the sign of the divisor, as Python's %.
// b[i] = 0 gives 0.
func ModInt[T Integer]() Rows[T, T] {
	return rowsOf(func(a, b T) T {
		if b == 0 {
			return 0
		}
		r := a % b
		if r != 0 && (r < 0) != (b < 0) {
			r += b
		}
		return r
	})
}

// RemInt is the remainder with the sign of the dividend, as C's %.
// b[i] = 0 gives 0.
func RemInt[T Integer]() Rows[T, T] {
	return rowsOf(func(a, b T) T {
		if b == 0 {
			return 0
		}
		return a % b
	})
}

// FMod is C's fmod: the remainder with the sign of the dividend.
func FMod[T Float]() Rows[T, T] {
	return rowsOf(func(a, b T) T { return T(math.Mod(float64(a), float64(b))) })
}

// FloorMod is the floating remainder with the sign of the divisor, as
// Python's %.
func FloorMod[T Float]() Rows[T, T] {
	return rowsOf(func(a, b T) T {
		r := math.Mod(float64(a), float64(b))
		if r != 0 && (r < 0) != (b < 0) {
			r += float64(b)
		}
		return T(r)
	})
}

// Pow is dst[i] = a[i] to the power b[i], computed in float64. With a scalar
// exponent, squares, cubes, roots and reciprocals take their own loops.
func Pow[T Float]() Rows[T, T] {
	r := rowsOf(func(a, b T) T { return T(math.Pow(float64(a), float64(b))) })
	general := r.VS
	r.VS = func(dst, a []T, b T) {
		a = a[:len(dst)]
		switch b {
		case 1:
			copy(dst, a)
		case 2:
			for i, v := range a {
				dst[i] = v * v
			}
		case 3:
			for i, v := range a {
				dst[i] = T(float64(v) * float64(v) * float64(v))
			}
		case -1:
			for i, v := range a {
				dst[i] = 1 / v
			}
		default:
			general(dst, a, b)
		}
	}
	return r
}

// PowInt is a[i] to the power b[i] with wrapping; a negative exponent gives
// the truncated reciprocal: 0 unless a[i] is 1 or -1 (and 0 for a[i] = 0).
func PowInt[T Integer]() Rows[T, T] {
	return rowsOf(func(a, b T) T {
		if b < 0 {
			switch {
			case a == 1, a < 0 && a+1 == 0 && b&1 == 0:
				return 1
			case a < 0 && a+1 == 0:
				return a
			}
			return 0
		}
		r := T(1)
		for ; b > 0; b >>= 1 {
			if b&1 == 1 {
				r *= a
			}
			a *= a
		}
		return r
	})
}

// PRelu is dst[i] = a[i] >= 0 ? a[i] : b[i]*a[i], b being the slope.
func PRelu[T Number]() Rows[T, T] {
	r := rowsOf(func(a, b T) T {
		if a < 0 {
			return b * a
		}
		return a
	})
	r.VS = func(dst, a []T, b T) {
		a = a[:len(dst)]
		for i := vectorVS(fast32.leaky, dst, a, b); i < len(dst); i++ {
			v := a[i]
			if v < 0 {
				v *= b
			}
			dst[i] = v
		}
	}
	return r
}

// Join is dst[i] = a[i] followed by b[i].
func Join() Rows[string, string] {
	return rowsOf(func(a, b string) string { return a + b })
}
