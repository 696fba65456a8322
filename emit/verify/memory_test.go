package verify_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// TestSample proves the loss and the fingerprint without a look at the network's
// weights, and says what it left out. A changed weight is found all the same.
func TestSample(t *testing.T) {
	train, err := appended(opened(t, encoded(t, constantsText), nil))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the weights were loaded")
	blind := func(b []byte) *graph.Model {
		m := opened(t, b, nil)
		for _, name := range []string{"w", "v"} {
			m.Graph.Value(name).Init.Load = func() (*tensor.Tensor, error) { return nil, &graph.LoadError{Tensor: name, Err: broken} }
		}
		return m
	}
	if _, err := verify.Training(context.Background(), blind(train), verify.Options{}); !errors.Is(err, broken) {
		t.Error(err)
	}
	r, err := verify.Training(context.Background(), blind(train), verify.Options{Sample: true})
	if err != nil {
		t.Fatal(err)
	}
	if left := r.With(verify.NotRun); r.Verdict() != verify.ProvedInPart || !slices.Equal(left, []string{"outputs", "unfused"}) {
		t.Error(r.Verdict(), left)
	}
	for _, name := range []string{"network", "logits", "loss", "loss64", "gradient"} {
		if !slices.Contains(r.With(verify.OK), name) {
			t.Errorf("%s is not among %q", name, r.With(verify.OK))
		}
	}
	m := opened(t, train, nil)
	at := m.Graph.Value("w").Init.Origin
	changed := slices.Clone(train)
	changed[at.Off+at.Len-1] ^= 1
	var failed *verify.FailedError
	if _, err := verify.Training(context.Background(), blind(changed), verify.Options{Sample: true}); !errors.As(err, &failed) {
		t.Error(err)
	}
}

// TestMemory adds up what is alive together.
func TestMemory(t *testing.T) {
	for src, want := range map[string][2]int64{
		`<ir_version: 8, opset_import: ["" : 17]> g (float[1,10] x) => (float[1,10] y) <float[10] w = {0,0,0,0,0,0,0,0,0,0}> {
		  a = Add(x, w) b = Relu(a) c = Relu(b) y = Relu(c) }`: {40, 80},
		`<ir_version: 8, opset_import: ["" : 17]> g (float[n,10] x) => (float[n,10] y) {
		  a = Relu(x) b = Relu(a) c = Relu(b) y = Sum(a, b, c) }`: {0, 4 * 80},
		`<ir_version: 8, opset_import: ["" : 17]> g (float[1,n] x) => (float[1,n] y) { y = Relu(x) }`: {0, -1},
	} {
		m, err := text.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		need, err := verify.Memory(m)
		if err != nil || [2]int64{need.Weights, need.Activations} != want {
			t.Errorf("%+v, %v, want %d: %s", need, err, want, src)
		}
	}
}

// TestMemoryError: a proof that needs more than it may hold is not begun, and a sample of
// it is.
func TestMemoryError(t *testing.T) {
	train, err := appended(opened(t, encoded(t, constantsText), nil))
	if err != nil {
		t.Fatal(err)
	}
	need, err := verify.Memory(opened(t, train, nil))
	if err != nil {
		t.Fatal(err)
	}
	var refused *verify.MemoryError
	stages := 0
	o := verify.Options{MaxMemory: need.Total() - 1, Stage: func(int, int, string) { stages++ }}
	r, err := verify.Training(context.Background(), opened(t, train, nil), o)
	if r != nil || !errors.As(err, &refused) || !errors.Is(err, interp.ErrMemory) || refused.Need != need || stages != 0 {
		t.Errorf("%v, %v after %d stages", r, err, stages)
	}
	o.Sample, o.MaxMemory = true, 1<<30
	if r, err := verify.Training(context.Background(), opened(t, train, nil), o); err != nil || stages == 0 {
		t.Errorf("%v, %v after %d stages", r, err, stages)
	}
}
