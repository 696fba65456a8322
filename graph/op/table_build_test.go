package op_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestBuildersAtEveryOpset builds one graph with each function on values at
// every opset, runs it and compares it with the closed form. A function may
// refuse an opset only where the operator does not exist there.
func TestBuildersAtEveryOpset(t *testing.T) {
	x := []float32{0.5, -1.5, 2, 3, 0.25, -0.75} // [2, 3]
	vec := func(v *graph.Value, c ...int64) *graph.Value { return op.Const(v.Graph(), "c", tensor.Vector(c...)) }
	each := func(f func(x float64) float64) []float64 {
		out := make([]float64, len(x))
		for i, v := range x {
			out[i] = f(float64(v))
		}
		return out
	}
	softmax := func(i, n, step, at int) float64 {
		sum := 0.0
		for k := range n {
			sum += math.Exp(float64(x[at+k*step]))
		}
		return math.Exp(float64(x[at+i*step])) / sum
	}
	rows, cols := make([]float64, 6), make([]float64, 6)
	for i := range 6 {
		rows[i] = softmax(i%3, 3, 1, i/3*3)
		cols[i] = softmax(i/3, 2, 3, i%3)
	}
	logCols := make([]float64, 6)
	for i := range logCols {
		logCols[i] = math.Log(cols[i])
	}
	for _, c := range []struct {
		name  string
		since int64 // the first opset that has the operators
		build func(x *graph.Value) *graph.Value
		shape []int
		want  []float64
	}{
		{"Clip", 7, func(x *graph.Value) *graph.Value { return op.Clip(x, -1, 1) }, []int{2, 3}, each(func(x float64) float64 { return max(-1, min(x, 1)) })},
		{"Where", 9, func(x *graph.Value) *graph.Value { return op.Where(op.Less(x, op.Like(x, 0)), op.Neg(x), x) }, []int{2, 3}, each(math.Abs)},
		{"And, Not", 7, func(x *graph.Value) *graph.Value {
			return op.Cast(op.And(op.Greater(x, op.Like(x, 0)), op.Not(op.Greater(x, op.Like(x, 1)))), tensor.Float32)
		}, []int{2, 3}, []float64{1, 0, 0, 0, 1, 0}},
		{"Max, Min", 7, func(x *graph.Value) *graph.Value { return op.Max(op.Min(x, op.Like(x, 1)), op.Like(x, -1)) }, []int{2, 3}, each(func(x float64) float64 { return max(-1, min(x, 1)) })},
		{"Pow", 7, func(x *graph.Value) *graph.Value { return op.Pow(x, op.Like(x, 2)) }, []int{2, 3}, each(func(x float64) float64 { return x * x })},
		{"ReduceSum", 7, func(x *graph.Value) *graph.Value { return op.ReduceSum(x, []int64{1}, false) }, []int{2}, []float64{1, 2.5}},
		{"ReduceMean", 7, func(x *graph.Value) *graph.Value { return op.ReduceMean(x, []int64{0}, true) }, []int{1, 3}, []float64{1.75, -0.625, 0.625}},
		{"ReduceMax", 7, func(x *graph.Value) *graph.Value { return op.ReduceMax(x, nil, false) }, nil, []float64{3}},
		{"ReduceMin", 7, func(x *graph.Value) *graph.Value { return op.ReduceMin(x, []int64{0, 1}, true) }, []int{1, 1}, []float64{-1.5}},
		{"ArgMax", 7, func(x *graph.Value) *graph.Value { return op.Cast(op.ArgMax(x, 1, false), tensor.Float32) }, []int{2}, []float64{2, 0}},
		{"Softmax, last axis", 7, func(x *graph.Value) *graph.Value { return op.Softmax(x, -1) }, []int{2, 3}, rows},
		{"Softmax, first axis", 7, func(x *graph.Value) *graph.Value { return op.Softmax(x, 0) }, []int{2, 3}, cols},
		{"LogSoftmax, first axis", 7, func(x *graph.Value) *graph.Value { return op.LogSoftmax(x, -2) }, []int{2, 3}, logCols},
		{"Reshape", 7, func(x *graph.Value) *graph.Value { return op.Reshape(x, 3, -1) }, []int{3, 2}, each(func(x float64) float64 { return x })},
		{"Transpose", 7, func(x *graph.Value) *graph.Value { return op.Transpose(x, 1, 0) }, []int{3, 2}, []float64{0.5, 3, -1.5, 0.25, 2, -0.75}},
		{"Squeeze, Unsqueeze", 7, func(x *graph.Value) *graph.Value { return op.Squeeze(op.Unsqueeze(x, 0, 3), 0) }, []int{2, 3, 1}, each(func(x float64) float64 { return x })},
		{"Split, Concat", 7, func(x *graph.Value) *graph.Value { p := op.Split(x, 1, 1, 2); return op.Concat(1, p[1], p[0]) }, []int{2, 3}, []float64{-1.5, 2, 0.5, 0.25, -0.75, 3}},
		{"Slice", 7, func(x *graph.Value) *graph.Value { return op.Slice(x, 1, -2, math.MaxInt64) }, []int{2, 2}, []float64{-1.5, 2, 0.25, -0.75}},
		{"Pad", 7, func(x *graph.Value) *graph.Value { return op.Pad(x, 0, 1, 0, -2) }, []int{2, 2}, []float64{0, 0.5, 0, 3}},
		{"Expand", 8, func(x *graph.Value) *graph.Value { return op.Expand(op.Slice(x, 0, 0, 1), vec(x, 2, 3)) }, []int{2, 3}, []float64{0.5, -1.5, 2, 0.5, -1.5, 2}},
		{"Flatten", 7, func(x *graph.Value) *graph.Value { return op.Flatten(x, 0) }, []int{1, 6}, each(func(x float64) float64 { return x })},
		{"ConstantOfShape, Shape", 9, func(x *graph.Value) *graph.Value { return op.ConstantOfShape(op.Shape(x), tensor.Float32, 7) }, []int{2, 3}, each(func(float64) float64 { return 7 })},
		{"OneHot", 9, func(x *graph.Value) *graph.Value {
			i := op.ArgMax(x, 1, false)
			return op.OneHot(i, op.Const(x.Graph(), "depth", tensor.Scalar[int64](3)), op.Const(x.Graph(), "values", tensor.Vector[float32](0, 1)), -1)
		}, []int{2, 3}, []float64{0, 0, 1, 1, 0, 0}},
		{"Range", 11, func(x *graph.Value) *graph.Value { return op.Range(op.Like(x, 1), op.Like(x, 3), op.Like(x, 0.5)) }, []int{4}, []float64{1, 1.5, 2, 2.5}},
		{"Erf", 9, op.Erf, []int{2, 3}, each(math.Erf)},
		{"Softplus", 7, op.Softplus, []int{2, 3}, each(func(x float64) float64 { return math.Log1p(math.Exp(x)) })},
		{"Atanh", 9, func(x *graph.Value) *graph.Value { return op.Atanh(op.Div(x, op.Like(x, 4))) }, []int{2, 3}, each(func(x float64) float64 { return math.Atanh(x / 4) })},
	} {
		for opset := int64(7); opset <= 27; opset++ {
			got, err := buildAndRun(opset, tensor.Of([]int{2, 3}, x), c.build)
			switch {
			case opset < c.since && err != nil && strings.Contains(err.Error(), "has no"):
				continue
			case opset < c.since:
				t.Errorf("%s at opset %d: built, and the operator is of opset %d (%v)", c.name, opset, c.since, err)
				continue
			case err != nil:
				t.Errorf("%s at opset %d: %v", c.name, opset, err)
				continue
			}
			want := make([]float32, len(c.want))
			for i, w := range c.want {
				want[i] = float32(w)
			}
			if err := (conform.Tolerance{Rel: 1e-6, Abs: 1e-7}).Compare(got, tensor.Of(c.shape, want)); err != nil {
				t.Errorf("%s at opset %d: %v", c.name, opset, err)
			}
		}
	}
}

