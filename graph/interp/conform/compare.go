package conform

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Tolerance says how far floats may be apart: |got − want| ≤ Abs + Rel·|want|.
type Tolerance struct{ Rel, Abs float64 }

// ONNX is the tolerance of ONNX's own runner.
var ONNX = Tolerance{1e-3, 1e-7}

// Compare reports the first place where got is not want, by ONNX's tolerance.
func Compare(got, want *tensor.Tensor) error { return ONNX.Compare(got, want) }

// Compare reports the first place where got is not want. Floats agree within
// the tolerance, NaN with NaN; everything else must be equal.
func (tol Tolerance) Compare(got, want *tensor.Tensor) error {
	if got == nil {
		return fmt.Errorf("no value, want %v", want)
	}
	if got.IsSequence() || want.IsSequence() {
		return tol.compareSequences(got, want)
	}
	if got.IsNone() || want.IsNone() {
		if got.IsNone() != want.IsNone() {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		return nil
	}
	if got.DType == tensor.Float64 && want.DType == tensor.Float32 {
		want = tensor.Of(want.Shape, op.Floats(want))
	}
	if got.DType != want.DType || fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	if want.DType.IsFloat() {
		return tol.compareFloats(op.Floats(got), op.Floats(want))
	}
	return compareExact(got, want)
}

func (tol Tolerance) compareSequences(got, want *tensor.Tensor) error {
	if got.IsSequence() != want.IsSequence() || len(got.Seq) != len(want.Seq) {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	for i := range got.Seq {
		if err := tol.Compare(got.Seq[i], want.Seq[i]); err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
	}
	return nil
}

func (tol Tolerance) compareFloats(got, want []float64) error {
	for i, w := range want {
		g := got[i]
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		if math.IsInf(w, 0) || !(math.Abs(g-w) <= tol.Abs+tol.Rel*math.Abs(w)) {
			return fmt.Errorf("element %d: got %v, want %v", i, g, w)
		}
	}
	return nil
}

func compareExact(got, want *tensor.Tensor) error {
	switch want.DType {
	case tensor.Bool:
		return equal[bool](got, want)
	case tensor.String:
		return equal[string](got, want)
	case tensor.Int8:
		return equal[int8](got, want)
	case tensor.Int16:
		return equal[int16](got, want)
	case tensor.Int32:
		return equal[int32](got, want)
	case tensor.Int64:
		return equal[int64](got, want)
	case tensor.Uint8:
		return equal[uint8](got, want)
	case tensor.Uint16:
		return equal[uint16](got, want)
	case tensor.Uint32:
		return equal[uint32](got, want)
	case tensor.Uint64:
		return equal[uint64](got, want)
	case tensor.Complex64:
		return equal[complex64](got, want)
	case tensor.Complex128:
		return equal[complex128](got, want)
	}
	return compareNarrow(got, want)
}

func compareNarrow(got, want *tensor.Tensor) error {
	switch want.DType {
	case tensor.Float8E4M3FN:
		return equalBut(got, want, func(x tensor.F8E4M3) bool { return x&0x7f == 0x7f })
	case tensor.Float8E4M3FNUZ:
		return equal[tensor.F8E4M3UZ](got, want)
	case tensor.Float8E5M2:
		return equalBut(got, want, func(x tensor.F8E5M2) bool { return x&0x7f > 0x7c })
	case tensor.Float8E5M2FNUZ:
		return equal[tensor.F8E5M2UZ](got, want)
	case tensor.Float8E8M0:
		return equal[tensor.F8E8M0](got, want)
	case tensor.Float4E2M1:
		return equal[tensor.F4E2M1](got, want)
	case tensor.Uint4:
		return equal[tensor.U4](got, want)
	case tensor.Int4:
		return equal[tensor.I4](got, want)
	case tensor.Uint2:
		return equal[tensor.U2](got, want)
	case tensor.Int2:
		return equal[tensor.I2](got, want)
	}
	return fmt.Errorf("cannot compare %v", want)
}

func equal[T interface {
	tensor.Elem
	comparable
}](got, want *tensor.Tensor) error {
	return equalBut(got, want, func(T) bool { return false })
}

// equalBut is equal for types with several codes of NaN, which nan tells.
func equalBut[T interface {
	tensor.Elem
	comparable
}](got, want *tensor.Tensor, nan func(T) bool) error {
	g := tensor.Data[T](got)
	for i, w := range tensor.Data[T](want) {
		if g[i] != w && !(nan(g[i]) && nan(w)) {
			return fmt.Errorf("element %d: got %v, want %v", i, g[i], w)
		}
	}
	return nil
}
