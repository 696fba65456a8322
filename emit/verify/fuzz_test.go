package verify_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// dice are numbers that a fuzzer throws; 0 when it has no more.
type dice []byte

// below is a number in [0, n), n ≤ 256.
func (d *dice) below(n int) int {
	if len(*d) == 0 {
		return 0
	}
	x := int((*d)[0])
	*d = (*d)[1:]
	return x % n
}

// one is an element of list.
func one[T any](d *dice, list ...T) T { return list[d.below(len(list))] }

// in reports whether something happens that does so once in n times.
func (d *dice) in(n int) bool { return d.below(n) == 0 }

func (d *dice) detector() detector {
	return detector{
		layout: one(d, layouts...), dtype: one(d, numbers...), activation: one(d, activations...),
		images: one(d, "1", "2", "n"), classes: 1 + d.below(7), anchors: 1 + d.below(3), levels: 1 + d.below(3),
		objectness: d.in(3), masks: d.in(4), boxes: one(d, "Exp", "Relu", "Identity"), seed: byte(d.below(256)),
	}
}

// options are some that a head with so many classes may be rewritten with.
func (d *dice) options(classes int) emit.Options {
	o := emit.Options{Loss: d.loss(classes)}
	o.Form = one(d, emit.Forms...)
	o.AsFunction = d.in(3)
	o.DType = one(d, emit.DTypes...)
	o.Confidence = one(d, "", "", "bce", "mse")
	return o
}

func (d *dice) loss(classes int) loss.Options {
	o := loss.Options{
		Name:   one(d, loss.Names(loss.Classification)...),
		Target: one(d, "", loss.Dense, loss.Index), Reduction: one(d, append(loss.Reductions(), "")...),
		AnchorWeights: d.in(4), CheckTargets: d.in(4),
	}
	if d.in(4) {
		o.LabelSmoothing = float64(d.below(100)) / 100
	}
	if d.in(4) {
		k := int64(d.below(12) - 3)
		o.IgnoreIndex = &k
	}
	if d.in(4) {
		k := d.below(classes + 1)
		o.Background = &k
	}
	each := func(list ...float64) []float64 {
		var x []float64
		for range classes {
			x = append(x, one(d, list...))
		}
		return x
	}
	if d.in(4) {
		o.ClassWeights = each(0, 1, 0.5, 3, 1e-6, 1e6)
	}
	if d.in(2) {
		o.ClassCounts = each(1, 10, 1e6, 3, 1e9, 2)
	}
	if d.in(5) {
		o.Eps = one(d, 1e-7, 1e-30, 0.5, 1e-3)
	}
	if d.in(6) {
		o.Modulate = &loss.Modulation{Gamma: each(0, 0.5, 1, 2, 5)}
	}
	if l, err := loss.Find(loss.Classification, o.Name); err == nil && d.in(2) {
		o.Params = map[string]float64{}
		for _, p := range l.Params {
			near1 := 0.9
			if p.Name == "beta" { // of classes' effective numbers
				near1 = 0.9999
			}
			o.Params[p.Name] = one(d, 0, 0.25, 0.5, 1, 2, 5, 100, -0.5, near1, 0.01)
		}
	}
	return o
}

// throws is drawn dice for the seeds of a fuzz target.
func throws(seed, n int) []byte {
	var b []byte
	x := uint32(seed)*2654435761 + 12345
	for range n {
		x = x*1664525 + 1013904223
		b = append(b, byte(x>>24))
	}
	return b
}

// patience is for a proof of a small network on a busy machine.
const patience = 20 * time.Second

// FuzzRewrite: every head that is found and rewritten is proved, from the file.
func FuzzRewrite(f *testing.F) {
	for seed := range 100 {
		f.Add(throws(seed, 100))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := dice(b)
		text := d.detector().text()
		m, raw := file(t, text)
		r, err := patterns.Locate(m, patterns.Options{})
		if err != nil {
			return
		}
		heads := r.Heads
		if !d.in(4) {
			heads = heads[:1]
		}
		o := d.options(heads[0].Classes)
		if _, err := emit.Rewrite(r.Model, heads, o); err != nil {
			return
		}
		if err := r.Model.Check(); err != nil {
			t.Fatalf("%v\n%+v\n%s", err, o, text)
		}
		if err := proveFile(t, r.Model, raw, uint64(d.below(3))); err != nil {
			t.Fatalf("%v\n%+v\n%s", err, o, text)
		}
	})
}

// proveFile proves m, which was made of the model in the file original, from its own
// file: each check must be made and pass.
func proveFile(t testing.TB, m *graph.Model, original []byte, seed uint64) error {
	t.Helper()
	again, _ := reread(t, m)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	report, err := verify.Training(ctx, again, verify.Options{Threads: 1, Original: parse(t, original), Seed: seed})
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	case report.Verdict() != verify.Proved:
		return fmt.Errorf("%v: %v", report.Verdict(), report.With(verify.NotRun))
	}
	return nil
}
