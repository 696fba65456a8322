package plan_test

import (
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/text"
)

// planned is the nodes of src as steps.
func planned(t *testing.T, src string) *plan.Program {
	t.Helper()
	m, err := text.Parse(`<ir_version: 8, opset_import: ["" : 13]> g ` + src)
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Program{Graph: m.Graph, Slots: map[*graph.Value]int{}}
	for _, v := range m.Graph.Inputs {
		p.Inputs = append(p.Inputs, p.SlotOf(v))
	}
	for _, v := range m.Graph.Inits {
		p.Consts = append(p.Consts, plan.Const{Slot: p.SlotOf(v), Value: v})
	}
	for _, n := range m.Graph.Nodes {
		s := &plan.Step{Node: n}
		for _, v := range n.Inputs {
			r := plan.NoRef
			if v != nil {
				if r, err = p.Find(v); err != nil {
					t.Fatal(err)
				}
			}
			s.In = append(s.In, r)
		}
		for _, v := range n.Outputs {
			s.Out = append(s.Out, p.SlotOf(v))
		}
		p.Steps = append(p.Steps, s)
	}
	for _, v := range m.Graph.Outputs {
		r, err := p.Find(v)
		if err != nil {
			t.Fatal(err)
		}
		p.Outputs = append(p.Outputs, r)
	}
	return p
}

const diamond = `(float[2] x, bool ok) => (float[2] y, float[2] b) <float[2] w = {1, 2}> {
 a = Neg (x) b = Add (a, w) c = Mul (a, b) d = Clip (c, "", w)
 y = If (ok) <then_branch = t () => (float[2] u) { u = Abs (a) }, else_branch = e () => (float[2] v) { v = Abs (c) }>
}`

// TestFlow: who reads and makes what, subgraphs and outputs among the readers.
func TestFlow(t *testing.T) {
	p := planned(t, diamond)
	slot := func(name string) int { return p.Slots[p.Graph.Value(name)] }
	readers := p.Readers()
	for name, want := range map[string][]int{"x": {0}, "a": {1, 2, plan.Elsewhere}, "b": {2, plan.Elsewhere}, "c": {3, plan.Elsewhere}, "w": {1, 3}, "d": nil, "y": {plan.Elsewhere}} {
		if got := readers[slot(name)]; !slices.Equal(got, want) {
			t.Errorf("%s is read by %v, want %v", name, got, want)
		}
	}
	for i, want := range [][]int{nil, {0}, {0, 1}, {2}, {0, 2}} {
		if got := p.Reads()[i]; !slices.Equal(got, want) {
			t.Errorf("step %d reads of steps %v, want %v", i, got, want)
		}
	}
}

// TestLifetimes: each slot is dropped behind its last reader, but for constants and outputs;
// what nobody reads is dropped where it is made.
func TestLifetimes(t *testing.T) {
	p := planned(t, diamond)
	for range 2 { // a second time changes nothing
		p.Lifetimes()
		for i, want := range [][]string{{"x"}, nil, nil, {"d"}, {"a", "c", "ok"}} {
			var got []string
			for v, slot := range p.Slots {
				if slices.Contains(p.Steps[i].Drop, slot) {
					got = append(got, v.Name)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("step %d drops %v, want %v", i, got, want)
			}
		}
		for i, want := range []bool{false, true, false, false, true} {
			if p.Steps[i].Leaves != want {
				t.Errorf("step %d makes an output: %v, want %v", i, p.Steps[i].Leaves, want)
			}
		}
	}
}

func TestString(t *testing.T) {
	p := planned(t, diamond)
	p.Steps[3].Out[0] = -1
	p.Steps[1].Label = "Add+Relu"
	p.Steps[1].Places = []*plan.Place{{Join: &plan.Join{Number: 2}, At: 6}}
	want := `   0  a = Neg (x)
   1  b = Add+Relu (a, w)  [output 0: join 2, at element 6]
   2  c = Mul (a, b)
   3  _ = Clip (c, _, w)
   4  y = If (ok)
`
	if got := p.String(); got != want {
		t.Errorf("the steps are\n%swant\n%s", got, want)
	}
}
