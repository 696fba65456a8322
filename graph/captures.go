package graph

import "slices"

// Captures is the values of enclosing graphs that the subgraphs of n read, each once.
func (n *Node) Captures() []*Value {
	var vs []*Value
	for _, s := range n.Subgraphs() {
		vs = append(vs, s.captures()...)
	}
	return distinct(vs)
}

// captures is the values of enclosing graphs that g reads.
func (g *Graph) captures() []*Value {
	var vs []*Value
	note := func(list []*Value) {
		for _, v := range list {
			if v != nil && v.Graph() != g {
				vs = append(vs, v)
			}
		}
	}
	for _, n := range g.Nodes {
		note(n.Inputs)
		for _, s := range n.Subgraphs() {
			note(s.captures())
		}
	}
	note(g.Outputs)
	return distinct(vs)
}

// distinct is the list, each value where it comes first.
func distinct(vs []*Value) []*Value {
	if len(vs) < 2 {
		return vs
	}
	seen := make(map[*Value]bool, len(vs))
	return slices.DeleteFunc(vs, func(v *Value) bool {
		again := seen[v]
		seen[v] = true
		return again
	})
}
