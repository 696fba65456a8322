package verify_test

import (
	"context"
	"errors"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// openVocabulary is a detector whose classes are embeddings that are fed, as many as there
// are.
func openVocabulary(t *testing.T) *graph.Model {
	t.Helper()
	m := graph.New(14)
	g := m.Graph
	x, err := g.AddInput("images", graph.TensorOf(tensor.Float32, graph.Static(1, 3, 8, 8)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := g.AddInput("text", graph.TensorOf(tensor.Float32, graph.Shape{graph.Known(1), graph.Named("names"), graph.Known(6)}))
	if err != nil {
		t.Fatal(err)
	}
	layer := func(out int) *graph.Value {
		w := make([]float32, out*3)
		for i := range w {
			w[i] = float32(i%5) / 5
		}
		k := op.Const(g, "w", tensor.Of([]int{out, 3, 1, 1}, w))
		return op.Transpose(op.Reshape(op.Apply("Conv", 1, nil, x, k)[0], 1, int64(out), -1), 0, 2, 1)
	}
	z := op.MatMul(layer(6), op.Transpose(text, 0, 2, 1))
	for name, v := range map[string]*graph.Value{"scores": op.Sigmoid(z), "boxes": op.Exp(layer(4))} {
		if err := v.Rename(name); err != nil {
			t.Fatal(err)
		}
		g.AddOutput(v)
	}
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOpenClasses: classes whose number the graph leaves open have a name and no loss, until
// the user says how many there are; the proof then feeds so many.
func TestOpenClasses(t *testing.T) {
	r, err := patterns.Locate(openVocabulary(t), patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := r.Heads[0]
	if h.Classes != -1 || h.OpenClasses() != "names" || h.Record().ClassWords() != "names" {
		t.Errorf("%d classes, %q", h.Classes, h.OpenClasses())
	}
	o := emit.Options{Loss: loss.Options{Name: "modified-focal-sigmoid"}}
	var open *emit.OpenClassesError
	if _, err := emit.Rewrite(r.Model, r.Heads, o); !errors.As(err, &open) || open.Name != "names" {
		t.Errorf("error %v", err)
	}
	m := openVocabulary(t)
	if r, err = patterns.Locate(m, patterns.Options{Classes: 5}); err != nil {
		t.Fatal(err)
	}
	if h = r.Heads[0]; h.Classes != 5 || h.OpenClasses() != "names" || h.Levels[0].Slice != (patterns.Slice{Start: 0, Stop: 5, Stride: 5}) {
		t.Errorf("%d classes, %v", h.Classes, h.Levels[0].Slice)
	}
	x, err := emit.Rewrite(m, r.Heads, o)
	if err != nil {
		t.Fatal(err)
	}
	if x.Heads[0].Classes != 5 || x.Fixed()["names"] != 5 {
		t.Errorf("manifest: %+v", x.Heads[0])
	}
	proof, err := verify.Training(context.Background(), m, verify.Options{Original: openVocabulary(t)})
	if err != nil || proof.Verdict() != verify.Proved {
		t.Errorf("%v %v", err, proof)
	}
}
