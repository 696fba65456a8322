package verify

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// term is one loss of one head, as the manifest describes it.
type term struct {
	name                string
	kind                loss.Kind
	opts                loss.Options
	levels              []patterns.PartRecord
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

func (p *proof) term(of string, k loss.Kind, o loss.Options, levels []patterns.PartRecord, classes int) *term {
	x := p.manifest
	return &term{
		name: of, kind: k, opts: o, levels: levels, classes: classes,
		logits: x.Output(emit.RoleLogits, of), target: x.Input(emit.RoleTarget, of),
		weight: x.Input(emit.RoleTargetWeight, of), normalizer: x.Input(emit.RoleNormalizer, of),
	}
}

// check holds what the manifest says of a term to the graph.
func (t *term) check(g *graph.Graph) error {
	if t.logits == nil || t.target == nil || t.out == nil || len(t.levels) == 0 || t.classes < 1 {
		return fmt.Errorf("the logits, the target, the loss, the levels or the classes of %q are missing", t.name)
	}
	for _, p := range []*emit.Port{t.logits, t.target, t.out, t.weight, t.normalizer} {
		if p != nil && g.Value(p.Name) == nil {
			return fmt.Errorf("it names %q, which the graph does not have", p.Name)
		}
	}
	if n, err := tensor.Count(t.shape()); err != nil || n > maxLogits {
		return fmt.Errorf("logits of shape %v", t.shape())
	}
	return nil
}

// maxLogits bounds what is drawn for a term.
const maxLogits = 1 << 28

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

// The sizes of batches that are drawn where the network gives no logits and
// the manifest only names.
const (
	drawnImages  = 2
	drawnAnchors = 50
)

// shape is that of the logits by the manifest.
func (t *term) shape() []int {
	if t.logits.Shape == nil {
		return nil
	}
	var shape []int
	for i, d := range *t.logits.Shape {
		n, ok := d.(float64)
		if !ok {
			n = []float64{drawnImages, drawnAnchors, 0}[min(i, 2)]
		}
		shape = append(shape, int(n))
	}
	return shape
}

// right is b with logits that are right by far, and one class or none for each
// anchor.
func (t *term) right(b loss.Batch, r *rand.Rand) loss.Batch {
	b.Logits = make([]float64, len(b.Logits))
	if b.Target != nil {
		b.Target = make([]float64, len(b.Logits))
	}
	index := make([]int64, b.N*b.A)
	for i := range index {
		class := r.IntN(b.C)
		for k := range b.C {
			b.Logits[i*b.C+k] = -8 - 16*r.Float64()
		}
		b.Logits[i*b.C+class] *= -1
		if b.Target != nil {
			b.Target[i*b.C+class] = 1
		} else {
			index[i] = int64(class)
		}
	}
	if b.Index != nil {
		b.Index = index
	}
	return b
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

// The step of the differences, which are of fourth order, and how many are
// taken: along single logits, and along directions that move every logit.
const (
	step       = 5e-3
	singles    = 12
	directions = 4
)

// direction moves the logit at, or where that is negative every logit by its
// sign.
type direction struct {
	at    int
	signs []float64
}

// dot is the derivative along d of a function with the given gradient.
func (d direction) dot(grad []float64) float64 {
	if d.at >= 0 {
		return grad[d.at]
	}
	sum := 0.0
	for i, s := range d.signs {
		sum += s * grad[i]
	}
	return sum
}

// move is z + by·d.
func (d direction) move(z []float64, by float64) []float64 {
	moved := append([]float64{}, z...)
	if d.at >= 0 {
		moved[d.at] += by
		return moved
	}
	for i, s := range d.signs {
		moved[i] += by * s
	}
	return moved
}

// differences compares derivatives along directions with the closed form's.
// Errors are relative to the greatest derivative there can be along the
// direction: what a difference of two sums resolves does not depend on how
// small the derivative at hand is.
func (t *term) differences(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) {
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		c.fail("%v", err)
	}
	if err != nil || len(b.Logits) == 0 {
		return
	}
	greatest, sum := math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64
	for _, g := range want.Grad {
		greatest, sum = max(greatest, math.Abs(g)), sum+math.Abs(g)
	}
	for k := range singles + directions {
		dir, size := direction{at: r.IntN(len(b.Logits))}, greatest
		if k >= singles {
			dir, size = direction{at: -1, signs: make([]float64, len(b.Logits))}, sum
			for i := range dir.signs {
				dir.signs[i] = float64(2*r.IntN(2) - 1)
			}
		}
		got, err := t.along(p, plan, b, dir)
		if err != nil {
			c.fail("%v", err)
			return
		}
		c.measure(fmt.Sprintf("d %s along direction %d", t.out.Name, k), []float64{got / size}, []float64{dir.dot(want.Grad) / size}, 1)
	}
}

// along is the derivative of the loss (of the sum, if it is not reduced) along
// a direction: (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h.
func (t *term) along(p *proof, plan *interp.Plan, b loss.Batch, dir direction) (float64, error) {
	var at [4]float64
	base := b.Logits
	for k, x := range [4]float64{1, -1, 2, -2} {
		b.Logits = dir.move(base, x*step)
		out, err := t.run(p, plan, b)
		if err != nil {
			return 0, err
		}
		for _, v := range out {
			at[k] += v
		}
	}
	return (8*(at[0]-at[1]) - (at[2] - at[3])) / (12 * step), nil
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
