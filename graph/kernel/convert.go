package kernel

import "math"

// Convert is dst[i] = D(x[i]) with Go's conversion: integers wrap, floats
// round to nearest even or truncate towards zero. A float that an integer
// type cannot hold gives the nearest value that it can, NaN gives 0.
func Convert[D, S Number](par Parallel, dst []D, x []S) {
	if isFloat[S]() && !isFloat[D]() {
		lo, hi := integerLimits[D]()
		par.Do(len(dst), elementGrain, func(from, to int) {
			for i, v := range x[from:to] {
				dst[from+i] = saturate[D](float64(v), lo, hi)
			}
		})
		return
	}
	par.Do(len(dst), elementGrain, func(from, to int) {
		d := dst[from:to]
		for i, v := range x[from:to] {
			d[i] = D(v)
		}
	})
}

// integerLimits are the least and the greatest value of an integer type.
func integerLimits[D Number]() (lo, hi D) {
	var zero D
	if ones := zero - 1; ones > 0 {
		return 0, ones
	}
	hi = 1
	for hi*2 > 0 {
		hi = hi*2 + 1
	}
	return zero - hi - 1, hi
}

func saturate[D Number](f float64, lo, hi D) D {
	switch {
	case f != f:
		return 0
	case f >= float64(hi):
		return hi
	case f <= float64(lo):
		return lo
	}
	return D(f)
}

// ToBool is dst[i] = x[i] != 0.
func ToBool[S Number](dst []bool, x []S) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = v != 0
	}
}

// FromBool is dst[i] = x[i] ? 1 : 0.
func FromBool[D Number](dst []D, x []bool) {
	x = x[:len(dst)]
	at := fromBoolFast(dst, x)
	for i, v := range x[at:] {
		dst[at+i] = 0
		if v {
			dst[at+i] = 1
		}
	}
}

// HalfToFloat32 is dst[i] = the value of the IEEE 754 binary16 x[i], exactly.
func HalfToFloat32(dst []float32, x []uint16) {
	x = x[:len(dst)]
	for i, h := range x {
		dst[i] = halfValue(h)
	}
}

func halfValue(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp, frac := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero and denormals: frac * 2^-24
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(v))
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// Float32ToHalf is dst[i] = the IEEE 754 binary16 nearest to x[i], ties to
// even; NaN stays NaN.
func Float32ToHalf(dst []uint16, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] = halfBits(v)
	}
}

func halfBits(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0xff<<23: // NaN: keep the top of the payload, quiet
		return sign | 0x7e00 | uint16(b>>13&0x3ff)
	case b >= 0x477ff000: // 65520 and more round to infinity
		return sign | 0x7c00
	case b < 113<<23: // below 2^-14: a denormal, in units of 2^-24
		// Adding 2^-1 leaves the units in the last place, rounded to even.
		r := math.Float32bits(math.Float32frombits(b) + 0.5)
		return sign | uint16(r-0x3f000000)
	}
	b += 0xfff + b>>13&1
	return sign | uint16((b-112<<23)>>13)
}

// BFloat16ToFloat32 is dst[i] = the value of the bfloat16 x[i], exactly.
func BFloat16ToFloat32(dst []float32, x []uint16) {
	x = x[:len(dst)]
	for i, h := range x {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

// Float32ToBFloat16 is dst[i] = the bfloat16 nearest to x[i], ties to even;
// NaN stays NaN.
func Float32ToBFloat16(dst []uint16, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		b := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(b>>16) | 0x40
			continue
		}
		b += 0x7fff + b>>16&1
		dst[i] = uint16(b >> 16)
	}
}
