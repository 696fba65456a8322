package verify_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/onnxloss/onnxloss/patterns"
)

var elementTypes = []tensor.DType{tensor.Float16, tensor.Float64}

// typed is the YOLOv1 of the tests with a loss over logits of type d.
func typed(t *testing.T, l *loss.Loss, o loss.Options, d tensor.DType, function bool) (*graph.Model, *emit.Manifest) {
	t.Helper()
	m := read(t, "yolov1")
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	plain := l.Plain(r.Heads[0].Classes)
	o.Name, o.Background = l.Name, plain.Background
	if l.Counts {
		o.ClassCounts = counts(r.Heads[0].Classes)
	}
	if l.Targets != loss.Labels {
		o.LabelSmoothing = 0
	}
	x, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: o, Form: emit.LogitsGradientForm, DType: d, AsFunction: function})
	if err != nil {
		t.Fatal(err)
	}
	return m, x
}

// Logits, dense targets and the gradient have the type asked for, the scalar
// loss at least float32, and all that is proved of a loss holds.
func TestElementTypes(t *testing.T) {
	for i, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		for k, d := range elementTypes {
			if (i+k)%thorough.Every(2) > 0 {
				continue
			}
			for _, function := range []bool{false, true} {
				if function && (l.Statistics != nil || i%thorough.Every(4) > 0) {
					continue // whose discrete values the proof does not find in a function
				}
				m, x := typed(t, l, matrixOptions[i%len(matrixOptions)], d, function)
				for _, p := range []*emit.Port{x.Output(emit.RoleLogits, ""), x.Output(emit.RoleLogitsGradient, "")} {
					if p.DType != d.String() {
						t.Errorf("%s: %s is %s, want %v", l.Name, p.Name, p.DType, d)
					}
				}
				if p := x.Input(emit.RoleTarget, ""); x.Loss.Target == loss.Dense && p.DType != d.String() {
					t.Errorf("%s: dense targets of %s, want %v", l.Name, p.DType, d)
				}
				for _, p := range x.Outputs {
					if p.Role == emit.RoleLoss && p.DType == tensor.Float16.String() {
						t.Errorf("%s: a loss in %s", l.Name, p.DType)
					}
				}
				if _, err := verify.Training(context.Background(), m, verify.Options{Original: read(t, "yolov1")}); err != nil {
					t.Errorf("%s, %v, function %v: %v", l.Name, d, function, err)
				}
			}
		}
	}
}

func TestElementTypesInORT(t *testing.T) {
	orttest.Need(t)
	images := orttest.Inputs(t, read(t, "yolov1").Graph, sizes, 2)
	for i, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		for _, d := range elementTypes {
			t.Run(fmt.Sprintf("%s, %v", l.Name, d), func(t *testing.T) {
				m, x := typed(t, l, matrixOptions[i%len(matrixOptions)], d, false)
				path := filepath.Join(t.TempDir(), "typed.onnx")
				if err := onnx.WriteFile(path, m, onnx.Options{}); err != nil {
					t.Fatal(err)
				}
				b := drawBatch(x.Loss, logitsShape(t, path, x, images))
				feeds := targetFeeds(x, b)
				for _, in := range x.Inputs {
					feeds[in.Name] = asPort(feeds[in.Name], in.DType)
					if in.Role == emit.RoleTarget && b.Target != nil {
						b.Target = op.Floats(feeds[in.Name])
					}
				}
				for name, v := range images {
					feeds[name] = v
				}
				out := orttest.Run(t, path, feeds, orttest.Options{Optimize: true})
				b.Logits = op.Floats(out[x.Output(emit.RoleLogits, "").Name])
				checkLoss(t, x, b, out)
			})
		}
	}
}

// asPort is floats with the element type of a port.
func asPort(x *tensor.Tensor, dtype string) *tensor.Tensor {
	switch {
	case x == nil || x.DType != tensor.Float32:
		return x
	case dtype == tensor.Float64.String():
		return op.Widen(x, true)
	case dtype == tensor.Float16.String():
		h := make([]tensor.F16, x.Len())
		tensor.ToFloat16(h, tensor.Data[float32](x))
		return tensor.Of(x.Shape, h)
	}
	return x
}
