package loss_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func TestRefusals(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		o       loss.Options
		kind    loss.Kind
		classes int
		want    string
	}{
		{loss.Options{Name: "nll"}, loss.Classification, 3, `loss: no classification loss is called "nll"; available: asymmetric, balanced-softmax, bce, ce`},
		{loss.Options{Name: "conf-mse"}, loss.Classification, 3, `no classification loss is called "conf-mse"`},
		{loss.Options{Name: "ce"}, loss.Confidence, 1, `no confidence loss is called "ce"; available: bce, mse`},
		{loss.Options{Name: "ce"}, loss.Classification, 1, "use bce"},
		{loss.Options{Name: "modified-focal-softmax"}, loss.Classification, 1, "use modified-focal-sigmoid"},
		{loss.Options{Name: "bce"}, loss.Classification, 0, "0 classes"},
		{focal("bce", 0.5, 2), loss.Classification, 3, "alpha: bce has no such parameter; it has none"},
		{loss.Options{Name: "focal-softmax", Params: map[string]float64{"beta": 1}}, loss.Classification, 3, "it has alpha, gamma"},
		{focal("focal-softmax", 1.5, 2), loss.Classification, 3, "alpha: 1.5 is outside [0, 1]"},
		{focal("focal-softmax", nan, 2), loss.Classification, 3, "alpha: NaN"},
		{focal("focal-softmax", 0.5, -1), loss.Classification, 3, "gamma: -1 is outside [0, 100]"},
		{focal("focal-softmax", 0.5, math.Inf(1)), loss.Classification, 3, "gamma: +Inf"},
		{loss.Options{Name: "ce", Eps: -1e-7}, loss.Classification, 3, "eps: -1e-07"},
		{loss.Options{Name: "ce", Eps: nan}, loss.Classification, 3, "eps: NaN"},
		{loss.Options{Name: "ce", Eps: 1}, loss.Classification, 3, "eps: 1 is outside"},
		{loss.Options{Name: "mse", Eps: 1e-7}, loss.Confidence, 1, "eps: conf-mse has no logarithm to add ε to"},
		{focal("sigmoid-focal", -1.5, 2), loss.Classification, 3, "alpha: -1.5 is outside [-1, 1]"},
		{loss.Options{Name: "quality-focal", Params: map[string]float64{"beta": 0.5}}, loss.Classification, 3, "beta: 0.5 is outside 0 and [1, 100]"},
		{loss.Options{Name: "asymmetric", Params: map[string]float64{"gamma_neg": -1}}, loss.Classification, 3, "gamma-neg: -1 is outside [0, 100]"},
		{loss.Options{Name: "asymmetric", Params: map[string]float64{"clip": 1e-40}}, loss.Classification, 3, "clip: 1e-40 is outside 0 and"},
		{loss.Options{Name: "asymmetric", Eps: 1e-8}, loss.Classification, 3, "eps: asymmetric has no logarithm to add ε to"},
		{loss.Options{Name: "poly1-ce"}, loss.Classification, 1, "use poly1-focal"},
		{loss.Options{Name: "varifocal", LabelSmoothing: 0.1}, loss.Classification, 3, "label-smoothing: only labels can be smoothed, and the targets of varifocal are measured qualities"},
		{loss.Options{Name: "gaussian-focal", LabelSmoothing: 0.1}, loss.Classification, 3, "label-smoothing: only labels can be smoothed, and the targets of gaussian-focal are measured heat maps"},
		{loss.Options{Name: "ce", Reduction: "max"}, loss.Classification, 3, `reduction: "max", expected one of mean`},
		{loss.Options{Name: "ce", Target: "onehot"}, loss.Classification, 3, `target: "onehot"`},
		{loss.Options{Name: "mse", Target: loss.Index}, loss.Confidence, 1, "target: a confidence target is a number"},
		{loss.Options{Name: "ce", LabelSmoothing: 1}, loss.Classification, 3, "label-smoothing: 1"},
		{loss.Options{Name: "ce", LabelSmoothing: nan}, loss.Classification, 3, "label-smoothing: NaN"},
		{loss.Options{Name: "ce", IgnoreIndex: ptr(int64(1))}, loss.Classification, 3, "ignore-index: 1 is a valid dense target"},
		{loss.Options{Name: "ce", IgnoreIndex: ptr(int64(math.MinInt64))}, loss.Classification, 3, "ignore-index"},
		{loss.Options{Name: "ldam"}, loss.Classification, 3, "class-counts: ldam needs the number of objects per class"},
		{loss.Options{Name: "ce", ClassCounts: []float64{1, 2, 3}}, loss.Classification, 3, "class-counts: ce does not depend on them"},
		{loss.Options{Name: "ldam", ClassCounts: []float64{1, 2}}, loss.Classification, 3, "class-counts: 2 counts for 3 classes"},
		{loss.Options{Name: "ldam", ClassCounts: []float64{1, 0, 2}}, loss.Classification, 3, "class-counts: count 1 is 0"},
		{loss.Options{Name: "ldam", ClassCounts: []float64{1, 2, nan}}, loss.Classification, 3, "class-counts: count 2 is NaN"},
		{loss.Options{Name: "ldam", ClassCounts: []float64{1, 2, math.Inf(1)}}, loss.Classification, 3, "class-counts: count 2 is +Inf"},
		{loss.Options{Name: "ce", Background: ptr(3)}, loss.Classification, 3, "background: class 3 is outside [0, 3)"},
		{loss.Options{Name: "distribution-focal", Target: loss.Dense}, loss.Box, 3, `target: "dense", expected bins`},
		{loss.Options{Name: "distribution-focal", IgnoreIndex: ptr(int64(-1))}, loss.Box, 3, "ignore-index: rows with a position below 0"},
		{loss.Options{Name: "distribution-focal", LabelSmoothing: 0.1}, loss.Box, 3, "label-smoothing: only labels"},
		{loss.Options{Name: "distribution-focal"}, loss.Box, 1, "needs at least two classes"},
		{loss.Options{Name: "ce", Target: loss.Bins}, loss.Classification, 3, `target: "bins", expected dense or index`},
		{loss.Options{Name: "ghm-c", Params: map[string]float64{"bins": 2.5}}, loss.Classification, 3, "bins: 2.5 is outside whole numbers in [1, 100]"},
		{loss.Options{Name: "ghm-c", Params: map[string]float64{"momentum": 1}}, loss.Classification, 3, "momentum: 1 is outside"},
		{loss.Options{Name: "ohem-ce"}, loss.Classification, 3, "background: ohem-ce needs a no-object class"},
		{loss.Options{Name: "seesaw", Params: map[string]float64{"mitigation": nan}}, loss.Classification, 3, "mitigation: NaN"},
		{loss.Options{Name: "mal", Modulate: &loss.Modulation{Gamma: []float64{2}}}, loss.Classification, 3, "modulate: the targets of mal are qualities"},
		{loss.Options{Name: "bce", Modulate: &loss.Modulation{Gamma: []float64{2, 1}}}, loss.Classification, 3, "modulate: gamma: 2 numbers for 3 classes, want 1 or 3"},
		{loss.Options{Name: "bce", Modulate: &loss.Modulation{}}, loss.Classification, 3, "modulate: gamma: 0 numbers"},
		{loss.Options{Name: "bce", Modulate: &loss.Modulation{Gamma: []float64{2}, Alpha: []float64{nan}}}, loss.Classification, 3, "modulate: number 0 is NaN"},
		{loss.Options{Name: "bce", Modulate: &loss.Modulation{Gamma: []float64{-2}}}, loss.Classification, 3, "modulate: number 0 is -2, which is outside [0, 100]"},
		{loss.Options{Name: "sigmoid-focal", PerClass: map[string][]float64{"alpha": {1, 2, 0}}}, loss.Classification, 3, "alpha-per-class: number 1 is 2"},
		{loss.Options{Name: "sigmoid-focal", PerClass: map[string][]float64{"gamma": {1}}}, loss.Classification, 3, "gamma-per-class: 1 numbers for 3 classes"},
		{loss.Options{Name: "bce", PerClass: map[string][]float64{"gamma": {1, 1, 1}}}, loss.Classification, 3, "gamma-per-class: bce does not allow one number per class"},
		{loss.Options{Name: "weighted-ce"}, loss.Classification, 3, "background: weighted-ce needs a no-object class"},
		{loss.Options{Name: "weighted-ce", Background: ptr(-1)}, loss.Classification, 3, "background: class -1 is outside [0, 3)"},
		{loss.Options{Name: "mal", LabelSmoothing: 0.1}, loss.Classification, 3, "label-smoothing: only labels can be smoothed, and the targets of mal"},
		{loss.Options{Name: "ce", ClassWeights: []float64{1, 2}}, loss.Classification, 3, "class-weights: 2 weights for 3 classes"},
		{loss.Options{Name: "ce", ClassWeights: []float64{1, nan, 1}}, loss.Classification, 3, "class-weights: weight 1 is NaN"},
		{loss.Options{Name: "ce", ClassWeights: []float64{1, -2, 1}}, loss.Classification, 3, "weight 1 is -2"},
		{loss.Options{Name: "ce", ClassWeights: []float64{1, 1, math.Inf(1)}}, loss.Classification, 3, "weight 2 is +Inf"},
	} {
		m := graph.New(13)
		z, err := m.Graph.AddInput("logits", graph.TensorOf(tensor.Float32, graph.Static(1, 2, c.classes)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = loss.Emit(z, c.kind, c.o, "")
		var usage *loss.OptionError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.o, err, c.want)
		}
		if len(m.Graph.Inputs) != 1 || len(m.Graph.Nodes) != 0 {
			t.Errorf("%+v: the graph changed", c.o)
		}
		if _, err := loss.Eval(c.kind, c.o, loss.Batch{C: c.classes}); err == nil {
			t.Errorf("%+v: the oracle takes it", c.o)
		}
	}
}

