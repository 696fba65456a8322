package op_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// sliced is what a slice takes of the indices 0 to size-1, by the words of
// ONNX's specification, in numbers that do not overflow.
func sliced(size int, start, end, step int64) []float32 {
	low, high, lowEnd, highEnd := 0, size, 0, size
	if step < 0 {
		high, lowEnd, highEnd = size-1, -1, size-1
	}
	clamp := func(at int64, lo, hi int) *big.Int {
		x := big.NewInt(at)
		if at < 0 {
			x.Add(x, big.NewInt(int64(size)))
		}
		if x.Cmp(big.NewInt(int64(lo))) < 0 {
			x.SetInt64(int64(lo))
		}
		if x.Cmp(big.NewInt(int64(hi))) > 0 {
			x.SetInt64(int64(hi))
		}
		return x
	}
	y := []float32{}
	at, to := clamp(start, low, high), clamp(end, lowEnd, highEnd)
	for sign := big.NewInt(step).Sign(); size > 0 && to.Cmp(at) == sign; at.Add(at, big.NewInt(step)) {
		y = append(y, float32(at.Int64()))
	}
	return y
}

// TestSliceExhaustive slices axes of 0 to 4 by all small starts, ends and
// steps, and by the extremes that stand for "to the end".
func TestSliceExhaustive(t *testing.T) {
	places := []int64{math.MinInt64, math.MinInt32, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, math.MaxInt32, math.MaxInt64}
	for size := range 5 {
		x := make([]float32, size)
		for i := range x {
			x[i] = float32(i)
		}
		var nodes strings.Builder
		var outputs []string
		want, inside := map[string][]float32{}, map[string]bool{}
		for _, step := range []int64{1, 2, 3, math.MaxInt64, -1, -2, -3, math.MinInt64} {
			for _, start := range places {
				for _, end := range places {
					n := fmt.Sprint(len(want))
					fmt.Fprintf(&nodes, "s%s = Constant <value = int64[1] {%d}> ()\ne%s = Constant <value = int64[1] {%d}> ()\nt%s = Constant <value = int64[1] {%d}> ()\n", n, start, n, end, n, step)
					fmt.Fprintf(&nodes, "y%s = Slice (x, s%s, e%s, axis, t%s)\n", n, n, n, n)
					want["y"+n] = sliced(size, start, end, step)
					inside["y"+n] = liesIn(size, start) && liesIn(size, end)
					outputs = append(outputs, fmt.Sprintf("float[n%s] y%s", n, n))
				}
			}
		}
		m, err := text.Parse(fmt.Sprintf("<ir_version: 10, opset_import: [\"\" : 13]>\ng (float[%d] x) => (%s) <int64[1] axis = {0}> {\n%s}\n", size, strings.Join(outputs, ", "), &nodes))
		if err != nil {
			t.Fatal(err)
		}
		got, err := run(m, map[string]*tensor.Tensor{"x": tensor.Of([]int{size}, x)})
		if err != nil {
			t.Fatal(err)
		}
		for name, y := range want {
			if err := conform.Compare(got[name], tensor.Of([]int{len(y)}, y)); err != nil {
				t.Errorf("of %d, %s: %v, want %v", size, name, err, y)
			}
		}
		forget(m.Graph)
		m.Graph.Inputs[0].Type.Shape[0] = graph.Named(fmt.Sprint("n", size))
		if errs := op.InferModel(m).Errs(); errs != nil {
			t.Fatal(errs)
		}
		for _, v := range m.Graph.Outputs {
			n, known, err := sizeOf(v.Type.Shape[0])
			if err != nil || known && inside[v.Name] && max(n, 0) != len(want[v.Name]) {
				t.Errorf("of %d, %s: inferred %v (%v), want %v", size, v.Name, v.Type.Shape, err, want[v.Name])
			}
		}
	}
}

// liesIn reports whether a start or end lies inside of size elements, or so far
// outside that it stands for all.
func liesIn(size int, at int64) bool {
	return at >= math.MaxInt32 || at <= -math.MaxInt32 || max(at, -at) <= int64(size)
}
