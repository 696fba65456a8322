package compare_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit/compare"
	"github.com/onnxloss/onnxloss/emit/loss"
)

// dense is a batch of a sigmoid head as a trained one gives it: nearly all
// anchors are easy negatives.
func dense(anchors int) *compare.Batch {
	r := rand.New(rand.NewPCG(5, 6))
	b := &compare.Batch{Background: -1}
	b.N, b.A, b.C = 2, anchors, 4
	b.Logits = make([]float64, b.N*b.A*b.C)
	for i := range b.Logits {
		b.Logits[i] = -3 + r.NormFloat64()
	}
	b.Draw(0.01, 1)
	return b
}

func losses(t *testing.T, b *compare.Batch, names ...string) map[string]compare.Row {
	t.Helper()
	var entries []compare.Entry
	for _, n := range names {
		entries = append(entries, compare.Entry{Label: n, Options: loss.Options{Name: n}})
	}
	r, err := compare.Losses(entries, b)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]compare.Row{}
	for _, x := range r.Losses {
		rows[x.Label] = x
	}
	return rows
}

// TestNegatives: with plain cross-entropy over a softmax negatives act through
// the softmax only, the modified forms charge them, and focal turns the easy ones
// down.
func TestNegatives(t *testing.T) {
	rows := losses(t, dense(500), "ce", "focal-softmax", "modified-ce-softmax", "modified-focal-softmax", "bce", "sigmoid-focal")
	for _, name := range []string{"ce", "focal-softmax"} {
		x := rows[name]
		if x.Wrong.Loss != 0 || !(x.Wrong.GradientShare > 0.4) || x.Groups[compare.EasyNegative].Gradient != 0 {
			t.Errorf("%s: wrong classes %+v, easy negatives %+v", name, x.Wrong, x.Groups[compare.EasyNegative])
		}
	}
	for _, name := range []string{"modified-ce-softmax", "modified-focal-softmax", "bce", "sigmoid-focal"} {
		if x := rows[name]; !(x.Wrong.Loss > 0) || !(x.Groups[compare.EasyNegative].Loss > 0) {
			t.Errorf("%s: does not charge wrong classes: %+v", name, x)
		}
	}
	plain, focal := rows["bce"].Groups[compare.EasyNegative], rows["sigmoid-focal"].Groups[compare.EasyNegative]
	if !(focal.GradientShare < plain.GradientShare-0.1) {
		t.Errorf("easy negatives have %.3f of bce's gradient and %.3f of focal's", plain.GradientShare, focal.GradientShare)
	}
}

// TestShares: whatever the loss, shares add up to 1, the groups' losses to the
// value, and their gradients to the norm.
func TestShares(t *testing.T) {
	for _, l := range loss.All() {
		if l.Kind != loss.Classification {
			continue
		}
		o := l.Plain(4)
		r, err := compare.Losses([]compare.Entry{{Label: l.Name, Options: o}}, dense(60))
		if err != nil {
			t.Fatal(err)
		}
		x := r.Losses[0]
		if x.Left != "" {
			t.Errorf("%s: left out: %s", l.Name, x.Left)
			continue
		}
		var value, norm, share float64
		for _, g := range x.Groups {
			value, norm, share = value+g.Loss, norm+g.Gradient, share+g.GradientShare
		}
		for what, d := range map[string]float64{
			"value": value - x.Value, "charges": x.Target.Loss + x.Wrong.Loss - x.Value, "norm": norm - x.Gradient,
			"shares": share - 1, "shares of classes": x.Target.GradientShare + x.Wrong.GradientShare - 1,
		} {
			if !(math.Abs(d) < 1e-12*max(1, math.Abs(x.Value))) {
				t.Errorf("%s: %s is off by %g", l.Name, what, d)
			}
		}
	}
}

// TestByHand holds binary cross-entropy to numbers worked out with a pencil:
// dL/dz = σ(z) − q, one image, three anchors, two classes.
func TestByHand(t *testing.T) {
	ln3 := math.Log(3)
	b := &compare.Batch{Background: -1}
	b.N, b.A, b.C = 1, 3, 2
	b.Logits = []float64{ln3, -ln3 /* p 3/4, 1/4 */, ln3, ln3 /* 3/4, 3/4 */, -ln3, 0 /* 1/4, 1/2 */}
	b.Target = []float64{1, 0 /* easy positive */, 0, 0 /* hard negative */, 1, 0 /* hard positive */}
	r, err := compare.Losses([]compare.Entry{{Label: "bce", Options: loss.Options{Name: "bce", Reduction: loss.Sum}}}, b)
	if err != nil {
		t.Fatal(err)
	}
	ln := math.Log
	want := map[compare.Group][2]float64{ // loss, gradient
		compare.EasyPositive: {2 * ln(4./3), math.Hypot(0.25, 0.25)},
		compare.HardNegative: {2 * ln(4), math.Hypot(0.75, 0.75)},
		compare.HardPositive: {ln(4) + ln(2), math.Hypot(0.75, 0.5)},
		compare.EasyNegative: {0, 0},
	}
	for g, w := range want {
		if p := r.Losses[0].Groups[g]; math.Abs(p.Loss-w[0]) > 1e-14 || math.Abs(p.Gradient-w[1]) > 1e-14 {
			t.Errorf("%v: %+v, want loss and gradient %v", g, p, w)
		}
	}
	wrong := ln(4./3) + 2*ln(4) + ln(2)
	if p := r.Losses[0].Wrong; math.Abs(p.Loss-wrong) > 1e-14 || math.Abs(p.Gradient-(0.25+1.5+0.5)) > 1e-14 {
		t.Errorf("wrong classes %+v, want a loss of %v", p, wrong)
	}
	for g, n := range []int{1, 1, 1, 0} {
		if r.Groups[g].Anchors != n {
			t.Errorf("%s: %d anchors, want %d", r.Groups[g].Group, r.Groups[g].Anchors, n)
		}
	}
}