func buildAndRun(opset int64, x *tensor.Tensor, build func(x *graph.Value) *graph.Value) (*tensor.Tensor, error) {
	m := graph.New(opset)
	v, err := m.Graph.AddInput("x", graph.TensorOf(tensor.Float32, graph.Static(x.Shape...)))
	if err != nil {
		return nil, err
	}
	y := build(v)
	if err := m.Graph.Err(); err != nil {
		return nil, err
	}
	m.Graph.AddOutput(y)
	if err := m.Graph.Check(); err != nil {
		return nil, err
	}
	plan, err := interp.New(m, interp.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	out, err := plan.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
	return out[y.Name], err
}

// TestErrorsStick builds on after an error: the first one is reported, with
// both shapes.
func TestErrorsStick(t *testing.T) {
	m := graph.New(13)
	a, _ := m.Graph.AddInput("a", graph.TensorOf(tensor.Float32, graph.Static(2, 3)))
	b, _ := m.Graph.AddInput("b", graph.TensorOf(tensor.Float32, graph.Static(4)))
	y := op.ReduceSum(op.Softmax(op.Concat(0, op.Mul(a, b), op.Exp(a)), 1), nil, false)
	p := op.Split(y, 0, 1, 2)
	if y != nil || len(p) != 2 || p[0] != nil {
		t.Error("a value comes out behind an error")
	}
	err := m.Graph.Err()
	if err == nil || !strings.Contains(err.Error(), "[2,3]") || !strings.Contains(err.Error(), "[4]") || !strings.Contains(err.Error(), "Mul") {
		t.Errorf("the error is %v, want one of Mul that names both shapes", err)
	}
}
