package random

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func value(name string, d tensor.DType, dims ...graph.Dim) *graph.Value {
	return &graph.Value{Name: name, Type: graph.TensorOf(d, dims)}
}

func TestShapes(t *testing.T) {
	open, n := graph.Unknown(), graph.Named("n")
	for _, c := range []struct {
		dims  []graph.Dim
		sizes map[string]int
		want  []int
	}{
		{[]graph.Dim{open, graph.Known(3), open, open}, nil, []int{1, 3, 256, 256}},
		{[]graph.Dim{n, open}, nil, []int{1, 16}},
		{[]graph.Dim{n, n}, map[string]int{"n": 5}, []int{5, 5}},
		{[]graph.Dim{n, n}, map[string]int{"n": 5, "x:1": 2}, []int{5, 2}},
		{[]graph.Dim{open}, map[string]int{"x:0": 0}, []int{0}},
	} {
		x, err := Input(value("x", tensor.Float32, c.dims...), c.sizes, 1, nil)
		if err != nil || !slices.Equal(x.Shape, c.want) {
			t.Errorf("%v with %v: %v, want %v; %v", c.dims, c.sizes, x, c.want, err)
		}
	}
	v := value("x", tensor.Float32, n, open, graph.Known(2), n)
	if got := DimNames([]*graph.Value{v}); !slices.Equal(got, []string{"n", "x:1"}) {
		t.Errorf("the unknown dimensions are %q", got)
	}
}

// TestElements: each type has elements of its range, the same for the same seed and name.
func TestElements(t *testing.T) {
	dim := graph.Known(200)
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Bool, tensor.Int64, tensor.Uint8} {
		draw := func(name string, seed uint64) any {
			x, err := Input(value(name, d, dim), nil, seed, nil)
			if err != nil {
				t.Fatal(err)
			}
			return x.Store().Data
		}
		x := draw("x", 1)
		if !reflect.DeepEqual(x, draw("x", 1)) || reflect.DeepEqual(x, draw("x", 2)) || reflect.DeepEqual(x, draw("y", 1)) {
			t.Errorf("%v: elements do not depend on seed and name alone", d)
		}
		switch x := x.(type) {
		case []float32:
			if slices.Min(x) < 0 || slices.Max(x) >= 1 || slices.Max(x) < 0.9 {
				t.Errorf("%v: from %v to %v", d, slices.Min(x), slices.Max(x))
			}
		case []int64:
			if slices.Min(x) != 0 || slices.Max(x) != 7 {
				t.Errorf("%v: from %v to %v", d, slices.Min(x), slices.Max(x))
			}
		}
	}
}

// TestFits: what does not fit is not made, whatever its size.
func TestFits(t *testing.T) {
	full := errors.New("full")
	asked := 0
	_, err := Input(value("x", tensor.Float64, graph.Known(1<<30)), nil, 1, func(d tensor.DType, n int) error {
		if asked = n; d == tensor.Float64 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || asked != 1<<30 {
		t.Errorf("error %v, asked of %d elements", err, asked)
	}
	if _, err := Input(value("x", tensor.String, graph.Known(1)), nil, 1, nil); err == nil {
		t.Error("a text is made up")
	}
}
