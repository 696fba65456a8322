package verify_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// boxOptions puts losses on classes and boxes.
var boxOptions = emit.Options{Form: emit.LogitsGradientForm, Loss: loss.Options{Name: "quality-focal", Reduction: loss.Positives, CheckTargets: true}, Box: "distribution-focal"}

// The bins of boxes are read with those of the sides beside them: a graph that
// takes them apart otherwise is no proof.
func TestPlantedFaultInBoxes(t *testing.T) {
	if failed := prove(t, rewritten(t, "yolo_free", boxOptions), "yolo_free"); failed != nil {
		t.Fatalf("failed without a fault: %v", failed)
	}
	m := rewritten(t, "yolo_free", boxOptions)
	planted := false
	for _, n := range emitted(m, "Relu") { // of 1 − |y − i|
		planted = bypass(n) || planted
	}
	if failed := prove(t, m, "yolo_free"); !planted || failed == nil {
		t.Errorf("nobody misses the shares of the bins (planted: %v)", planted)
	}
}

// TestBoxesInORT holds the runtime's loss of boxes to the closed form, on the
// logits that it gives itself.
func TestBoxesInORT(t *testing.T) {
	orttest.Need(t)
	m := rewritten(t, "yolo_free", boxOptions)
	x, err := emit.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "boxes.onnx")
	if err := onnx.WriteFile(path, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	feeds := orttest.Inputs(t, m.Graph, map[string]int{"batch": 2, "height": 64, "width": 96}, 4)
	const anchors = 21 * 2 * 3
	r := rand.New(rand.NewPCG(5, 6))
	y := make([]float32, 2*4*anchors)
	for i := range y {
		y[i] = 20*r.Float32() - 2
	}
	q := make([]float32, 2*anchors*10)
	q[17], q[55] = 0.5, 0.7
	feeds[x.Input(emit.RoleTarget, "").Name] = tensor.Of([]int{2, anchors, 10}, q)
	feeds[x.Input(emit.RoleTarget, "box").Name] = tensor.Of([]int{2, 4 * anchors}, y)
	out := orttest.Run(t, path, feeds, orttest.Options{})
	b := loss.Batch{N: 2, A: 4 * anchors, C: 16, Logits: op.Floats(out[x.Output(emit.RoleLogits, "box").Name]), Target: op.Floats(tensor.Vector(y...))}
	want, err := loss.Eval(loss.Box, *x.Box, b)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "loss of boxes", op.Floats(out[x.Output(emit.RoleLoss, "box").Name]), []float64{want.Loss})
	greatest := 0.0
	for _, g := range want.Grad {
		greatest = math.Max(greatest, math.Abs(g))
	}
	for i, g := range op.Floats(out[x.Output(emit.RoleLogitsGradient, "box").Name]) {
		if !(math.Abs(g-want.Grad[i]) <= 1e-5*greatest) {
			t.Fatalf("gradient[%d]: got %v, want %v", i, g, want.Grad[i])
		}
	}
}
