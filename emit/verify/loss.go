package verify

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// lossChecks are the checks made on every term.
type lossChecks struct {
	single, double, gradient, slope, slope64, tails, extremes, masked, empty, targets, state Check
}

// losses checks every term against the closed form.
func (p *proof) losses() error {
	c := &lossChecks{
		single:   Check{Name: "loss", What: "loss in float32 on the network's own logits, against the closed form", Limit: limit32},
		double:   Check{Name: "loss64", What: "loss in float64 on drawn logits, against the closed form", Limit: limit64},
		gradient: Check{Name: "gradient", What: "central differences in float64 against the closed form's gradient", Limit: limitGrad},
		slope:    Check{Name: "slope", What: "the graph's gradient in float32 against the closed form's, relative to the greatest", Limit: limit32},
		slope64:  Check{Name: "slope64", What: "the graph's gradient in float64 against the closed form's, relative to the greatest", Limit: limit64},
		tails:    Check{Name: "tails", What: "near-zero losses of confident, correct logits, against the closed form", Limit: limitTails},
		extremes: Check{Name: "extremes", What: "logits up to ±1e4: every loss finite"},
		masked:   Check{Name: "masked", What: "classes masked by logits of −∞: loss and gradient against the closed form", Limit: limit32},
		targets:  Check{Name: "targets", What: "planted targets out of range: their number, and the position of the first"},
		state:    Check{Name: "state", What: "the loss's state after a batch in float32 and float64, against the closed form", Limit: limit32},
		empty:    Check{Name: "empty", What: "batches without images or anchors (if sizes are dynamic), or with a divisor of 0, for which 1 is used", Limit: limit32},
	}
	for _, t := range p.terms() {
		p.stage("the loss " + t.opts.Name)
		p.checkTerm(t, c)
	}
	p.checkSum(&c.single)
	checks := []*Check{&c.single, &c.double, &c.gradient}
	if c.tails.concerns() {
		checks = append(checks, &c.tails)
	}
	checks = append(checks, &c.extremes, &c.masked)
	if p.manifest.Form == emit.LogitsGradientForm {
		checks = append(checks, &c.slope, &c.slope64)
	}
	for _, k := range []*Check{&c.state, &c.empty} {
		if k.concerns() {
			checks = append(checks, k)
		}
	}
	if p.manifest.Loss.CheckTargets {
		checks = append(checks, &c.targets)
	}
	for _, k := range checks {
		p.add(k)
	}
	return nil
}

func (p *proof) checkTerm(t *term, c *lossChecks) {
	r := rand.New(rand.NewPCG(p.opts.Seed, uint64(len(t.name))))
	shape := t.shape()
	z := p.values[t.logits.Name]
	if z != nil {
		shape = z.Shape
	}
	if len(shape) != 3 || shape[2] != t.classes {
		c.single.fail("%s: shape %v, want [N, A, %d]", t.logits.Name, shape, t.classes)
		return
	}
	own, drawn := newBatch(t, shape, r), newBatch(t, shape, r)
	for i := range drawn.Logits {
		drawn.Logits[i] = 4 * r.NormFloat64()
		own.Logits[i] = float64(float32(drawn.Logits[i]))
	}
	if z != nil {
		own.Logits = op.Floats(z)
		own = t.unask(own)
	}
	if z == nil || p.drawn {
		c.single.What = "loss in float32 on drawn logits, against the closed form"
	}
	own, drawn = t.held(own), t.held(drawn)
	f32, err := p.lossGraph(t, false, t.out)
	if err != nil {
		c.single.stop(err)
		return
	}
	f64, err := p.lossGraph(t, true, t.out)
	if err != nil {
		c.double.stop(err)
		return
	}
	t.compare(p, f32, &c.single, own, floor)
	t.compare(p, f64, &c.double, drawn, floor)
	t.differences(p, f64, &c.gradient, drawn, r)
	t.newStates(p, &c.state, own, drawn)
	for _, plan := range []*interp.Plan{f32, f64} {
		if t.opts.Eps == 0 {
			for _, least := range []float64{8, 18} {
				t.compare(p, plan, &c.tails, t.held(t.right(drawn, least, r)), underflow)
			}
		}
		t.extremes(p, plan, &c.extremes, drawn, r)
	}
	p.checkMasked(t, &c.masked, []*interp.Plan{f32, f64}, drawn, r)
	t.empty(p, f32, &c.empty, drawn)
	if t.opts.CheckTargets {
		p.checkTargets(t, &c.targets, drawn)
	}
	if p.manifest.Form == emit.LogitsGradientForm {
		p.checkSlope(t, false, &c.slope, own, &c.extremes, r)
		p.checkSlope(t, true, &c.slope64, drawn, &c.extremes, r)
	}
}

