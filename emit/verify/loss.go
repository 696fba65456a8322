package verify

import (
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// losses holds every term to the closed form.
func (p *proof) losses() error {
	single := &Check{Name: "loss", What: "loss in float32 on the network's own logits, against the closed form", Limit: limit32}
	double := &Check{Name: "loss64", What: "loss in float64 on drawn logits, against the closed form", Limit: limit64}
	grad := &Check{Name: "gradient", What: "central differences in float64 against the closed form's gradient", Limit: limitGrad}
	tails := &Check{Name: "tails", What: "tiny losses of logits that are right by far, against the closed form", Limit: limitTails}
	extreme := &Check{Name: "extremes", What: "logits up to ±1e4: every loss finite"}
	for _, t := range p.terms() {
		if err := p.checkTerm(t, single, double, grad, tails, extreme); err != nil {
			return err
		}
	}
	if err := p.checkSum(single); err != nil {
		return err
	}
	for _, c := range []*Check{single, double, grad, tails, extreme} {
		p.add(c)
	}
	return nil
}

func (p *proof) checkTerm(t *term, single, double, grad, tails, extreme *Check) error {
	r := rand.New(rand.NewPCG(p.opts.Seed, uint64(len(t.name))))
	shape := t.shape()
	z := p.values[t.logits.Name]
	if z != nil {
		shape = z.Shape
	}
	if len(shape) != 3 || shape[2] != t.classes {
		single.fail("%s: shape %v, want [N, A, %d]", t.logits.Name, shape, t.classes)
		return nil
	}
	own, drawn := newBatch(t, shape, r), newBatch(t, shape, r)
	for i := range drawn.Logits {
		drawn.Logits[i] = 4 * r.NormFloat64()
		own.Logits[i] = float64(float32(drawn.Logits[i]))
	}
	if z != nil {
		own.Logits = op.Floats(z)
	} else {
		single.What = "loss in float32 on drawn logits, against the closed form"
	}
	f32, err := p.lossGraph(t, false)
	if err != nil {
		return err
	}
	f64, err := p.lossGraph(t, true)
	if err != nil {
		return err
	}
	t.compare(p, f32, single, own, floor)
	t.compare(p, f64, double, drawn, floor)
	t.differences(p, f64, grad, drawn, r)
	for _, plan := range []*interp.Plan{f32, f64} {
		if t.opts.Eps == 0 {
			t.compare(p, plan, tails, t.right(drawn, r), underflow)
		}
		t.extremes(p, plan, extreme, drawn, r)
	}
	if t.opts.Eps != 0 {
		tails.Left = "log(p + ε) has none"
	}
	return p.ctx.Err()
}

// compare holds the loss of a batch to the closed form, relative to the loss
// wanted or to least. A graph that does not run has failed.
func (t *term) compare(p *proof, plan *interp.Plan, c *Check, b loss.Batch, least float64) {
	got, err := t.run(p, plan, b)
	if err != nil {
		c.fail("%v", err)
		return
	}
	want, err := loss.Eval(t.kind, t.opts, b)
	switch {
	case err != nil:
		c.fail("%v", err)
	case t.opts.Reduction == loss.None:
		c.measure(t.out.Name, got, want.PerAnchor, least)
	default:
		c.measure(t.out.Name, got, []float64{want.Loss}, least)
	}
}

// extremes looks for NaN and infinities where logits are huge.
func (t *term) extremes(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) {
	sizes := []float64{1e4, -1e4, 1e2, -1e2, 0}
	moved := b
	moved.Logits = make([]float64, len(b.Logits))
	for i := range moved.Logits {
		moved.Logits[i] = sizes[r.IntN(len(sizes))]
	}
	got, err := t.run(p, plan, moved)
	if err != nil {
		c.fail("%v", err)
	}
	for i, x := range got {
		c.Compared++
		if math.IsNaN(x) || math.IsInf(x, 0) {
			c.fail("%s[%d]: %v", t.out.Name, i, x)
		}
	}
}

// checkSum holds the total to the sum of the terms, where there are several.
func (p *proof) checkSum(c *Check) error {
	total := p.manifest.Output(emit.RoleLoss, "")
	ts := p.terms()
	if total == nil || len(ts) < 2 {
		return nil
	}
	feeds, fetches := []string{}, []string{total.Name}
	for _, t := range ts {
		feeds = append(feeds, t.out.Name)
	}
	plan, err := interp.New(p.model, interp.Options{Feeds: feeds, Fetches: fetches})
	if err != nil {
		return err
	}
	in, sum := map[string]*tensor.Tensor{}, 0.0
	for i, name := range feeds {
		x := float32(int(1) << i)
		in[name] = tensor.Scalar(x)
		sum += float64(x)
	}
	out, err := plan.Run(p.ctx, in)
	if err != nil {
		return err
	}
	c.measure(total.Name, op.Floats(out[total.Name]), []float64{sum}, floor)
	return nil
}
