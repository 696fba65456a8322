package graph

import "slices"

// SetOutputs makes vs the outputs of g.
func (g *Graph) SetOutputs(vs []*Value) {
	g.touch()
	g.Outputs = vs
}

// RemoveValues takes inputs and initializers that nothing reads, and that are no
// outputs, out of g.
func (g *Graph) RemoveValues(vs []*Value) {
	g.touch()
	gone := map[*Value]bool{}
	for _, v := range vs {
		gone[v] = true
		delete(g.values, v.Name)
	}
	dead := func(v *Value) bool { return gone[v] }
	g.Inputs, g.Inits = slices.DeleteFunc(g.Inputs, dead), slices.DeleteFunc(g.Inits, dead)
}

// RemoveFunction takes a function that no node calls out of m.
func (m *Model) RemoveFunction(f *Function) {
	m.Dirty = true
	m.Functions = slices.DeleteFunc(m.Functions, func(x *Function) bool { return x == f })
}

// DropOpset takes the import of a domain out of m.
func (m *Model) DropOpset(domain string) {
	m.Dirty = true
	m.Opsets = slices.DeleteFunc(m.Opsets, func(o Opset) bool { return CanonicalDomain(o.Domain) == CanonicalDomain(domain) })
}

// DropMeta takes a key out of the metadata.
func (m *Model) DropMeta(key string) {
	m.Dirty = true
	m.Metadata = slices.DeleteFunc(m.Metadata, func(p Pair) bool { return p.Key == key })
}
