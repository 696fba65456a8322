package fuse

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// planned is the nodes of src as steps of one fusion, which no pass has seen.
func planned(t *testing.T, src string) *Fusion {
	t.Helper()
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	p := &plan.Program{Graph: g, Slots: map[*graph.Value]int{}}
	f := New(context.Background(), p, op.InferModel(m), false)
	for _, v := range g.Inputs {
		p.Inputs = append(p.Inputs, p.SlotOf(v))
	}
	for _, n := range g.Nodes {
		s := &plan.Step{Node: n, Op: op.Lookup(n.Domain, n.Op), Spec: &op.Spec{Node: n, Opset: g.Opset(n.Domain), Const: make([]*tensor.Tensor, len(n.Inputs))}}
		for _, v := range n.Inputs {
			s.In = append(s.In, plan.Ref{Slot: p.SlotOf(v)})
			s.Spec.Types = append(s.Spec.Types, f.typeOf(v))
		}
		for _, v := range n.Outputs {
			s.Out = append(s.Out, p.SlotOf(v))
		}
		if s.Kernel, err = op.Make(s.Spec); err != nil {
			t.Fatal(err)
		}
		p.Steps = append(p.Steps, s)
	}
	for _, v := range g.Outputs {
		p.Outputs = append(p.Outputs, plan.Ref{Slot: p.SlotOf(v)})
	}
	return f
}

// TestSearchLimit: what joining looks at is bounded by the size of the graph, also
// where each node could be joined to what half of the graph lies behind; steps stay in an
// order in which they can run.
func TestSearchLimit(t *testing.T) {
	const n = 3000
	var src strings.Builder
	src.WriteString("<ir_version: 8, opset_import: [\"\" : 13]> g (float[N,A,C] x) => (float[N,A,C] y) { a0 = Neg (x) ")
	for i := range n {
		fmt.Fprintf(&src, "m%d = ReduceMax <keepdims: int = 1, axes: ints = [0, 1, 2]> (a%d) b%d = Sub (a%d, m%d) a%d = Max (b%d, a%d) ", i, i, i, max(0, i-n/2), i, i+1, i, i)
	}
	fmt.Fprintf(&src, "y = Abs (a%d) }", n)
	f := planned(t, src.String())
	j := newJoiner(f)
	all := j.search.left
	for i := range f.Steps {
		j.add(i)
	}
	const once = 2 * 4 * n // what one step after the limit may look at: every read, twice
	if left := j.search.left; left < -once {
		t.Errorf("searches looked at %d reads, %d allowed", all-left, all)
	}
	if j.search.left >= 0 {
		t.Errorf("no search was cut short: %d of %d reads left", j.search.left, all)
	}
	j.order()
	made := map[int]bool{}
	for _, slot := range f.Inputs {
		made[slot] = true
	}
	for _, s := range f.Steps {
		for _, r := range s.In {
			if !made[r.Slot] {
				t.Fatalf("node %v is run before what it reads", s.Node)
			}
		}
		for _, slot := range s.Out {
			made[slot] = true
		}
	}
}
