package loss_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

func ptr[T any](x T) *T { return &x }

// settings is options in many combinations for a loss: the reductions in turn
// with each way to give targets.
func settings(l *loss.Loss) []loss.Options {
	var all []loss.Options
	for i, reduction := range loss.Reductions() {
		for _, o := range []loss.Options{
			{},
			{LabelSmoothing: 0.1, ClassWeights: []float64{1, 0.5, 0, 3}, Background: ptr(3)},
			{IgnoreIndex: ptr(int64(-1)), AnchorWeights: true},
			{Target: loss.Index, IgnoreIndex: ptr(int64(255))},
			{Target: loss.Index, LabelSmoothing: 0.05, AnchorWeights: true, Background: ptr(i % 4)},
			{Target: loss.Index, ClassWeights: []float64{2, 1, 1, 0.1}, IgnoreIndex: ptr(int64(2)), Background: ptr(0)},
		} {
			if o.Target == loss.Index && l.Kind == loss.Confidence || l.Kind == loss.Box && (o.Target == loss.Index || o.IgnoreIndex != nil) {
				continue
			}
			if l.Targets != loss.Labels {
				o.LabelSmoothing = 0
			}
			o.Name, o.Reduction = l.Name, reduction
			all = append(all, fit(o, 4))
		}
	}
	return all
}

// batchFor has targets in the form that o asks for, with anchors of all sorts:
// positive, negative, background, ignored.
func batchFor(o loss.Options, seed uint64) loss.Batch {
	const n, a, c = 2, 6, 4
	r := rand.New(rand.NewPCG(seed, 2))
	b := draw(seed, n, a, c, 8)
	if o.Target == loss.Index {
		b.Target = nil
		for i := range n * a {
			b.Index = append(b.Index, []int64{0, 1, 2, 3, -1, c, 255, 2}[(i+int(seed))%8])
		}
	} else {
		for i := range n * a {
			switch i % 4 {
			case 1:
				copy(b.Target[i*c:], []float64{0, 0, 0, 0})
			case 2:
				copy(b.Target[i*c:], []float64{0, 0, 0, 1})
			case 3:
				if o.IgnoreIndex != nil {
					copy(b.Target[i*c:], slices.Repeat([]float64{float64(*o.IgnoreIndex)}, c))
				}
			}
		}
	}
	if o.AnchorWeights {
		for range n * a {
			b.Weight = append(b.Weight, float64(float32(2*r.Float64())))
		}
	}
	b.Normalizer = 3.5
	b.State = stateFor(o, c, seed)
	return aimed(o.Name, b)
}

// stateFor draws a state, in which some elements are as at the beginning.
func stateFor(o loss.Options, classes int, seed uint64) [][]float64 {
	states, err := o.States(kindOf(o), classes)
	if err != nil {
		panic(err)
	}
	r := rand.New(rand.NewPCG(seed, 3))
	var all [][]float64
	for _, s := range states {
		x := make([]float64, s.Len)
		for i := range x {
			if x[i] = s.Initial; i%5 != 4 {
				x[i] = float64(float32(50 * r.Float64()))
			}
		}
		all = append(all, x)
	}
	return all
}

func TestOptions(t *testing.T) {
	for k, l := range loss.All() {
		for i, o := range settings(l) {
			if (i+k)%thorough.Every(3) > 0 {
				continue
			}
			name := fmt.Sprintf("%s %d %s", l.Name, i, describe(t, o))
			b := batchFor(o, uint64(i))
			want, err := loss.Eval(l.Kind, o, b)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m := newModel(t, l.Kind, o, b, modelForm{dynamic: i%2 == 0})
			for _, double := range []bool{true, false} {
				got := m.run(t, b, double)
				rel := 2e-6
				if double {
					rel = 1e-12
				}
				compare(t, name, got["per_anchor"], want.PerAnchor, rel, 0)
				compare(t, name+": state", got["state"], slices.Concat(want.State...), rel, 0)
				if (m.result.Loss == nil) != (o.Reduction == loss.None) {
					t.Errorf("%s: loss is %v", name, m.result.Loss)
				} else if m.result.Loss != nil {
					compare(t, name+": loss", got["loss"], []float64{want.Loss}, rel, 0)
				}
			}
			compare(t, name+": gradient", m.lossDifferences(t, b), want.Grad, 1e-8, 1e-10)
		}
	}
}

