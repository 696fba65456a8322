package verify

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/interp"
)

// checkMasked masks classes of b by logits of −∞. With targets of 0 for these, the loss
// must equal the closed form and the gradient for them must be 0. If an anchor has a target
// for a masked class, the loss must be +∞, whether one or all of its classes are masked.
func (p *proof) checkMasked(t *term, c *Check, plans []*interp.Plan, b loss.Batch, r *rand.Rand) {
	slopes, err := p.slopes(t)
	if err != nil {
		c.stop(err)
		return
	}
	z := b.Logits
	for range max(1, 6/max(1, b.N*b.A)) {
		i := -1
		for k := 0; k < 20 && i < 0; k++ { // a batch of few anchors may have no target
			b = t.held(newBatch(t, []int{b.N, b.A, b.C}, r))
			i = t.positive(b, r)
		}
		b.Logits = z
		dear := t.unask(t.mask(b, r))
		plain := t.spare(dear, b)
		batches := []loss.Batch{dear, plain}
		if i >= 0 {
			for _, all := range []bool{false, true} {
				batches = append(batches, t.ask(plain, b, i, all))
			}
		}
		for _, plan := range plans {
			for _, x := range batches {
				t.compare(p, plan, c, x, floor)
			}
		}
		for _, plan := range slopes {
			p.maskedSlope(t, plan, c, dear)
			p.maskedSlope(t, plan, c, plain)
		}
	}
}

