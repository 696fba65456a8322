package emit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

func TestQuantizedHeadIsRefused(t *testing.T) {
	m := graph.New(13)
	x, err := m.Graph.AddInput("scores", graph.TensorOf(tensor.Float32, graph.Static(1, 10, 3)))
	if err != nil {
		t.Fatal(err)
	}
	part := patterns.Part{Source: x, Layout: "NRC", Slice: patterns.Slice{Stop: 3, Stride: 3}}
	h := &patterns.Head{Levels: []patterns.Level{{Part: part, Anchors: graph.Known(10)}}, Classes: 3, Background: -1, Quantized: "its weights are int8"}
	_, err = emit.Rewrite(m, []*patterns.Head{h}, emit.Options{})
	var q *emit.QuantizedError
	if !errors.As(err, &q) || q.Head != "scores" || !strings.Contains(err.Error(), h.Quantized) {
		t.Errorf("%v, want a refusal that gives the reason", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than one line", err)
	}
}