func describe(t *testing.T, o loss.Options) string {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lossDifferences is the derivative of the reduced loss, or of the sum where
// nothing is reduced, by each logit in turn.
func (m *lossModel) lossDifferences(t *testing.T, b loss.Batch) []float64 {
	t.Helper()
	grad := make([]float64, len(b.Logits))
	at := b
	at.Logits = append([]float64{}, b.Logits...)
	run := func() map[string][]float64 { return m.run(t, at, true) }
	if m.held != nil {
		plan, values := m.hold(t, b, 1)
		run = func() map[string][]float64 {
			feeds := m.feeds(at, true)
			maps.Copy(feeds, values)
			return m.results(t, plan, feeds)
		}
	}
	for i, z := range b.Logits {
		for _, s := range stencil {
			at.Logits[i] = z + s.at*step
			got := run()
			sum := 0.0
			for _, l := range got["per_anchor"] {
				sum += l
			}
			if m.result.Loss != nil {
				sum = got["loss"][0]
			}
			grad[i] += sum * s.weight / step
		}
		at.Logits[i] = z
	}
	return grad
}

// A batch without a positive, or with every anchor ignored, has a finite loss.
func TestNothingToCount(t *testing.T) {
	for _, o := range []loss.Options{
		{Name: "bce", Reduction: loss.Positives, Target: loss.Index},
		{Name: "bce", Reduction: loss.Positives, Target: loss.Index, IgnoreIndex: ptr(int64(-1))},
		{Name: "ce", Reduction: loss.Mean, Target: loss.Index, IgnoreIndex: ptr(int64(-1))},
		{Name: "weighted-ce", Reduction: loss.Mean, Target: loss.Index, Background: ptr(0)},
		{Name: "weighted-ce", Reduction: loss.Mean, Target: loss.Index, Background: ptr(0), IgnoreIndex: ptr(int64(-1))},
		{Name: "task-aligned-bce", Target: loss.Index}, // nothing is fed but 0
	} {
		b := draw(5, 1, 3, 4, 2)
		b.Target, b.Index = nil, []int64{-1, -1, -1}
		m := newModel(t, loss.Classification, o, b, modelForm{})
		want, err := loss.Eval(m.kind, o, b)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, describe(t, o), m.run(t, b, false)["loss"], []float64{want.Loss}, 2e-6, 1e-7)
		if o.IgnoreIndex != nil && want.Loss != 0 {
			t.Errorf("%s: %v with every anchor ignored", describe(t, o), want.Loss)
		}
	}
}

// Ignored anchors have no part in a loss, whatever mark stands in their targets.
func TestMarks(t *testing.T) {
	for name, o := range variants() {
		if kindOf(o) == loss.Box {
			continue
		}
		for _, mark := range []int64{-loss.MaxDense, -1, 2, 255, loss.MaxDense} {
			o.IgnoreIndex, o.Reduction = ptr(mark), loss.Sum
			b := batchFor(o, 8)
			want, err := loss.Eval(kindOf(o), o, b)
			if err != nil {
				t.Fatal(err)
			}
			m := newModel(t, kindOf(o), o, b, modelForm{})
			compare(t, fmt.Sprintf("%s, mark %d", name, mark), m.run(t, b, false)["loss"], []float64{want.Loss}, 2e-6, 1e-9)
		}
	}
}

// Around the centres of a heat map there are targets above 0, but no positives.
func TestPositivesOfHeat(t *testing.T) {
	o := loss.Options{Name: "gaussian-focal", Reduction: loss.Positives}
	b := draw(7, 1, 6, 3, 4)
	b.Target[4], b.Target[5], b.Target[16] = 1, 1, 1 // anchors 1 and 5
	out, err := loss.Eval(loss.Classification, o, b)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, x := range out.PerAnchor {
		sum += x
	}
	compare(t, "oracle", []float64{out.Loss}, []float64{sum / 2}, 1e-15, 0)
	m := newModel(t, loss.Classification, o, b, modelForm{})
	compare(t, "graph", m.run(t, b, true)["loss"], []float64{sum / 2}, 1e-12, 0)
}

