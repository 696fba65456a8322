package op_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

// gradCase is one node whose gradient rule is compared with central
// differences, at every opset of checkedOpsets from lo to hi that has the
// operator, with static shapes and with named dimensions.
type gradCase struct {
	op     string
	lo, hi int64 // bounds of the opset; 0 is none
	attrs  []*graph.Attr
	in     []gradIn
	outs   int  // number of outputs; 0 stands for 1
	static bool // the rule needs static shapes
	// zeroFrom is the output from which on adjoints are left out; 0 is none.
	zeroFrom int
}

// gradIn is an input: a variable of the given shape, drawn from [lo, hi] or
// the row's own domain, or at given values; or a constant; or one that is left
// out.
type gradIn struct {
	shape  []int
	lo, hi float64
	values []float64
	t      *tensor.Tensor
	omit   bool
	sized  bool // its dimensions are numbers in every check
}

// vary is a variable input, drawn from the row's domain.
func vary(shape ...int) gradIn { return gradIn{shape: shape} }

// weight is a variable input whose shape is known, as that of what is trained is.
func weight(shape ...int) gradIn { return gradIn{shape: shape, sized: true} }

// within is a variable input drawn from [lo, hi].
func within(lo, hi float64, shape ...int) gradIn { return gradIn{shape: shape, lo: lo, hi: hi} }

// exactly is a variable input at the given values.
func exactly(values ...float64) gradIn { return gradIn{shape: []int{len(values)}, values: values} }

// fixed is a constant input.
func fixed(t *tensor.Tensor) gradIn { return gradIn{t: t} }

// omitted is an input that is left out.
var omitted = gradIn{omit: true}

// gradCases are the cases that families need; each file of tests adds its own.
var gradCases []gradCase

// allGradCases are gradCases and, for each row that has none there, one of all its
// required inputs at the same shape.
func allGradCases() []gradCase {
	cases, listed := slices.Clone(gradCases), map[string]bool{}
	for _, c := range cases {
		listed[c.op] = true
	}
	for _, row := range op.All() {
		if row.Grad != nil && !listed[row.Name] {
			cases = append(cases, gradCase{op: row.Name, in: slices.Repeat([]gradIn{vary(2, 3)}, max(row.In.Min, 1))})
		}
	}
	return cases
}

var checkedOpsets = []int64{7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28}

func TestGradients(t *testing.T) {
	seen, checks := map[string]int{}, 0
	cases := allGradCases()
	for i, c := range cases {
		row := op.Lookup("", c.op)
		if row == nil || row.Grad == nil {
			t.Errorf("%s has no gradient rule to check", c.op)
			continue
		}
		ran := 0
		for _, opset := range checkedOpsets {
			if row.Since(opset) == 0 || opset < c.lo || c.hi != 0 && opset > c.hi {
				continue
			}
			ran++
			for _, named := range []bool{false, true} {
				if named && c.static {
					continue
				}
				if checks++; checks%thorough.Every(2) > 0 {
					continue
				}
				g := &gradCheck{gradCase: c, row: row, opset: opset, named: named, seed: uint64(i)}
				if err := g.check(); err != nil {
					t.Errorf("case %d, %s at opset %d (named dimensions: %v): %v", i, c.op, opset, named, err)
				}
			}
		}
		if ran > 0 {
			seen[c.op]++
		} else {
			t.Errorf("case %d, %s: no opset runs it", i, c.op)
		}
	}
	t.Logf("%d cases of %d operators, %d checks", len(cases), len(seen), checks)
	for _, row := range op.All() {
		if row.Grad != nil && seen[row.Name] == 0 {
			t.Errorf("%s has a gradient rule that no case checks", row.Name)
		}
	}
}

// TestGradientCheckFails plants a fault: the adjoint of another function.
func TestGradientCheckFails(t *testing.T) {
	wrong := *op.Lookup("", "Exp")
	wrong.Grad = func(c *op.Grad) error { c.Set(0, op.Mul(c.Dy[0], c.In(0))); return nil }
	c := &gradCheck{gradCase: gradCase{op: "Exp", in: []gradIn{vary(2, 3)}}, row: &wrong, opset: 13}
	if err := c.check(); err == nil {
		t.Error("a wrong gradient rule passes")
	}
}

