package verify

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// term is one loss of one head, as the manifest describes it.
type term struct {
	name                string
	kind                loss.Kind
	opts                loss.Options
	levels              []emit.Level
	classes             int
	logits, target, out *emit.Port
	weight, normalizer  *emit.Port
}

// terms is the manifest's losses, in order: for each head its classes, then
// its confidence.
func (p *proof) terms() []*term {
	x := p.manifest
	var ts []*term
	for i, h := range x.Heads {
		of := ""
		if len(x.Heads) > 1 {
			of = fmt.Sprintf("head%d", i)
		}
		ts = append(ts, p.term(of, loss.Classification, x.Loss, h.Levels, h.Classes))
		if x.Confidence != nil {
			if of != "" {
				of += "."
			}
			ts = append(ts, p.term(of+"confidence", loss.Confidence, *x.Confidence, h.Objectness, 1))
		}
	}
	for _, t := range ts {
		of := t.name
		if len(ts) > 1 && of == "" {
			of = "class"
		}
		role := emit.RoleLoss
		if t.opts.Reduction == loss.None {
			role, of = emit.RolePerAnchor, t.name
		}
		if len(ts) == 1 {
			of = ""
		}
		t.out = x.Output(role, of)
	}
	return ts
}

func (p *proof) term(of string, k loss.Kind, o loss.Options, levels []emit.Level, classes int) *term {
	x := p.manifest
	return &term{
		name: of, kind: k, opts: o, levels: levels, classes: classes,
		logits: x.Output(emit.RoleLogits, of), target: x.Input(emit.RoleTarget, of),
		weight: x.Input(emit.RoleTargetWeight, of), normalizer: x.Input(emit.RoleNormalizer, of),
	}
}

// losses holds every term to the closed form.
func (p *proof) losses() error {
	single := &Check{Name: "loss", What: "loss in float32 on the network's own logits, against the closed form", Limit: limit32}
	double := &Check{Name: "loss64", What: "loss in float64 on drawn logits, against the closed form", Limit: limit64}
	grad := &Check{Name: "gradient", What: "central differences in float64 against the closed form's gradient", Limit: limitGrad}
	extreme := &Check{Name: "extremes", What: "logits up to ±1e4: every loss finite"}
	for _, t := range p.terms() {
		if err := p.checkTerm(t, single, double, grad, extreme); err != nil {
			return err
		}
	}
	if err := p.checkSum(single); err != nil {
		return err
	}
	for _, c := range []*Check{single, double, grad, extreme} {
		p.add(c)
	}
	return nil
}

func (p *proof) checkTerm(t *term, single, double, grad, extreme *Check) error {
	if t.target == nil || t.out == nil {
		return fmt.Errorf("the manifest has no target or no loss for %q", t.name)
	}
	r := rand.New(rand.NewPCG(p.opts.Seed, uint64(len(t.name))))
	z := p.values[t.logits.Name]
	own := newBatch(t, z.Shape, r)
	own.Logits = op.Floats(z)
	f32, err := p.lossGraph(t, false)
	if err != nil {
		return err
	}
	if err := t.compare(p, f32, single, own); err != nil {
		return err
	}
	f64, err := p.lossGraph(t, true)
	if err != nil {
		return err
	}
	drawn := newBatch(t, z.Shape, r)
	for i := range drawn.Logits {
		drawn.Logits[i] = 4 * r.NormFloat64()
	}
	if err := t.compare(p, f64, double, drawn); err != nil {
		return err
	}
	if err := t.differences(p, f64, grad, drawn, r); err != nil {
		return err
	}
	for _, plan := range []*interp.Plan{f32, f64} {
		if err := t.extremes(p, plan, extreme, drawn, r); err != nil {
			return err
		}
	}
	return nil
}

// lossGraph plans the part of the graph from a term's logits to its loss.
func (p *proof) lossGraph(t *term, double bool) (*interp.Plan, error) {
	feeds := []string{t.logits.Name, t.target.Name}
	for _, in := range []*emit.Port{t.weight, t.normalizer} {
		if in != nil {
			feeds = append(feeds, in.Name)
		}
	}
	return interp.New(p.model, interp.Options{Threads: p.opts.Threads, Double: double, Feeds: feeds, Fetches: []string{t.out.Name}})
}

// newBatch draws targets and weights for logits of a shape: single classes,
// soft and several ones, none, and ignored anchors where there is a mark.
func newBatch(t *term, shape []int, r *rand.Rand) loss.Batch {
	b := loss.Batch{N: shape[0], A: shape[1], C: shape[2], Logits: make([]float64, shape[0]*shape[1]*shape[2])}
	if t.opts.Target == loss.Index {
		b.Index = make([]int64, b.N*b.A)
	} else {
		b.Target = make([]float64, len(b.Logits))
	}
	for i := range b.N * b.A {
		t.drawTarget(&b, i, r)
	}
	if t.opts.AnchorWeights {
		b.Weight = make([]float64, b.N*b.A)
		for i := range b.Weight {
			b.Weight[i] = float64(float32(2 * r.Float64()))
		}
	}
	b.Normalizer = 7
	return b
}

