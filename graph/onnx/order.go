package onnx

import (
	"container/heap"
	"fmt"
	"sort"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// sortNodes puts g's nodes into an order in which they can run, as near to the
// present one as that allows. It fails if there is none.
func sortNodes(g *graph.Graph) error {
	place := make(map[*graph.Node]int, len(g.Nodes))
	for i, n := range g.Nodes {
		place[n] = i
	}
	waits := make([]int, len(g.Nodes))     // how many edges come from nodes that have not run
	readers := make([][]int, len(g.Nodes)) // by place, once an edge
	for i, n := range g.Nodes {
		eachRead(n, g, func(v *graph.Value) {
			if p := v.Producer(); p != nil {
				waits[i]++
				readers[place[p]] = append(readers[place[p]], i)
			}
		})
	}
	ready := &intHeap{}
	for i, k := range waits {
		if k == 0 {
			ready.IntSlice = append(ready.IntSlice, i)
		}
	}
	order := make([]*graph.Node, 0, len(g.Nodes))
	for ready.Len() > 0 {
		i := heap.Pop(ready).(int)
		order = append(order, g.Nodes[i])
		for _, j := range readers[i] {
			if waits[j]--; waits[j] == 0 {
				heap.Push(ready, j)
			}
		}
	}
	if len(order) < len(g.Nodes) {
		return cycleError(g, waits, place)
	}
	copy(g.Nodes, order)
	return nil
}

// eachRead calls do for every value of g that n reads, in its subgraphs too.
func eachRead(n *graph.Node, g *graph.Graph, do func(*graph.Value)) {
	for _, v := range n.Inputs {
		if v != nil && v.Graph() == g {
			do(v)
		}
	}
	for _, s := range n.Subgraphs() {
		for _, m := range s.Nodes {
			eachRead(m, g, do)
		}
		for _, v := range s.Outputs {
			if v.Graph() == g {
				do(v)
			}
		}
	}
}

// cycleError names the nodes of one cycle among those that still wait.
func cycleError(g *graph.Graph, waits []int, place map[*graph.Node]int) error {
	from := func(i int) int { // a node that waits and that i reads from
		at := -1
		eachRead(g.Nodes[i], g, func(v *graph.Value) {
			if p := v.Producer(); p != nil && waits[place[p]] > 0 {
				at = place[p]
			}
		})
		return at
	}
	i := 0
	for waits[i] == 0 {
		i++
	}
	seen := map[int]int{}
	var path []int
	for {
		if k, ok := seen[i]; ok {
			path = path[k:]
			break
		}
		seen[i] = len(path)
		path = append(path, i)
		i = from(i)
	}
	const most = 8
	var names []string
	for k := len(path) - 1; k >= 0 && len(names) < most; k-- {
		names = append(names, g.Nodes[path[k]].String())
	}
	if len(path) > most {
		names = append(names, fmt.Sprintf("%d more", len(path)-most))
	}
	return fmt.Errorf("graph %q has a cycle: %s → %s", g.Name, strings.Join(names, " → "), names[0])
}

type intHeap struct{ sort.IntSlice }

func (h *intHeap) Push(x any) { h.IntSlice = append(h.IntSlice, x.(int)) }

func (h *intHeap) Pop() any {
	n := len(h.IntSlice) - 1
	x := h.IntSlice[n]
	h.IntSlice = h.IntSlice[:n]
	return x
}

// checkFunctions fails if two functions have one name, or if one calls itself,
// directly or through others.
func checkFunctions(m *graph.Model) error {
	const (
		open   = 1
		closed = 2
	)
	state := map[*graph.Function]int{}
	type key struct{ domain, name, overload string }
	byName := map[key]*graph.Function{}
	for _, f := range m.Functions {
		k := key{graph.CanonicalDomain(f.Domain), f.Name, f.Overload}
		if byName[k] != nil {
			return fmt.Errorf("function %q is defined twice", f.Name)
		}
		byName[k] = f
	}
	var visit func(f *graph.Function) error
	var calls func(g *graph.Graph) error
	visit = func(f *graph.Function) error {
		switch state[f] {
		case open:
			return fmt.Errorf("function %q calls itself", f.Name)
		case closed:
			return nil
		}
		state[f] = open
		err := calls(f.Body)
		state[f] = closed
		return err
	}
	calls = func(g *graph.Graph) error {
		for _, n := range g.Nodes {
			if f := byName[key{graph.CanonicalDomain(n.Domain), n.Op, n.Overload}]; f != nil {
				if err := visit(f); err != nil {
					return err
				}
			}
			for _, s := range n.Subgraphs() {
				if err := calls(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, f := range m.Functions {
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}
