package patterns_test

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// rounded is v behind a pair of QuantizeLinear and DequantizeLinear.
func (n *net) rounded(v *graph.Value) *graph.Value {
	scale := op.Const(n.m.Graph, "scale", tensor.Scalar[float32](0.1))
	zero := op.Const(n.m.Graph, "zero", tensor.Scalar[uint8](128))
	return n.do("DequantizeLinear", nil, n.do("QuantizeLinear", nil, v, scale, zero), scale, zero)
}

// scaled is v times 1, written as exporters write the alpha of an addition.
func (n *net) scaled(v *graph.Value) *graph.Value {
	one := op.Const(n.m.Graph, "one", tensor.Scalar[float64](1))
	return n.do("Mul", nil, v, n.do("CastLike", nil, one, v))
}

// silu is x·σ(x), each of whose edges passes through edge.
func (n *net) silu(x *graph.Value, edge func(*graph.Value) *graph.Value) *graph.Value {
	return n.do("Mul", nil, edge(x), edge(n.do("Sigmoid", nil, edge(x))))
}

// guarded is f of v behind a condition on the rank of v that never holds.
func (n *net) guarded(v *graph.Value, f func(g *graph.Graph) *graph.Value) *graph.Value {
	branch := func(make func(g *graph.Graph) *graph.Value) *graph.Attr {
		b := graph.NewGraph(n.m, n.m.Graph)
		b.AddOutput(make(b))
		return &graph.Attr{Name: "", Kind: graph.AttrGraph, Graph: b}
	}
	rank := n.do("Size", nil, n.do("Shape", nil, v))
	then := branch(func(b *graph.Graph) *graph.Value {
		o, err := b.Declare("unsqueezed", graph.Type{})
		if err != nil {
			n.t.Fatal(err)
		}
		axes := op.Const(b, "axes", tensor.Vector[int64](0))
		if err := b.AddNode(&graph.Node{Op: "Unsqueeze", Inputs: []*graph.Value{v, axes}, Outputs: []*graph.Value{o}}); err != nil {
			n.t.Fatal(err)
		}
		return o
	})
	then.Name = "then_branch"
	other := branch(f)
	other.Name = "else_branch"
	never := n.do("Equal", nil, rank, op.Const(n.m.Graph, "none", tensor.Scalar[int64](0)))
	out := n.do("If", []*graph.Attr{then, other}, never)
	out.Type = v.Type
	return out
}

// TestHabits holds a detector's head to what exporters write around it: none
// of it changes the answer.
func TestHabits(t *testing.T) {
	plain := func(v *graph.Value) *graph.Value { return v }
	for _, c := range []struct {
		name string
		edge func(n *net) func(*graph.Value) *graph.Value
	}{
		{"plain", func(*net) func(*graph.Value) *graph.Value { return plain }},
		{"renamed by Identity", func(n *net) func(*graph.Value) *graph.Value {
			return func(v *graph.Value) *graph.Value { return n.do("Identity", nil, v) }
		}},
		{"rounded", func(n *net) func(*graph.Value) *graph.Value { return n.rounded }},
		{"times one of its type", func(n *net) func(*graph.Value) *graph.Value { return n.scaled }},
		{"behind a condition on the rank", func(n *net) func(*graph.Value) *graph.Value {
			return func(v *graph.Value) *graph.Value {
				return n.guarded(v, func(b *graph.Graph) *graph.Value {
					o, err := b.Declare("same", graph.Type{})
					if err != nil {
						n.t.Fatal(err)
					}
					if err := b.AddNode(&graph.Node{Op: "Identity", Inputs: []*graph.Value{v}, Outputs: []*graph.Value{o}}); err != nil {
						n.t.Fatal(err)
					}
					return o
				})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			n.m.SetOpset("", 15)
			edge := c.edge(n)
			// A residual block, a class head, boxes, and a mask's prototypes
			// that leave right behind their activation.
			x := n.do("Add", nil, n.x, edge(n.silu(n.conv(n.x, 8), edge)))
			cls := n.conv(x, 32)
			box := n.do("Exp", nil, n.conv(x, 4))
			masks := n.silu(n.conv(x, 32), edge)
			n.output(box, n.do("Sigmoid", nil, edge(cls)), n.conv(x, 32), masks)
			r, err := patterns.Locate(n.m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			if h.Classes != 32 || h.Activation != patterns.Sigmoid || len(r.Heads) != 1 {
				t.Fatalf("%s", asJSON(t, r))
			}
			v := h.Levels[0].Source
			for range 3 {
				if v == cls {
					return
				}
				if n := v.Producer(); n.Op != "If" {
					v = n.Input(0)
				} else {
					v = n.Attr("else_branch").Graph.Nodes[0].Input(0)
				}
			}
			t.Errorf("head at %s, want %s", h.Levels[0].Source.Name, cls.Name)
		})
	}
}
