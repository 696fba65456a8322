package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
)

// Tints of a picture of a whole model.
const (
	Network Tint = "network"
	Loss    Tint = "loss and gradient"
)

// MaxOverview is how many blocks a picture of a whole model has at most: beyond, nobody
// finds anything in it.
const MaxOverview = 4000

// Overview is the whole main graph of m: a block for each node that data flows through,
// or for a chain of them, of what tint says. What is known before any data, as shapes
// are, is left out. It is an error if there are more than MaxOverview blocks.
func Overview(m *graph.Model, tint func(n *graph.Node) Tint) (*Excerpt, error) {
	o := &overview{out: &Excerpt{}, at: map[*graph.Value]int{}}
	g := m.Graph
	for _, v := range g.Inputs {
		if v.Init == nil && len(v.Uses()) > 0 {
			o.at[v] = o.add(&Block{Tensor: v.Name, Type: v.Type, Tint: Feature})
		}
	}
	for _, n := range g.Nodes {
		if n.Op != "Shape" && n.Op != "Size" {
			o.node(n, tint(n))
		}
		if len(o.out.Blocks) > MaxOverview {
			return nil, fmt.Errorf("the model has more than %d blocks to draw", MaxOverview)
		}
	}
	for _, v := range g.Outputs {
		if from, ok := o.at[v]; ok {
			o.link(from, o.add(&Block{Tensor: v.Name, Type: v.Type, Tint: Ends}))
		}
	}
	return o.out, nil
}

// overview is an Excerpt of a whole model in the making.
type overview struct {
	out *Excerpt
	at  map[*graph.Value]int // the block that makes a value
}

func (o *overview) add(b *Block) int {
	o.out.Blocks = append(o.out.Blocks, b)
	return len(o.out.Blocks) - 1
}

func (o *overview) link(from, to int) {
	o.out.Edges = append(o.out.Edges, [2]int{from, to})
}

// node adds n, to the block of the node before it if n alone reads that one.
func (o *overview) node(n *graph.Node, tint Tint) {
	var from []int
	var last *graph.Value
	seen := map[int]bool{}
	for _, v := range append(n.Captures(), n.Inputs...) {
		if b, ok := o.at[v]; ok && !seen[b] {
			seen[b] = true
			from, last = append(from, b), v
		}
	}
	if len(from) == 0 {
		return // known before any data
	}
	at := from[0]
	b := o.out.Blocks[at]
	if len(from) > 1 || b.Tint != tint || len(last.Uses()) > 1 || len(last.Producer().Outputs) > 1 || b.Tensor != last.Name {
		b = &Block{Tint: tint}
		at = o.add(b)
		for _, f := range from {
			o.link(f, at)
		}
	}
	b.Ops, b.Node, b.Attrs = append(b.Ops, n.Op), n.Name, plainAttrs(n)
	for _, v := range n.Outputs {
		if v != nil {
			o.at[v] = at
		}
	}
	if v := n.Output(0); v != nil {
		b.Tensor, b.Type = v.Name, v.Type
	}
}

// Tints say what a node of the main graph is to h: what makes its logits, its boxes or its
// confidences, or a part of the network.
func (h *Head) Tints() func(n *graph.Node) Tint {
	of := map[*graph.Value]Tint{}
	if h.Box != nil {
		of[h.Box] = Boxes
	}
	for _, p := range h.Objectness {
		of[p.Source] = Confidence
	}
	for _, l := range h.Levels {
		of[l.Source] = Logits
	}
	return func(n *graph.Node) Tint {
		for _, v := range n.Outputs {
			if t, ok := of[v]; ok && v != nil {
				return t
			}
		}
		return Network
	}
}
