package verify

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestElementsOnly: what lies behind a tensor's last element does not count, in
// tensors of any type.
func TestElementsOnly(t *testing.T) {
	of := func(x ...int32) *tensor.Tensor {
		return tensor.OnStore(tensor.Int32, []int{2}, &tensor.Store{Data: x})
	}
	if i := firstDifference(of(1, 2, 3), of(1, 2, 4)); i != -1 {
		t.Errorf("a difference at %d of equal tensors", i)
	}
	if firstDifference(of(1, 2, 3), of(1, 7, 3)) < 0 {
		t.Error("no difference of unequal tensors")
	}
}
