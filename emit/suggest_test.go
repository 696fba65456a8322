package emit_test

import (
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// headOf is a head of so many rows for each image, found without boxes.
func headOf(t *testing.T, a patterns.Activation, anchors, classes int) *patterns.Head {
	t.Helper()
	m := graph.New(13)
	x, err := m.Graph.AddInput("scores", graph.TensorOf(tensor.Float32, graph.Static(2, anchors, classes)))
	if err != nil {
		t.Fatal(err)
	}
	part := patterns.Part{Source: x, Layout: "NRC", Slice: patterns.Slice{Stop: classes, Stride: classes}}
	return &patterns.Head{Levels: []patterns.Level{{Part: part, Anchors: graph.Known(int64(anchors))}}, Classes: classes, Activation: a, Background: -1}
}

// TestSuggest: a head is offered a loss of its own activation, focal for a detector.
func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		activation       patterns.Activation
		anchors, classes int
		want             string
	}{
		{patterns.Sigmoid, 100, 20, "modified-focal-sigmoid"},
		{patterns.Sigmoid, 100, 1, "modified-focal-sigmoid"},
		{patterns.Sigmoid, 1, 20, "bce"},
		{patterns.Softmax, 100, 20, "modified-focal-softmax"},
		{patterns.Softmax, 100, 1, "modified-focal-sigmoid"}, // a softmax over one class is always 1
		{patterns.Softmax, 1, 20, "ce"},
		{patterns.Softmax, 1, 1, "bce"},
		{patterns.None, 100, 20, "modified-focal-sigmoid"},
		{patterns.None, 1, 20, "ce"},
		{patterns.None, 1, 1, "bce"},
	} {
		if got := emit.Suggest(headOf(t, c.activation, c.anchors, c.classes)); got != c.want {
			t.Errorf("%v, %d anchors, %d classes: %s, want %s", c.activation, c.anchors, c.classes, got, c.want)
		}
	}
}

// TestSuggestedActivation: the loss suggested for a model's head has the activation that
// the head is found to have.
func TestSuggestedActivation(t *testing.T) {
	seen := map[loss.Activation]int{}
	for _, name := range []string{"classifier", "detr", "fcos", "retinanet", "ssd", "two_stage", "yolo_anchor", "yolo_free", "yolov1"} {
		r, err := patterns.Locate(read(t, name), patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		h := r.Heads[0]
		l, err := loss.Find(loss.Classification, emit.Suggest(h))
		if err != nil {
			t.Fatal(err)
		}
		seen[l.Activation]++
		if h.Activation != patterns.None && l.Activation.String() != string(h.Activation) {
			t.Errorf("%s: %s has the activation %v, the head %v", name, l.Name, l.Activation, h.Activation)
		}
	}
	if seen[loss.Sigmoid] == 0 || seen[loss.Softmax] == 0 {
		t.Errorf("activations suggested: %v", seen)
	}
}
