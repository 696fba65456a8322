package kernel

import (
	"math"
	"slices"
	"sync"
)

// SmallFloat is a floating-point format of at most 8 bits: its values by code.
// See "FP8 Formats for Deep Learning" (Micikevicius et al., 2022), "8-bit
// Numerical Formats for Deep Neural Networks" (Noune et al., 2022) and the OCP
// Microscaling Formats specification 1.0.
type SmallFloat struct {
	values    []float32 // by code
	magnitude []float32 // the finite values of the codes 0, 1, 2, …, ascending
	signBit   uint8     // 0 if there are no negative values
	nan       uint8     // what NaN becomes
	over      uint8     // what a value beyond the greatest becomes, not saturated
	infinity  bool
	// negativeZero is false where the code of −0 is NaN.
	negativeZero bool
}

// The small formats of ONNX.
var (
	Float8E4M3FN   = sync.OnceValue(func() *SmallFloat { return newSmallFloat(4, 3, 7, 0x7f, 0x7f, true) })
	Float8E4M3FNUZ = sync.OnceValue(func() *SmallFloat { return newSmallFloat(4, 3, 8, 0x80, 0x80, false) })
	Float8E5M2     = sync.OnceValue(func() *SmallFloat { return newSmallFloat(5, 2, 15, 0x7e, 0x7c, true) })
	Float8E5M2FNUZ = sync.OnceValue(func() *SmallFloat { return newSmallFloat(5, 2, 16, 0x80, 0x80, false) })
	Float4E2M1     = sync.OnceValue(func() *SmallFloat { return newSmallFloat(2, 1, 1, 0x8, 0x7, true) })
)

func newSmallFloat(expBits, manBits, bias int, nan, over uint8, negativeZero bool) *SmallFloat {
	bits := 1 + expBits + manBits
	f := &SmallFloat{values: make([]float32, 1<<bits), signBit: 1 << (bits - 1), nan: nan, over: over, negativeZero: negativeZero}
	f.infinity = bits == 8 && over != nan
	for code := range int(f.signBit) {
		v := f.decode(code, expBits, manBits, bias)
		f.values[code] = v
		f.values[code|int(f.signBit)] = -v
		if !math.IsInf(float64(v), 0) && v == v {
			f.magnitude = append(f.magnitude, v)
		}
	}
	if !negativeZero {
		f.values[f.signBit] = float32(math.NaN())
	}
	return f
}

// decode is the value of a code without sign.
func (f *SmallFloat) decode(code, expBits, manBits, bias int) float32 {
	e, m := code>>manBits, code&(1<<manBits-1)
	top := e == 1<<expBits-1
	switch {
	case f.infinity && top && m == 0:
		return float32(math.Inf(1))
	case f.infinity && top, bits8(expBits, manBits) && f.negativeZero && code == int(f.nan):
		return float32(math.NaN())
	case e == 0:
		return float32(math.Ldexp(float64(m), 1-bias-manBits))
	}
	return float32(math.Ldexp(float64(m+1<<manBits), e-bias-manBits))
}

func bits8(expBits, manBits int) bool { return expBits+manBits == 7 }

// FromSmallFloat is dst[i] = the value of code x[i].
func FromSmallFloat[H ~uint8](f *SmallFloat, dst []float32, x []H) {
	mask := uint8(len(f.values) - 1)
	for i, c := range x[:len(dst)] {
		dst[i] = f.values[uint8(c)&mask]
	}
}

// ToSmallFloat rounds to nearest, ties to even. A value beyond the greatest
// becomes the greatest if saturate, else infinity or, where there is none, NaN.
func ToSmallFloat[H ~uint8](f *SmallFloat, dst []H, x []float32, saturate bool) {
	for i, v := range x[:len(dst)] {
		dst[i] = H(f.encode(v, saturate))
	}
}

func (f *SmallFloat) encode(v float32, saturate bool) uint8 {
	if v != v {
		return f.nan
	}
	sign := uint8(0)
	if math.Signbit(float64(v)) {
		sign, v = f.signBit, -v
	}
	k, exact := slices.BinarySearch(f.magnitude, v)
	last := len(f.magnitude) - 1
	switch {
	case exact:
	case k > last:
		half := (f.magnitude[last] - f.magnitude[last-1]) / 2
		k = last
		if !saturate && v > f.magnitude[last]+half || !saturate && v == f.magnitude[last]+half && last&1 == 1 {
			if f.over == f.signBit { // the one NaN of formats without −0
				return f.over
			}
			return sign | f.over
		}
	default:
		below, above := v-f.magnitude[k-1], f.magnitude[k]-v
		if below < above || below == above && k&1 == 1 {
			k--
		}
	}
	if k == 0 && !f.negativeZero {
		return 0
	}
	return sign | uint8(k)
}

// FromFloat8E8M0 is dst[i] = 2^(x[i]-127); code 255 is NaN.
func FromFloat8E8M0[H ~uint8](dst []float32, x []H) {
	for i, c := range x[:len(dst)] {
		dst[i] = float32(math.Ldexp(1, int(c)-127))
		if uint8(c) == 0xff {
			dst[i] = float32(math.NaN())
		}
	}
}

// ToFloat8E8M0 keeps the power of two of |x[i]|, rounded as mode says: "up",
// "down" or "nearest" (halves up). What is beyond the greatest power becomes
// it if saturate, else NaN; infinities become NaN.
func ToFloat8E8M0[H ~uint8](dst []H, x []float32, saturate bool, mode string) {
	for i, v := range x[:len(dst)] {
		bits := math.Float32bits(v)
		exp, frac := bits>>23&0xff, bits&0x7fffff
		if exp != 0xff && (mode == "up" && frac > 0 || mode == "nearest" && frac >= 0x400000) {
			if exp++; exp == 0xff && saturate {
				exp = 0xfe
			}
		}
		dst[i] = H(exp)
	}
}
