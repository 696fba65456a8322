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
		todo = append(todo, n.Captures()...)
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
		for _, v := range append(n.Captures(), n.Inputs...) {
			count[v]++
		}
	}
	for _, v := range fetches {
		count[v]++
	}
	return count
}
