package verify

import (
	"fmt"
	"slices"
	"strings"

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
	rows                int // of the logits per position and anchor
	logits, target, out *emit.Port
	slope               *emit.Port // the logits gradient; nil if the form has none
	weight, normalizer  *emit.Port
	targetCheck         *emit.Port   // nil if there is none
	states, news        []*emit.Port // the loss's state, before and after
	mines               bool         // the loss selects among many negatives
}

// terms are the manifest's losses, in order: for each head the class loss, then the
// confidence loss.
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
		if x.Box != nil {
			if of = strings.TrimSuffix(of, "."); of != "" {
				of += "."
			}
			ts = append(ts, p.boxTerm(of+"box", h))
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

// boxTerm is the box loss of h: the bins are the classes, and each position has one row per
// side.
func (p *proof) boxTerm(of string, h patterns.HeadRecord) *term {
	t := p.term(of, loss.Box, *p.manifest.Box, h.Distributions, 0)
	if t.logits != nil && t.logits.Shape != nil && len(*t.logits.Shape) == 3 {
		if n, ok := (*t.logits.Shape)[2].(float64); ok && n >= 1 && n <= maxLogits {
			t.classes, t.rows = int(n), patterns.Sides
		}
	}
	return t
}

func (p *proof) term(of string, k loss.Kind, o loss.Options, levels []patterns.PartRecord, classes int) *term {
	x := p.manifest
	t := &term{
		name: of, kind: k, opts: o, levels: levels, classes: classes, rows: 1,
		logits: x.Output(emit.RoleLogits, of), target: x.Input(emit.RoleTarget, of),
		slope:  x.Output(emit.RoleLogitsGradient, of),
		weight: x.Input(emit.RoleTargetWeight, of), normalizer: x.Input(emit.RoleNormalizer, of),
		targetCheck: x.Output(emit.RoleTargetCheck, of),
		states:      x.States(of),
	}
	if l, err := loss.Find(k, o.Name); err == nil && l.Statistics != nil {
		t.mines = l.Statistics.Sorts && o.Background != nil
	}
	for _, s := range t.states {
		t.news = append(t.news, x.Output(emit.RoleNewState, s.Name))
	}
	return t
}

// check checks the manifest's description of a term against the graph.
func (t *term) check(g *graph.Graph) error {
	if t.logits == nil || t.target == nil || t.out == nil || len(t.levels) == 0 || t.classes < 1 {
		return fmt.Errorf("the logits, the target, the loss, the levels or the classes of %q are missing", t.name)
	}
	if (t.weight != nil) != t.opts.AnchorWeights || (t.normalizer != nil) != (t.opts.Reduction == loss.Fed) {
		return fmt.Errorf("the inputs of %q do not match its options", t.name)
	}
	states, err := t.opts.States(t.kind, t.classes)
	if err != nil {
		return err
	}
	if len(t.states) != len(states) || slices.Contains(t.news, nil) {
		return fmt.Errorf("%d states of %q, each before and after, want %d", len(t.states), t.name, len(states))
	}
	for _, p := range slices.Concat([]*emit.Port{t.logits, t.target, t.out, t.slope, t.weight, t.normalizer, t.targetCheck}, t.states, t.news) {
		if p != nil && g.Value(p.Name) == nil {
			return fmt.Errorf("it names %q, which is not in the graph", p.Name)
		}
	}
	if n, err := tensor.Count(t.shape()); err != nil || n > maxLogits {
		return fmt.Errorf("logits of shape %v", t.shape())
	}
	return nil
}

// maxLogits bounds the number of logits drawn for a term.
const maxLogits = 1 << 28

// The sizes of drawn batches if the network was not run and the manifest has only symbolic
// dimensions.
const (
	drawnImages  = 2
	drawnAnchors = 50
)

// shape is the shape of the logits according to the manifest.
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

// half reports whether the term's logits, dense targets and gradient have 16 bits.
func (t *term) half() bool {
	return t.logits.DType == tensor.Float16.String()
}

// read is the name of the value to feed for an input in a float64 plan: for 16-bit inputs
// the one after the conversion to the loss's type, where any number can be fed.
func (t *term) read(g *graph.Graph, port *emit.Port, double bool) string {
	v := g.Value(port.Name)
	if !double || v == nil || v.Type.DType != tensor.Float16 {
		return port.Name
	}
	for _, u := range v.Uses() { // all by the loss: the network reads none of its ports
		if n := u.Node; n != nil && n.Op == "Cast" && graph.CanonicalDomain(n.Domain) == "" {
			return n.Outputs[0].Name
		}
	}
	return port.Name
}

// lossGraph plans the part of the graph from a term's logits to the fetched value, its loss
// or logits gradient.
func (p *proof) lossGraph(t *term, double bool, fetch *emit.Port) (*interp.Plan, error) {
	return p.newPlan(p.model, interp.Options{Threads: p.opts.Threads, Double: double, Feeds: t.feedNames(p.model.Graph, double), Fetches: []string{fetch.Name}})
}

// feedNames are the inputs of the loss graph.
func (t *term) feedNames(g *graph.Graph, double bool) []string {
	var names []string
	for _, in := range append([]*emit.Port{t.logits, t.target, t.weight, t.normalizer}, t.states...) {
		if in != nil {
			names = append(names, t.read(g, in, double))
		}
	}
	return names
}

// run is the loss graph's output for a batch, in float64.
func (t *term) run(p *proof, plan *interp.Plan, b loss.Batch) ([]float64, error) {
	out, err := plan.Run(p.ctx, t.feeds(p, plan, b))
	if err != nil {
		return nil, err
	}
	got := out[plan.Fetches()[0]]
	p.gave(plan.Fetches()[0], got, t.sizes(b), plan.Double())
	return op.Floats(got), nil
}

// feeds is a batch as inputs of a loss graph.
func (t *term) feeds(p *proof, plan *interp.Plan, b loss.Batch) map[string]*tensor.Tensor {
	shape, feeds := []int{b.N, b.A, b.C}, map[string]*tensor.Tensor{}
	feed := func(port *emit.Port, shape []int, x []float64) {
		feeds[t.read(p.model.Graph, port, plan.Double())] = float(port, plan.Double(), shape, x)
	}
	feed(t.logits, shape, b.Logits)
	switch t.opts.Target {
	case loss.Index:
		feeds[t.target.Name] = tensor.Of(shape[:2], b.Index)
	case loss.Bins:
		feed(t.target, shape[:2], b.Target)
	default:
		feed(t.target, shape, b.Target)
	}
	if t.weight != nil {
		feed(t.weight, shape[:2], b.Weight)
	}
	if t.normalizer != nil {
		feed(t.normalizer, nil, []float64{b.Normalizer})
	}
	for i, s := range t.states {
		feed(s, []int{len(b.State[i])}, b.State[i])
	}
	return feeds
}

// float is x as a tensor with the element type of a port, or float64.
func float(port *emit.Port, double bool, shape []int, x []float64) *tensor.Tensor {
	if double || port.DType == tensor.Float64.String() {
		return tensor.Of(shape, append([]float64{}, x...))
	}
	f := make([]float32, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	if port.DType == tensor.Float16.String() {
		h := make([]tensor.F16, len(f))
		tensor.ToFloat16(h, f)
		return tensor.Of(shape, h)
	}
	return tensor.Of(shape, f)
}

// held rounds the numbers of a batch to the element types of its ports.
func (t *term) held(b loss.Batch) loss.Batch {
	if t.half() {
		b.Logits, b.Target = halves(b.Logits), halves(b.Target)
	}
	return b
}

// halves is x rounded to float16.
func halves(x []float64) []float64 {
	if x == nil {
		return nil
	}
	f, h := make([]float32, len(x)), make([]tensor.F16, len(x))
	for i, v := range x {
		f[i] = float32(v)
	}
	tensor.ToFloat16(h, f)
	return op.Floats(tensor.Of([]int{len(h)}, h))
}