func (t *term) drawTarget(b *loss.Batch, i int, r *rand.Rand) {
	ignored := t.opts.IgnoreIndex != nil && r.IntN(4) == 0
	if b.Index != nil {
		b.Index[i] = int64(r.IntN(b.C+1) - 1)
		if ignored {
			b.Index[i] = *t.opts.IgnoreIndex
		}
		return
	}
	q := b.Target[i*b.C:][:b.C]
	kind := r.IntN(4)
	for k := range q {
		switch {
		case ignored:
			q[k] = float64(*t.opts.IgnoreIndex)
		case kind == 0: // a soft target for each
			q[k] = float64(r.Float32())
		case kind == 1 && r.IntN(3) == 0: // several classes
			q[k] = 1
		}
	}
	if kind == 2 && !ignored {
		q[r.IntN(b.C)] = 1
	}
}

// run is the loss graph's output for a batch, in float64.
func (t *term) run(p *proof, plan *interp.Plan, b loss.Batch) ([]float64, error) {
	shape := []int{b.N, b.A, b.C}
	feeds := map[string]*tensor.Tensor{t.logits.Name: t.float(plan, shape, b.Logits)}
	if b.Index != nil {
		feeds[t.target.Name] = tensor.Of(shape[:2], b.Index)
	} else {
		feeds[t.target.Name] = t.float(plan, shape, b.Target)
	}
	if t.weight != nil {
		feeds[t.weight.Name] = t.float(plan, shape[:2], b.Weight)
	}
	if t.normalizer != nil {
		feeds[t.normalizer.Name] = t.float(plan, nil, []float64{b.Normalizer})
	}
	out, err := plan.Run(p.ctx, feeds)
	if err != nil {
		return nil, err
	}
	return op.Floats(out[t.out.Name]), nil
}

// float is x in the element type that the plan computes in.
func (t *term) float(plan *interp.Plan, shape []int, x []float64) *tensor.Tensor {
	if plan.Double() {
		return tensor.Of(shape, append([]float64{}, x...))
	}
	f := make([]float32, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	return tensor.Of(shape, f)
}

// compare holds the loss of a batch to the closed form.
func (t *term) compare(p *proof, plan *interp.Plan, c *Check, b loss.Batch) error {
	got, err := t.run(p, plan, b)
	if err != nil {
		return err
	}
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		return err
	}
	if t.opts.Reduction == loss.None {
		c.measure(t.out.Name, got, want.PerAnchor)
	} else {
		c.measure(t.out.Name, got, []float64{want.Loss})
	}
	return nil
}

// The step of central differences, and how many are taken: along single
// logits, and along directions that move every logit.
const (
	step       = 1e-4
	singles    = 12
	directions = 4
)

// differences compares derivatives along directions with the closed form's.
// Errors are relative to the greatest derivative there can be along the
// direction: what a difference of two sums resolves does not depend on how
// small the derivative at hand is.
func (t *term) differences(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) error {
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil || len(b.Logits) == 0 {
		return err
	}
	greatest, sum := 0.0, 0.0
	for _, g := range want.Grad {
		greatest, sum = max(greatest, math.Abs(g)), sum+math.Abs(g)
	}
	for k := range singles + directions {
		dir, size := map[int]float64{}, greatest
		if k < singles {
			dir[r.IntN(len(b.Logits))] = 1
		} else {
			for i := range b.Logits {
				dir[i] = float64(2*r.IntN(2) - 1)
			}
			size = sum
		}
		got, err := t.along(p, plan, b, dir)
		if err != nil {
			return err
		}
		d := 0.0
		for i, s := range dir {
			d += s * want.Grad[i]
		}
		size = max(size, math.SmallestNonzeroFloat64)
		c.measure(fmt.Sprintf("d %s along direction %d", t.out.Name, k), []float64{got / size}, []float64{d / size})
	}
	return nil
}

// along is the derivative of the loss (of the sum, if it is not reduced) along
// a direction.
func (t *term) along(p *proof, plan *interp.Plan, b loss.Batch, dir map[int]float64) (float64, error) {
	var side [2][]float64
	for k, sign := range []float64{1, -1} {
		moved := b
		moved.Logits = append([]float64{}, b.Logits...)
		for i, s := range dir {
			moved.Logits[i] += sign * s * step
		}
		var err error
		if side[k], err = t.run(p, plan, moved); err != nil {
			return 0, err
		}
	}
	d := 0.0
	for i := range side[0] {
		d += side[0][i] - side[1][i]
	}
	return d / (2 * step), nil
}

// extremes looks for NaN and infinities where logits are huge.
func (t *term) extremes(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) error {
	sizes := []float64{1e4, -1e4, 1e2, -1e2, 0}
	moved := b
	moved.Logits = make([]float64, len(b.Logits))
	for i := range moved.Logits {
		moved.Logits[i] = sizes[r.IntN(len(sizes))]
	}
	got, err := t.run(p, plan, moved)
	if err != nil {
		return err
	}
	for i, x := range got {
		c.Compared++
		if math.IsNaN(x) || math.IsInf(x, 0) {
			c.fail("%s[%d]: %v", t.out.Name, i, x)
		}
	}
	return nil
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
	c.measure(total.Name, op.Floats(out[total.Name]), []float64{sum})
	return nil
}