// The graphs are the same in every opset from 7 on, and for logits of every
// float type.
func TestOpsetsAndTypes(t *testing.T) {
	for _, l := range loss.All() {
		for i, opset := range []int64{7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27} {
			all := settings(l)
			o := all[(i*7)%len(all)]
			b := batchFor(o, uint64(i))
			want, err := loss.Eval(l.Kind, o, b)
			if err != nil {
				t.Fatal(err)
			}
			m := newModel(t, l.Kind, o, b, modelForm{opset: opset})
			compare(t, fmt.Sprintf("%s at opset %d", l.Name, opset), m.run(t, b, false)["per_anchor"], want.PerAnchor, 2e-6, 1e-9)
		}
		for _, d := range []tensor.DType{tensor.Float64, tensor.Float16, tensor.BFloat16} {
			checkType(t, l, d)
		}
	}
}

func checkType(t *testing.T, l *loss.Loss, d tensor.DType) {
	t.Helper()
	o := fit(loss.Options{Name: l.Name, Reduction: loss.Sum, ClassWeights: []float64{1, 2, 3}}, 3)
	b := aimed(l.Name, draw(9, 1, 5, 3, 4))
	for i := range b.Logits {
		b.Logits[i] = math.Round(b.Logits[i]*8) / 8 // exact in 16 bits
	}
	m := newModel(t, l.Kind, o, b, modelForm{dtype: d})
	real, rel := tensor.Float32, 2e-6
	if d == tensor.Float64 {
		real, rel = d, 1e-12
	}
	if got := m.result.Loss.Type.DType; got != real {
		t.Errorf("%s of %v: loss is %v, want %v", l.Name, d, got, real)
	}
	plan, err := interp.New(m.Model, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	feeds := m.feeds(b, d == tensor.Float64)
	feeds["logits"] = convert(t, b.Logits, d, b.N, b.A, b.C)
	if b.Target != nil {
		feeds["target"] = convert(t, b.Target, d, feeds["target"].Shape...)
		b.Target = op.Floats(feeds["target"])
	}
	out, err := plan.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	want, err := loss.Eval(l.Kind, o, b)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, fmt.Sprintf("%s of %v", l.Name, d), floats(t, out[m.result.Loss.Name]), []float64{want.Loss}, rel, 0)
}

// Options survive the manifest: what is read back evaluates the same.
func TestOptionsJSON(t *testing.T) {
	for _, l := range loss.All() {
		for _, o := range settings(l) {
			o, err := o.Resolve(l.Kind, 4)
			if err != nil {
				t.Fatal(err)
			}
			var back loss.Options
			if err := json.Unmarshal([]byte(describe(t, o)), &back); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(o, back) {
				t.Errorf("%+v came back as %+v", o, back)
			}
		}
	}
}

// Every row is complete.
func TestTable(t *testing.T) {
	for _, l := range loss.All() {
		if l.Golden == "" || l.Equation == "" || l.Source == "" || l.When == "" || l.Build == nil || l.Closed == nil {
			t.Errorf("%s: the row has gaps", l.Name)
		}
		if l.Counts != (l.Adjust != nil || l.LabelWeights != nil) {
			t.Errorf("%s: counts of classes are %v, but what uses them says otherwise", l.Name, l.Counts)
		}
		if l.Adjust != nil && l.Activation != loss.Softmax {
			t.Errorf("%s: logits are adjusted outside of a softmax", l.Name)
		}
		if l.Activation == loss.Softmax && l.Kind != loss.Box {
			if i, err := loss.Find(l.Kind, l.Instead); err != nil || i.Activation != loss.Sigmoid {
				t.Errorf("%s: %q is no sigmoid loss to use instead", l.Name, l.Instead)
			}
		}
		for _, p := range l.Params {
			if p.Doc == "" || p.Check(p.Default) != nil || p.Check(p.Lo) != nil || p.Check(p.Hi) != nil || p.Zero && p.Check(0) != nil {
				t.Errorf("%s: parameter %+v", l.Name, p)
			}
		}
	}
}

// Charges add up to the loss of every anchor.
func TestCharges(t *testing.T) {
	for _, l := range loss.All() {
		b := draw(9, 2, 5, 4, 6)
		if l.Kind == loss.Confidence {
			b = draw(9, 2, 5, 1, 6)
		}
		b = aimed(l.Name, b)
		b.Weight = []float64{1, 2, 3, 4, 5, 0, 1, 2, 3, 4}
		o := l.Plain(b.C)
		o.AnchorWeights = true
		out, err := loss.Eval(l.Kind, o, b)
		if err != nil {
			t.Fatal(err)
		}
		sums := make([]float64, len(out.PerAnchor))
		for i, x := range out.Charges {
			sums[i/b.C] += x
		}
		compare(t, l.Name, sums, out.PerAnchor, 1e-14, 1e-300)
	}
}