func TestRefusedLogits(t *testing.T) {
	for _, typ := range []graph.Type{
		graph.TensorOf(tensor.Int64, graph.Static(1, 2, 3)),
		graph.TensorOf(tensor.Float32, graph.Static(1, 2)),
		graph.TensorOf(tensor.Float32, nil),
		graph.TensorOf(tensor.Float32, graph.Shape{graph.Known(1), graph.Known(2), graph.Named("C")}),
		{},
	} {
		m := graph.New(13)
		z, err := m.Graph.AddInput("logits", typ)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := loss.Emit(z, loss.Classification, loss.Options{Name: "ce"}, ""); err == nil {
			t.Errorf("%v: no error", typ)
		}
	}
}

// Two losses on one graph: names do not clash, dimensions keep their names, and
// the same calls give the same names.
func TestNames(t *testing.T) {
	build := func() []string {
		m := graph.New(13)
		shape := graph.Shape{graph.Named("batch"), graph.Named("anchors"), graph.Known(3)}
		z, err := m.Graph.AddInput("target", graph.TensorOf(tensor.Float32, shape))
		if err != nil {
			t.Fatal(err)
		}
		class, err := loss.Emit(z, loss.Classification, loss.Options{Name: "focal-softmax", Reduction: loss.Fed, AnchorWeights: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		conf, err := loss.Emit(z, loss.Confidence, loss.Options{Name: "mse"}, "confidence_")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, in := range append(class.Inputs, conf.Inputs...) {
			names = append(names, fmt.Sprintf("%s %s %v", in.Role, in.Value.Name, in.Value.Type))
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		for _, n := range m.Graph.Nodes {
			if !strings.HasPrefix(n.Name, "loss/") {
				t.Errorf("node %v is outside the scope", n)
			}
			names = append(names, n.Name)
		}
		return append(names, class.PerAnchor.String(), class.Loss.String())
	}
	got := build()
	want := []string{
		"target target_1 float32[batch,anchors,3]", "target_weight target_weight float32[batch,anchors]",
		"normalizer normalizer float32[]", "target confidence_target float32[batch,anchors,3]",
	}
	if !slices.Equal(got[:4], want) {
		t.Errorf("inputs %q, want %q", got[:4], want)
	}
	if again := build(); !slices.Equal(got, again) {
		t.Errorf("names %q, then %q", got, again)
	}
	if last := got[len(got)-2:]; !strings.HasSuffix(last[0], "float32[batch,anchors]") || !strings.HasSuffix(last[1], "float32[]") {
		t.Errorf("results %q", last)
	}
}
