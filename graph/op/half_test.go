package op_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestHalfPrecision runs the node of every gradient case on 16-bit floats and
// compares it with float32: the results have the inputs' type and are those of
// float32, rounded.
func TestHalfPrecision(t *testing.T) {
	ran := map[string]bool{}
	for i, c := range gradCases {
		if c.op == "Cast" || c.op == "CastLike" || c.op == "Mod" || c.op == "Range" {
			continue // they name a type, or jump where an input is rounded
		}
		row := op.Lookup("", c.op)
		opset := max(row.Versions[0], c.lo, 16)
		if c.hi != 0 {
			opset = min(opset, c.hi)
		}
		for _, half := range []tensor.DType{tensor.Float16, tensor.BFloat16} {
			if err := compareHalf(c, row, opset, half, uint64(i)); err != nil {
				t.Errorf("case %d, %s at opset %d in %v: %v", i, c.op, opset, half, err)
			}
		}
		ran[c.op] = true
	}
	t.Logf("%d operators", len(ran))
}

func compareHalf(c gradCase, row *op.Op, opset int64, half tensor.DType, seed uint64) error {
	g := &gradCheck{gradCase: c, row: row, opset: opset, seed: seed}
	if err := g.build(); err != nil {
		return err
	}
	// The same values for both: drawn in float64, rounded to the half type.
	feeds, wide := map[string]*tensor.Tensor{}, map[string]*tensor.Tensor{}
	for name, x := range g.feeds {
		h, err := castTensor(x, half)
		if err != nil {
			return err
		}
		if wide[name], err = castTensor(h, tensor.Float32); err != nil {
			return err
		}
		feeds[name] = h
	}
	want, err := runPlan(g.model, wide)
	if err != nil {
		return fmt.Errorf("float32: %w", err)
	}
	narrow := &gradCheck{gradCase: c, row: row, opset: opset, seed: seed}
	narrow.in = append([]gradIn{}, c.in...)
	for i, in := range narrow.in {
		if in.t != nil && in.t.DType == tensor.Float32 {
			if narrow.in[i].t, err = castTensor(in.t, half); err != nil {
				return err
			}
		}
	}
	if err := narrow.build(); err != nil {
		return err
	}
	for _, v := range narrow.model.Graph.Inputs {
		v.Type.DType = half
	}
	forget(narrow.model.Graph)
	got, err := runPlan(narrow.model, feeds)
	if err != nil {
		return err
	}
	tol := conform.Tolerance{Rel: 1.0 / 256, Abs: 1e-2}
	if half == tensor.BFloat16 {
		tol = conform.Tolerance{Rel: 1.0 / 32, Abs: 5e-2}
	}
	for name, w := range want {
		if w.DType == tensor.Float32 {
			if got[name].DType != half {
				return fmt.Errorf("output %q is %v", name, got[name])
			}
			if w, err = castTensor(w, half); err != nil {
				return err
			}
		}
		if err := tol.Compare(got[name], w); err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
		if f := op.Floats(w); len(f) > 0 && math.IsNaN(f[0]) {
			return fmt.Errorf("output %q: NaN proves nothing", name)
		}
	}
	return nil
}

func runPlan(m *graph.Model, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	plan, err := interp.New(m, interp.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	return plan.Run(context.Background(), feeds)
}

// castTensor is t as another type, by the operator Cast.
func castTensor(t *tensor.Tensor, d tensor.DType) (*tensor.Tensor, error) {
	if t.DType == d {
		return t, nil
	}
	g := graph.New(25).Graph
	x, err := g.AddInput("x", graph.TensorOf(t.DType, graph.Static(t.Shape...)))
	if err != nil {
		return nil, err
	}
	y := op.Cast(x, d)
	if err := g.Err(); err != nil {
		return nil, err
	}
	out, err := op.Eval(y.Producer(), []*tensor.Tensor{t})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