func TestTruth(t *testing.T) {
	ln3 := math.Log(3)
	for _, c := range []struct {
		softmax    bool
		background int
		z, q       []float64
		want       float64
	}{
		{false, -1, []float64{ln3, 0}, []float64{1, 0}, 0.75},
		{false, -1, []float64{ln3, -ln3}, []float64{1, 1}, 0.5},
		{false, -1, []float64{-ln3, -ln3}, []float64{0, 0}, 0.75},
		{true, 0, []float64{ln3, 0}, []float64{1, 0}, 0.75},
		{true, 0, []float64{ln3, 0}, []float64{0, 1}, 0.25},
		{true, -1, []float64{ln3, 0}, []float64{0, 0}, 0.25},
		{true, 1, []float64{1e4, -1e4}, []float64{0, 1}, 0},
	} {
		b := compare.Batch{Softmax: c.softmax, Background: c.background}
		if got := b.Truth(c.z, c.q); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestDraw(t *testing.T) {
	b, again := dense(150), dense(150)
	positives := 0
	for i, q := range b.Target {
		if q != again.Target[i] {
			t.Fatal("the same seed gives other targets")
		}
		positives += int(q)
	}
	if positives != 2*2 { // 1 in 100 of 150, rounded, in each of two images
		t.Errorf("%d positives", positives)
	}
	b.Background = 3
	b.Draw(0, 2)
	for i := range b.N * b.A {
		if q := b.Target[i*b.C:][:b.C]; q[0]+q[1]+q[2]+q[3] != 1 {
			t.Fatalf("anchor %d: targets %v, want one class or the background", i, q)
		}
	}
}

func TestIgnored(t *testing.T) {
	b := dense(3)
	class := int64(2)
	b.SetIndex([]int64{2, 1, -1, 2, 2, 7}, &class)
	r, err := compare.Losses([]compare.Entry{{Label: "bce", Options: loss.Options{Name: "bce"}}}, b)
	if err != nil {
		t.Fatal(err)
	}
	if r.Ignored != 3 || r.Groups[0].Anchors+r.Groups[1].Anchors != 1 {
		t.Errorf("%d ignored, groups %v", r.Ignored, r.Groups)
	}
}

func TestEmptyBatch(t *testing.T) {
	b := &compare.Batch{Background: -1}
	b.C = 3
	b.Draw(0.5, 1)
	x := losses(t, b, "bce", "ce")["bce"]
	if x.Value != 0 || x.Gradient != 0 || x.Groups[0].LossShare != 0 {
		t.Errorf("%+v", x)
	}
}

func TestRefusals(t *testing.T) {
	b := dense(2)
	b.Target[5] = math.NaN()
	if _, err := compare.Losses(nil, b); err == nil || !strings.Contains(err.Error(), "image 0, anchor 1, class 1 is NaN") {
		t.Errorf("NaN: %v", err)
	}
	b = dense(2)
	b.Logits[13] = math.Inf(1)
	var infinite *compare.NotFiniteError
	if _, err := compare.Losses(nil, b); !errors.As(err, &infinite) || infinite.Image != 1 || infinite.Anchor != 1 || infinite.Class != 1 {
		t.Errorf("an infinite logit: %v", err)
	}
	b = dense(2)
	_, err := compare.Losses([]compare.Entry{{Options: loss.Options{Name: "bce", ClassWeights: []float64{1}}}}, b)
	if err == nil || !strings.Contains(err.Error(), "1 weights for 4 classes") {
		t.Errorf("weights: %v", err)
	}
	if x := losses(t, b, "ldam")["ldam"]; !strings.Contains(x.Left, "class-counts") || x.Loss != nil {
		t.Errorf("no counts: %+v", x)
	}
	one := &compare.Batch{Background: -1}
	one.N, one.A, one.C, one.Logits = 1, 1, 1, []float64{0}
	one.Draw(1, 1)
	if x := losses(t, one, "ce")["ce"]; !strings.Contains(x.Left, "use bce") {
		t.Errorf("one class: %+v", x)
	}
}
