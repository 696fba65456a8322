package orttest

import (
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Elements of every type, scalars and empty tensors come through the runtime
// unchanged.
func TestTensorsComeBack(t *testing.T) {
	Need(t)
	feeds := map[string]*tensor.Tensor{
		"float32": tensor.Of([]int{2, 2}, []float32{-1.5, 0, 3e38, 1e-45}),
		"float64": tensor.Vector(0.1, -1e300),
		"float16": tensor.Vector[tensor.F16](0x3c00, 0xfbff, 1),
		"int8":    tensor.Vector[int8](-128, 127),
		"int16":   tensor.Vector[int16](-32768, 32767),
		"int32":   tensor.Vector[int32](-1<<31, 1<<31-1),
		"int64":   tensor.Vector[int64](-1<<63, 1<<63-1, 1<<53+1),
		"uint8":   tensor.Vector[uint8](0, 255),
		"uint16":  tensor.Vector[uint16](0, 65535),
		"uint32":  tensor.Vector[uint32](0, 1<<32-1),
		"uint64":  tensor.Vector[uint64](0, 1<<64-1),
		"bool":    tensor.Vector(true, false, true),
		"scalar":  tensor.Scalar(float32(2.5)),
		"empty":   tensor.Of([]int{0, 3}, []int64{}),
	}
	m := graph.New(13)
	for name, x := range feeds {
		in, err := m.Graph.AddInput(name, graph.TensorOf(x.DType, graph.Static(x.Shape...)))
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Graph.Declare(name+" again", in.Type)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Graph.AddNode(&graph.Node{Op: "Identity", Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}}); err != nil {
			t.Fatal(err)
		}
		m.Graph.AddOutput(out)
	}
	file := filepath.Join(t.TempDir(), "identity.onnx")
	if err := onnx.WriteFile(file, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	got := Run(t, file, feeds, Options{})
	if len(got) != len(feeds) {
		t.Errorf("%d outputs, want %d", len(got), len(feeds))
	}
	for name, x := range feeds {
		if err := conform.Compare(got[name+" again"], x); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatTheRuntimeCannotTake(t *testing.T) {
	Need(t)
	model := filepath.Join(Root(t), "testdata", "models", "classifier.onnx")
	for _, x := range []*tensor.Tensor{tensor.Vector("text"), tensor.None(), tensor.Sequence(tensor.Float32)} {
		if _, err := TryRun(t, model, map[string]*tensor.Tensor{"input": x}, Options{}); err == nil {
			t.Errorf("%v is taken", x)
		}
	}
}
