package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// AppendTensor appends t as a TensorProto of the given name to b. It fails for
// sequences and the empty optional.
func AppendTensor(b []byte, name string, t *tensor.Tensor) ([]byte, error) {
	if t.IsSequence() || t.IsNone() {
		return nil, fmt.Errorf("%v is not a tensor", t)
	}
	dtype := int32(t.DType)
	p := &pb.TensorProto{DataType: &dtype}
	for _, d := range t.Shape {
		p.Dims = append(p.Dims, int64(d))
	}
	if name != "" {
		p.Name = &name
	}
	if t.DType == tensor.String {
		p.StringData = stringBytes(t)
	} else {
		p.RawData = appendLE([]byte{}, t, 0, t.Len())
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, p)
}

func stringBytes(t *tensor.Tensor) [][]byte {
	var r [][]byte
	for _, s := range tensor.Data[string](t) {
		r = append(r, []byte(s))
	}
	return r
}

// appendLE appends elements i to j of t as raw data; i is a multiple of 8.
func appendLE(b []byte, t *tensor.Tensor, i, j int) []byte {
	switch t.DType {
	case tensor.Float32:
		for _, x := range tensor.Data[float32](t)[i:j] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
	case tensor.Float64:
		for _, x := range tensor.Data[float64](t)[i:j] {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
	case tensor.Complex64:
		for _, x := range tensor.Data[complex64](t)[i:j] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(real(x)))
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(imag(x)))
		}
	case tensor.Complex128:
		for _, x := range tensor.Data[complex128](t)[i:j] {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(real(x)))
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(imag(x)))
		}
	case tensor.Bool:
		for _, x := range tensor.Data[bool](t)[i:j] {
			if x {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		}
	default:
		return appendWords(b, t, i, j)
	}
	return b
}

// appendWords is appendLE for the types that are integers in Go.
func appendWords(b []byte, t *tensor.Tensor, i, j int) []byte {
	switch t.DType {
	case tensor.Int64:
		return append64(b, tensor.Data[int64](t)[i:j])
	case tensor.Uint64:
		return append64(b, tensor.Data[uint64](t)[i:j])
	case tensor.Int32:
		return append32(b, tensor.Data[int32](t)[i:j])
	case tensor.Uint32:
		return append32(b, tensor.Data[uint32](t)[i:j])
	case tensor.Int16:
		return append16(b, tensor.Data[int16](t)[i:j])
	case tensor.Uint16:
		return append16(b, tensor.Data[uint16](t)[i:j])
	case tensor.Float16:
		return append16(b, tensor.Data[tensor.F16](t)[i:j])
	case tensor.BFloat16:
		return append16(b, tensor.Data[tensor.BF16](t)[i:j])
	case tensor.Int8:
		return append8(b, tensor.Data[int8](t)[i:j], 8)
	case tensor.Uint8:
		return append(b, tensor.Data[uint8](t)[i:j]...)
	case tensor.Float8E4M3FN:
		return append8(b, tensor.Data[tensor.F8E4M3](t)[i:j], 8)
	case tensor.Float8E4M3FNUZ:
		return append8(b, tensor.Data[tensor.F8E4M3UZ](t)[i:j], 8)
	case tensor.Float8E5M2:
		return append8(b, tensor.Data[tensor.F8E5M2](t)[i:j], 8)
	case tensor.Float8E5M2FNUZ:
		return append8(b, tensor.Data[tensor.F8E5M2UZ](t)[i:j], 8)
	case tensor.Float8E8M0:
		return append8(b, tensor.Data[tensor.F8E8M0](t)[i:j], 8)
	case tensor.Uint4:
		return append8(b, tensor.Data[tensor.U4](t)[i:j], 4)
	case tensor.Int4:
		return append8(b, tensor.Data[tensor.I4](t)[i:j], 4)
	case tensor.Float4E2M1:
		return append8(b, tensor.Data[tensor.F4E2M1](t)[i:j], 4)
	case tensor.Uint2:
		return append8(b, tensor.Data[tensor.U2](t)[i:j], 2)
	case tensor.Int2:
		return append8(b, tensor.Data[tensor.I2](t)[i:j], 2)
	}
	return b
}

func append64[T ~int64 | ~uint64](b []byte, s []T) []byte {
	for _, x := range s {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return b
}

func append32[T ~int32 | ~uint32](b []byte, s []T) []byte {
	for _, x := range s {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func append16[T ~int16 | ~uint16](b []byte, s []T) []byte {
	for _, x := range s {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

// append8 appends elements of bits bits, the first in the low bits of a byte.
func append8[T ~int8 | ~uint8](b []byte, s []T, bits int) []byte {
	per, mask := 8/bits, 1<<bits-1
	for i, x := range s {
		if i%per == 0 {
			b = append(b, 0)
		}
		b[len(b)-1] |= byte((int(x) & mask) << (i % per * bits))
	}
	return b
}
