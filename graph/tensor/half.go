package tensor

import "math"

// FromFloat16 widens IEEE 754 binary16: dst[i] = float32(x[i]), exactly.
func FromFloat16[H ~uint16](dst []float32, x []H) {
	for i, h := range x {
		dst[i] = fromFloat16(uint16(h))
	}
}

// ToFloat16 rounds to IEEE 754 binary16, to nearest, ties to even; beyond
// 65504 it gives an infinity.
func ToFloat16[H ~uint16](dst []H, x []float32) {
	for i, v := range x {
		dst[i] = H(toFloat16(v))
	}
}

// FromBFloat16 widens bfloat16: dst[i] = float32(x[i]), exactly.
func FromBFloat16[H ~uint16](dst []float32, x []H) {
	for i, h := range x {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

// ToBFloat16 rounds to bfloat16, to nearest, ties to even.
func ToBFloat16[H ~uint16](dst []H, x []float32) {
	for i, v := range x {
		b := math.Float32bits(v)
		if v != v {
			dst[i] = H(b>>16 | 0x40)
			continue
		}
		dst[i] = H((b + 0x7fff + b>>16&1) >> 16)
	}
}

func fromFloat16(h uint16) float32 {
	sign, exp, frac := uint32(h&0x8000)<<16, uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exp {
	case 0: // zero and subnormals: frac · 2⁻²⁴
		f := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(f) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

func toFloat16(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000: // NaN stays one
		return sign | 0x7e00 | uint16(b>>13&0x1ff)
	case b >= 0x477ff000: // rounds beyond the greatest finite value
		return sign | 0x7c00
	case b < 0x38800000: // subnormal: adding 0.5 rounds at 2⁻²⁴
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-0x3f000000)
	}
	return sign | uint16((b-0x38000000+0xfff+b>>13&1)>>13)
}
