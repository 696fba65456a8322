package conform

import (
	"math"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// pair makes two vectors of type T whose second elements differ.
func pair[T tensor.Elem](a, b T) [2]*tensor.Tensor {
	return [2]*tensor.Tensor{tensor.Vector(a, a), tensor.Vector(a, b)}
}

func TestCompareSeesDifferences(t *testing.T) {
	one := tensor.Vector[float32](1)
	pairs := [][2]*tensor.Tensor{
		pair[float32](1, 1.0011), pair(1, 1.0011), pair[float32](0, 2e-7), pair(1, math.NaN()), pair(math.NaN(), 1), pair(1, math.Inf(1)),
		pair[tensor.F16](0x3c00, 0x3c02), pair[tensor.BF16](0x3f80, 0x3f81),
		pair(false, true), pair("a", "b"), pair[complex64](1, 1i), pair[complex128](1, 1i),
		pair[int8](1, 2), pair[int16](1, 2), pair[int32](1, 2), pair[int64](1<<60, 1<<60+1),
		pair[uint8](1, 2), pair[uint16](1, 2), pair[uint32](1, 2), pair[uint64](1<<63, 1<<63+1),
		pair[tensor.F8E4M3](1, 2), pair[tensor.F8E4M3UZ](1, 2), pair[tensor.F8E5M2](1, 2), pair[tensor.F8E5M2UZ](1, 2), pair[tensor.F8E8M0](1, 2),
		pair[tensor.F4E2M1](1, 2), pair[tensor.U4](1, 2), pair[tensor.I4](1, 2), pair[tensor.U2](1, 2), pair[tensor.I2](0, 1),
		{tensor.Vector[float32](1, 1), one}, {tensor.Scalar[float32](1), one}, {tensor.Vector[int64](1), one},
		{tensor.Vector[float32](), one}, {nil, one}, {tensor.None(), one}, {one, tensor.None()},
		{tensor.Sequence(tensor.Float32, one), one}, {one, tensor.Sequence(tensor.Float32, one)},
		{tensor.Sequence(tensor.Float32), tensor.Sequence(tensor.Float32, one)},
		{tensor.Sequence(tensor.Float32, one), tensor.Sequence(tensor.Float32, tensor.Vector[float32](2))},
	}
	for _, p := range pairs {
		if err := Compare(p[0], p[1]); err == nil {
			t.Errorf("%v and %v, which differ, are taken for equal", p[0], p[1])
		}
		for _, x := range p {
			if x == nil {
				continue
			}
			if err := Compare(x, x); err != nil {
				t.Errorf("%v: is not equal to itself: %v", x, err)
			}
		}
	}
}

func TestCodesOfNaNAreEqual(t *testing.T) {
	for _, p := range [][2]*tensor.Tensor{pair[tensor.F8E4M3](0x7f, 0xff), pair[tensor.F8E5M2](0x7d, 0xff)} {
		if err := Compare(p[0], p[1]); err != nil {
			t.Error(err)
		}
	}
	if err := Compare(tensor.Vector[tensor.F8E5M2](0x7c), tensor.Vector[tensor.F8E5M2](0x7d)); err == nil {
		t.Error("infinity is taken for NaN")
	}
}

func TestTolerance(t *testing.T) {
	a, b := tensor.Vector[float32](1), tensor.Vector[float32](1.0009)
	if err := Compare(a, b); err != nil {
		t.Error(err)
	}
	if err := (Tolerance{Rel: 1e-4}).Compare(a, b); err == nil {
		t.Error("9e-4 is taken to be within 1e-4")
	}
	if err := Compare(tensor.Vector(1.0), a); err != nil {
		t.Error("float64 where float32 is wanted, as float64 graphs give:", err)
	}
}