// checkSlope checks the graph's derivative against the closed form's.
func (p *proof) checkSlope(t *term, double bool, c *Check, b loss.Batch, extremes *Check, r *rand.Rand) {
	if t.slope == nil {
		c.fail("the manifest names no gradient of %q", t.name)
		return
	}
	plan, err := p.lossGraph(t, double, t.slope)
	if err != nil {
		c.stop(err)
		return
	}
	got, err := t.run(p, plan, b)
	if err != nil {
		c.stop(err)
		return
	}
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		c.stop(err)
		return
	}
	got, want.Grad = decided(got, want, b.C), decided(want.Grad, want, b.C)
	greatest := t.steepest(want, b)
	if t.half() {
		c.Limit, greatest = limit16, max(greatest, smallest16)
		overflow16(got, want.Grad)
	}
	c.measure(t.slope.Name, got, want.Grad, greatest)
	t.extremes(p, plan, extremes, b, r)
}

// steepest is the greatest derivative of a batch: at its logits, with logits of 0, or with
// logits that are far off. A difference such as p − q at correct logits is no more exact
// than p is.
func (t *term) steepest(want *loss.Outcome, b loss.Batch) float64 {
	grads := [][]float64{want.Grad}
	for _, far := range []float64{0, 40} {
		b.Logits = make([]float64, len(b.Logits))
		for i := range b.N * b.A {
			for k, q := range t.targets(b, i) {
				b.Logits[i*b.C+k] = far * (1 - 2*q)
			}
		}
		if o, err := loss.Eval(t.kind, t.opts, b); err == nil {
			grads = append(grads, o.Grad)
		}
	}
	most := math.SmallestNonzeroFloat64
	for _, g := range slices.Concat(grads...) {
		most = max(most, math.Abs(g))
	}
	return most
}

// overflow16 replaces infinities in got by the wanted numbers if these exceed float16.
func overflow16(got, want []float64) {
	for i, w := range want {
		if math.Abs(w) > 0.99*largest16 && math.Abs(got[i]) > 0.99*largest16 && math.Signbit(w) == math.Signbit(got[i]) {
			got[i] = w
		}
	}
}

// compare checks the loss of a batch against the closed form, with errors relative to the
// wanted loss or to least. A graph that does not run fails. If +∞ is wanted because of a
// negligible weight, any number is accepted.
func (t *term) compare(p *proof, plan *interp.Plan, c *Check, b loss.Batch, least float64) {
	got, err := t.run(p, plan, b)
	if err != nil {
		c.stop(err)
		return
	}
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		c.stop(err)
		return
	}
	if t.opts.Eps > 0 { // log(p + ε), of either sign, is no more exact than p + ε, even for a small loss
		least = max(least, 1, t.scale(want))
	}
	switch {
	case slices.ContainsFunc(want.PerAnchor, func(x float64) bool { return math.IsInf(x, 1) }) && !t.costly(b):
		for i, x := range got {
			c.Compared++
			if math.IsNaN(x) {
				c.fail("%s[%d]: NaN", t.out.Name, i)
			}
		}
	case t.opts.Reduction == loss.None:
		c.measure(t.out.Name, decided(got, want, 1), decided(want.PerAnchor, want, 1), least)
	default:
		c.measure(t.out.Name, got, []float64{want.Loss}, least)
	}
}

// scale is the greatest factor of a class or the greatest finite loss of an anchor,
// whichever is greater; for a reduced loss, times the number of anchors and divided like
// the loss.
func (t *term) scale(o *loss.Outcome) float64 {
	most, sum := 0.0, 0.0
	for _, x := range slices.Concat(t.opts.ClassWeights, o.PerAnchor) {
		if x = math.Abs(x); x > most && x <= math.MaxFloat64 {
			most = x
		}
	}
	for _, x := range o.PerAnchor {
		sum += x
	}
	if t.opts.Reduction == loss.None {
		return most
	}
	if share := math.Abs(o.Loss / sum); share > 0 && share <= math.MaxFloat64 {
		most *= share * float64(len(o.PerAnchor))
	}
	return most
}

// decided is x, with per numbers for each anchor, without the anchors whose selection by
// the loss depends on the last digits of their losses: float32 may select others.
func decided(x []float64, o *loss.Outcome, each int) []float64 {
	if len(x) != len(o.Undecided)*each {
		return x
	}
	var kept []float64
	for i, un := range o.Undecided {
		if !un {
			kept = append(kept, x[i*each:][:each]...)
		}
	}
	return kept
}

