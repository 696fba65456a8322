package variant

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Mutation is a change that keeps what a model computes, and so the answer.
type Mutation struct {
	Name  string
	Apply func(v *Variant, rng *rand.Rand) error
}

var (
	rename     = Mutation{"names", renameAll}
	reorder    = Mutation{"order", shuffle}
	copies     = Mutation{"copies", sprinkle}
	fold       = Mutation{"fold", foldConstants}
	unfold     = Mutation{"unfold", writeOut}
	bias       = Mutation{"bias", splitBias}
	wrapLayers = Mutation{"wrap layers", func(v *Variant, rng *rand.Rand) error { return wrap(v, "layers", rng) }}
	wrapRest   = Mutation{"wrap rest", func(v *Variant, rng *rand.Rand) error { return wrap(v, "rest", rng) }}
	wrapWhole  = Mutation{"wrap whole", func(v *Variant, rng *rand.Rand) error { return wrap(v, "whole", rng) }}
)

// Mutations are those that never change an answer.
func Mutations() []Mutation {
	return []Mutation{
		rename, reorder, copies, fold, unfold, bias, wrapLayers, wrapRest,
		foldNorms, cuts, gathers, gemms, squeezes, softmaxes, sigmoids, newerOpset, olderOpset, symbols,
	}
}

// renameAll gives values, nodes and functions names that say nothing.
func renameAll(v *Variant, rng *rand.Rand) error {
	k := 0
	name := func(letter string) string {
		k++
		return fmt.Sprintf("%s%d_%d", letter, rng.IntN(1e6), k)
	}
	graphs := []*graph.Graph{v.Model.Graph}
	for _, f := range v.Model.Functions {
		graphs = append(graphs, f.Body)
	}
	for _, g := range graphs {
		vs := slices.Concat(g.Inputs, g.Inits)
		for _, n := range g.Nodes {
			n.Name = name("n")
			vs = append(vs, n.Outputs...)
		}
		seen := map[*graph.Value]bool{nil: true}
		for _, x := range vs {
			if seen[x] {
				continue
			}
			seen[x] = true
			for x.Rename(name("v")) != nil {
				// An old name that is still to go.
			}
		}
	}
	return nil
}

// shuffle puts the nodes into another order in which they can run, and the
// outputs into any.
func shuffle(v *Variant, rng *rand.Rand) error {
	g := v.Model.Graph
	waits := map[*graph.Node]int{}
	var ready, order []*graph.Node
	for _, n := range g.Nodes {
		for _, x := range n.Inputs {
			if x != nil && x.Producer() != nil {
				waits[n]++
			}
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
		for _, o := range n.Outputs {
			for _, u := range o.Uses() {
				if waits[u.Node]--; waits[u.Node] == 0 {
					ready = append(ready, u.Node)
				}
			}
		}
	}
	rng.Shuffle(len(g.Outputs), func(i, j int) { g.Outputs[i], g.Outputs[j] = g.Outputs[j], g.Outputs[i] })
	return v.changed(order, as)
}

// sprinkle puts operators without effect behind about one value in five.
func sprinkle(v *Variant, rng *rand.Rand) error {
	op.InferModel(v.Model)
	return v.changed(v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
		outs, err := r.copy(n)
		if err != nil {
			return err
		}
		for i, x := range n.Outputs {
			if rng.IntN(5) > 0 || len(x.Uses()) == 0 || outs[i].Shape() == nil || slices.Contains(v.Model.Graph.Outputs, x) {
				continue
			}
			r.at[x] = idle(outs[i], rng)
		}
		return nil
	})
}

