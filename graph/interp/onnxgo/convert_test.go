package onnxgo

import (
	"maps"
	"slices"
	"testing"

	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func TestTensorsBothWays(t *testing.T) {
	for _, d := range slices.Sorted(maps.Keys(elementTypes)) {
		for _, shape := range [][]int{{}, {1}, {3}, {2, 3}, {1, 1, 2}} {
			x, err := tensor.Make(d, shape...)
			if err != nil {
				t.Fatal(err)
			}
			g, err := toGorgonia(x)
			if err != nil {
				t.Fatal(err)
			}
			y, err := fromGorgonia(g)
			if err != nil || conform.Compare(y, x) != nil {
				t.Errorf("%v comes back as %v, error %v", x, y, err)
			}
		}
	}
	half, _ := tensor.Make(tensor.Float16, 2)
	if _, err := toGorgonia(half); err == nil {
		t.Error("gorgonia has no float16")
	}
}

// columns is a range as gorgonia's Slice takes it.
type columns struct{ start, end int }

func (c columns) Start() int { return c.start }
func (c columns) End() int   { return c.end }
func (c columns) Step() int  { return 1 }

func TestViewsAndTransposes(t *testing.T) {
	g := gorgonia.New(gorgonia.WithShape(2, 3), gorgonia.WithBacking([]int32{0, 1, 2, 3, 4, 5}))
	if err := g.T(); err != nil {
		t.Fatal(err)
	}
	x, err := fromGorgonia(g)
	if err != nil || !slices.Equal(tensor.Data[int32](x), []int32{0, 3, 1, 4, 2, 5}) || !slices.Equal(x.Shape, []int{3, 2}) {
		t.Errorf("transposed: %v, error %v", x, err)
	}
	g = gorgonia.New(gorgonia.WithShape(2, 3), gorgonia.WithBacking([]int32{0, 1, 2, 3, 4, 5}))
	view, err := g.Slice(nil, columns{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	x, err = fromGorgonia(view)
	if err != nil || !slices.Equal(tensor.Data[int32](x), []int32{1, 2, 4, 5}) {
		t.Errorf("view: %v, error %v", x, err)
	}
	// AsFortran takes its elements in row-major order.
	column := gorgonia.New(gorgonia.WithShape(2, 2), gorgonia.AsFortran([]float64{1, 2, 3, 4}))
	x, err = fromGorgonia(column)
	if err != nil || !slices.Equal(tensor.Data[float64](x), []float64{1, 2, 3, 4}) {
		t.Errorf("column-major: %v, error %v", x, err)
	}
}

func TestConversionKeepsValues(t *testing.T) {
	for _, c := range []struct {
		x  *tensor.Tensor
		d  tensor.DType
		ok bool
	}{
		{tensor.Vector[float32](3, -4), tensor.Int64, true},
		{tensor.Vector[float32](0.5), tensor.Int64, false},
		{tensor.Vector[float32](-1), tensor.Uint8, false},
		{tensor.Vector[int64](1<<53 + 1), tensor.Float64, false},
		{tensor.Vector[int64](1<<53 + 1), tensor.Uint64, false},
		{tensor.Vector(0.1), tensor.Float32, false},
		{tensor.Vector(0.5), tensor.Float32, true},
		{tensor.Vector(true), tensor.Int64, false},
		{tensor.Vector(true), tensor.Bool, true},
	} {
		y, err := asType(c.x, c.d)
		if (err == nil) != c.ok || err == nil && y.DType != c.d {
			t.Errorf("%v as %v: %v, error %v", c.x, c.d, y, err)
		}
	}
}
