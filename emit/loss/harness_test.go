package loss_test

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	_ "github.com/onnxloss/onnxloss/emit/loss/all"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// compare fails where got and want differ by more than rel of want and by more
// than floor.
func compare(t *testing.T, what string, got, want []float64, rel, floor float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(got[i] - want[i]); !(d <= math.Max(rel*math.Abs(want[i]), floor)) {
			t.Errorf("%s: at %d: %.17g, want %.17g (off by %.3g)", what, i, got[i], want[i], d)
			return
		}
	}
}

// find is the loss of a name, of whatever kind.
func find(name string) *loss.Loss {
	all := loss.All()
	return all[slices.IndexFunc(all, func(l *loss.Loss) bool { return l.Name == name })]
}

// modelForm is how the model under test is built.
type modelForm struct {
	dynamic bool         // N and A are symbolic
	dtype   tensor.DType // of the logits; float32 if not set
	opset   int64        // 13 if not set
}

// lossModel is a graph of nothing but a loss.
type lossModel struct {
	*graph.Model
	kind   loss.Kind
	result *loss.Result
	plans  map[bool]*interp.Plan // by Double
	held   []*graph.Value        // what differences hold; nil for a loss without Statistics
}

func newModel(t *testing.T, k loss.Kind, o loss.Options, b loss.Batch, f modelForm) *lossModel {
	t.Helper()
	if f.opset == 0 {
		f.opset = 13
	}
	if f.dtype == tensor.Invalid {
		f.dtype = tensor.Float32
	}
	m := graph.New(f.opset)
	shape := graph.Static(b.N, b.A, b.C)
	if f.dynamic {
		shape[0], shape[1] = graph.Named("batch"), graph.Named("anchors")
	}
	z, err := m.Graph.AddInput("logits", graph.TensorOf(f.dtype, shape))
	if err != nil {
		t.Fatal(err)
	}
	res, err := loss.Emit(z, k, o, "")
	if err != nil {
		t.Fatalf("%s: %v", o.Name, err)
	}
	m.Graph.AddOutput(res.PerAnchor)
	if res.Loss != nil {
		m.Graph.AddOutput(res.Loss)
	}
	for _, v := range res.NewState {
		m.Graph.AddOutput(v)
	}
	if err := m.Check(); err != nil {
		t.Fatalf("%s: %v", o.Name, err)
	}
	x := &lossModel{m, k, res, map[bool]*interp.Plan{}, nil}
	if l := find(res.Options.Name); l.Statistics != nil {
		x.held = loss.NonDifferentiable(z)
	}
	return x
}

// hold is the plan in float64 that takes the held values of b from outside, and
// these values, stacked so many times.
func (m *lossModel) hold(t *testing.T, b loss.Batch, times int) (*interp.Plan, map[string]*tensor.Tensor) {
	t.Helper()
	var names, feeds []string
	for _, v := range m.held {
		names = append(names, v.Name)
	}
	for _, v := range m.Graph.Inputs {
		feeds = append(feeds, v.Name)
	}
	at, err := interp.New(m.Model, interp.Options{Double: true, Fetches: names})
	if err != nil {
		t.Fatal(err)
	}
	values, err := at.Run(context.Background(), m.feeds(b, true))
	if err != nil {
		t.Fatal(err)
	}
	fetches := []string{m.result.PerAnchor.Name}
	if m.result.Loss != nil {
		fetches = append(fetches, m.result.Loss.Name)
	}
	plan, err := interp.New(m.Model, interp.Options{Double: true, Feeds: append(feeds, names...), Fetches: fetches})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range values {
		values[name] = stack(v, times)
	}
	return plan, values
}

// stack is v so many times along its first axis.
func stack(v *tensor.Tensor, times int) *tensor.Tensor {
	shape := append([]int{}, v.Shape...)
	shape[0] *= times
	switch v.DType {
	case tensor.Bool:
		return tensor.Of(shape, slices.Repeat(tensor.Data[bool](v), times))
	case tensor.Int32:
		return tensor.Of(shape, slices.Repeat(tensor.Data[int32](v), times))
	}
	return tensor.Of(shape, slices.Repeat(tensor.Data[int64](v), times))
}

// run gives "per_anchor" and, if the options reduce, "loss".
func (m *lossModel) run(t *testing.T, b loss.Batch, double bool) map[string][]float64 {
	t.Helper()
	plan := m.plans[double]
	if plan == nil {
		var err error
		if plan, err = interp.New(m.Model, interp.Options{Double: double}); err != nil {
			t.Fatal(err)
		}
		m.plans[double] = plan
	}
	return m.results(t, plan, m.feeds(b, double))
}