// idle is x, through operators that change nothing.
func idle(x *graph.Value, rng *rand.Rand) *graph.Value {
	d, rank := x.Type.DType, len(x.Shape())
	if d != tensor.Float32 {
		return op.Identity(x)
	}
	switch k := rng.IntN(7); {
	case k == 0:
		return op.Cast(x, d)
	case k == 1:
		return op.Cast(op.Cast(x, tensor.Float64), d)
	case k == 2 && rank > 0:
		return op.Reshape(x, make([]int64, rank)...)
	case k == 3 && rank > 1:
		perm, back := make([]int64, rank), make([]int64, rank)
		for i, p := range rng.Perm(rank) {
			perm[i], back[p] = int64(p), int64(i)
		}
		return op.Transpose(op.Transpose(x, perm...), back...)
	}
	switch rng.IntN(3) {
	case 0:
		return op.Mul(x, op.Scalar(x.Graph(), d, 1))
	case 1:
		return op.Add(x, op.Scalar(x.Graph(), d, 0))
	}
	return op.Identity(x)
}

// foldConstants replaces what is computed from constants alone.
func foldConstants(v *Variant, _ *rand.Rand) error {
	facts := op.InferModel(v.Model)
	err := v.changed(v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
		var known []*tensor.Tensor
		for _, o := range n.Outputs {
			if t := facts.Of(o).Const(); t != nil {
				known = append(known, t)
			}
		}
		if len(known) < len(n.Outputs) {
			return as(r, n)
		}
		for i, o := range n.Outputs {
			c, err := r.g.AddInit(r.g.Fresh("t"), known[i])
			if err != nil {
				return err
			}
			r.at[o] = c
		}
		return nil
	})
	if err != nil {
		return err
	}
	return tidy(v.Model)
}

// writeOut makes nodes of about half the constants: a Constant, or a Concat of
// single numbers.
func writeOut(v *Variant, rng *rand.Rand) error {
	made := map[*graph.Value]bool{}
	err := v.changed(v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
		for _, x := range n.Inputs {
			if x == nil || x.Init == nil || made[x] || rng.IntN(2) == 0 {
				continue
			}
			made[x] = true
			t, err := x.Init.Load()
			if err != nil {
				return err
			}
			y, err := r.written(t)
			if err != nil {
				return err
			}
			r.at[x] = y
		}
		return as(r, n)
	})
	if err != nil {
		return err
	}
	return tidy(v.Model)
}

// written is t, made by nodes.
func (r *rebuild) written(t *tensor.Tensor) (*graph.Value, error) {
	if t.DType == tensor.Int64 && t.Rank() == 1 && t.Len() > 1 && t.Len() < 8 {
		var parts []*graph.Value
		for _, x := range tensor.Data[int64](t) {
			p, err := r.written(tensor.Vector(x))
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
		return op.Concat(0, parts...), nil
	}
	y, err := r.g.Declare(r.g.Fresh("k"), graph.TensorOf(t.DType, graph.Static(t.Shape...)))
	if err != nil {
		return nil, err
	}
	return y, r.g.AddNode(&graph.Node{Op: "Constant", Attrs: []*graph.Attr{graph.Tensor("value", t)}, Outputs: []*graph.Value{y}})
}

// splitBias takes the bias out of convolutions.
func splitBias(v *Variant, _ *rand.Rand) error {
	err := v.changed(v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
		if n.Op != "Conv" || n.Domain != "" || len(n.Inputs) < 3 || n.Inputs[2] == nil || n.Inputs[2].Init == nil {
			return as(r, n)
		}
		b, err := n.Inputs[2].Init.Load()
		if err != nil {
			return err
		}
		shape := []int{1, b.Len()}
		for range len(n.Output(0).Shape()) - 2 {
			shape = append(shape, 1)
		}
		if b, err = b.Reshape(shape...); err != nil {
			return err
		}
		y := op.Conv(r.at[n.Inputs[0]], r.at[n.Inputs[1]], op.Omit, n.Attrs...)
		r.at[n.Outputs[0]] = op.Add(y, op.Const(r.g, "b", b))
		return nil
	})
	if err != nil {
		return err
	}
	return tidy(v.Model)
}
