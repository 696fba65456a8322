package verify

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The step of the fourth-order differences, and the numbers of directions: along single
// logits, and along directions that move every logit. If a difference disagrees, a much
// smaller step decides: losses may have kinks, and each moved logit may cross one.
const (
	step       = 5e-3
	singles    = 12
	directions = 4
)

// direction moves the logit at, or every logit by its sign if at is negative.
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
// Errors are relative to the greatest possible derivative along the direction,
// because the resolution of a difference of two sums does not depend on how small
// the actual derivative is.
func (t *term) differences(p *proof, plan *interp.Plan, c *Check, b loss.Batch, r *rand.Rand) {
	want, err := loss.Eval(t.kind, t.opts, b)
	if err != nil {
		c.stop(err)
	}
	if err != nil || len(b.Logits) == 0 {
		return
	}
	plan, held, err := t.hold(p, plan, b)
	if err != nil {
		c.stop(err)
		return
	}
	greatest, sum := t.steepest(want, b), 0.0
	for _, g := range want.Grad {
		sum += math.Abs(g)
	}
	sum = max(sum, greatest)
	for k := range singles + directions {
		dir, size, small := direction{at: r.IntN(len(b.Logits))}, greatest, step/100
		if k >= singles {
			dir, size, small = direction{at: -1, signs: make([]float64, len(b.Logits))}, sum, step/1000
			for i := range dir.signs {
				dir.signs[i] = float64(2*r.IntN(2) - 1)
			}
		}
		slope := dir.dot(want.Grad)
		got, err := t.along(p, plan, held, b, dir, step)
		if err == nil && !(math.Abs(got-slope) <= limitGrad*size) {
			got, err = t.along(p, plan, held, b, dir, small) // which crosses fewer kinks
		}
		if err != nil {
			c.stop(err)
			return
		}
		c.measure(fmt.Sprintf("d %s along direction %d", t.out.Name, k), []float64{got / size}, []float64{slope / size}, 1)
	}
}

// hold is a plan that takes batch statistics as inputs, and their values at b: to the
// derivative they are constants. For losses without batch statistics it is the plan itself.
func (t *term) hold(p *proof, plan *interp.Plan, b loss.Batch) (*interp.Plan, map[string]*tensor.Tensor, error) {
	l, err := loss.Find(t.kind, t.opts.Name)
	if err != nil || l.Statistics == nil {
		return plan, nil, err
	}
	m, err := inlined(p.model)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, v := range loss.NonDifferentiable(m.Graph.Value(t.logits.Name)) {
		names = append(names, v.Name)
	}
	at, err := p.newPlan(m, interp.Options{Threads: p.opts.Threads, Double: true, Feeds: t.feedNames(m.Graph, true), Fetches: names})
	if err != nil {
		return nil, nil, err
	}
	held, err := at.Run(p.ctx, t.feeds(p, at, b))
	if err != nil {
		return nil, nil, err
	}
	plan, err = p.newPlan(m, interp.Options{Threads: p.opts.Threads, Double: true, Feeds: append(t.feedNames(m.Graph, true), names...), Fetches: []string{t.out.Name}})
	return plan, held, err
}

// inlined is m with its functions inlined, so that their values can be fed, and with types
// inferred, which functions do not declare.
func inlined(m *graph.Model) (*graph.Model, error) {
	if len(m.Functions) == 0 {
		return m, nil
	}
	in, err := graph.Inline(m)
	if err != nil {
		return nil, err
	}
	facts := op.InferModel(in.Model)
	if err := facts.ReadErr(); err != nil {
		return nil, err
	}
	for _, n := range in.Model.Graph.Nodes {
		for _, v := range n.Outputs {
			if v != nil && v.Type.DType == tensor.Invalid {
				v.Type = facts.Of(v).Type
			}
		}
	}
	return in.Model, nil
}

// along is the derivative of the loss (of the sum, if it is not reduced) along
// a direction: (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h.
func (t *term) along(p *proof, plan *interp.Plan, held map[string]*tensor.Tensor, b loss.Batch, dir direction, h float64) (float64, error) {
	var at [4]float64
	base := b.Logits
	for k, x := range [4]float64{1, -1, 2, -2} {
		b.Logits = dir.move(base, x*h)
		feeds := t.feeds(p, plan, b)
		maps.Copy(feeds, held)
		out, err := plan.Run(p.ctx, feeds)
		if err != nil {
			return 0, err
		}
		for _, v := range op.Floats(out[plan.Fetches()[0]]) {
			at[k] += v
		}
	}
	return (8*(at[0]-at[1]) - (at[2] - at[3])) / (12 * h), nil
}
