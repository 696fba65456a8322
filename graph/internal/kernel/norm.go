package kernel

import "math"

// BatchNorm normalizes with given statistics, for x of shape (n, c, inner):
//
//	dst = (x - mean[c]) * scale[c]/√(variance[c]+epsilon) + bias[c]
//
// in float64, rounded once. dst may be x.
func BatchNorm[T, P Float](par Parallel, dst, x []T, n, c, inner int, scale, bias, mean, variance []P, epsilon float64) {
	par.Do(n*c, grainFor(inner), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			ch := t % c
			s := float64(scale[ch]) / math.Sqrt(float64(variance[ch])+epsilon)
			Affine(dst[t*inner:(t+1)*inner], x[t*inner:], float64(mean[ch]), s, float64(bias[ch]))
		}
	})
}

// Affine is for i: dst[i] = (x[i]-mean)*s + b, in float64 and rounded once. dst may
// be x.
func Affine[T Float](dst, x []T, mean, s, b float64) {
	x = x[:len(dst)]
	at := 0
	if f := fast32.affine; f != nil && isFloat32[T]() {
		if at = len(dst) &^ (vectorLen - 1); at > 0 {
			f(at32(dst), at32(x), mean, s, b, at)
		}
	}
	for i := at; i < len(dst); i++ {
		v := x[i]
		dst[i] = T((float64(v)-mean)*s + b)
	}
}

// moments is the mean and the variance (divided by the length) of x.
func moments[T Float](x []T) (mean, variance float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += float64(v)
	}
	mean /= n
	for _, v := range x {
		d := float64(v) - mean
		variance += d * d
	}
	return mean, variance / n
}

// LayerNorm normalizes each row of x, of shape (outer, n):
//
//	dst = (x - μ)/√(σ²+epsilon) * scale + bias
//
// with the row's mean μ and variance σ². scale and bias have n elements; bias
// may be nil. means and invStds, of outer elements each, receive μ and
// 1/√(σ²+epsilon) unless nil.
func LayerNorm[T Float](par Parallel, dst, x []T, outer, n int, scale, bias []T, epsilon float64, means, invStds []T) {
	par.Do(outer, grainFor(4*n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row, out := x[r*n:(r+1)*n], dst[r*n:(r+1)*n]
			mean, variance := moments(row)
			inv := 1 / math.Sqrt(variance+epsilon)
			if means != nil {
				means[r] = T(mean)
			}
			if invStds != nil {
				invStds[r] = T(inv)
			}
			scaleRow(out, row, mean, inv, scale, bias)
		}
	})
}

// scaleRow is for i: dst[i] = (x[i]-mean)*inv*scale[i] + bias[i].
func scaleRow[T Float](dst, x []T, mean, inv float64, scale, bias []T) {
	scale = scale[:len(dst)]
	for i, v := range x {
		y := (float64(v) - mean) * inv * float64(scale[i])
		if bias != nil {
			y += float64(bias[i])
		}
		dst[i] = T(y)
	}
}

// RMSNorm is LayerNorm without the mean: dst = x/√(Σx²/n+epsilon) * scale.
func RMSNorm[T Float](par Parallel, dst, x []T, outer, n int, scale []T, epsilon float64) {
	par.Do(outer, grainFor(4*n), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := x[r*n : (r+1)*n]
			sum := 0.0
			for _, v := range row {
				sum += float64(v) * float64(v)
			}
			scaleRow(dst[r*n:(r+1)*n], row, 0, 1/math.Sqrt(sum/float64(n)+epsilon), scale, nil)
		}
	})
}

// GroupNorm normalizes x, of shape (n, c, inner), over groups of c/groups
// channels with their own mean and variance, then scales by channel:
//
//	dst = (x - μ)/√(σ²+epsilon) * scale[c] + bias[c]
//
// scale and bias have c elements. InstanceNormalization is groups = c.
func GroupNorm[T Float](par Parallel, dst, x []T, n, c, inner, groups int, scale, bias []T, epsilon float64) {
	per := c / groups
	par.Do(n*groups, grainFor(4*per*inner), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			at := t * per * inner
			mean, variance := moments(x[at : at+per*inner])
			inv := 1 / math.Sqrt(variance+epsilon)
			for i := range per {
				ch := t%groups*per + i
				from := at + i*inner
				Affine(dst[from:from+inner], x[from:], mean, inv*float64(scale[ch]), float64(bias[ch]))
			}
		}
	})
}

// LRN is local response normalization over size neighbouring channels of x, of
// shape (n, c, inner):
//
//	dst = x / (bias + alpha/size * Σ x[c']²)^beta
//
// c' from c-⌊(size-1)/2⌋ to c+⌈(size-1)/2⌉, inside [0, c).
func LRN[T Float](par Parallel, dst, x []T, n, c, inner, size int, alpha, beta, bias float64) {
	par.Do(n*c, grainFor(inner*min(size, c)*8), func(lo, hi int) {
		sums := borrow[float64](inner)
		defer sums.free()
		for t := lo; t < hi; t++ {
			ch := t % c
			first := t - ch
			clear(sums.s)
			for k := max(0, ch-(size-1)/2); k <= min(c-1, ch+size/2); k++ {
				for i, v := range x[(first+k)*inner:][:inner] {
					sums.s[i] += float64(v) * float64(v)
				}
			}
			for i, v := range x[t*inner:][:inner] {
				dst[t*inner+i] = T(float64(v) / math.Pow(bias+alpha/float64(size)*sums.s[i], beta))
			}
		}
	})
}

// LpNormalize divides by the p-norm along the middle axis of the shape
// (outer, axis, inner); a line of zeros stays.
func LpNormalize[T Float](par Parallel, dst, x []T, outer, axis, inner int, p float64) {
	axisRows(par, dst, x, outer, axis, inner, func(row []float64) {
		sum := 0.0
		for _, v := range row {
			sum += powAbs(v, p)
		}
		if sum == 0 {
			return
		}
		norm := rootOf(sum, p)
		for i := range row {
			row[i] /= norm
		}
	})
}
