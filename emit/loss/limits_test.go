package loss_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

// draw is a batch of logits in ±span with soft targets.
func draw(seed uint64, n, a, c int, span float64) loss.Batch {
	r := rand.New(rand.NewPCG(seed, 1))
	b := loss.Batch{N: n, A: a, C: c}
	for range n * a * c {
		b.Logits = append(b.Logits, float64(float32((2*r.Float64()-1)*span)))
		b.Target = append(b.Target, float64(float32(r.Float64())))
	}
	return b
}

// perAnchor is the loss of every anchor by the graph, in float64.
func perAnchor(t *testing.T, k loss.Kind, o loss.Options, b loss.Batch) []float64 {
	t.Helper()
	o.Reduction = loss.None
	return newModel(t, k, o, b, modelForm{}).run(t, b, true)["per_anchor"]
}

func times(x []float64, by float64) []float64 {
	y := append([]float64{}, x...)
	for i := range y {
		y[i] *= by
	}
	return y
}

func focal(name string, α, γ float64) loss.Options {
	return loss.Options{Name: name, Params: map[string]float64{"alpha": α, "gamma": γ}}
}

// Without modulation a focal loss is the weighted cross-entropy, and without
// its negative term a modified loss is the plain one.
func TestLimitOfNoFocus(t *testing.T) {
	b := draw(1, 2, 7, 5, 30)
	half := func(name string) []float64 {
		return times(perAnchor(t, loss.Classification, loss.Options{Name: name}, b), 0.5)
	}
	for _, c := range []struct {
		what      string
		got, want []float64
	}{
		{"focal-softmax γ=0", perAnchor(t, loss.Classification, focal("focal-softmax", 0.3, 0), b), times(perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b), 0.3)},
		{"modified-focal-softmax γ=0 α=1", perAnchor(t, loss.Classification, focal("modified-focal-softmax", 1, 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b)},
		{"modified-focal-softmax γ=0 α=½", perAnchor(t, loss.Classification, focal("modified-focal-softmax", 0.5, 0), b), half("modified-ce-softmax")},
		{"modified-focal-sigmoid γ=0 α=½", perAnchor(t, loss.Classification, focal("modified-focal-sigmoid", 0.5, 0), b), half("bce")},
		{"modified-focal-softmax α=1", perAnchor(t, loss.Classification, focal("modified-focal-softmax", 1, 1.5), b), perAnchor(t, loss.Classification, focal("focal-softmax", 1, 1.5), b)},
		{"γ→0", perAnchor(t, loss.Classification, focal("modified-focal-sigmoid", 0.5, 1e-14), b), half("bce")},
		{"sigmoid-focal γ=0 α<0", perAnchor(t, loss.Classification, focal("sigmoid-focal", -1, 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
		{"poly1-focal ε=0", perAnchor(t, loss.Classification, with("poly1-focal", "epsilon", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "sigmoid-focal"}, b)},
		{"poly1-ce ε=0", perAnchor(t, loss.Classification, with("poly1-ce", "epsilon", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b)},
		{"quality-focal β=0", perAnchor(t, loss.Classification, with("quality-focal", "beta", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
		{"asymmetric γ=0 m=0", perAnchor(t, loss.Classification, with("asymmetric", "gamma_neg", 0, "clip", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
		{"class-balanced-focal β=0", perAnchor(t, loss.Classification, counted("class-balanced-focal", "beta", 0), b), perAnchor(t, loss.Classification, focal("sigmoid-focal", -1, 2), b)},
		{"logit-adjusted τ=0", perAnchor(t, loss.Classification, counted("logit-adjusted", "tau", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b)},
		{"logit-adjusted τ=1", perAnchor(t, loss.Classification, counted("logit-adjusted", "tau", 1), b), perAnchor(t, loss.Classification, counted("balanced-softmax"), b)},
		{"ldam Δ=0", perAnchor(t, loss.Classification, counted("ldam", "max_margin", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b)},
		{"weighted-ce η=1", perAnchor(t, loss.Classification, counted("weighted-ce", "eos_coef", 1), b), perAnchor(t, loss.Classification, loss.Options{Name: "ce"}, b)},
		{"task-aligned-bce γ=0", perAnchor(t, loss.Classification, with("task-aligned-bce", "gamma", 0), b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
		{"task-aligned-bce γ=2", perAnchor(t, loss.Classification, with("task-aligned-bce", "gamma", 2), b), perAnchor(t, loss.Classification, loss.Options{Name: "quality-focal"}, b)},
		{"mal γ=1", perAnchor(t, loss.Classification, with("mal", "gamma", 1), b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
		{"conf-bce", perAnchor(t, loss.Confidence, loss.Options{Name: "bce"}, b), perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, b)},
	} {
		compare(t, c.what, c.got, c.want, 1e-12, 0)
	}
}

func with(name string, params ...any) loss.Options {
	o := loss.Options{Name: name, Params: map[string]float64{}}
	for i := 0; i < len(params); i += 2 {
		o.Params[params[i].(string)] = float64(params[i+1].(int))
	}
	return o
}

// counted is with, for a loss of five classes of unequal counts.
func counted(name string, params ...any) loss.Options {
	return fit(with(name, params...), 5)
}

// Where each target is 0 or 1, the losses for soft targets are the two-sided
// focal loss.
func TestLimitOfHardTargets(t *testing.T) {
	b := draw(6, 2, 9, 5, 30)
	for i, q := range b.Target {
		b.Target[i] = math.Round(q)
	}
	got := func(o loss.Options) []float64 { return perAnchor(t, loss.Classification, o, b) }
	even := got(focal("modified-focal-sigmoid", 0.5, 3))
	heat := with("gaussian-focal", "alpha", 3)
	for what, c := range map[string][2][]float64{
		"sigmoid-focal":   {got(focal("sigmoid-focal", 0.3, 1.5)), got(focal("modified-focal-sigmoid", 0.3, 1.5))},
		"without α":       {got(focal("sigmoid-focal", -1, 3)), times(even, 2)},
		"quality-focal":   {got(with("quality-focal", "beta", 3)), times(even, 2)},
		"gaussian-focal":  {got(heat), times(even, 2)},
		"asymmetric, m=0": {got(with("asymmetric", "gamma_pos", 3, "gamma_neg", 3, "clip", 0)), times(even, 2)},
	} {
		compare(t, what, c[0], c[1], 1e-12, 0)
	}
}

// A softmax over the logits z and 0 is a sigmoid of z: both of its classes
// have the term of the one sigmoid, the second with the roles changed.
func TestLimitOfTwoClasses(t *testing.T) {
	one := draw(2, 2, 9, 1, 40)
	two := loss.Batch{N: one.N, A: one.A, C: 2}
	for i, z := range one.Logits {
		two.Logits = append(two.Logits, z, 0)
		two.Target = append(two.Target, one.Target[i], 1-one.Target[i])
	}
	bce := perAnchor(t, loss.Classification, loss.Options{Name: "bce"}, one)
	even := perAnchor(t, loss.Classification, focal("modified-focal-sigmoid", 0.5, 2), one)
	for _, c := range []struct {
		opts loss.Options
		want []float64
	}{
		{loss.Options{Name: "ce"}, bce},
		{loss.Options{Name: "modified-ce-softmax"}, times(bce, 2)},
		{focal("focal-softmax", 0.25, 2), times(even, 0.5)},
		{focal("modified-focal-softmax", 0.25, 2), times(even, 2)},
	} {
		compare(t, c.opts.Name, perAnchor(t, loss.Classification, c.opts, two), c.want, 1e-10, 0)
	}
}

// extremes is every pair and some triples of extreme, tied and plain logits,
// with one-hot, empty and full targets.
func extremes(c int) loss.Batch {
	levels := []float64{-1e4, -100, -1, 0, 1e-30, 0.5, 100, 1e4}
	b := loss.Batch{N: 1, C: c}
	for i := range len(levels) * len(levels) * len(levels) {
		z := []float64{levels[i%8], levels[i/8%8], levels[i/64]}
		for k := range c + 2 {
			for j := range c {
				q := 0.0
				if j == k || k == c {
					q = 1
				}
				b.Logits = append(b.Logits, z[(j*j+j)%3])
				b.Target = append(b.Target, q)
			}
			b.A++
		}
	}
	return b
}

// variants is each loss with its defaults, and with odd parameters.
func variants() map[string]loss.Options {
	v := map[string]loss.Options{}
	for _, l := range loss.All() {
		v[l.Name] = loss.Options{Name: l.Name}
		_, α := l.Param("alpha")
		_, γ := l.Param("gamma")
		if α && γ {
			v[l.Name+" γ=0"] = focal(l.Name, 0.9, 0)
			v[l.Name+" γ=½"] = focal(l.Name, 0.1, 0.5)
			v[l.Name+" γ=5"] = focal(l.Name, 0.75, 5)
			v[l.Name+" α=0"] = focal(l.Name, 0, 2)
		}
		for _, p := range l.Params {
			for _, x := range []float64{p.Lo, 0, 0.5, 2.5, 5} {
				shared := α && γ && (p.Name == "gamma" || p.Name == "alpha" && x >= 0)
				if !shared && p.Check(x) == nil {
					v[fmt.Sprintf("%s %s=%v", l.Name, p.Name, x)] = loss.Options{Name: l.Name, Params: map[string]float64{p.Name: x}}
				}
			}
		}
		if l.Terms != nil {
			v[l.Name+" modulated"] = loss.Options{Name: l.Name, Modulate: &loss.Modulation{Gamma: []float64{2, 0.5, 0, 1}, Alpha: []float64{0.25}}}
		}
		if p, _ := l.Param("gamma"); p.PerClass {
			v[l.Name+" by class"] = loss.Options{Name: l.Name, PerClass: map[string][]float64{"gamma": {2, 0, 1.5, 5}, "alpha": {0.25, 0.5, 1, 0}}}
		}
		if l.Eps {
			v[l.Name+" ε"] = loss.Options{Name: l.Name, Eps: 1e-7}
		}
	}
	for name, o := range v {
		v[name] = fit(o, 4)
	}
	return v
}

// A loss with a base is its modulation, and so is sigmoid-focal for targets of 0
// and 1.
func TestLimitOfModulation(t *testing.T) {
	b := draw(12, 2, 9, 5, 30)
	hard := draw(13, 2, 9, 5, 30)
	for i, q := range hard.Target {
		hard.Target[i] = math.Round(q)
	}
	mod := func(base string) loss.Options {
		return loss.Options{Name: base, Modulate: &loss.Modulation{Gamma: []float64{1.5}, Alpha: []float64{0.3}}}
	}
	cases := 0
	for _, l := range loss.All() {
		if l.Base != "" {
			cases++
			compare(t, l.Name, perAnchor(t, loss.Classification, mod(l.Base), b), perAnchor(t, loss.Classification, focal(l.Name, 0.3, 1.5), b), 1e-12, 0)
		}
	}
	if cases != 3 {
		t.Errorf("%d losses with a base", cases)
	}
	compare(t, "sigmoid-focal", perAnchor(t, loss.Classification, mod("bce"), hard), perAnchor(t, loss.Classification, focal("sigmoid-focal", 0.3, 1.5), hard), 1e-12, 0)
	for _, l := range loss.All() {
		if l.Terms == nil || l.Kind != loss.Classification {
			continue
		}
		o := fit(loss.Options{Name: l.Name}, 5)
		plain := perAnchor(t, loss.Classification, o, hard)
		o.Modulate = &loss.Modulation{Gamma: []float64{0}}
		if l.Name == "poly1-ce" {
			continue // which adds a constant where targets do not add up to 1
		}
		got := perAnchor(t, loss.Classification, o, hard)
		if l.LabelWeights != nil || l.Statistics != nil {
			compare(t, l.Name+" γ=0", got, plain, 1e-9, 1e-12)
			continue
		}
		compare(t, l.Name+" γ=0", got, plain, 1e-12, 0)
	}
}

// Numbers of each class are those of the loss of that class alone.
func TestLimitOfClasses(t *testing.T) {
	b := draw(14, 2, 9, 4, 20)
	α, γ := []float64{0.25, 0.5, 1, 0}, []float64{2, 0, 1.5, 5}
	for _, name := range []string{"sigmoid-focal", "modified-focal-sigmoid", "modified-focal-softmax", "focal-softmax"} {
		want := make([]float64, b.N*b.A)
		for c := range α {
			o := focal(name, α[c], γ[c])
			o.ClassWeights = make([]float64, len(α))
			o.ClassWeights[c] = 1
			for i, x := range perAnchor(t, loss.Classification, o, b) {
				want[i] += x
			}
		}
		o := loss.Options{Name: name, PerClass: map[string][]float64{"alpha": α, "gamma": γ}}
		compare(t, name, perAnchor(t, loss.Classification, o, b), want, 1e-12, 1e-300)
		if name == "modified-focal-sigmoid" {
			o = loss.Options{Name: "bce", Modulate: &loss.Modulation{Gamma: γ, Alpha: α}}
			compare(t, "bce modulated", perAnchor(t, loss.Classification, o, b), want, 1e-12, 1e-300)
		}
	}
}

// aimed is b with targets of the form that the loss named takes: positions made of
// its own, where they are no classes.
func aimed(name string, b loss.Batch) loss.Batch {
	if find(name).Kind != loss.Box || len(b.Target) != len(b.Logits) {
		return b
	}
	var at []float64
	for i := range b.N * b.A {
		at = append(at, float64(float32(1.2*float64(b.C)*b.Target[i*b.C]-0.1*float64(b.C))))
	}
	b.Target = at
	return b
}

// fit is o for c classes: with unequal numbers of objects and the last class as
// the background, where the loss needs these and o does not give them.
func fit(o loss.Options, c int) loss.Options {
	l := find(o.Name)
	if l.Background && o.Background == nil {
		o.Background = ptr(c - 1)
	}
	o.ClassCounts = nil
	for i := range c {
		if l.Counts {
			o.ClassCounts = append(o.ClassCounts, 1000/float64(1+3*i))
		}
	}
	return o
}

func kindOf(o loss.Options) loss.Kind { return find(o.Name).Kind }

func TestExtremes(t *testing.T) {
	all := variants()
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i%thorough.Every(4) > 0 {
			continue
		}
		o := all[name]
		b := aimed(o.Name, extremes(4))
		o.Reduction = loss.None
		m := newModel(t, kindOf(o), o, b, modelForm{dynamic: true})
		want, err := loss.Eval(m.kind, o, b)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, name+": float64", m.run(t, b, true)["per_anchor"], want.PerAnchor, 1e-9, 1e-12)
		compare(t, name+": float32", m.run(t, b, false)["per_anchor"], want.PerAnchor, 2e-6, 1e-7)
		if l := find(o.Name); l.Statistics == nil || !l.Statistics.Sorts { // whose ranks are of one batch; see TestDifferentiable
			compare(t, name+": gradient", m.differences(t, b), want.Grad, 1e-6, 1e-6)
		}
	}
}
