package loss_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
)

// stock runs the model in stock ONNX Runtime, in float32.
func (m *lossModel) stock(t *testing.T, b loss.Batch) map[string][]float64 {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loss.onnx")
	if err := onnx.WriteFile(path, m.Model, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	out := orttest.Run(t, path, m.feeds(b, false), orttest.Options{Optimize: true})
	return m.read(t, out)
}

func TestStockGolden(t *testing.T) {
	orttest.Need(t)
	for _, g := range goldens(t) {
		m := newModel(t, g.loss.Kind, g.opts, g.batch, modelForm{dynamic: true})
		compare(t, g.name, m.stock(t, g.batch)["per_anchor"], g.loss1, 2e-6, 1e-7*max(1, g.opts.Params["scale"]))
	}
}

func TestStockOptions(t *testing.T) {
	orttest.Need(t)
	opsets := []int64{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}
	for _, l := range loss.All() {
		floor := 1e-9
		if asRuntime(l) {
			floor = 1e-6 // the runtime's LogSoftmax; see PlainCostOfP
		}
		for i, o := range settings(l) {
			b := batchFor(o, uint64(i))
			want, err := loss.Eval(l.Kind, o, b)
			if err != nil {
				t.Fatal(err)
			}
			f := modelForm{dynamic: i%2 == 0, opset: opsets[i%len(opsets)]}
			f.dynamic = f.dynamic && (f.opset >= 10 || l.Statistics == nil || !l.Statistics.Sorts)
			name := fmt.Sprintf("%s at opset %d %s", l.Name, f.opset, describe(t, o))
			m := newModel(t, l.Kind, o, b, f)
			got := m.stock(t, b)
			compare(t, name, got["per_anchor"], want.PerAnchor, 2e-6, floor)
			compare(t, name+": state", got["state"], slices.Concat(want.State...), 2e-6, 1e-9)
			if m.result.Loss != nil {
				compare(t, name+": loss", got["loss"], []float64{want.Loss}, 2e-6, floor)
			}
		}
	}
}

func TestStockExtremes(t *testing.T) {
	orttest.Need(t)
	for name, o := range variants() {
		b := aimed(o.Name, extremes(4))
		o.Reduction = loss.None
		want, err := loss.Eval(kindOf(o), o, b)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(t, kindOf(o), o, b, modelForm{})
		compare(t, name, m.stock(t, b)["per_anchor"], want.PerAnchor, 2e-6, 1e-7)
	}
}

func TestStockPrecision(t *testing.T) {
	orttest.Need(t)
	precision(t, func(m *lossModel, b loss.Batch) []float64 { return m.stock(t, b)["per_anchor"] })
}
