package patterns_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// reads are the nodes of g whose outputs n needs, for its subgraphs too.
func reads(g *graph.Graph, n *graph.Node) []*graph.Node {
	var r []*graph.Node
	add := func(v *graph.Value) {
		if v != nil && v.Producer() != nil && v.Graph() == g {
			r = append(r, v.Producer())
		}
	}
	for _, v := range n.Inputs {
		add(v)
	}
	for _, s := range n.Subgraphs() {
		eachGraph(s, func(b *graph.Graph) {
			for _, v := range b.Outputs {
				add(v)
			}
			for _, m := range b.Nodes {
				for _, v := range m.Inputs {
					add(v)
				}
			}
		})
	}
	return r
}

// reorder puts the nodes of m into another order in which they can run.
func reorder(t *testing.T, m *graph.Model, rng *rand.Rand) {
	g := m.Graph
	waits, next := map[*graph.Node]int{}, map[*graph.Node][]*graph.Node{}
	var ready, order []*graph.Node
	for _, n := range g.Nodes {
		for _, p := range reads(g, n) {
			waits[n]++
			next[p] = append(next[p], n)
		}
		if waits[n] == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		i := rng.IntN(len(ready))
		n := ready[i]
		ready = slices.Delete(ready, i, i+1)
		order = append(order, n)
		for _, u := range next[n] {
			if waits[u]--; waits[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	if len(order) != len(g.Nodes) {
		t.Fatalf("%d of %d nodes can run", len(order), len(g.Nodes))
	}
	copy(g.Nodes, order)
}

// pad puts pairs of operators that undo each other behind about one in six
// values of floats: Cast to doubles and back, Reshape, Transpose. It returns
// what each value that it makes is a copy of.
func pad(t *testing.T, m *graph.Model, rng *rand.Rand) map[*graph.Value]*graph.Value {
	g, copies := m.Graph, map[*graph.Value]*graph.Value{}
	facts := op.InferModel(m)
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		for _, v := range g.Nodes[i].Outputs {
			if v == nil || rng.IntN(6) > 0 || len(v.Uses()) == 0 || facts.Of(v).DType != tensor.Float32 || facts.Of(v).Shape == nil || facts.Of(v).Const() != nil {
				continue
			}
			first, second := pair(t, g, facts.Of(v).Shape, rng)
			var mid, out *graph.Value
			for _, x := range []**graph.Value{&mid, &out} {
				w, err := g.Declare(g.Fresh("pad"), graph.Type{})
				if err != nil {
					t.Fatal(err)
				}
				*x, copies[w] = w, v
			}
			v.ReplaceUses(out)
			first.Inputs, first.Outputs = append([]*graph.Value{v}, first.Inputs...), []*graph.Value{mid}
			second.Inputs, second.Outputs = append([]*graph.Value{mid}, second.Inputs...), []*graph.Value{out}
			for k, n := range []*graph.Node{first, second} {
				if err := g.InsertNode(i+1+k, n); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return copies
}

// pair is two nodes without data that undo each other on values of shape s.
func pair(t *testing.T, g *graph.Graph, s graph.Shape, rng *rand.Rand) (first, second *graph.Node) {
	switch k := rng.IntN(3); {
	case k == 0 && len(s) > 1:
		perm, back := make([]int64, len(s)), make([]int64, len(s))
		for i, p := range rng.Perm(len(s)) {
			perm[i], back[p] = int64(p), int64(i)
		}
		return &graph.Node{Op: "Transpose", Attrs: []*graph.Attr{graph.Ints("perm", perm...)}},
			&graph.Node{Op: "Transpose", Attrs: []*graph.Attr{graph.Ints("perm", back...)}}
	case k == 1 && len(s) > 1 && s.IsStatic():
		var to []int64
		for _, d := range s {
			to = append(to, d.Value)
		}
		merged := []int64{to[0] * to[1]}
		return &graph.Node{Op: "Reshape", Inputs: []*graph.Value{constant(t, g, tensor.Vector(append(merged, to[2:]...)...))}},
			&graph.Node{Op: "Reshape", Inputs: []*graph.Value{constant(t, g, tensor.Vector(to...))}}
	}
	return &graph.Node{Op: "Cast", Attrs: []*graph.Attr{graph.Int("to", int64(tensor.Float64))}},
		&graph.Node{Op: "Cast", Attrs: []*graph.Attr{graph.Int("to", int64(tensor.Float32))}}
}

// splitBias takes the bias out of every convolution, into an Add behind it. It
// returns the sums, each for the value that the convolution gave.
func splitBias(t *testing.T, m *graph.Model) map[*graph.Value]*graph.Value {
	g, sums := m.Graph, map[*graph.Value]*graph.Value{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		if n.Op != "Conv" || len(n.Inputs) < 3 || n.Inputs[2] == nil || n.Inputs[2].Init == nil {
			continue
		}
		w, err := tensor.Make(tensor.Float32, 1, int(n.Inputs[2].Shape()[0].Value), 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := g.Declare(g.Fresh("biased"), graph.Type{})
		if err != nil {
			t.Fatal(err)
		}
		v := n.Outputs[0]
		n.SetInput(2, nil)
		v.ReplaceUses(sum)
		add := &graph.Node{Op: "Add", Inputs: []*graph.Value{v, constant(t, g, w)}, Outputs: []*graph.Value{sum}}
		if err := g.InsertNode(i+1, add); err != nil {
			t.Fatal(err)
		}
		sums[sum] = v
	}
	return sums
}

// constant adds a constant to g.
func constant(t *testing.T, g *graph.Graph, x *tensor.Tensor) *graph.Value {
	v, err := g.AddInit(g.Fresh("k"), x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// store gives constants another place: what nodes compute from constants alone
// becomes initializers, or initializers of integers become nodes.
func store(t *testing.T, m *graph.Model, asNodes bool) {
	g := m.Graph
	if !asNodes {
		facts := op.InferModel(m)
		for _, n := range g.Nodes {
			for _, v := range n.Outputs {
				if x := facts.Of(v); v != nil && len(v.Uses()) > 0 && x.Const() != nil && !slices.Contains(g.Outputs, v) {
					c := constant(t, g, x.Const())
					v.ReplaceUses(c)
				}
			}
		}
		return
	}
	for _, v := range slices.Clone(g.Inits) {
		if v.Init == nil || v.Type.DType != tensor.Int64 || len(v.Uses()) == 0 {
			continue
		}
		x, err := v.Init.Load()
		if err != nil {
			t.Fatal(err)
		}
		w, err := g.Declare(g.Fresh("unfolded"), graph.Type{})
		if err != nil {
			t.Fatal(err)
		}
		v.ReplaceUses(w)
		if err := g.InsertNode(0, &graph.Node{Op: "Constant", Attrs: []*graph.Attr{graph.Tensor("value", x)}, Outputs: []*graph.Value{w}}); err != nil {
			t.Fatal(err)
		}
	}
}
