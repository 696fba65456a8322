package loss_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// maskedBatch is drawn logits of four classes of which anchors have all, some or
// none masked, with targets for classes that are not, or for masked ones, too.
func maskedBatch(o loss.Options, asked bool) loss.Batch {
	b := draw(21, 1, 48, 4, 6)
	b.State, b.Normalizer = stateFor(o, 4, 5), 3.5
	if o.Target == loss.Index {
		b.Index = make([]int64, b.A)
	}
	for i := range b.A {
		z, q := b.Logits[i*4:][:4], b.Target[i*4:][:4]
		label := i / 16
		for c := range z {
			if (c != label || asked && i%5 == 0) && i>>c&1 == 1 || i%16 == 15 {
				z[c] = math.Inf(-1)
			}
			if i%3 > 0 { // a single class
				q[c] = 0
				if c == label {
					q[c] = 1
				}
			}
			if math.IsInf(z[c], -1) && (!asked || i%5 > 0) {
				q[c] = 0
			}
		}
		if i == 15 && b.Index == nil && o.IgnoreIndex != nil {
			for c := range q {
				q[c] = float64(*o.IgnoreIndex)
			}
		}
		if b.Index == nil {
			continue
		}
		b.Index[i] = int64(label)
		if i%16 == 15 && !(asked && i%5 == 0) {
			b.Index[i] = -1
		}
	}
	if o.AnchorWeights {
		for i := range b.A {
			b.Weight = append(b.Weight, float64(i%4))
		}
	}
	if o.Target == loss.Index {
		b.Target = nil
	}
	return aimed(o.Name, b)
}

// maskedOptions is every loss in all its forms.
func maskedOptions() map[string]loss.Options {
	all := map[string]loss.Options{}
	for name, o := range variants() {
		o.Reduction = loss.None
		all[name] = o
		weighted := o
		weighted.ClassWeights, weighted.AnchorWeights = []float64{1, 0.5, 2, 0}, true
		all[name+" weighted"] = weighted
		if kindOf(o) == loss.Classification {
			index := o
			index.Target, index.IgnoreIndex = loss.Index, ptr(int64(-1))
			all[name+" index"] = index
			dense := o
			dense.IgnoreIndex = ptr(int64(-100))
			all[name+" ignoring"] = dense
		}
	}
	return all
}

// same is x with +∞ as a number, which comparisons can subtract.
func same(x []float64) []float64 {
	y := append([]float64{}, x...)
	for i, v := range y {
		if math.IsInf(v, 1) {
			y[i] = 1e300
		}
	}
	return y
}

// A masked class adds nothing to the loss if its target is 0 and has no gradient; a
// target above 0 costs +∞. There is no NaN.
func TestMasked(t *testing.T) {
	for name, o := range maskedOptions() {
		for _, asked := range []bool{false, true} {
			b := maskedBatch(o, asked)
			want, err := loss.Eval(kindOf(o), o, b)
			if err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("%s, asked %v", name, asked)
			checkMasked(t, what, o, b, want, asked)
			m := newModel(t, kindOf(o), o, b, modelForm{dynamic: true})
			compare(t, what+": float64", same(m.run(t, b, true)["per_anchor"]), same(want.PerAnchor), 1e-9, 1e-12)
			compare(t, what+": float32", same(m.run(t, b, false)["per_anchor"]), same(want.PerAnchor), 5e-6, 1e-6)
			if !asked && name != o.Name {
				continue
			}
			m = newModel(t, kindOf(o), o, b, modelForm{})
			grads := map[string]string{"derived": differentiate(t, m.Graph, m.result.PerAnchor, m.result.Finite).Name}
			if gradient := m.result.Gradient(); gradient != nil && !o.AnchorWeights && o.IgnoreIndex == nil && find(o.Name).LabelWeights == nil {
				grads["closed"] = gradient.Name
			}
			for form, grad := range grads {
				plan, err := interp.New(m.Model, interp.Options{Fetches: []string{grad}, Double: true})
				if err != nil {
					t.Fatal(err)
				}
				out, err := plan.Run(context.Background(), m.feeds(b, true))
				if err != nil {
					t.Fatal(err)
				}
				compareMaskedGrad(t, what+": gradient "+form, floats(t, out[grad]), want, b)
			}
		}
	}
}

