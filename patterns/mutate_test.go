package patterns_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// eachGraph calls f for g and the graphs inside its nodes.
func eachGraph(g *graph.Graph, f func(*graph.Graph)) {
	f(g)
	for _, n := range g.Nodes {
		for _, s := range n.Subgraphs() {
			eachGraph(s, f)
		}
	}
}

// allValues are the values of g that something makes or gives.
func allValues(g *graph.Graph) []*graph.Value {
	vs := slices.Concat(g.Inputs, g.Inits)
	for _, n := range g.Nodes {
		vs = append(vs, n.Outputs...)
	}
	seen := map[*graph.Value]bool{nil: true}
	return slices.DeleteFunc(vs, func(v *graph.Value) bool {
		had := seen[v]
		seen[v] = true
		return had
	})
}

// renameAll gives every value and node a name that says nothing; it returns
// the names they had.
func renameAll(t *testing.T, m *graph.Model, rng *rand.Rand) map[*graph.Value]string {
	old := map[*graph.Value]string{}
	k := 0
	eachGraph(m.Graph, func(g *graph.Graph) {
		for _, v := range allValues(g) {
			old[v] = v.Name
			k++
			if err := v.Rename(fmt.Sprintf("t%dx%d", k, rng.IntN(1e6))); err != nil {
				t.Fatal(err)
			}
		}
		for i, n := range g.Nodes {
			n.Name = fmt.Sprint("n", i)
		}
	})
	return old
}

// sprinkle puts an Identity behind about one in four values; it returns what
// each new value is a copy of.
func sprinkle(t *testing.T, m *graph.Model, rng *rand.Rand) map[*graph.Value]*graph.Value {
	g, copies := m.Graph, map[*graph.Value]*graph.Value{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		for _, v := range g.Nodes[i].Outputs {
			if v == nil || rng.IntN(4) > 0 || len(v.Uses()) == 0 || g.Nodes[i].Op == "Constant" {
				continue
			}
			w, err := g.Declare(g.Fresh("copy"), graph.Type{})
			if err != nil {
				t.Fatal(err)
			}
			v.ReplaceUses(w)
			if err := g.InsertNode(i+1, &graph.Node{Op: "Identity", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{w}}); err != nil {
				t.Fatal(err)
			}
			copies[w] = v
		}
	}
	return copies
}

func TestMeaningKeepsTheAnswer(t *testing.T) {
	for _, dir := range folders(t) {
		for _, path := range models(t, dir) {
			k := readKey(t, path)
			t.Run(k.Name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 2))
				t.Run("names", func(t *testing.T) { renamed(t, k, path, rng) })
				edits := []struct {
					name string
					edit func(m *graph.Model) map[*graph.Value]*graph.Value
				}{
					{"identities", func(m *graph.Model) map[*graph.Value]*graph.Value { return sprinkle(t, m, rng) }},
					{"pairs", func(m *graph.Model) map[*graph.Value]*graph.Value { return pad(t, m, rng) }},
					{"bias", func(m *graph.Model) map[*graph.Value]*graph.Value { return splitBias(t, m) }},
					{"order", func(m *graph.Model) map[*graph.Value]*graph.Value { reorder(t, m, rng); return nil }},
					{"folded", func(m *graph.Model) map[*graph.Value]*graph.Value { store(t, m, false); return nil }},
					{"unfolded", func(m *graph.Model) map[*graph.Value]*graph.Value { store(t, m, true); return nil }},
				}
				for _, e := range edits {
					t.Run(e.name, func(t *testing.T) {
						m := open(t, path)
						copies := e.edit(m)
						if err := m.Graph.Check(); err != nil {
							t.Fatal(err)
						}
						r, err := patterns.Locate(m, graphAlone)
						if got := verdict(k, r, err, named(copies, e.name == "bias")); got != "right" {
							t.Error(got)
						}
					})
				}
				t.Run("outputs", func(t *testing.T) {
					m := open(t, path)
					slices.Reverse(m.Graph.Outputs)
					r, err := patterns.Locate(m, graphAlone)
					if got := verdict(k, r, err, ownName); got != "right" {
						t.Error(got)
					}
				})
			})
		}
	}
}

// named gives values the names of what they are copies of; where the copies
// have taken the values' meaning, the values have none.
func named(copies map[*graph.Value]*graph.Value, taken bool) func(*graph.Value) string {
	lost := map[*graph.Value]bool{}
	if taken {
		for _, v := range copies {
			lost[v] = true
		}
	}
	return func(v *graph.Value) string {
		switch o := copies[v]; {
		case o != nil:
			return o.Name
		case lost[v]:
			return v.Name + " before the edit's end"
		}
		return v.Name
	}
}

// renamed holds that names decide nothing, and that where they were the only
// evidence their loss makes a refusal.
func renamed(t *testing.T, k *key, path string, rng *rand.Rand) {
	before, err := patterns.Locate(open(t, path), graphAlone)
	byName := err == nil && strings.Contains(strings.Join(before.Heads[0].Evidence, " "), "names alone")
	m := open(t, path)
	old := renameAll(t, m, rng)
	r, err := patterns.Locate(m, graphAlone)
	if byName {
		if _, ok := err.(*patterns.AmbiguousError); !ok {
			t.Errorf("without the names that decided: %v, want a refusal", err)
		}
		return
	}
	if got := verdict(k, r, err, func(v *graph.Value) string { return old[v] }); got != "right" {
		t.Error(got)
	}
}

// TestDamagedModels breaks models at random and expects an answer or an error,
// never a panic.
func TestDamagedModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, path := range models(t, folders(t)[0]) {
		for range 60 {
			m := open(t, path)
			for range 1 + rng.IntN(12) {
				damage(m.Graph, rng)
			}
			r, err := patterns.Locate(m, graphAlone)
			if err == nil && len(r.Heads) == 0 {
				t.Errorf("%s: neither heads nor an error", path)
			}
		}
	}
}

// damage changes one thing of g: an attribute, an operator, a declared shape
// or an edge.
func damage(g *graph.Graph, rng *rand.Rand) {
	n := g.Nodes[rng.IntN(len(g.Nodes))]
	odd := []int64{-7, -1, 0, 1, 2, 3, 5, 1 << 40}
	pick := func() int64 { return odd[rng.IntN(len(odd))] }
	switch rng.IntN(4) {
	case 0:
		for _, a := range n.Attrs {
			a.I = pick()
			for i := range a.Ints {
				a.Ints[i] = pick()
			}
		}
	case 1:
		ops := []string{"Reshape", "Concat", "Softmax", "Gather", "Mul", "Transpose", "Squeeze", "TopK", "Split", "Slice", "Nowhere"}
		n.SetOp(n.Domain, ops[rng.IntN(len(ops))])
	case 2:
		for _, o := range n.Outputs {
			s := make(graph.Shape, rng.IntN(6))
			for i := range s {
				s[i] = graph.Dim{Value: pick()}
			}
			if o != nil {
				o.Type.Shape = s
			}
		}
	case 3:
		if len(n.Inputs) > 0 {
			n.SetInput(rng.IntN(len(n.Inputs)), n.Inputs[rng.IntN(len(n.Inputs))])
		}
	}
}
