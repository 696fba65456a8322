package op_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestHostileInputs runs ONNX's cases with inputs and attributes that no model
// should have: every run ends with a result or an error, in bounded time and
// memory, and none breaks an invariant of the interpreter.
func TestHostileInputs(t *testing.T) {
	names, dirs := cases(t)
	runs := 0
	for k, name := range names {
		if testing.Short() && k%7 != 0 {
			continue
		}
		m, err := onnx.ReadFile(filepath.Join(dirs[name], "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		feeds, _, err := conform.ReadSet(m, filepath.Join(dirs[name], "test_data_set_0"))
		if err != nil {
			continue
		}
		for _, v := range m.Graph.Inputs {
			v.Type = graph.Type{}
		}
		try := func(what string, feeds map[string]*tensor.Tensor) {
			runs++
			if err := attempt(m, feeds); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		for input, x := range feeds {
			for what, y := range hostile(x) {
				feeds[input] = y
				try(fmt.Sprintf("input %q %s", input, what), feeds)
			}
			feeds[input] = x
		}
		for _, n := range m.Graph.Nodes {
			for _, a := range n.Attrs {
				twist(a, func(what string) { try(fmt.Sprintf("attribute %q of %v %s", a.Name, n, what), feeds) })
			}
		}
		onnx.Close(m)
	}
	t.Logf("%d runs", runs)
}

// attempt runs the model; the error is that of a broken invariant, or of a run
// that does not end.
func attempt(m *graph.Model, feeds map[string]*tensor.Tensor) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	plan, err := interp.New(m, interp.Options{Threads: 1, MaxMemory: 1 << 24})
	if err != nil {
		return onlyDefect(err)
	}
	// A loop may be asked to run forever; it must end with its context.
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = plan.Run(ctx, feeds)
	if d := time.Since(start); d > 3*time.Second {
		return fmt.Errorf("it runs for %v after its context ended", d)
	}
	return onlyDefect(err)
}

func onlyDefect(err error) error {
	var d *interp.DefectError
	if errors.As(err, &d) {
		return fmt.Errorf("%v\n%s", d, d.Stack)
	}
	return nil
}

// hostile are variants of an input.
func hostile(x *tensor.Tensor) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{"as a sequence": tensor.Sequence(x.DType, x), "as nothing": tensor.None()}
	if x.IsSequence() || x.IsNone() {
		out["as a tensor"] = tensor.Scalar[float32](1)
		return out
	}
	none := append([]int{0}, x.Shape...)
	if t, err := tensor.Make(x.DType, none...); err == nil {
		out["with an empty axis in front"] = t
	}
	for d := range x.Shape {
		s := append([]int{}, x.Shape...)
		s[d] = 0
		if t, err := tensor.Make(x.DType, s...); err == nil {
			out[fmt.Sprintf("with axis %d empty", d)] = t
		}
	}
	if t, err := x.Reshape(append([]int{1}, x.Shape...)...); err == nil {
		out["with one axis more"] = t
	}
	if t, err := x.Reshape(x.Len()); err == nil {
		out["flat"] = t
	}
	if t, err := tensor.Make(x.DType); err == nil {
		out["as a scalar"] = t
	}
	if t, err := tensor.Make(tensor.String, x.Shape...); err == nil {
		out["of strings"] = t
	}
	if t, err := tensor.Make(tensor.Complex128, x.Shape...); err == nil {
		out["of complex numbers"] = t
	}
	for _, v := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 1 << 33, math.MinInt32} {
		if x.DType == tensor.Int64 {
			out[fmt.Sprintf("full of %d", v)] = full(x.Shape, v)
		}
	}
	for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), -math.MaxFloat32, 0} {
		if x.DType == tensor.Float32 {
			out[fmt.Sprintf("full of %v", v)] = full(x.Shape, v)
		}
	}
	return out
}

func full[T tensor.Elem](shape []int, v T) *tensor.Tensor {
	n, _ := tensor.Count(shape)
	data := make([]T, n)
	for i := range data {
		data[i] = v
	}
	return tensor.Of(shape, data)
}

// twist gives an attribute hostile values, one after the other, and its own
// back.
func twist(a *graph.Attr, try func(what string)) {
	old := *a
	defer func() { *a = old }()
	switch a.Kind {
	case graph.AttrInt:
		for _, v := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 1 << 33, 7} {
			a.I = v
			try(fmt.Sprint("= ", v))
		}
	case graph.AttrInts:
		for _, v := range []int64{math.MinInt64, math.MaxInt64, -1, 0, 1 << 33} {
			a.Ints = make([]int64, len(old.Ints))
			for i := range a.Ints {
				a.Ints[i] = v
			}
			try(fmt.Sprint("full of ", v))
		}
		a.Ints = []int64{}
		try("empty")
		a.Ints = append(append([]int64{}, old.Ints...), 1)
		try("longer")
	case graph.AttrFloat:
		for _, v := range []float32{float32(math.NaN()), float32(math.Inf(-1)), 0, -1} {
			a.F = v
			try(fmt.Sprint("= ", v))
		}
	case graph.AttrString:
		a.S = "?"
		try("= ?")
	}
	*a = old
	a.Kind = graph.AttrUndefined
	try("without a value")
}