func (m *lossModel) results(t *testing.T, plan *interp.Plan, feeds map[string]*tensor.Tensor) map[string][]float64 {
	t.Helper()
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	return m.read(t, out)
}

// read is the outputs by what they are.
func (m *lossModel) read(t *testing.T, out map[string]*tensor.Tensor) map[string][]float64 {
	t.Helper()
	res := map[string][]float64{"per_anchor": floats(t, out[m.result.PerAnchor.Name])}
	if m.result.Loss != nil {
		res["loss"] = floats(t, out[m.result.Loss.Name])
	}
	for _, v := range m.result.NewState {
		if x := out[v.Name]; x != nil {
			res["state"] = append(res["state"], floats(t, x)...)
		}
	}
	return res
}

func (m *lossModel) feeds(b loss.Batch, double bool) map[string]*tensor.Tensor {
	real := func(x []float64, shape ...int) *tensor.Tensor {
		if double {
			return tensor.Of(shape, x)
		}
		return tensor.Of(shape, narrow(x))
	}
	states := 0
	feeds := map[string]*tensor.Tensor{"logits": real(b.Logits, b.N, b.A, b.C)}
	for _, in := range m.result.Inputs {
		switch {
		case in.Role == loss.RoleTarget && b.Index != nil:
			feeds[in.Value.Name] = tensor.Of([]int{b.N, b.A}, b.Index)
		case in.Role == loss.RoleTarget:
			feeds[in.Value.Name] = real(b.Target, []int{b.N, b.A, b.C}[:len(in.Value.Shape())]...)
		case in.Role == loss.RoleTargetWeight:
			feeds[in.Value.Name] = real(b.Weight, b.N, b.A)
		case in.Role == loss.RoleNormalizer:
			feeds[in.Value.Name] = real([]float64{b.Normalizer})
		case in.Role == loss.RoleState:
			x := make([]float64, in.Value.Shape()[0].Value)
			if b.State != nil {
				x = b.State[states]
			}
			feeds[in.Value.Name] = real(x, len(x))
			states++
		}
	}
	return feeds
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// stencil is the five-point rule for a derivative: offsets in steps, and the
// weight of each.
var stencil = []struct{ at, weight float64 }{{-2, 1. / 12}, {-1, -8. / 12}, {1, 8. / 12}, {2, -1. / 12}}

const step = 1e-3

// differences is the derivative of each anchor's loss by its logits, [N, A, C],
// by differences in float64: one run over a batch of shifted copies of b.
func (m *lossModel) differences(t *testing.T, b loss.Batch) []float64 {
	t.Helper()
	wide := loss.Batch{A: b.A, C: b.C, Normalizer: b.Normalizer}
	for _, x := range b.State {
		wide.State = append(wide.State, times(x, float64(b.C*len(stencil)))) // as many times as there are copies
	}
	for c := range b.C {
		for _, s := range stencil {
			from := len(wide.Logits)
			wide.N += b.N
			wide.Logits = append(wide.Logits, b.Logits...)
			wide.Target = append(wide.Target, b.Target...)
			wide.Index = append(wide.Index, b.Index...)
			wide.Weight = append(wide.Weight, b.Weight...)
			for i := from + c; i < len(wide.Logits); i += b.C {
				wide.Logits[i] += s.at * step
			}
		}
	}
	var per []float64
	if m.held == nil {
		per = m.run(t, wide, true)["per_anchor"]
	} else {
		plan, feeds := m.hold(t, b, wide.N/b.N)
		maps.Copy(feeds, m.feeds(wide, true))
		per = m.results(t, plan, feeds)["per_anchor"]
	}
	grad := make([]float64, len(b.Logits))
	anchors := b.N * b.A
	for c := range b.C {
		for k, s := range stencil {
			shifted := per[(c*len(stencil)+k)*anchors:][:anchors]
			for i, l := range shifted {
				grad[i*b.C+c] += l * s.weight / step
			}
		}
	}
	return grad
}

// convert is x with elements of float type d.
func convert(t *testing.T, x []float64, d tensor.DType, shape ...int) *tensor.Tensor {
	t.Helper()
	switch d {
	case tensor.Float64:
		return tensor.Of(shape, x)
	case tensor.Float16:
		y := make([]tensor.F16, len(x))
		tensor.ToFloat16(y, narrow(x))
		return tensor.Of(shape, y)
	case tensor.BFloat16:
		y := make([]tensor.BF16, len(x))
		tensor.ToBFloat16(y, narrow(x))
		return tensor.Of(shape, y)
	}
	t.Fatalf("no conversion to %v", d)
	return nil
}
