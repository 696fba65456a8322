package orttest

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

func TestRunModelWithExternalData(t *testing.T) {
	Need(t)
	x, err := tensor.Make(tensor.Float32, 2, 3, 128, 128)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tensor.Data[float32](x) {
		tensor.Data[float32](x)[i] = float32(i%251) / 251
	}
	model := filepath.Join(Root(t), "testdata", "models", "retinanet.onnx")
	feeds := map[string]*tensor.Tensor{"image": x}
	all := Run(t, model, feeds, Options{})
	if len(all) != 2 {
		t.Fatalf("%d outputs, want 2", len(all))
	}
	for name, y := range all {
		if y.Rank() != 3 || y.Shape[0] != 2 || y.Len() == 0 {
			t.Fatalf("%s: %v", name, y)
		}
		one := Run(t, model, feeds, Options{Optimize: true, Fetches: []string{name}})
		if len(one) != 1 {
			t.Fatalf("%d outputs, want %s alone", len(one), name)
		}
		top := 0.0
		for _, w := range tensor.Data[float32](y) {
			top = math.Max(top, math.Abs(float64(w)))
		}
		for i, w := range tensor.Data[float32](y) {
			g := tensor.Data[float32](one[name])[i]
			if math.Abs(float64(g-w)) > 1e-4*top {
				t.Fatalf("%s: element %d is %v when optimized, else %v", name, i, g, w)
			}
		}
	}
}

func TestRefusalLeavesTheProcessAlive(t *testing.T) {
	Need(t)
	model := filepath.Join(Root(t), "testdata", "models", "classifier.onnx")
	for range 2 {
		if _, err := TryRun(t, model, nil, Options{}); err == nil {
			t.Fatal("a run without its input succeeds")
		}
		if _, err := TryRun(t, filepath.Join(t.TempDir(), "none.onnx"), nil, Options{}); err == nil {
			t.Fatal("a model that is not there runs")
		}
	}
	x, _ := tensor.Make(tensor.Float32, 1, 3, 64, 64)
	if out := Run(t, model, map[string]*tensor.Tensor{"input": x}, Options{}); out["output"] == nil {
		t.Fatalf("outputs: %v", out)
	}
}
