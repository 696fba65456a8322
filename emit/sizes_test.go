package emit

import (
	"maps"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestSizes: names of dimensions are bound by tensors of that rank, numbers are not names.
func TestSizes(t *testing.T) {
	shape := func(dims ...any) *[]any { return &dims }
	m := &Manifest{
		Inputs:  []Port{{Name: "x", Shape: shape("batch", float64(3), "height")}, {Name: "y", Shape: shape("batch", "other")}},
		Outputs: []Port{{Name: "z", Shape: shape("batch", "anchors", int64(6))}, {Name: "v"}},
	}
	size := func(shape []int) int {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return n
	}
	of := func(shape ...int) *tensor.Tensor { return tensor.Of(shape, make([]float32, size(shape))) }
	got := m.Sizes(map[string]*tensor.Tensor{"x": of(2, 3, 5), "y": of(2, 7, 1), "z": of(2, 9, 6), "v": of(4)})
	if want := map[string]int{"batch": 2, "height": 5, "anchors": 9}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
