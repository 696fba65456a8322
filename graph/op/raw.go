package op

import (
	"reflect"
	"unsafe"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// raw is the elements of t as values of E, which has the size of t's elements
// and holds no pointers: operators that only move elements have one loop for
// each size, not one for each type.
func raw[E uint8 | uint16 | uint32 | uint64 | complex128](t *tensor.Tensor) []E {
	n := t.Len()
	if n == 0 {
		return nil
	}
	p := reflect.ValueOf(t.Store().Data).UnsafePointer()
	return unsafe.Slice((*E)(p), n)
}

// mover is a loop that moves elements from src to dst, which have one element
// type, instantiated for each size of elements.
type mover struct {
	b1  func(dst, src []uint8)
	b2  func(dst, src []uint16)
	b4  func(dst, src []uint32)
	b8  func(dst, src []uint64)
	b16 func(dst, src []complex128)
	str func(dst, src []string)
}

// run runs the instance for the element type of dst and src.
func (m mover) run(dst, src *tensor.Tensor) {
	if dst.DType == tensor.String {
		m.str(tensor.Data[string](dst), tensor.Data[string](src))
		return
	}
	switch dst.DType.Size() {
	case 1:
		m.b1(raw[uint8](dst), raw[uint8](src))
	case 2:
		m.b2(raw[uint16](dst), raw[uint16](src))
	case 4:
		m.b4(raw[uint32](dst), raw[uint32](src))
	case 8:
		m.b8(raw[uint64](dst), raw[uint64](src))
	case 16:
		m.b16(raw[complex128](dst), raw[complex128](src))
	}
}

// copyStrided is kernel.CopyStrided on tensors of any one element type.
func copyStrided(x *Call, shape []int, dst *tensor.Tensor, dstAt int, dstStride []int, src *tensor.Tensor, srcAt int, srcStride []int) {
	for _, d := range shape {
		if d == 0 {
			return
		}
	}
	par := x.Parallel
	mover{
		func(d, s []uint8) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
		func(d, s []uint16) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
		func(d, s []uint32) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
		func(d, s []uint64) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
		func(d, s []complex128) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
		func(d, s []string) { kernel.CopyStrided(par, shape, d, dstAt, dstStride, s, srcAt, srcStride) },
	}.run(dst, src)
}

// copyAll copies the elements of src to dst, which has as many of the same
// type.
func copyAll(dst, src *tensor.Tensor) {
	mover{
		func(d, s []uint8) { copy(d, s) },
		func(d, s []uint16) { copy(d, s) },
		func(d, s []uint32) { copy(d, s) },
		func(d, s []uint64) { copy(d, s) },
		func(d, s []complex128) { copy(d, s) },
		func(d, s []string) { copy(d, s) },
	}.run(dst, src)
}

// clearAll sets every element of t to zero, false or the empty string.
func clearAll(t *tensor.Tensor) {
	mover{
		func(d, _ []uint8) { clear(d) },
		func(d, _ []uint16) { clear(d) },
		func(d, _ []uint32) { clear(d) },
		func(d, _ []uint64) { clear(d) },
		func(d, _ []complex128) { clear(d) },
		func(d, _ []string) { clear(d) },
	}.run(t, t)
}
