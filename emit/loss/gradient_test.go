package loss_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
)

// differentiate appends the derivative of the sum of y by x, by the table's
// rules and nothing cleverer: adjoints are added in the order in which they
// come. All shapes are static.
func differentiate(t *testing.T, g *graph.Graph, y, x *graph.Value) *graph.Value {
	t.Helper()
	depends := map[*graph.Value]bool{x: true}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			out := n.Outputs[0]
			if depends[in] && out.Type.DType.IsFloat() { // comparisons stop it
				depends[out] = true
			}
		}
	}
	adjoint := map[*graph.Value]*graph.Value{y: op.Cast(op.Not(op.Less(y, y)), y.Type.DType)}
	nodes := g.Nodes
	for i := len(nodes) - 1; i >= 0; i-- {
		n := nodes[i]
		dy := adjoint[n.Outputs[0]]
		if dy == nil || !depends[n.Outputs[0]] {
			continue
		}
		c := &op.Grad{Node: n, Dy: []*graph.Value{dy}, Dx: make([]*graph.Value, len(n.Inputs)), Want: make([]bool, len(n.Inputs))}
		for k, in := range n.Inputs {
			c.Want[k] = depends[in]
		}
		if err := op.Lookup("", n.Op).Grad(c); err != nil {
			t.Fatal(err)
		}
		for k, in := range n.Inputs {
			if !c.Want[k] {
				continue
			}
			d := sumTo(c.Dx[k], in)
			if adjoint[in] != nil {
				d = op.Add(adjoint[in], d)
			}
			adjoint[in] = d
		}
	}
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return adjoint[x]
}

// sumTo is v summed over the axes along which x, of the same rank, has size 1.
func sumTo(v, x *graph.Value) *graph.Value {
	var axes []int64
	for i, d := range x.Shape() {
		if d.Value == 1 && v.Shape()[i].Value != 1 {
			axes = append(axes, int64(i))
		}
	}
	if axes == nil {
		return v
	}
	return op.ReduceSum(v, axes, true)
}

// Whoever differentiates the graphs in float32 gets finite gradients at every
// logit, ties and zeros included, and right ones.
func TestDifferentiable(t *testing.T) {
	for name, o := range variants() {
		o.Reduction = loss.None
		floor := 1e-6
		switch l := find(o.Name); {
		case l.Statistics != nil && l.Statistics.Shift != nil:
			floor = 1e-4 // what is added to logits is as large as they are
		case l.Statistics != nil && l.Statistics.Factor != nil:
			floor = 1e-5 // factors are above 1
		case l.Adjust != nil:
			floor = 4e-6 // what is added to logits, or multiplies them, is rounded
		}
		for what, b := range map[string]loss.Batch{"extremes": extremes(4), "small": draw(3, 1, 200, 5, 3), "large": draw(4, 1, 200, 20, 100)} {
			if (o.PerClass != nil || o.Modulate != nil) && b.C != 4 {
				continue // their numbers are for four classes
			}
			o, b := fit(o, b.C), aimed(o.Name, b)
			want, err := loss.Eval(kindOf(o), o, b)
			if err != nil {
				t.Fatal(err)
			}
			got := newModel(t, kindOf(o), o, b, modelForm{}).gradient(t, b)
			compare(t, fmt.Sprintf("%s, %s", name, what), got, want.Grad, 2e-6, floor)
		}
	}
}

func TestGoldenDifferentiated(t *testing.T) {
	for _, g := range goldens(t) {
		got := newModel(t, g.loss.Kind, g.opts, g.batch, modelForm{}).gradient(t, g.batch)
		floor := 2e-7 * max(1, g.opts.Params["eos_coef"])
		if shifts(g.loss) {
			floor = 4e-6 // what is added to logits is rounded
		}
		compare(t, g.name, got, g.grad, 2e-6, floor)
	}
}

// gradient differentiates the sum of the anchors' losses by the logits, and
// runs that in float32.
func (m *lossModel) gradient(t *testing.T, b loss.Batch) []float64 {
	t.Helper()
	grad := differentiate(t, m.Graph, m.result.PerAnchor, m.Graph.Inputs[0])
	plan, err := interp.New(m.Model, interp.Options{Fetches: []string{grad.Name}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), m.feeds(b, false))
	if err != nil {
		t.Fatal(err)
	}
	return floats(t, out[grad.Name])
}

// The closed forms of gradients are those that the operators' rules derive, in
// float64, and right in float32 at every logit.
func TestSlopes(t *testing.T) {
	closed := 0
	for name, o := range variants() {
		o.Reduction = loss.None
		for what, b := range map[string]loss.Batch{"extremes": extremes(4), "small": draw(5, 1, 200, 4, 3), "large": draw(6, 1, 200, 4, 100)} {
			o.ClassWeights = []float64{0.5, 1, 2, 3}
			m := newModel(t, kindOf(o), o, b, modelForm{})
			gradient := m.result.Gradient()
			if gradient == nil {
				continue
			}
			closed++
			derived := differentiate(t, m.Graph, m.result.Sum, m.Graph.Inputs[0])
			got, want := m.fetch(t, b, true, gradient.Name, derived.Name)
			compare(t, fmt.Sprintf("%s, %s: derived", name, what), got, want, 1e-12, 1e-12)
			oracle, err := loss.Eval(kindOf(o), o, b)
			if err != nil {
				t.Fatal(err)
			}
			if o.Params["epsilon"] < 0 || find(o.Name).LabelWeights != nil { // a term is taken from itself; not in Sum
				continue
			}
			got, _ = m.fetch(t, b, false, gradient.Name, derived.Name)
			floor := 2e-7 * slices.Max(o.ClassWeights) * max(1, o.Params["epsilon"]) // terms as large as these are taken from each other
			compare(t, fmt.Sprintf("%s, %s: float32", name, what), got, oracle.Grad, 2e-6, floor)
		}
	}
	if closed == 0 {
		t.Error("no loss has a closed form of its gradient")
	}
}

// fetch runs the model for two values.
func (m *lossModel) fetch(t *testing.T, b loss.Batch, double bool, x, y string) ([]float64, []float64) {
	t.Helper()
	plan, err := interp.New(m.Model, interp.Options{Fetches: []string{x, y}, Double: double})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), m.feeds(b, double))
	if err != nil {
		t.Fatal(err)
	}
	return floats(t, out[x]), floats(t, out[y])
}