// slopes are the plans of the term's gradient in float32 and float64, if it has one.
func (p *proof) slopes(t *term) ([]*interp.Plan, error) {
	if p.manifest.Form != emit.LogitsGradientForm || t.slope == nil {
		return nil, nil
	}
	var plans []*interp.Plan
	for _, double := range []bool{false, true} {
		plan, err := p.lossGraph(t, double, t.slope)
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// mask is b with some classes masked, and all classes of some anchors; in a distribution,
// the bins around the target are not masked.
func (t *term) mask(b loss.Batch, r *rand.Rand) loss.Batch {
	b.Logits = slices.Clone(b.Logits)
	for i := range b.N * b.A {
		all := t.opts.Target != loss.Bins && r.IntN(8) == 0
		for k := range b.C {
			near := t.opts.Target == loss.Bins && math.Abs(float64(k)-min(b.Target[i], float64(b.C-1))) < 1
			if all || !near && r.IntN(3) == 0 {
				b.Logits[i*b.C+k] = math.Inf(-1)
			}
		}
	}
	return b
}

// unask is b without targets for masked classes.
func (t *term) unask(b loss.Batch) loss.Batch {
	b.Target, b.Index = slices.Clone(b.Target), slices.Clone(b.Index)
	masked := func(i int) bool { return math.IsInf(b.Logits[i], -1) }
	ignore := t.opts.IgnoreIndex
	for i, k := range b.Index {
		if k >= 0 && k < int64(b.C) && masked(i*b.C+int(k)) && (ignore == nil || *ignore != k) {
			b.Index[i] = -1
		}
	}
	for i, q := range b.Target {
		if t.opts.Target != loss.Bins && masked(i) && (ignore == nil || float64(*ignore) != q) {
			b.Target[i] = 0
		}
	}
	return b
}

// spare is x with anchors whose loss is +∞ replaced by those of b; an anchor's loss is +∞,
// for example, if the only class not masked has no target. Otherwise the sum would hide all
// other anchors.
func (t *term) spare(x, b loss.Batch) loss.Batch {
	want, err := loss.Eval(t.kind, t.opts, x)
	if err != nil {
		return x
	}
	x.Logits, x.Target, x.Index = slices.Clone(x.Logits), slices.Clone(x.Target), slices.Clone(x.Index)
	each := len(b.Target) / max(1, b.N*b.A)
	for i, per := range want.PerAnchor {
		if !math.IsInf(per, 1) {
			continue
		}
		copy(x.Logits[i*b.C:][:b.C], b.Logits[i*b.C:])
		if x.Index != nil {
			x.Index[i] = b.Index[i]
		} else {
			copy(x.Target[i*each:][:each], b.Target[i*each:])
		}
	}
	return x
}

// positive is an anchor of b that is not ignored and has a target above 0 for a class other
// than the background; −1 if there is none.
func (t *term) positive(b loss.Batch, r *rand.Rand) int {
	n := b.N * b.A
	if n == 0 {
		return -1
	}
	for start, k := r.IntN(n), 0; k < n; k++ {
		i := (start + k) % n
		if b.Weight != nil && b.Weight[i] == 0 {
			continue
		}
		for class, q := range t.targets(b, i) {
			if q > 0 && q <= 1 && (t.opts.Background == nil || *t.opts.Background != class) {
				return i
			}
		}
	}
	return -1
}

// targets are those of anchor i for each class.
func (t *term) targets(b loss.Batch, i int) []float64 {
	q := make([]float64, b.C)
	switch ignore := t.opts.IgnoreIndex; {
	case t.opts.Target == loss.Bins:
		if y := min(b.Target[i], float64(b.C-1)); y >= 0 {
			q[int(y)] = 1 - (y - math.Trunc(y))
		}
	case b.Index == nil:
		return b.Target[i*b.C:][:b.C]
	case b.Index[i] >= 0 && b.Index[i] < int64(b.C) && (ignore == nil || *ignore != b.Index[i]):
		q[b.Index[i]] = 1
	}
	return q
}

// ask is plain with anchor i taken from b, and its classes with the greatest target, or
// all its classes, masked.
func (t *term) ask(plain, b loss.Batch, i int, all bool) loss.Batch {
	plain.Logits, plain.Target, plain.Index = slices.Clone(plain.Logits), slices.Clone(plain.Target), slices.Clone(plain.Index)
	z := plain.Logits[i*b.C:][:b.C]
	copy(z, b.Logits[i*b.C:])
	q := t.targets(b, i)
	for k := range z {
		if all || q[k] == slices.Max(q) {
			z[k] = math.Inf(-1)
		}
	}
	switch each := len(b.Target) / (b.N * b.A); {
	case b.Index != nil:
		plain.Index[i] = b.Index[i]
	default:
		copy(plain.Target[i*each:][:each], b.Target[i*each:])
	}
	return plain
}

// costly reports whether the targets for masked classes have enough weight for the graph
// to return +∞, which it does not for weights below 1e-12: the loss must be huge for
// logits that are merely far below 0.
func (t *term) costly(b loss.Batch) bool {
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		return false
	}
	b.Logits = slices.Clone(b.Logits)
	for i, z := range b.Logits {
		b.Logits[i] = max(z, -0x1p100)
	}
	for i := range b.N * b.A {
		z, q := b.Logits[i*b.C:][:b.C], t.targets(b, i)
		if b.C > 1 && slices.Max(z) == -0x1p100 { // for which a softmax gives equal shares
			z[slices.Index(q, slices.Min(q))] = 0
		}
	}
	far, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		return false
	}
	for i, x := range want.PerAnchor {
		if math.IsInf(x, 1) && far.PerAnchor[i] < 1e24 {
			return false
		}
	}
	return true
}

// smallestNormal is the smallest normal float32; anything smaller counts as 0.
const smallestNormal = 0x1p-126

// maskedSlope checks the gradient against the closed form's, and that it is 0 for masked logits.
func (p *proof) maskedSlope(t *term, plan *interp.Plan, c *Check, b loss.Batch) {
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
	if t.half() {
		overflow16(got, want.Grad)
	}
	for i, g := range got {
		switch {
		case math.IsNaN(g) || math.IsInf(g, 0):
			c.fail("%s[%d]: %v", t.slope.Name, i, g)
		case math.IsInf(b.Logits[i], -1) && math.Abs(g) >= smallestNormal && !math.IsInf(want.PerAnchor[i/b.C], 1):
			c.fail("%s[%d]: %v for a masked logit, want 0", t.slope.Name, i, g)
		}
	}
	if !t.half() && !math.IsInf(want.Loss, 1) {
		c.measure(t.slope.Name, decided(got, want, b.C), decided(want.Grad, want, b.C), t.steepest(want, b))
	}
}
