package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// sink fills a tensor from front to back with what a file holds.
type sink struct {
	t     *tensor.Tensor
	total int
	done  int
	carry []byte // the bytes of an element that the last piece began
}

func newSink(d tensor.DType, dims []int) (*sink, error) {
	t, err := tensor.Make(d, dims...)
	if err != nil {
		return nil, err
	}
	return &sink{t: t, total: t.Len()}, nil
}

// finish gives the tensor if all of it was stored.
func (s *sink) finish() (*tensor.Tensor, error) {
	if s.done != s.total || len(s.carry) > 0 {
		return nil, fmt.Errorf("%d elements stored, want %d for %v", s.done, s.total, s.t)
	}
	return s.t, nil
}

// raw stores elements from their little-endian bytes.
func (s *sink) raw(b []byte) error {
	if bits := s.t.DType.Bits(); bits < 8 {
		return s.packed(b, bits)
	}
	width := s.t.DType.Bits() / 8
	if len(s.carry) > 0 {
		n := min(width-len(s.carry), len(b))
		s.carry, b = append(s.carry, b[:n]...), b[n:]
		if len(s.carry) < width {
			return nil
		}
		whole := s.carry
		s.carry = nil
		if err := s.raw(whole); err != nil {
			return err
		}
	}
	n := len(b) / width
	if n > s.total-s.done {
		return s.tooMany()
	}
	storeLE(s.t, s.done, b[:n*width])
	s.done += n
	if rest := b[n*width:]; len(rest) > 0 {
		s.carry = append([]byte(nil), rest...)
	}
	return nil
}

func (s *sink) tooMany() error {
	return fmt.Errorf("more elements stored than fit %v", s.t)
}

// packed stores elements narrower than a byte, the first in the low bits.
func (s *sink) packed(b []byte, bits int) error {
	per := 8 / bits
	if (s.total-s.done+per-1)/per < len(b) {
		return s.tooMany()
	}
	switch s.t.DType {
	case tensor.Uint4:
		s.done += unpack(tensor.Data[tensor.U4](s.t)[s.done:], b, bits, 0)
	case tensor.Int4:
		s.done += unpack(tensor.Data[tensor.I4](s.t)[s.done:], b, bits, 8)
	case tensor.Float4E2M1:
		s.done += unpack(tensor.Data[tensor.F4E2M1](s.t)[s.done:], b, bits, 0)
	case tensor.Uint2:
		s.done += unpack(tensor.Data[tensor.U2](s.t)[s.done:], b, bits, 0)
	case tensor.Int2:
		s.done += unpack(tensor.Data[tensor.I2](s.t)[s.done:], b, bits, 2)
	}
	return nil
}

// unpack stores the elements in b; sign is the sign bit, 0 for none. It gives
// how many it stored.
func unpack[T ~uint8 | ~int8](dst []T, b []byte, bits, sign int) int {
	n := min(len(dst), len(b)*8/bits)
	per, mask := 8/bits, 1<<bits-1
	for i := range n {
		x := int(b[i/per]) >> (i % per * bits) & mask
		dst[i] = T((x ^ sign) - sign)
	}
	return n
}

