package loss_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// checked is a batch with what the check must say of it, worked out by hand.
type checked struct {
	name string
	o    loss.Options
	b    loss.Batch
	want [4]int64
}

func checkedBatches() []checked {
	nan, inf := math.NaN(), math.Inf(1)
	fine := [4]int64{0, -1, -1, -1}
	dense := func(q ...float64) loss.Batch { // [2, 2, 3]
		return loss.Batch{N: 2, A: 2, C: 3, Logits: make([]float64, 12), Target: append(q, make([]float64, 12-len(q))...)}
	}
	index := func(k ...int64) loss.Batch { // [2, 3], 4 classes
		return loss.Batch{N: 2, A: 3, C: 4, Logits: make([]float64, 24), Index: append(k, make([]int64, 6-len(k))...)}
	}
	boxes := loss.Options{Name: "distribution-focal", Target: loss.Bins}
	bins := func(y ...float64) loss.Batch { // [2, 8], two boxes, 5 bins
		return loss.Batch{N: 2, A: 8, C: 5, Logits: make([]float64, 80), Target: append(y, make([]float64, 16-len(y))...)}
	}
	marked, classes := loss.Options{Name: "bce", IgnoreIndex: ptr(int64(-100))}, loss.Options{Name: "bce", Target: loss.Index}
	ignoring := loss.Options{Name: "bce", Target: loss.Index, IgnoreIndex: ptr(int64(255))}
	background := loss.Options{Name: "ce", Target: loss.Index, Background: ptr(0)}
	return []checked{
		{"all fine", loss.Options{Name: "bce"}, dense(0, 1, 0.5), fine},
		{"above", loss.Options{Name: "bce"}, dense(0, 1, 0.5, 0, 0, float64(math.Nextafter32(1, 2))), [4]int64{1, 0, 1, 2}},
		{"below", loss.Options{Name: "bce"}, dense(-math.SmallestNonzeroFloat32 * 0x1p24), [4]int64{1, 0, 0, 0}},
		{"NaN, then more", loss.Options{Name: "bce"}, dense(0, 0, 0, 0, 0, 0, 0, nan, 0, 7, -7, inf), [4]int64{4, 1, 0, 1}},
		{"the last", loss.Options{Name: "bce"}, dense(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -inf), [4]int64{1, 1, 1, 2}},
		{"ignored", marked, dense(-100, -100, -100, 0, 1, 0), fine},
		{"half ignored", marked, dense(0, 0, 0, -100, 0, -100), [4]int64{2, 0, 1, 0}},
		{"NaN beside marks", marked, dense(0, 0, 0, -100, nan, -100), [4]int64{3, 0, 1, 0}},
		{"no images", loss.Options{Name: "bce"}, loss.Batch{N: 0, A: 2, C: 3}, fine},
		{"no anchors", loss.Options{Name: "bce"}, loss.Batch{N: 2, A: 0, C: 3}, fine},
		{"classes", classes, index(0, 3, -1, 4), fine},
		{"no class", classes, index(0, 3, -2, 5, 4), [4]int64{2, 0, 2, -1}},
		{"far away", classes, index(0, 0, 0, 0, math.MaxInt64, math.MinInt64), [4]int64{2, 1, 1, -1}},
		{"ignored class", ignoring, index(255, 254), [4]int64{1, 0, 1, -1}},
		{"with a background", background, index(0, 3, 2, -1, 4), [4]int64{2, 1, 0, -1}},
		{"distances", boxes, bins(0, 4, 3.999, -1, -1e9, 2), fine},
		{"beyond the last bin", boxes, bins(0, 0, 4, float64(math.Nextafter32(4, 5)), 5), [4]int64{2, 0, 0, 3}},
		{"no distances", boxes, bins(0, -7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -inf, nan, inf), [4]int64{3, 1, 1, 1}},
		{"the last side", boxes, bins(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, nan), [4]int64{1, 1, 1, 3}},
		{"no images of boxes", boxes, loss.Batch{N: 0, A: 8, C: 5}, fine},
		{"no boxes", boxes, loss.Batch{N: 2, A: 0, C: 5}, fine},
		{"no images of classes", classes, loss.Batch{N: 0, A: 3, C: 4, Index: []int64{}}, fine},
		{"no anchors with classes", classes, loss.Batch{N: 3, A: 0, C: 4, Index: []int64{}}, fine},
	}
}

// eachChecked builds the check for every batch, at each opset in turn.
func eachChecked(t *testing.T, run func(m *lossModel, b loss.Batch) *tensor.Tensor) {
	opset := int64(7)
	for _, c := range checkedBatches() {
		c.o.CheckTargets = true
		if got := loss.CheckTargets(c.o, c.b); got != c.want {
			t.Errorf("%s: worked out as %v, want %v", c.name, got, c.want)
		}
		for _, dynamic := range []bool{false, true} {
			m := newModel(t, kindOf(c.o), c.o, c.b, modelForm{dynamic: dynamic, opset: opset})
			if opset++; opset > 23 {
				opset = 7
			}
			m.Graph.AddOutput(m.result.Check)
			if s := m.result.Check.Type.String(); s != "int64[4]" {
				t.Errorf("%s: type %s", c.name, s)
			}
			got := run(m, c.b)
			if fmt.Sprint(tensor.Data[int64](got)) != fmt.Sprint(c.want[:]) {
				t.Errorf("%s, dynamic %v, opset %d: got %v, want %v", c.name, dynamic, opset-1, tensor.Data[int64](got), c.want)
			}
		}
	}
}

func TestCheckTargets(t *testing.T) {
	for _, double := range []bool{false, true} {
		eachChecked(t, func(m *lossModel, b loss.Batch) *tensor.Tensor {
			plan, err := interp.New(m.Model, interp.Options{Double: double})
			if err != nil {
				t.Fatal(err)
			}
			out, err := plan.Run(context.Background(), m.feeds(b, double))
			if err != nil {
				t.Fatal(err)
			}
			return out[m.result.Check.Name]
		})
	}
}

func TestStockCheckTargets(t *testing.T) {
	orttest.Need(t)
	optimize := false
	eachChecked(t, func(m *lossModel, b loss.Batch) *tensor.Tensor {
		path := filepath.Join(t.TempDir(), "loss.onnx")
		if err := onnx.WriteFile(path, m.Model, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		optimize = !optimize
		return orttest.Run(t, path, m.feeds(b, false), orttest.Options{Optimize: optimize})[m.result.Check.Name]
	})
}
