package graph_test

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

func mustParse(t testing.TB, s string) *graph.Model {
	t.Helper()
	m, err := text.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

const checked = `g (float[2] x, bool c) => (float[2] z) <float[2] w = {1, 2}> {
	y = Mul (x, w)
	z = If (c) <then_branch = a () => (r) { r = Neg (y) }, else_branch = b () => (s) { s = Abs (x) }>
}
F (p) => (q) { q = Neg (p) }`

// TestCheck breaks each invariant of the package's documentation.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, want string
		damage     func(g *graph.Graph)
	}{
		{"producer unknown", "invariant 1", func(g *graph.Graph) { graph.SetProducer(g.Value("y"), nil) }},
		{"producer at another index", "invariant 1", func(g *graph.Graph) { graph.SetIndex(g.Value("y"), 1) }},
		{"use not listed", "invariant 2", func(g *graph.Graph) { graph.SetUses(g.Value("w")) }},
		{"use that is none", "invariant 2", func(g *graph.Graph) {
			graph.SetUses(g.Value("w"), append(g.Value("w").Uses(), graph.Use{Node: g.Nodes[1]})...)
		}},
		{"use beyond the inputs", "invariant 2", func(g *graph.Graph) { g.Value("w").Uses()[0].Index = 7 }},
		{"use by a node that is gone", "invariant 2", func(g *graph.Graph) {
			v, n := g.Value("w"), &graph.Node{Op: "Neg", Inputs: []*graph.Value{g.Value("w")}}
			graph.SetUses(v, append(v.Uses(), graph.Use{Node: n})...)
		}},
		{"empty name", "invariant 3", func(g *graph.Graph) { g.Value("x").Name = "" }},
		{"name of another", "invariant 3", func(g *graph.Graph) { g.Value("y").Name = "x" }},
		{"name not known", "invariant 3", func(g *graph.Graph) { graph.Forget(g, "y") }},
		{"order", "invariant 4", func(g *graph.Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }},
		{"order of a capture", "invariant 4", func(g *graph.Graph) {
			n := g.Nodes[1].Attrs[0].Graph.Nodes[0]
			n.SetInput(0, g.Value("z"))
		}},
		{"value of another graph", "invariant 5", func(g *graph.Graph) {
			inner := g.Nodes[1].Attrs[0].Graph
			g.Nodes[0].SetInput(0, inner.Value("r"))
		}},
		{"value of a sibling", "invariant 5", func(g *graph.Graph) {
			a, b := g.Nodes[1].Attrs[0].Graph, g.Nodes[1].Attrs[1].Graph
			b.Nodes[0].SetInput(0, a.Value("r"))
		}},
		{"graph unknown", "invariant 5", func(g *graph.Graph) { graph.SetGraph(g.Nodes[0], nil) }},
		{"outer graph unknown", "invariant 5", func(g *graph.Graph) { g.Nodes[1].Attrs[0].Graph.Outer = nil }},
		{"output of another graph", "invariant 6", func(g *graph.Graph) { g.Outputs[0] = g.Nodes[1].Attrs[0].Graph.Value("r") }},
		{"output missing", "invariant 6", func(g *graph.Graph) { g.Outputs[0] = nil }},
		{"output that nothing makes", "invariant 6", func(g *graph.Graph) {
			v, _ := g.Declare("v", graph.Type{})
			g.AddOutput(v)
		}},
		{"input with a producer", "invariant 6", func(g *graph.Graph) { g.Inputs = append(g.Inputs, g.Value("y")) }},
		{"initializer with a producer", "invariant 6", func(g *graph.Graph) { g.Inits = append(g.Inits, g.Value("y")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustParse(t, checked)
			c.damage(m.Graph)
			if err := m.Check(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
	m := mustParse(t, checked)
	m.Functions[0].Body.Outputs[0] = nil
	if err := m.Check(); err == nil || !strings.HasPrefix(err.Error(), "function F: invariant 6") {
		t.Error(err)
	}
}

// TestEdit: each edit keeps the invariants, gives the graph it should and
// marks what it changed.
func TestEdit(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(g *graph.Graph) error
		want string // lines of the text, without the first
	}{
		{"replace uses", func(g *graph.Graph) error { g.Value("y").ReplaceUses(g.Value("x")); return nil },
			"r = Neg (x)"},
		{"rename", func(g *graph.Graph) error { return g.Value("y").Rename("Y") }, "r = Neg (Y)"},
		{"set input", func(g *graph.Graph) error { g.Nodes[0].SetInput(3, g.Value("c")); return nil }, `y = Mul (x, w, "", c)`},
		{"set attribute", func(g *graph.Graph) error {
			g.Nodes[0].SetAttr(graph.Int("a", 1))
			g.Nodes[0].SetAttr(graph.Int("a", 2))
			return nil
		}, "y = Mul <a: int = 2> (x, w)"},
		{"drop attribute", func(g *graph.Graph) error {
			g.Nodes[0].SetAttr(graph.Int("a", 1))
			g.Nodes[0].DropAttr("a")
			return nil
		}, "y = Mul (x, w)"},
		{"set operator", func(g *graph.Graph) error { g.Nodes[0].SetOp("d", "Op"); return nil }, "y = d.Op (x, w)"},
		{"insert node", func(g *graph.Graph) error {
			v, err := g.Declare("v", graph.Type{})
			if err == nil {
				err = g.InsertNode(1, &graph.Node{Op: "Exp", Inputs: []*graph.Value{g.Value("y"), nil}, Outputs: []*graph.Value{v}})
			}
			g.AddOutput(v)
			return err
		}, `v = Exp (y, "")`},
		{"make input", func(g *graph.Graph) error { g.MakeInput(g.Value("w")); g.MakeInput(g.Value("w")); return nil }, ", bool c, float[2] w = {1, 2})"},
		{"add initializer", func(g *graph.Graph) error { _, err := g.AddInit("k", tensor.Scalar[int64](3)); return err }, "int64 k = {3}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustParse(t, checked)
			m.Dirty = false
			m.Graph.Origin = 1
			for _, n := range m.Graph.Nodes {
				n.Origin = graph.Extent{Off: 1, Len: 1}
			}
			if err := c.edit(m.Graph); err != nil {
				t.Fatal(err)
			}
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			if s, _ := text.PrintGraph(m.Graph, -1); !strings.Contains(s, c.want) {
				t.Errorf("%s\nwant %s", s, c.want)
			}
			if !m.Dirty || m.Graph.Origin != nil {
				t.Error("the model does not know that it changed")
			}
		})
	}
}

// TestRemoveNodes: what is still read cannot be removed.
func TestRemoveNodes(t *testing.T) {
	m := mustParse(t, `g (float x) => (float z) { a = Neg (x) b = Abs (a) z = Exp (x) }`)
	g := m.Graph
	for _, dead := range [][]*graph.Node{{g.Nodes[0]}, {g.Nodes[2]}} {
		set := map[*graph.Node]bool{}
		for _, n := range dead {
			set[n] = true
		}
		if err := g.RemoveNodes(set); err == nil {
			t.Errorf("%v was removed", dead)
		}
		if err := g.Check(); err != nil || len(g.Nodes) != 3 {
			t.Errorf("a refused edit changed the graph: %v", err)
		}
	}
	if err := g.RemoveNodes(map[*graph.Node]bool{g.Nodes[0]: true, g.Nodes[1]: true}); err != nil {
		t.Error(err)
	}
	if err := g.Check(); err != nil || g.NumValues() != 2 || len(g.Value("x").Uses()) != 1 {
		t.Errorf("%v %v", err, g.Value("x").Uses())
	}
}

// TestRemoveSubgraphs: what a node's subgraphs read is free once it is gone.
func TestRemoveSubgraphs(t *testing.T) {
	g := mustParse(t, checked).Graph
	y := g.Nodes[0]
	if err := g.RemoveNodes(map[*graph.Node]bool{y: true}); err == nil {
		t.Error("what a subgraph reads was removed")
	}
	g.Outputs = []*graph.Value{g.Value("y")}
	if err := g.RemoveNodes(map[*graph.Node]bool{g.Nodes[1]: true}); err != nil {
		t.Fatal(err)
	}
	if err := g.Check(); err != nil || len(g.Value("y").Uses()) != 0 || len(g.Value("c").Uses()) != 0 {
		t.Errorf("%v %v", err, g.Value("y").Uses())
	}
	g = mustParse(t, checked).Graph
	g.Outputs = nil
	if err := g.RemoveNodes(map[*graph.Node]bool{g.Nodes[0]: true, g.Nodes[1]: true}); err != nil || g.Check() != nil {
		t.Error(err, g.Check())
	}
	if err := g.RemoveNodes(map[*graph.Node]bool{y: true}); err == nil {
		t.Error("a node was removed twice")
	}
}

// TestRefused: what would break an invariant is an error.
func TestRefused(t *testing.T) {
	g := mustParse(t, checked).Graph
	if _, err := g.Declare("x", graph.Type{}); err == nil {
		t.Error("a name was declared twice")
	}
	if _, err := g.Declare("", graph.Type{}); err == nil {
		t.Error("a value without a name")
	}
	if err := g.Value("x").Rename("w"); err == nil {
		t.Error("two values of one name")
	}
	if err := g.AddNode(&graph.Node{Op: "Neg", Outputs: []*graph.Value{g.Value("x")}}); err == nil {
		t.Error("an input got a producer")
	}
	if err := g.AddNode(&graph.Node{Op: "Neg", Outputs: []*graph.Value{g.Value("y")}}); err == nil {
		t.Error("a value got two producers")
	}
	if err := g.AddNode(g.Nodes[0]); err == nil {
		t.Error("a node was added twice")
	}
	if err := g.Check(); err != nil {
		t.Error(err)
	}
}

// TestFresh: names are free everywhere they can be seen, scoped, and the same each time.
func TestFresh(t *testing.T) {
	for range 2 {
		g := mustParse(t, `g (float x, float "loss/x") => (float y) { y = A <g = s () => (x_2) { x_2 = Neg (x) }> (x) }`).Graph
		var got []string
		fresh := func(base string) { got = append(got, g.Fresh(base)) }
		fresh("x")
		fresh("x")
		leave := g.Scope("loss")
		fresh("x")
		inner := g.Scope("grad")
		fresh("x")
		inner()
		fresh("x")
		leave()
		fresh("k")
		fresh("k")
		if s := strings.Join(got, " "); s != "x_1 x_3 loss/x_1 loss/grad/x loss/x_2 k k_1" {
			t.Error(s)
		}
	}
}

// TestInstantiate: a call gets a copy with its own attributes.
func TestInstantiate(t *testing.T) {
	m := mustParse(t, `g (float x) => (float y) { y = F <a = 5> (x) z = F (x) }
		F <a, k: int = 7> (p) => (q) { q = Op <u: int = @a, v: int = @k, w: int = @none, t = sub () => (p) { r = In <i: int = @a> (p) }> (p) }`)
	f := m.Function("", "F", "")
	b, err := f.Instantiate(m.Graph.Nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	s, err := text.PrintGraph(b, -1)
	if err != nil || !strings.Contains(s, "q = Op <u: int = 5, v: int = 7, t: graph = sub () => (p) {") || !strings.Contains(s, "In <i: int = 5> (p)") {
		t.Errorf("%v %s", err, s)
	}
	if b.Nodes[0].Attrs[2].Graph.Nodes[0].Inputs[0] != b.Value("p") {
		t.Error("the copy's subgraph reads the original")
	}
	if err := m.Check(); err != nil {
		t.Error("the original changed: ", err)
	}
	if _, err := f.Instantiate(m.Graph.Nodes[1]); err == nil {
		t.Error("a required attribute is missing and nobody minds")
	}
}