// newStates checks the state after a batch against the closed form: in float32 for the
// batch own, in float64 for drawn.
func (t *term) newStates(p *proof, c *Check, own, drawn loss.Batch) {
	for k, out := range t.news {
		for _, at := range []struct {
			double bool
			batch  loss.Batch
		}{{false, own}, {true, drawn}} {
			plan, err := p.lossGraph(t, at.double, out)
			if err != nil {
				c.stop(err)
				return
			}
			got, err := t.run(p, plan, at.batch)
			if err != nil {
				c.stop(err)
				return
			}
			want, err := loss.Eval(t.kind, t.opts, at.batch)
			if err != nil {
				c.stop(err)
				return
			}
			c.measure(out.Name, got, want.State[k], floor)
		}
	}
}

// extremes looks for NaN and infinities with huge logits.
func (t *term) extremes(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) {
	sizes := []float64{1e4, -1e4, 1e2, -1e2, 0}
	moved := b
	moved.Logits = make([]float64, len(b.Logits))
	for i := range moved.Logits {
		moved.Logits[i] = sizes[r.IntN(len(sizes))]
	}
	got, err := t.run(p, plan, moved)
	if err != nil {
		c.stop(err)
		return
	}
	if t.half() && t.slope != nil && plan.Fetches()[0] == t.slope.Name {
		if want, err := loss.Eval(t.kind, t.opts, moved); err == nil {
			overflow16(got, want.Grad)
		}
	}
	for i, x := range got {
		c.Compared++
		if math.IsNaN(x) || math.IsInf(x, 0) {
			c.fail("%s[%d]: %v", plan.Fetches()[0], i, x)
		}
	}
}

// empty runs batches without images, without anchors, and with a divisor of 0.
func (t *term) empty(p *proof, plan *interp.Plan, c *Check, b loss.Batch) {
	if t.opts.Reduction == loss.None {
		return
	}
	for _, x := range slices.Concat(t.emptyBatches(p), t.bareBatches(b)) {
		t.compare(p, plan, c, x, floor)
	}
}

// bareBatches are b without positives, with normalizers of 0, below 0 and just above 0, and
// with all anchors ignored, whichever the reduction divides by.
func (t *term) bareBatches(b loss.Batch) []loss.Batch {
	l, err := loss.Find(t.kind, t.opts.Name)
	if err != nil || t.opts.Reduction == loss.Sum || t.opts.Reduction == loss.Mean && !l.Weighted && t.opts.IgnoreIndex == nil {
		return nil
	}
	none, mark := -1.0, t.opts.IgnoreIndex
	with := func(target, normalizer float64) loss.Batch {
		x := b
		x.Normalizer, x.Target, x.Index = normalizer, slices.Clone(b.Target), slices.Clone(b.Index)
		for i := range x.Target {
			x.Target[i] = target
			if background := t.opts.Background; target == 0 && background != nil && i%b.C == *background {
				x.Target[i] = 1
			}
		}
		for i := range x.Index {
			x.Index[i] = int64(target)
			if background := t.opts.Background; target == none && background != nil {
				x.Index[i] = int64(*background)
			}
		}
		return x
	}
	switch {
	case t.opts.Target == loss.Dense:
		none = 0
	case mark != nil && float64(*mark) == none && t.opts.Target == loss.Index:
		none = float64(b.C) // also no class
	}
	batches := []loss.Batch{with(none, 0), with(none, -3), with(none, 0.125)}
	if mark != nil {
		batches = append(batches, with(float64(*mark), 0))
	}
	return batches
}

// emptyBatches are a batch without images and one without anchors, if these sizes are
// dynamic.
func (t *term) emptyBatches(p *proof) []loss.Batch {
	var batches []loss.Batch
	for i := range min(2, len(t.shape())) {
		if _, fixed := (*t.logits.Shape)[i].(float64); fixed {
			continue
		}
		shape := t.shape()
		shape[i] = 0
		batches = append(batches, newBatch(t, shape, rand.New(rand.NewPCG(p.opts.Seed, 0))))
	}
	return batches
}

// checkSum checks the total against the sum of the terms, if there are several.
func (p *proof) checkSum(c *Check) {
	total := p.manifest.Output(emit.RoleLoss, "")
	ts := p.terms()
	if total == nil || len(ts) < 2 {
		return
	}
	var feeds []string
	in, sum := map[string]*tensor.Tensor{}, 0.0
	for i, t := range ts {
		feeds = append(feeds, t.out.Name)
		in[t.out.Name] = float(t.out, false, nil, []float64{float64(i + 1)})
		sum += float64(i + 1)
	}
	plan, err := p.newPlan(p.model, interp.Options{Feeds: feeds, Fetches: []string{total.Name}})
	if err != nil {
		c.stop(err)
		return
	}
	out, err := plan.Run(p.ctx, in)
	if err != nil {
		c.stop(err)
		return
	}
	p.gave(total.Name, out[total.Name], nil, false)
	c.measure(total.Name, op.Floats(out[total.Name]), []float64{sum}, floor)
}
