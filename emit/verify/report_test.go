package verify

import (
	"math"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
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

// TestMeasure: errors are relative to what is wanted, or to the least where that is
// greater, and the reason has both values in their places.
func TestMeasure(t *testing.T) {
	for _, c := range []struct {
		got, want, least float64
		worst            float64
		reason           string
	}{
		{1, 4, 0.01, 0.75, "x[0]: got 1, want 4"},
		{4, 1, 0.01, 3, "x[0]: got 4, want 1"},
		{0, 0.001, 0.01, 0.1, "x[0]: got 0, want 0.001"},
		{-2, -2, 0.01, 0, ""},
		{math.NaN(), 1, 0.01, math.MaxFloat64, "x[0]: got NaN, want 1"},
		{1, math.Inf(1), 0.01, math.MaxFloat64, "x[0]: got 1, want +Inf"},
	} {
		check := Check{Limit: 1e-3}
		check.measure("x", []float64{c.got}, []float64{c.want}, c.least)
		if math.Abs(check.Worst-c.worst) > 1e-12 || check.Reason != c.reason || check.Compared != 1 || (check.Status == Failed) != (c.reason != "") {
			t.Errorf("got %v, want %v: %+v", c.got, c.want, check)
		}
	}
	var check Check
	check.measure("x", []float64{1, 2}, []float64{1}, 1)
	if check.Reason != "x: 2 values, want 1" {
		t.Error(check.Reason)
	}
	check = Check{}
	check.bits("x", tensor.Vector[int64](1, 2), tensor.Vector[int64](1))
	if check.Reason != "x: got int64[2], want int64[1]" {
		t.Error(check.Reason)
	}
}

// TestStrides: a manifest's slices that give no rows are errors.
func TestStrides(t *testing.T) {
	scores := tensor.Of([]int{1, 6, 2}, make([]float32, 12))
	of := func(start, stop, stride int) error {
		l := patterns.PartRecord{Source: "z", Layout: "NCR", Slice: &patterns.SliceRecord{Start: start, Stop: stop, Stride: &stride}}
		_, err := gather([]patterns.PartRecord{l}, []*tensor.Tensor{scores}, 2)
		return err
	}
	for _, s := range [][3]int{{0, 2, 0}, {0, 2, -3}, {-1, 1, 3}, {2, 4, 3}, {0, 2, 4}, {0, 1, 3}} {
		if err := of(s[0], s[1], s[2]); err == nil {
			t.Errorf("channels %d to %d of groups of %d: no error", s[0], s[1], s[2])
		}
	}
	for _, s := range [][3]int{{0, 2, 2}, {1, 3, 3}, {4, 6, 6}} {
		if err := of(s[0], s[1], s[2]); err != nil {
			t.Error(err)
		}
	}
}
