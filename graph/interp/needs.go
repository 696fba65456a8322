package interp

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

// needs is what a set of fetched values rests on.
type needs struct {
	nodes  map[*graph.Node]bool
	values map[*graph.Value]bool
}

func needed(g *graph.Graph, fed map[*graph.Value]int, fetches []*graph.Value) (*needs, error) {
	w := &needs{map[*graph.Node]bool{}, map[*graph.Value]bool{}}
	todo := slices.Clone(fetches)
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || w.values[v] {
			continue
		}
		w.values[v] = true
		if _, ok := fed[v]; ok {
			continue
		}
		n := v.Producer()
		if n == nil {
			if v.Init == nil && v.Graph() == g {
				return nil, fmt.Errorf("value %q is neither fed nor made", v.Name)
			}
			continue
		}
		if n.Graph() != g || w.nodes[n] {
			continue
		}
		w.nodes[n] = true
		todo = append(todo, n.Inputs...)
		todo = append(todo, Captures(n)...)
	}
	return w, nil
}

// readings counts how often the needed nodes of g and the fetches read each value.
// What a subgraph reads counts as well.
func (w *needs) readings(g *graph.Graph, fetches []*graph.Value) map[*graph.Value]int {
	count := map[*graph.Value]int{}
	for _, n := range g.Nodes {
		if !w.nodes[n] {
			continue
		}
		for _, v := range append(Captures(n), n.Inputs...) {
			count[v]++
		}
	}
	for _, v := range fetches {
		count[v]++
	}
	return count
}

// Captures is the values from outside that the subgraphs of n read, each once.
func Captures(n *graph.Node) []*graph.Value {
	var vs []*graph.Value
	for _, s := range n.Subgraphs() {
		vs = append(vs, captured(s)...)
	}
	return distinct(vs)
}

// captured is the values of the graphs around g that g reads.
func captured(g *graph.Graph) []*graph.Value {
	var vs []*graph.Value
	note := func(list []*graph.Value) {
		for _, v := range list {
			if v != nil && v.Graph() != g {
				vs = append(vs, v)
			}
		}
	}
	for _, n := range g.Nodes {
		note(n.Inputs)
		for _, s := range n.Subgraphs() {
			note(captured(s))
		}
	}
	note(g.Outputs)
	return distinct(vs)
}

// distinct is the list, each value where it comes first.
func distinct(vs []*graph.Value) []*graph.Value {
	if len(vs) < 2 {
		return vs
	}
	seen := make(map[*graph.Value]bool, len(vs))
	return slices.DeleteFunc(vs, func(v *graph.Value) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}
