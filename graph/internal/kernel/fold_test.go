package kernel

import (
	"math"
	"testing"
)

// TestFoldWindows holds the fold and the deformable unfolding, which is its
// transpose where nothing is deformed, against their definitions.
func TestFoldWindows(t *testing.T) {
	w, err := NewWindow([]int{5, 6}, []int{3, 2}, nil, []int{2, 1}, []int{1, 2}, []int{1, 0}, []int{0, 2})
	if err != nil {
		t.Fatal(err)
	}
	const planes = 3
	cols := make([]float64, planes*w.Taps()*w.OutSize())
	for i := range cols {
		cols[i] = math.Sin(float64(i))
	}
	got, want := make([]float64, planes*w.InSize()), make([]float64, planes*w.InSize())
	FoldWindows(split(2), w, planes, got, cols)
	x := make([]float64, planes*w.InSize())
	for i := range x {
		x[i] = math.Cos(float64(i))
	}
	still := make([]float64, 2*w.Taps()*w.OutSize())
	unfolded := make([]float64, len(cols))
	DeformColumns(split(3), w, planes, 1, unfolded, x, still, nil)
	for i, v := range cols {
		p, k, o := i/w.OutSize()/w.Taps(), i/w.OutSize()%w.Taps(), i%w.OutSize()
		y := o/w.Out[1]*w.Stride[0] + k/2*w.Dilation[0] - w.PadBegin[0]
		z := o%w.Out[1]*w.Stride[1] + k%2*w.Dilation[1] - w.PadBegin[1]
		value := 0.0
		if y >= 0 && y < 5 && z >= 0 && z < 6 {
			at := p*w.InSize() + y*6 + z
			want[at] += v
			value = x[at]
		}
		if unfolded[i] != value {
			t.Fatalf("unfolded element %d is %v, want %v", i, unfolded[i], value)
		}
	}
	for i, v := range got {
		if math.Abs(v-want[i]) > 1e-12 {
			t.Fatalf("element %d is %v, want %v", i, v, want[i])
		}
	}
}

// TestDeformColumns moves every window by half an element and masks it.
func TestDeformColumns(t *testing.T) {
	w, err := NewWindow([]int{2, 3}, []int{1, 1}, nil, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{0, 2, 4, 6, 8, 10}
	offset := []float64{0, 0, 0, 0, 0, 0, .5, .5, .5, .5, .5, -9}
	mask := []float64{1, 2, 1, 0, 1, 1}
	got := make([]float64, 6)
	DeformColumns(nil, w, 1, 1, got, x, offset, mask)
	for i, v := range []float64{1, 6, 2, 0, 9, 0} {
		if got[i] != v {
			t.Errorf("element %d is %v, want %v", i, got[i], v)
		}
	}
}
