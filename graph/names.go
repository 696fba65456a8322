package graph

import "strconv"

// Scope makes the names that Fresh gives start with prefix and a slash, within
// the scope in force, until the returned function is called.
func (g *Graph) Scope(prefix string) (leave func()) {
	old := g.scope
	if g.scope != "" {
		prefix = g.scope + "/" + prefix
	}
	g.scope = prefix
	return func() { g.scope = old }
}

// Fresh returns a name that is free: no value of g, of the graphs around it or of
// the subgraphs inside it has it, nor any node of g or inside it, and Fresh has not
// returned it before. It is scope/base, or that with a number appended. The same
// calls on the same graph return the same names.
func (g *Graph) Fresh(base string) string {
	if g.scope != "" {
		base = g.scope + "/" + base
	}
	if g.names == nil {
		g.names = &names{next: map[string]int{}, taken: map[string]bool{}}
		take := func(name string) { g.names.taken[name] = true }
		for _, n := range g.Nodes {
			take(n.Name)
			for _, s := range n.Subgraphs() {
				s.eachName(take)
			}
		}
	}
	for k := g.names.next[base]; ; k++ {
		name := base
		if k > 0 {
			name = base + "_" + strconv.Itoa(k)
		}
		if g.Lookup(name) == nil && !g.names.taken[name] {
			g.names.next[base] = k + 1
			g.names.taken[name] = true
			return name
		}
	}
}

// names is the state of Fresh: the next number to try for each base, and the
// names that are not to be given.
type names struct {
	next  map[string]int
	taken map[string]bool
}

func (g *Graph) eachName(f func(string)) {
	for name := range g.values {
		f(name)
	}
	for _, n := range g.Nodes {
		f(n.Name)
		for _, s := range n.Subgraphs() {
			s.eachName(f)
		}
	}
}
