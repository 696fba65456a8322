package interp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// sizes are given to dynamic axes: several images, and not square ones.
var sizes = map[string]int{"batch": 2, "height": 96, "width": 128}

// oneImage has the models whose batch axis is named and yet takes one image
// alone, since their exporter unrolled the loop over images.
var oneImage = map[string]bool{"tv_fasterrcnn_r18_full_op13_c21": true}

// The interpreter and ONNX Runtime agree within relative of a tensor's largest
// value. Added to that is the error of the runtime's own Sigmoid, which is a
// rational approximation: where all values are small it shows (the runtime is
// 1.3e-7 from the float64 result, and the interpreter 1e-10).
const (
	relative = 1e-4
	absolute = 1.5e-7
)

// TestModelsAgreeWithORT holds each model's outputs against ONNX Runtime's.
//
// Where a model selects rows by their order (TopK, suppression), two scores a
// rounding error apart may change places, and all rows after them. There the
// comparison is cut in two: what reaches the selection must agree; and given
// the runtime's values of that, the interpreter must select and output the
// same.
func TestModelsAgreeWithORT(t *testing.T) {
	orttest.Need(t)
	for _, model := range orttest.Models(t) {
		t.Run(model.Name, func(t *testing.T) {
			m, err := onnx.ReadFile(model.File(t))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			dims := maps.Clone(sizes)
			if oneImage[model.Name] {
				dims["batch"] = 1
			}
			feeds := orttest.Inputs(t, m.Graph, dims, 1)
			outputs := names(m.Graph.Outputs)
			for _, name := range logits(t, model) {
				outputs = fetch(m.Graph, m.Graph.Value(name), outputs)
			}
			cut := frontier(m.Graph)
			for _, v := range cut {
				fetch(m.Graph, v, outputs)
			}
			file := filepath.Join(t.TempDir(), "model.onnx")
			if err := onnx.WriteFile(file, m, onnx.Options{}); err != nil {
				t.Fatal(err)
			}
			want := orttest.Run(t, file, feeds, orttest.Options{})
			if len(cut) == 0 {
				compare(t, run(t, m, feeds, outputs), want)
				return
			}
			given := maps.Clone(feeds)
			for _, v := range cut {
				given[v.Name] = want[v.Name]
			}
			compare(t, run(t, m, feeds, names(cut)), want)
			compare(t, run(t, m, given, outputs), want)
		})
	}
}

// logits names the tensors that the model's answer key has for class logits:
// what a training graph takes from the model, and what there is to compare
// where random weights give no detections.
func logits(t *testing.T, model orttest.Model) []string {
	text, err := os.ReadFile(model.Key)
	if err != nil {
		t.Fatal(err)
	}
	var key struct {
		Heads []struct {
			Logits string `json:"logits_tensor"`
		} `json:"heads"`
	}
	if err := json.Unmarshal(text, &key); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, h := range key.Heads {
		names = append(names, h.Logits)
	}
	return names
}

// fetch makes v an output of g, if it is none, and gives outputs with its name.
func fetch(g *graph.Graph, v *graph.Value, outputs []string) []string {
	if slices.Contains(outputs, v.Name) {
		return outputs
	}
	g.AddOutput(v)
	return append(outputs, v.Name)
}

func names(vs []*graph.Value) []string {
	var s []string
	for _, v := range vs {
		s = append(s, v.Name)
	}
	return s
}

// selects has the operators whose result jumps when its input changes slightly.
var selects = map[string]bool{"TopK": true, "NonMaxSuppression": true, "NonZero": true}

// frontier is the values that selections and what follows from them read, and
// that do not follow from a selection: none if there are no selections.
func frontier(g *graph.Graph) []*graph.Value {
	after := map[*graph.Value]bool{}
	var cut []*graph.Value
	for _, n := range g.Nodes {
		reads := append(slices.Clone(n.Inputs), n.Captures()...)
		if !selects[n.Op] && !slices.ContainsFunc(reads, func(v *graph.Value) bool { return after[v] }) {
			continue
		}
		for _, o := range n.Outputs {
			after[o] = o != nil
		}
		for _, v := range reads {
			if v != nil && !constant(v) && !after[v] && !slices.Contains(cut, v) {
				cut = append(cut, v)
			}
		}
	}
	return cut
}

func constant(v *graph.Value) bool {
	return v.Init != nil || v.Producer() != nil && v.Producer().Op == "Constant"
}

func run(t *testing.T, m *graph.Model, feeds map[string]*tensor.Tensor, fetches []string) map[string]*tensor.Tensor {
	t.Helper()
	plan, err := interp.New(m, interp.Options{Feeds: slices.Sorted(maps.Keys(feeds)), Fetches: fetches})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compare reports each tensor of got that want has otherwise.
func compare(t *testing.T, got, want map[string]*tensor.Tensor) {
	t.Helper()
	worst, where := 0.0, ""
	for _, name := range slices.Sorted(maps.Keys(got)) {
		apart, err := difference(got[name], want[name])
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if apart >= worst {
			worst, where = apart, name
		}
	}
	t.Logf("%d tensors; %q is the furthest apart, by %.2g of its largest value", len(got), where, worst)
}

// difference is the largest difference between two float tensors as a share
// of want's largest value, or an error if it is too large. Tensors of other
// types must be equal.
func difference(got, want *tensor.Tensor) (float64, error) {
	if want == nil || got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		return 0, fmt.Errorf("got %v, want %v", got, want)
	}
	if want.DType != tensor.Float32 {
		return 0, equal(got, want)
	}
	w := tensor.Data[float32](want)
	top := 0.0
	for _, x := range w {
		if !math.IsInf(float64(x), 0) && x == x {
			top = max(top, math.Abs(float64(x)))
		}
	}
	worst := 0.0
	for i, g := range tensor.Data[float32](got) {
		if g == w[i] || g != g && w[i] != w[i] {
			continue
		}
		d := math.Abs(float64(g) - float64(w[i]))
		if !(d <= relative*top+absolute) {
			return 0, fmt.Errorf("%v: element %d: got %v, want %v, the largest is %v", want, i, g, w[i], top)
		}
		worst = max(worst, d/top)
	}
	return worst, nil
}

func equal(got, want *tensor.Tensor) error {
	switch want.DType {
	case tensor.Int64:
		return equalData[int64](got, want)
	case tensor.Int32:
		return equalData[int32](got, want)
	case tensor.Bool:
		return equalData[bool](got, want)
	}
	return fmt.Errorf("cannot compare %v", want)
}

func equalData[T interface {
	comparable
	tensor.Elem
}](got, want *tensor.Tensor) error {
	g := tensor.Data[T](got)
	for i, w := range tensor.Data[T](want) {
		if g[i] != w {
			return fmt.Errorf("%v: element %d: got %v, want %v", want, i, g[i], w)
		}
	}
	return nil
}
