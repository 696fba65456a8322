package loss_test

import (
	"fmt"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
)

// emptyBatches are batches without images, and without anchors.
var emptyBatches = []loss.Batch{{N: 0, A: 3, C: 4}, {N: 2, A: 0, C: 4}}

// An empty batch has no anchors whose losses could be kept apart, and the loss
// 0, whatever the reduction.
func TestEmptyBatch(t *testing.T) {
	eachEmpty(t, func(m *lossModel, b loss.Batch) map[string][]float64 { return m.run(t, b, false) })
}

func TestStockEmptyBatch(t *testing.T) {
	orttest.Need(t)
	eachEmpty(t, func(m *lossModel, b loss.Batch) map[string][]float64 { return m.stock(t, b) })
}

func eachEmpty(t *testing.T, run func(m *lossModel, b loss.Batch) map[string][]float64) {
	for _, l := range loss.All() {
		for i, reduction := range loss.Reductions() {
			o, b := l.Plain(4), emptyBatches[i%2]
			o.Reduction, b.Normalizer = reduction, 1
			if l.Kind == loss.Confidence {
				b.C = 1
			}
			got := run(newModel(t, l.Kind, o, b, modelForm{dynamic: true}), b)
			name := fmt.Sprintf("%s, %s, [%d, %d]", l.Name, reduction, b.N, b.A)
			compare(t, name, got["per_anchor"], nil, 0, 0)
			if reduction != loss.None {
				compare(t, name, got["loss"], []float64{0}, 0, 0)
			}
		}
	}
}
