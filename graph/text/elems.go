package text

import (
	"fmt"
	"strconv"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// appendElems appends t's elements between commas: numbers, strings in quotes,
// complex numbers as two, and the bits of floating-point types that Go does
// not have.
func appendElems(b []byte, t *tensor.Tensor) []byte {
	sep := func(i int) {
		if i > 0 {
			b = append(b, ", "...)
		}
	}
	if t.Len() == 0 {
		return b
	}
	switch s := t.Store().Data.(type) {
	case []float32:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = append(b, formatFloat(float64(x), 32)...)
		}
	case []float64:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = append(b, formatFloat(x, 64)...)
		}
	case []complex64:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = fmt.Append(b, formatFloat(float64(real(x)), 32), ", ", formatFloat(float64(imag(x)), 32))
		}
	case []complex128:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = fmt.Append(b, formatFloat(real(x), 64), ", ", formatFloat(imag(x), 64))
		}
	case []string:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = append(b, quote(x)...)
		}
	case []bool:
		for i, x := range s[:t.Len()] {
			sep(i)
			b = append(b, "01"[btoi(x)])
		}
	default:
		b = appendInts(b, t)
	}
	return b
}

// appendInts is appendElems for the types that are integers in Go.
func appendInts(b []byte, t *tensor.Tensor) []byte {
	n := t.Len()
	switch s := t.Store().Data.(type) {
	case []int8:
		return signed(b, s[:n])
	case []int16:
		return signed(b, s[:n])
	case []int32:
		return signed(b, s[:n])
	case []int64:
		return signed(b, s[:n])
	case []tensor.I4:
		return signed(b, s[:n])
	case []tensor.I2:
		return signed(b, s[:n])
	case []uint8:
		return unsigned(b, s[:n])
	case []uint16:
		return unsigned(b, s[:n])
	case []uint32:
		return unsigned(b, s[:n])
	case []uint64:
		return unsigned(b, s[:n])
	case []tensor.F16:
		return unsigned(b, s[:n])
	case []tensor.BF16:
		return unsigned(b, s[:n])
	case []tensor.F8E4M3:
		return unsigned(b, s[:n])
	case []tensor.F8E4M3UZ:
		return unsigned(b, s[:n])
	case []tensor.F8E5M2:
		return unsigned(b, s[:n])
	case []tensor.F8E5M2UZ:
		return unsigned(b, s[:n])
	case []tensor.F8E8M0:
		return unsigned(b, s[:n])
	case []tensor.F4E2M1:
		return unsigned(b, s[:n])
	case []tensor.U4:
		return unsigned(b, s[:n])
	case []tensor.U2:
		return unsigned(b, s[:n])
	}
	return b
}

func signed[T ~int8 | ~int16 | ~int32 | ~int64](b []byte, s []T) []byte {
	for i, x := range s {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(x), 10)
	}
	return b
}

func unsigned[T ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, s []T) []byte {
	for i, x := range s {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendUint(b, uint64(x), 10)
	}
	return b
}

// parseElems is the inverse of appendElems.
func parseElems(d tensor.DType, dims []int, toks []token) (*tensor.Tensor, error) {
	n, err := tensor.Count(dims)
	if err != nil {
		return nil, err
	}
	want := n
	if d == tensor.Complex64 || d == tensor.Complex128 {
		want = 2 * n
	}
	if len(toks) != want {
		return nil, fmt.Errorf("%d elements, want %d for %v%v", len(toks), want, d, dims)
	}
	t, err := tensor.Make(d, dims...)
	if err != nil || n == 0 {
		return t, err
	}
	switch s := t.Store().Data.(type) {
	case []float32:
		err = each(s, toks, func(k token) (float32, error) { x, err := k.float(32); return float32(x), err })
	case []float64:
		err = each(s, toks, func(k token) (float64, error) { return k.float(64) })
	case []complex64:
		x := make([]float64, want)
		err = each(x, toks, func(k token) (float64, error) { return k.float(32) })
		for i := range s {
			s[i] = complex(float32(x[2*i]), float32(x[2*i+1]))
		}
	case []complex128:
		x := make([]float64, want)
		err = each(x, toks, func(k token) (float64, error) { return k.float(64) })
		for i := range s {
			s[i] = complex(x[2*i], x[2*i+1])
		}
	case []string:
		err = each(s, toks, func(k token) (string, error) {
			if k.kind != stringToken {
				return "", fmt.Errorf("%v, expected a string", k)
			}
			return k.text, nil
		})
	case []bool:
		err = each(s, toks, func(k token) (bool, error) { x, err := k.uint(1); return x != 0, err })
	default:
		err = parseInts(t, toks)
	}
	return t, err
}

func each[T any](dst []T, toks []token, parse func(token) (T, error)) error {
	for i := range dst {
		x, err := parse(toks[i])
		if err != nil {
			return err
		}
		dst[i] = x
	}
	return nil
}

func parseSigned[T ~int8 | ~int16 | ~int32 | ~int64](dst []T, toks []token, bits int) error {
	return each(dst, toks, func(k token) (T, error) { x, err := k.int(bits); return T(x), err })
}

func parseUnsigned[T ~uint8 | ~uint16 | ~uint32 | ~uint64](dst []T, toks []token, bits int) error {
	return each(dst, toks, func(k token) (T, error) { x, err := k.uint(bits); return T(x), err })
}

func parseInts(t *tensor.Tensor, toks []token) error {
	bits := t.DType.Bits()
	switch s := t.Store().Data.(type) {
	case []int8:
		return parseSigned(s, toks, bits)
	case []int16:
		return parseSigned(s, toks, bits)
	case []int32:
		return parseSigned(s, toks, bits)
	case []int64:
		return parseSigned(s, toks, bits)
	case []tensor.I4:
		return parseSigned(s, toks, bits)
	case []tensor.I2:
		return parseSigned(s, toks, bits)
	case []uint8:
		return parseUnsigned(s, toks, bits)
	case []uint16:
		return parseUnsigned(s, toks, bits)
	case []uint32:
		return parseUnsigned(s, toks, bits)
	case []uint64:
		return parseUnsigned(s, toks, bits)
	case []tensor.F16:
		return parseUnsigned(s, toks, bits)
	case []tensor.BF16:
		return parseUnsigned(s, toks, bits)
	case []tensor.F8E4M3:
		return parseUnsigned(s, toks, bits)
	case []tensor.F8E4M3UZ:
		return parseUnsigned(s, toks, bits)
	case []tensor.F8E5M2:
		return parseUnsigned(s, toks, bits)
	case []tensor.F8E5M2UZ:
		return parseUnsigned(s, toks, bits)
	case []tensor.F8E8M0:
		return parseUnsigned(s, toks, bits)
	case []tensor.F4E2M1:
		return parseUnsigned(s, toks, bits)
	case []tensor.U4:
		return parseUnsigned(s, toks, bits)
	case []tensor.U2:
		return parseUnsigned(s, toks, bits)
	}
	return fmt.Errorf("%v has no text form", t.DType)
}

func btoi(x bool) int {
	if x {
		return 1
	}
	return 0
}
