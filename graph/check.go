package graph

import (
	"fmt"
	"slices"
)

// Check reports the first broken invariant of doc.go, by number.
func (g *Graph) Check() error {
	return g.check(map[*Value]bool{})
}

// Check holds the invariants of the main graph and of every function.
func (m *Model) Check() error {
	if err := m.Graph.Check(); err != nil {
		return err
	}
	for _, f := range m.Functions {
		if err := f.Body.Check(); err != nil {
			return fmt.Errorf("function %s: %w", f.Name, err)
		}
	}
	return nil
}

func (g *Graph) check(ready map[*Value]bool) error {
	for _, list := range [][]*Value{g.Inputs, g.Inits} {
		for _, v := range list {
			if v.producer != nil {
				return fmt.Errorf("invariant 6: %q is an input or initializer and has a producer", v.Name)
			}
			if err := g.checkName(v); err != nil {
				return err
			}
			ready[v] = true
		}
	}
	for _, n := range g.Nodes {
		if err := g.checkNode(n, ready); err != nil {
			return err
		}
	}
	for _, v := range g.Outputs {
		if v == nil || v.graph != g && !g.encloses(v.graph) {
			return fmt.Errorf("invariant 6: an output of graph %q is not its value", g.Name)
		}
		if !ready[v] {
			return fmt.Errorf("invariant 6: nothing makes output %q", v.Name)
		}
	}
	for _, v := range g.values {
		for _, u := range v.uses {
			if u.Node.graph == nil || u.Index >= len(u.Node.Inputs) || u.Node.Inputs[u.Index] != v {
				return fmt.Errorf("invariant 2: %q lists a use that %v does not have", v.Name, u.Node)
			}
		}
	}
	return nil
}

func (g *Graph) checkName(v *Value) error {
	if v.graph != g || v.Name == "" || g.values[v.Name] != v {
		return fmt.Errorf("invariant 3: the name %q does not stand for its value", v.Name)
	}
	return nil
}

// encloses reports whether h is a graph around g.
func (g *Graph) encloses(h *Graph) bool {
	for o := g.Outer; o != nil; o = o.Outer {
		if o == h {
			return true
		}
	}
	return false
}

func (g *Graph) checkNode(n *Node, ready map[*Value]bool) error {
	if n.graph != g {
		return fmt.Errorf("invariant 5: node %v does not know its graph", n)
	}
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		if v.graph != g && !g.encloses(v.graph) {
			return fmt.Errorf("invariant 5: node %v: input %q is of another graph", n, v.Name)
		}
		if !ready[v] {
			return fmt.Errorf("invariant 4: node %v reads %q before it is made", n, v.Name)
		}
		if len(v.uses) < 64 && !slices.Contains(v.uses, Use{n, i}) {
			return fmt.Errorf("invariant 2: %q does not list its use by %v", v.Name, n)
		}
	}
	for _, s := range n.Subgraphs() {
		if s.Outer != g {
			return fmt.Errorf("invariant 5: node %v: a subgraph does not know its outer graph", n)
		}
		if err := s.check(ready); err != nil {
			return err
		}
	}
	for i, o := range n.Outputs {
		if o == nil {
			continue
		}
		if o.producer != n || o.Index() != i {
			return fmt.Errorf("invariant 1: %q does not know that %v makes it", o.Name, n)
		}
		if err := g.checkName(o); err != nil {
			return err
		}
		ready[o] = true
	}
	return nil
}
