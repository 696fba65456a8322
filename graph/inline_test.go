package graph_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/text"
)

// calls is a model whose function i calls function i-1 so many times, up to
// depth; function 0 calls the one named by last.
func calls(t *testing.T, depth, times int, last string) *graph.Model {
	src := fmt.Sprintf(`<ir_version: 8, opset_import: ["" : 17, "f" : 1]>
	g (float[2] x) => (float[2] y) { y = f.F%d(x) }
	<domain: "f", opset_import: ["" : 17, "f" : 1]> F0 (x) => (y) { y = %s(x) }`, depth, last)
	for i := 1; i <= depth; i++ {
		src += fmt.Sprintf(` <domain: "f", opset_import: ["" : 17, "f" : 1]> F%d (x) => (y) {`, i)
		for k := range times {
			in, out := "x", "y"
			if k > 0 {
				in = fmt.Sprint("z", k)
			}
			if k < times-1 {
				out = fmt.Sprint("z", k+1)
			}
			src += fmt.Sprintf(" %s = f.F%d(%s)", out, i-1, in)
		}
		src += " }"
	}
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestInlineIsBounded: functions that would grow without measure, or call each
// other in a circle, are refused before anything is made of them.
func TestInlineIsBounded(t *testing.T) {
	for _, c := range []struct {
		depth, times int
		last         string
		fits         bool
	}{
		{3, 4, "Relu", true}, {60, 1, "Relu", true}, {70, 1, "Relu", false}, {17, 2, "Relu", false}, {60, 2, "Relu", false},
		{3, 90, "Relu", false}, {2, 2, "f.F2", false}, {2, 1, "f.F0", false},
	} {
		in, err := graph.Inline(calls(t, c.depth, c.times, c.last))
		if (err == nil) != c.fits || err != nil && !errors.Is(err, graph.ErrTooDeep) {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil && len(in.Model.Graph.Nodes) == 0 {
			t.Errorf("%+v: no nodes", c)
		}
	}
}
