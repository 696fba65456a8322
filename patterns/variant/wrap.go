package variant

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// wrap puts nodes of v into a function: "layers", those of the head's layers
// that lead to the logits; "rest", all that follows; "whole", all from the
// maps to the outputs, so that no tensor of the main graph holds the logits.
func wrap(v *Variant, what string, rng *rand.Rand) error {
	g := v.Model.Graph
	first := v.first()
	var order []*graph.Node
	for _, n := range g.Nodes {
		if first[n] {
			order = append(order, n)
		}
	}
	cut := len(order)
	for _, n := range g.Nodes {
		if !first[n] {
			order = append(order, n)
		}
	}
	from, to := 0, cut
	switch what {
	case "layers":
		from = rng.IntN(max(cut/2, 1))
	case "rest":
		from, to = cut, len(order)
	case "whole":
		from, to = min(2, cut/2), len(order)
	}
	if from == to {
		return nil
	}
	inside := map[*graph.Node]bool{}
	for _, n := range order[from:to] {
		inside[n] = true
	}
	err := v.changed(order, func(r *rebuild, n *graph.Node) error {
		switch {
		case !inside[n]:
			return as(r, n)
		case n == order[from]:
			return r.call(order[from:to], inside)
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.hide()
	return tidy(v.Model)
}

// first is the nodes that lead to the answers.
func (v *Variant) first() map[*graph.Node]bool {
	seen := map[*graph.Node]bool{}
	var visit func(x *graph.Value)
	visit = func(x *graph.Value) {
		if x == nil || x.Producer() == nil || seen[x.Producer()] {
			return
		}
		n := x.Producer()
		seen[n] = true
		for _, y := range n.Inputs {
			visit(y)
		}
	}
	for _, a := range v.Key.Answers {
		for _, p := range a {
			visit(p.Source)
		}
	}
	return seen
}

// hide takes the answers out of the key that have a level of which no tensor of
// the main graph is left.
func (v *Variant) hide() {
	k := &v.Key
	if len(k.Answers) == 0 {
		return
	}
	k.Answers = slices.DeleteFunc(k.Answers, func(a []patterns.Part) bool {
		return slices.ContainsFunc(a, func(p patterns.Part) bool { return p.Source == nil })
	})
	if len(k.Answers) == 0 && k.Expect != Unsure {
		k.Expect, k.Why = Inside, "the logits lie inside a function"
	}
}

// call puts nodes into a function and calls it.
func (r *rebuild) call(nodes []*graph.Node, inside map[*graph.Node]bool) error {
	f := &graph.Function{Name: fmt.Sprint("F", len(r.dst.Functions)), Domain: "local", Opsets: slices.Clone(r.src.Opsets)}
	f.Body = graph.NewGraph(r.dst, nil)
	f.Body.Function = f
	r.dst.SetOpset("local", 1)
	r.dst.Functions = append(r.dst.Functions, f)
	c := &graph.Node{Op: f.Name, Domain: f.Domain}
	in := &rebuild{r.src, r.dst, f.Body, map[*graph.Value]*graph.Value{}}
	for _, n := range nodes {
		for _, x := range n.Inputs {
			if x == nil || in.at[x] != nil || x.Producer() != nil && inside[x.Producer()] {
				continue
			}
			if err := in.argument(x, r, c); err != nil {
				return err
			}
		}
		if err := as(in, n); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		for _, x := range n.Outputs {
			if x == nil || !r.leaves(x, inside) {
				continue
			}
			y, err := r.g.Declare(r.g.Fresh("t"), x.Type)
			if err != nil {
				return err
			}
			r.at[x] = y
			c.Outputs = append(c.Outputs, y)
			f.Body.AddOutput(in.at[x])
		}
	}
	return r.g.AddNode(c)
}

// argument makes x known inside the function: integers, which steer shapes,
// as constants, and all else as an input of the call.
func (in *rebuild) argument(x *graph.Value, r *rebuild, c *graph.Node) error {
	if x.Init != nil && (x.Init.DType.IsInt() && len(x.Init.Dims) < 2) {
		t, err := x.Init.Load()
		if err != nil {
			return err
		}
		in.at[x], err = in.written(t)
		return err
	}
	y, err := in.g.AddInput(in.g.Fresh("t"), x.Type)
	if err != nil {
		return err
	}
	in.at[x] = y
	c.Inputs = append(c.Inputs, r.at[x])
	return nil
}

// leaves reports whether x is read outside, or by the user.
func (r *rebuild) leaves(x *graph.Value, inside map[*graph.Node]bool) bool {
	return slices.Contains(r.src.Graph.Outputs, x) || slices.ContainsFunc(x.Uses(), func(u graph.Use) bool { return !inside[u.Node] })
}