// gradCheck is a case at one opset.
type gradCheck struct {
	gradCase
	row   *op.Op
	opset int64
	named bool
	seed  uint64

	model   *graph.Model
	node    *graph.Node
	feeds   map[string]*tensor.Tensor
	weights map[string][]float64 // of the outputs' elements in the scalar that is differentiated
	vars    []int                // inputs that vary
}

func (c *gradCheck) check() error {
	if err := c.build(); err != nil {
		return err
	}
	grads, err := c.adjoints()
	if err != nil {
		return err
	}
	for _, i := range c.vars {
		if err := c.compare(i, grads[i]); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	return nil
}

// build makes a model of the one node, and draws its inputs.
func (c *gradCheck) build() error {
	h := fnv.New64a()
	h.Write([]byte(c.op))
	r := rand.New(rand.NewPCG(h.Sum64(), c.seed))
	c.model = graph.New(c.opset)
	c.feeds = map[string]*tensor.Tensor{}
	g := c.model.Graph
	c.node = &graph.Node{Op: c.op, Attrs: c.attrs, Inputs: make([]*graph.Value, len(c.in))}
	for i, in := range c.in {
		name := fmt.Sprintf("x%d", i)
		switch {
		case in.omit:
		case in.t != nil:
			v, err := g.AddInit(name, in.t)
			if err != nil {
				return err
			}
			c.node.Inputs[i] = v
		default:
			s := graph.Static(in.shape...)
			for d := range s {
				if c.named && !in.sized {
					s[d] = graph.Named(fmt.Sprintf("n%d", in.shape[d]))
				}
			}
			v, err := g.AddInput(name, graph.TensorOf(tensor.Float32, s))
			if err != nil {
				return err
			}
			c.node.Inputs[i] = v
			c.feeds[name] = c.draw(r, in)
			c.vars = append(c.vars, i)
		}
	}
	for i := range max(c.outs, 1) {
		v, err := g.Declare(fmt.Sprintf("y%d", i), graph.Type{})
		if err != nil {
			return err
		}
		c.node.Outputs = append(c.node.Outputs, v)
	}
	if err := g.AddNode(c.node); err != nil {
		return err
	}
	for _, v := range c.node.Outputs {
		g.AddOutput(v)
	}
	if errs := op.InferModel(c.model).Errs(); errs != nil {
		return errs[0]
	}
	return nil
}

// draw fills a tensor from the input's domain, away from the row's kinks.
func (c *gradCheck) draw(r *rand.Rand, in gradIn) *tensor.Tensor {
	if in.values != nil {
		return tensor.Of(in.shape, append([]float64{}, in.values...))
	}
	lo, hi := in.lo, in.hi
	if lo == hi {
		lo, hi = c.row.Check.Lo, c.row.Check.Hi
	}
	n, _ := tensor.Count(in.shape)
	data := make([]float64, n)
	for i := range data {
		for {
			data[i] = lo + (hi-lo)*r.Float64()
			near := false
			for _, a := range c.row.Check.Avoid {
				near = near || math.Abs(data[i]-a) < 0.02
			}
			if !near {
				break
			}
		}
	}
	return tensor.Of(in.shape, data)
}

// adjoints applies the rule and runs what it built, in float64.
func (c *gradCheck) adjoints() (map[int]*tensor.Tensor, error) {
	out, err := c.run(nil, c.feeds)
	if err != nil {
		return nil, err
	}
	g := c.model.Graph
	r := rand.New(rand.NewPCG(c.seed, 7))
	c.weights = map[string][]float64{}
	rule := &op.Grad{
		Node: c.node, Dy: make([]*graph.Value, len(c.node.Outputs)),
		Dx: make([]*graph.Value, len(c.node.Inputs)), Want: make([]bool, len(c.node.Inputs)),
	}
	feeds := map[string]*tensor.Tensor{}
	for name, t := range c.feeds {
		feeds[name] = t
	}
	for i, y := range c.node.Outputs {
		t := out[y.Name]
		if t.DType != tensor.Float64 || c.zeroFrom > 0 && i >= c.zeroFrom {
			continue
		}
		w := make([]float64, t.Len())
		for k := range w {
			w[k] = 0.5 + r.Float64()
		}
		c.weights[y.Name] = w
		name := "d" + y.Name
		if rule.Dy[i], err = g.AddInput(name, y.Type); err != nil {
			return nil, err
		}
		feeds[name] = tensor.Of(t.Shape, w)
	}
	for _, i := range c.vars {
		rule.Want[i] = true
	}
	if err := c.row.Grad(rule); err != nil {
		return nil, fmt.Errorf("the rule: %w", err)
	}
	if err := g.Err(); err != nil {
		return nil, fmt.Errorf("the rule: %w", err)
	}
	return c.runAdjoints(rule, feeds)
}

func (c *gradCheck) runAdjoints(rule *op.Grad, feeds map[string]*tensor.Tensor) (map[int]*tensor.Tensor, error) {
	var names []string
	for _, i := range c.vars {
		if v := rule.Dx[i]; v != nil {
			names = append(names, v.Name)
		}
	}
	out, err := c.run(names, feeds)
	if err != nil {
		return nil, fmt.Errorf("running the adjoints: %w", err)
	}
	grads := map[int]*tensor.Tensor{}
	for _, i := range c.vars {
		if v := rule.Dx[i]; v != nil {
			grads[i] = out[v.Name]
		}
	}
	return grads, nil
}

// run runs the model in float64; nil fetches are its outputs.
func (c *gradCheck) run(fetches []string, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	names := make([]string, 0, len(feeds))
	for name := range feeds {
		names = append(names, name)
	}
	plan, err := interp.New(c.model, interp.Options{Double: true, Threads: 1, Feeds: names, Fetches: fetches})
	if err != nil {
		return nil, err
	}
	return plan.Run(context.Background(), feeds)
}

// value is Σ w·y over all outputs that have weights.
func (c *gradCheck) value(plan *interp.Plan) (float64, error) {
	out, err := plan.Run(context.Background(), c.feeds)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for name, w := range c.weights {
		for k, y := range tensor.Data[float64](out[name]) {
			sum += w[k] * y
		}
	}
	return sum, nil
}

// compare holds the adjoint of input i against differences.
func (c *gradCheck) compare(i int, adjoint *tensor.Tensor) error {
	const h = 1e-5
	name := c.node.Inputs[i].Name
	x := c.feeds[name]
	var got []float64
	if adjoint != nil {
		var err error
		if got, err = sumTo(adjoint, x.Shape); err != nil {
			return err
		}
	} else {
		got = make([]float64, x.Len())
	}
	names := make([]string, 0, len(c.feeds))
	for name := range c.feeds {
		names = append(names, name)
	}
	plan, err := interp.New(c.model, interp.Options{Double: true, Threads: 1, Feeds: names})
	if err != nil {
		return err
	}
	tol := c.row.Check.Tol
	if tol == 0 {
		tol = 1e-6
	}
	data := tensor.Data[float64](x)
	for k, at := range data {
		var side [2]float64
		for s, d := range []float64{h, -h} {
			data[k] = at + d
			if side[s], err = c.value(plan); err != nil {
				return err
			}
		}
		data[k] = at
		want := (side[0] - side[1]) / (2 * h)
		if diff := math.Abs(got[k] - want); !(diff <= tol*max(1, math.Abs(want))) {
			return fmt.Errorf("element %d: adjoint %v, difference quotient %v", k, got[k], want)
		}
	}
	return nil
}

// sumTo is the elements of t summed over the axes along which shape was
// broadcast.
func sumTo(t *tensor.Tensor, shape []int) ([]float64, error) {
	if t.DType != tensor.Float64 {
		return nil, fmt.Errorf("the adjoint is %v", t)
	}
	lead := t.Rank() - len(shape)
	n, _ := tensor.Count(shape)
	out := make([]float64, n)
	if lead < 0 {
		return nil, fmt.Errorf("the adjoint is %v for shape %v", t, shape)
	}
	for d, size := range shape {
		if t.Shape[lead+d] != size && size != 1 {
			return nil, fmt.Errorf("the adjoint is %v for shape %v", t, shape)
		}
	}
	stride := tensor.Strides(shape)
	for k, v := range tensor.Data[float64](t) {
		at, rest := 0, k
		for d := t.Rank() - 1; d >= 0; d-- {
			i := rest % t.Shape[d]
			rest /= t.Shape[d]
			if d >= lead && shape[d-lead] != 1 {
				at += i * stride[d-lead]
			}
		}
		out[at] += v
	}
	return out, nil
}