// checkMasked holds the closed form to what masks mean.
func checkMasked(t *testing.T, what string, o loss.Options, b loss.Batch, want *loss.Outcome, asked bool) {
	t.Helper()
	infinite := 0
	for i, x := range want.PerAnchor {
		switch {
		case math.IsNaN(x):
			t.Errorf("%s: anchor %d: NaN", what, i)
		case math.IsInf(x, 1):
			infinite++
		case i%16 == 15 && !asked && o.Eps == 0 && x != 0 && find(o.Name).Kind == loss.Classification && o.Name != "poly1-ce":
			t.Errorf("%s: anchor %d, all masked: %v, want 0", what, i, x)
		}
	}
	for i, z := range b.Logits {
		if math.IsInf(z, -1) && !math.IsInf(want.PerAnchor[i/b.C], 1) && want.Grad[i] != 0 {
			t.Errorf("%s: gradient %v by masked logit %d", what, want.Grad[i], i)
		}
	}
	α, weighted := o.Params["alpha"]
	bounded := o.Eps > 0 || o.Name == "conf-mse" || weighted && α == 0 && o.Name != "gaussian-focal"
	if asked && !bounded && infinite == 0 {
		t.Errorf("%s: no loss is infinite", what)
	}
}

// compareMaskedGrad compares gradients where the loss is finite; elsewhere they need
// only be numbers.
func compareMaskedGrad(t *testing.T, what string, got []float64, want *loss.Outcome, b loss.Batch) {
	t.Helper()
	g, w := make([]float64, len(got)), make([]float64, len(got))
	for i, x := range got {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("%s: at %d: %v", what, i, x)
		}
		if !math.IsInf(want.PerAnchor[i/b.C], 1) {
			g[i], w[i] = x, want.Grad[i]
		}
	}
	compare(t, what, g, w, 1e-9, 1e-9)
}

func TestStockMasked(t *testing.T) {
	orttest.Need(t)
	opsets := []int64{7, 8, 9, 11, 12, 13, 17, 21}
	i := 0
	for name, o := range maskedOptions() {
		b := maskedBatch(o, true)
		want, err := loss.Eval(kindOf(o), o, b)
		if err != nil {
			t.Fatal(err)
		}
		m := newModel(t, kindOf(o), o, b, modelForm{opset: opsets[i%len(opsets)]})
		compare(t, name, same(m.stock(t, b)["per_anchor"]), same(want.PerAnchor), 5e-6, 1e-6)
		i++
	}
}

// A logit that is not a number makes the loss none, whatever is masked beside it.
func TestNaNStays(t *testing.T) {
	nan := func(what string, x float64) {
		if !math.IsNaN(x) {
			t.Errorf("%s: got %v, want NaN", what, x)
		}
	}
	for _, l := range loss.All() {
		o := fit(loss.Options{Name: l.Name, Reduction: loss.Sum}, 4)
		b := aimed(l.Name, draw(3, 1, 6, 4, 3))
		b.Logits[9], b.Logits[10], b.Normalizer = math.NaN(), math.Inf(-1), 1
		m := newModel(t, l.Kind, o, b, modelForm{})
		nan(l.Name, m.run(t, b, false)["loss"][0])
		if want, err := loss.Eval(l.Kind, o, b); err != nil {
			t.Fatal(err)
		} else {
			nan(l.Name+", closed form", want.Loss)
		}
	}
}

// In 16 bits masks are −∞ too.
func TestMaskedTypes(t *testing.T) {
	for _, l := range loss.All() {
		o := fit(loss.Options{Name: l.Name, Reduction: loss.Sum}, 4)
		for _, d := range []tensor.DType{tensor.Float64, tensor.Float16, tensor.BFloat16} {
			b := maskedBatch(o, false)
			for i, z := range b.Logits {
				if !math.IsInf(z, 0) {
					b.Logits[i] = math.Round(z*8) / 8
				}
			}
			m := newModel(t, l.Kind, o, b, modelForm{dtype: d})
			plan, err := interp.New(m.Model, interp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			feeds := m.feeds(b, d == tensor.Float64)
			feeds["logits"] = convert(t, b.Logits, d, b.N, b.A, b.C)
			feeds["target"] = convert(t, b.Target, d, feeds["target"].Shape...)
			b.Target = op.Floats(feeds["target"])
			out, err := plan.Run(context.Background(), feeds)
			if err != nil {
				t.Fatal(err)
			}
			want, err := loss.Eval(l.Kind, o, b)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, fmt.Sprintf("%s of %v", l.Name, d), same(floats(t, out[m.result.Loss.Name])), same([]float64{want.Loss}), 2e-6, 0)
		}
	}
}
