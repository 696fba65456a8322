package loss_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

func TestPrecision(t *testing.T) {
	precision(t, func(m *lossModel, b loss.Batch) []float64 { return m.run(t, b, false)["per_anchor"] })
}

// asRuntime reports whether l has LogSoftmax as the runtime has it; see
// Build.PlainCostOfP.
func asRuntime(l *loss.Loss) bool {
	return l.Activation == loss.Softmax && strings.HasSuffix(l.Name, "ce") && !strings.HasPrefix(l.Name, "poly1") || l.Kind == loss.Box || shifts(l)
}

// shifts reports whether l adds something to the logits, which rounds them.
func shifts(l *loss.Loss) bool {
	return l.Adjust != nil || l.Statistics != nil && l.Statistics.Shift != nil
}

// precision holds the exact forms, run in float32, to a relative error of 1e-5
// at whatever size the loss has down to 1e-30; but those whose
// LogSoftmax is the runtime's, below an absolute 2e-7 only, and those that adjust the logits below
// what these are rounded by.
func precision(t *testing.T, run func(m *lossModel, b loss.Batch) []float64) {
	all := variants()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		o := all[name]
		if i%thorough.Every(3) > 0 {
			continue
		}
		if o.PerClass != nil || o.Modulate != nil { // whose numbers are for four classes
			continue
		}
		if o.Eps > 0 || o.Params["epsilon"] < 0 { // which takes a term of the series from itself
			continue
		}
		l := find(o.Name)
		o = fit(o, 20)
		o.Reduction = loss.None
		floor := 1e-30
		switch {
		case shifts(l):
			floor = 1e-6 * max(1, o.Params["scale"])
		case asRuntime(l):
			floor = 2e-7 * max(1, o.Params["eos_coef"])
		}
		for _, span := range []float64{1, 10, 30, 100} {
			b := draw(uint64(span), 1, 2000, 20, span)
			answer(b, find(o.Name).Activation)
			b = aimed(o.Name, b)
			want, err := loss.Eval(kindOf(o), o, b)
			if err != nil {
				t.Fatal(err)
			}
			got := run(newModel(t, kindOf(o), o, b, modelForm{}), b)
			what := fmt.Sprintf("%s, |z| ≤ %v", name, span)
			worst := 0.0
			for i, w := range want.PerAnchor {
				worst = math.Max(worst, math.Abs(got[i]-w)/math.Max(w, floor/1e-5))
			}
			t.Logf("%s: relative error %.1e", what, worst)
			compare(t, what, got, want.PerAnchor, 1e-5, floor)
		}
	}
}

// answer makes a third of b's targets one-hot, and a third those that the
// logits are right about, where the loss is small.
func answer(b loss.Batch, act loss.Activation) {
	for i := range b.N * b.A {
		z, q := b.Logits[i*b.C:][:b.C], b.Target[i*b.C:][:b.C]
		if i%3 == 0 {
			continue
		}
		top := slices.Max(z)
		for c := range q {
			q[c] = 0
			if right := z[c] == top || act == loss.Sigmoid && z[c] > 0; i%3 == 1 && c == i%b.C || i%3 == 2 && right {
				q[c] = 1
			}
		}
	}
}
