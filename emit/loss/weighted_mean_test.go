package loss_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// pytorchCase is a mean of PyTorch's cross_entropy; see testdata/pytorch.
type pytorchCase struct {
	Logits, Gradient, Target [][]float64
	Index                    []int64
	Ignore                   *int64
	Weight                   []float64
	Smoothing, Loss          float64
}

// Of index targets WeightedMean is PyTorch's mean, of dense ones Mean is.
func TestMeansOfPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/pytorch/cross_entropy.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []pytorchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		o := loss.Options{Name: "ce", Reduction: loss.WeightedMean, Target: loss.Index, ClassWeights: c.Weight, IgnoreIndex: c.Ignore, LabelSmoothing: c.Smoothing}
		b := loss.Batch{N: 1, A: len(c.Logits), C: len(c.Logits[0]), Logits: slices.Concat(c.Logits...), Index: c.Index}
		if c.Target != nil {
			o.Reduction, o.Target, b.Target = loss.Mean, loss.Dense, slices.Concat(c.Target...)
		}
		want, err := loss.Eval(loss.Classification, o, b)
		if err != nil {
			t.Fatal(err)
		}
		what := describe(t, o)
		compare(t, what, []float64{want.Loss}, []float64{c.Loss}, 1e-12, 0)
		compare(t, what+": gradient", want.Grad, slices.Concat(c.Gradient...), 1e-9, 1e-12)
		m := newModel(t, loss.Classification, o, b, modelForm{dynamic: true})
		compare(t, what+": graph", m.run(t, b, true)["loss"], []float64{c.Loss}, 1e-12, 0)
	}
	if len(cases) != 12 {
		t.Errorf("%d cases", len(cases))
	}
}

// Anchors that are ignored might as well not be there, whatever the reduction.
func TestIgnoredMightBeDropped(t *testing.T) {
	for _, l := range loss.All() {
		if l.Kind == loss.Box {
			continue
		}
		for _, reduction := range loss.Reductions() {
			if reduction == loss.None {
				continue
			}
			o := fit(loss.Options{Name: l.Name, Reduction: reduction, IgnoreIndex: ptr(int64(-1)), ClassWeights: []float64{2, 0.5, 1, 3}, AnchorWeights: true}, 4)
			if l.Targets == loss.Labels {
				o.LabelSmoothing = 0.1
			}
			b := batchFor(o, 4)
			var kept loss.Batch
			kept.N, kept.C, kept.State, kept.Normalizer = 1, b.C, b.State, b.Normalizer
			for i := range b.N * b.A {
				if i%4 == 3 || l.Statistics != nil && l.Statistics.Sorts && i >= b.A { // which ranks the anchors of one image
					continue
				}
				kept.A++
				kept.Logits = append(kept.Logits, b.Logits[i*b.C:][:b.C]...)
				kept.Target = append(kept.Target, b.Target[i*b.C:][:b.C]...)
				kept.Weight = append(kept.Weight, b.Weight[i])
			}
			if l.Statistics != nil && l.Statistics.Sorts {
				b.N, b.Logits, b.Target, b.Weight = 1, b.Logits[:b.A*b.C], b.Target[:b.A*b.C], b.Weight[:b.A]
			}
			with, without := newModel(t, l.Kind, o, b, modelForm{}), newModel(t, l.Kind, o, kept, modelForm{})
			what := l.Name + ", " + reduction
			compare(t, what, with.run(t, b, true)["loss"], without.run(t, kept, true)["loss"], 1e-12, 0)
			a, err := loss.Eval(l.Kind, o, b)
			if err != nil {
				t.Fatal(err)
			}
			x, err := loss.Eval(l.Kind, o, kept)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, what+": closed form", []float64{a.Loss}, []float64{x.Loss}, 1e-12, 0)
		}
	}
}