// storeLE stores the elements in b from position at on.
func storeLE(t *tensor.Tensor, at int, b []byte) {
	switch t.DType {
	case tensor.Float32:
		d := tensor.Data[float32](t)[at:]
		for i := range len(b) / 4 {
			d[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case tensor.Float64:
		d := tensor.Data[float64](t)[at:]
		for i := range len(b) / 8 {
			d[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case tensor.Complex64:
		d := tensor.Data[complex64](t)[at:]
		for i := range len(b) / 8 {
			d[i] = complex(math.Float32frombits(binary.LittleEndian.Uint32(b[8*i:])),
				math.Float32frombits(binary.LittleEndian.Uint32(b[8*i+4:])))
		}
	case tensor.Complex128:
		d := tensor.Data[complex128](t)[at:]
		for i := range len(b) / 16 {
			d[i] = complex(math.Float64frombits(binary.LittleEndian.Uint64(b[16*i:])),
				math.Float64frombits(binary.LittleEndian.Uint64(b[16*i+8:])))
		}
	case tensor.Bool:
		d := tensor.Data[bool](t)[at:]
		for i, x := range b {
			d[i] = x != 0
		}
	default:
		storeWords(t, at, b)
	}
}

// storeWords is storeLE for the types that are integers in Go.
func storeWords(t *tensor.Tensor, at int, b []byte) {
	switch t.DType {
	case tensor.Int64:
		le64(tensor.Data[int64](t)[at:], b)
	case tensor.Uint64:
		le64(tensor.Data[uint64](t)[at:], b)
	case tensor.Int32:
		le32(tensor.Data[int32](t)[at:], b)
	case tensor.Uint32:
		le32(tensor.Data[uint32](t)[at:], b)
	case tensor.Int16:
		le16(tensor.Data[int16](t)[at:], b)
	case tensor.Uint16:
		le16(tensor.Data[uint16](t)[at:], b)
	case tensor.Float16:
		le16(tensor.Data[tensor.F16](t)[at:], b)
	case tensor.BFloat16:
		le16(tensor.Data[tensor.BF16](t)[at:], b)
	case tensor.Int8:
		le8(tensor.Data[int8](t)[at:], b)
	case tensor.Uint8:
		copy(tensor.Data[uint8](t)[at:], b)
	case tensor.Float8E4M3FN:
		le8(tensor.Data[tensor.F8E4M3](t)[at:], b)
	case tensor.Float8E4M3FNUZ:
		le8(tensor.Data[tensor.F8E4M3UZ](t)[at:], b)
	case tensor.Float8E5M2:
		le8(tensor.Data[tensor.F8E5M2](t)[at:], b)
	case tensor.Float8E5M2FNUZ:
		le8(tensor.Data[tensor.F8E5M2UZ](t)[at:], b)
	case tensor.Float8E8M0:
		le8(tensor.Data[tensor.F8E8M0](t)[at:], b)
	}
}

func le64[T ~int64 | ~uint64](d []T, b []byte) {
	for i := range len(b) / 8 {
		d[i] = T(binary.LittleEndian.Uint64(b[8*i:]))
	}
}

func le32[T ~int32 | ~uint32](d []T, b []byte) {
	for i := range len(b) / 4 {
		d[i] = T(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

func le16[T ~int16 | ~uint16](d []T, b []byte) {
	for i := range len(b) / 2 {
		d[i] = T(binary.LittleEndian.Uint16(b[2*i:]))
	}
}

func le8[T ~int8 | ~uint8](d []T, b []byte) {
	for i, x := range b {
		d[i] = T(x)
	}
}

// ints stores elements that the file holds as varints: v is a chunk of them.
// It turns them into the bytes that raw data would have, in place.
func (s *sink) ints(v []uint64, scratch []byte) error {
	b := scratch[:0]
	switch bits := s.t.DType.Bits(); {
	case s.t.DType == tensor.Bool:
		for _, x := range v {
			b = append(b, byte(min(x, 1)))
		}
	case bits <= 8:
		for _, x := range v {
			b = append(b, byte(x))
		}
	case bits == 16:
		for _, x := range v {
			b = binary.LittleEndian.AppendUint16(b, uint16(x))
		}
	case bits == 32:
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, uint32(x))
		}
	default:
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, x)
		}
	}
	return s.raw(b)
}

// The fields of TensorProto that hold elements.
const (
	floatData  = protowire.Number(4)
	int32Data  = protowire.Number(5)
	stringData = protowire.Number(6)
	int64Data  = protowire.Number(7)
	rawData    = protowire.Number(9)
	doubleData = protowire.Number(10)
	uint64Data = protowire.Number(11)
)

var payloadFields = fieldSet(floatData, int32Data, stringData, int64Data, rawData, doubleData, uint64Data)

// typedField is the field that elements of type d are in where they are not
// raw, and the wire type of one element.
func typedField(d tensor.DType) (protowire.Number, protowire.Type) {
	switch d {
	case tensor.Float32, tensor.Complex64:
		return floatData, protowire.Fixed32Type
	case tensor.Float64, tensor.Complex128:
		return doubleData, protowire.Fixed64Type
	case tensor.Int64:
		return int64Data, protowire.VarintType
	case tensor.Uint32, tensor.Uint64:
		return uint64Data, protowire.VarintType
	case tensor.String:
		return stringData, protowire.BytesType
	}
	return int32Data, protowire.VarintType
}
