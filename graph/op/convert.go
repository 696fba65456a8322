package op

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// convertWide fills dst from src, both of types that Go has.
func convertWide(x *Call, dst, src *tensor.Tensor) error {
	switch dst.DType {
	case tensor.Float32:
		return convertInto[float32](x, dst, src)
	case tensor.Float64:
		return convertInto[float64](x, dst, src)
	case tensor.Int8:
		return convertInto[int8](x, dst, src)
	case tensor.Int16:
		return convertInto[int16](x, dst, src)
	case tensor.Int32:
		return convertInto[int32](x, dst, src)
	case tensor.Int64:
		return convertInto[int64](x, dst, src)
	case tensor.Uint8:
		return convertInto[uint8](x, dst, src)
	case tensor.Uint16:
		return convertInto[uint16](x, dst, src)
	case tensor.Uint32:
		return convertInto[uint32](x, dst, src)
	case tensor.Uint64:
		return convertInto[uint64](x, dst, src)
	case tensor.Bool:
		return convertToBool(tensor.Data[bool](dst), src)
	case tensor.String:
		return convertToString(tensor.Data[string](dst), src)
	}
	return fmt.Errorf("%v cannot be converted to %v", src, dst.DType)
}

// number is the set of element types with arithmetic in Go.
type number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func convertInto[D number](x *Call, to, src *tensor.Tensor) error {
	dst := tensor.Data[D](to)
	par := x.Parallel
	switch src.DType {
	case tensor.Float32:
		kernel.Convert(par, dst, tensor.Data[float32](src))
	case tensor.Float64:
		kernel.Convert(par, dst, tensor.Data[float64](src))
	case tensor.Int8:
		kernel.Convert(par, dst, tensor.Data[int8](src))
	case tensor.Int16:
		kernel.Convert(par, dst, tensor.Data[int16](src))
	case tensor.Int32:
		kernel.Convert(par, dst, tensor.Data[int32](src))
	case tensor.Int64:
		kernel.Convert(par, dst, tensor.Data[int64](src))
	case tensor.Uint8:
		kernel.Convert(par, dst, tensor.Data[uint8](src))
	case tensor.Uint16:
		kernel.Convert(par, dst, tensor.Data[uint16](src))
	case tensor.Uint32:
		kernel.Convert(par, dst, tensor.Data[uint32](src))
	case tensor.Uint64:
		kernel.Convert(par, dst, tensor.Data[uint64](src))
	case tensor.Bool:
		kernel.FromBool(dst, tensor.Data[bool](src))
	case tensor.String:
		return parseNumbers(dst, tensor.Data[string](src))
	default:
		return fmt.Errorf("%v cannot be converted to %v", src, to.DType)
	}
	return nil
}

// parseNumbers reads decimal numbers, "NaN" and "INF" in any case with or
// without sign among them.
func parseNumbers[D number](dst []D, src []string) error {
	for i, s := range src {
		s = strings.TrimSpace(s)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil { // exact beyond 2^53
			kernel.Convert(nil, dst[i:i+1], []int64{n})
			continue
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(f, 0) {
			return fmt.Errorf("element %d: %q is not a number", i, s)
		}
		kernel.Convert(nil, dst[i:i+1], []float64{f})
	}
	return nil
}

func convertToBool(dst []bool, src *tensor.Tensor) error {
	switch src.DType {
	case tensor.Float32:
		kernel.ToBool(dst, tensor.Data[float32](src))
	case tensor.Float64:
		kernel.ToBool(dst, tensor.Data[float64](src))
	case tensor.Int8, tensor.Uint8:
		kernel.ToBool(dst, raw[uint8](src))
	case tensor.Int16, tensor.Uint16:
		kernel.ToBool(dst, raw[uint16](src))
	case tensor.Int32, tensor.Uint32:
		kernel.ToBool(dst, raw[uint32](src))
	case tensor.Int64, tensor.Uint64:
		kernel.ToBool(dst, raw[uint64](src))
	case tensor.String:
		for i, s := range tensor.Data[string](src) {
			b, err := strconv.ParseBool(strings.TrimSpace(s))
			if err != nil {
				return fmt.Errorf("element %d: %q is neither true nor false", i, s)
			}
			dst[i] = b
		}
	default:
		return fmt.Errorf("%v cannot be converted to bool", src)
	}
	return nil
}

func convertToString(dst []string, src *tensor.Tensor) error {
	switch src.DType {
	case tensor.Float32:
		formatFloats(dst, tensor.Data[float32](src), 32)
	case tensor.Float64:
		formatFloats(dst, tensor.Data[float64](src), 64)
	case tensor.Int8:
		formatInts(dst, tensor.Data[int8](src))
	case tensor.Int16:
		formatInts(dst, tensor.Data[int16](src))
	case tensor.Int32:
		formatInts(dst, tensor.Data[int32](src))
	case tensor.Int64:
		formatInts(dst, tensor.Data[int64](src))
	case tensor.Uint8:
		formatInts(dst, tensor.Data[uint8](src))
	case tensor.Uint16:
		formatInts(dst, tensor.Data[uint16](src))
	case tensor.Uint32:
		formatInts(dst, tensor.Data[uint32](src))
	case tensor.Uint64:
		for i, v := range tensor.Data[uint64](src) {
			dst[i] = strconv.FormatUint(v, 10)
		}
	case tensor.Bool:
		for i, v := range tensor.Data[bool](src) {
			dst[i] = strconv.FormatBool(v)
		}
	default:
		return fmt.Errorf("%v cannot be converted to string", src)
	}
	return nil
}

// formatFloats writes the shortest decimal that reads back the same; NaN, INF
// and -INF as the schema asks.
func formatFloats[T float32 | float64](dst []string, src []T, bits int) {
	for i, v := range src {
		switch f := float64(v); {
		case math.IsInf(f, 1):
			dst[i] = "INF"
		case math.IsInf(f, -1):
			dst[i] = "-INF"
		default:
			dst[i] = strconv.FormatFloat(f, 'g', -1, bits)
		}
	}
}

func formatInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](dst []string, src []T) {
	for i, v := range src {
		dst[i] = strconv.FormatInt(int64(v), 10)
	}
}
