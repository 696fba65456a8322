package fuse

import "slices"

// search is the state of searches through what steps read. A search that would go
// beyond what all of them together may look at finds what keeps steps apart, so that
// planning takes time by the size of the graph.
type search struct {
	number int   // of the search under way
	seen   []int // by step: the last search that came by
	among  []int // by step: the last search that began there
	left   int   // how many reads may still be looked at
}

// searchLimit is how often, on average, searches may look at each read.
const searchLimit = 64

func newSearch(reads [][]int) search {
	s := search{seen: make([]int, len(reads)), among: make([]int, len(reads)), left: 1 << 20}
	for _, r := range reads {
		s.left += searchLimit * len(r)
	}
	return s
}

// rests reports whether some of the steps rest on group g by way of a step that is
// neither among them nor in g, or that cannot be told within the searches' limit.
func (j *joiner) rests(steps []int, g *rowGroup) bool {
	s := &j.search
	s.number++
	var todo []int
	visit := func(k int) {
		s.left -= 1 + len(j.reads[k])
		for _, m := range j.reads[k] {
			if s.seen[m] != s.number && (m >= g.first || j.last(m) >= g.first) {
				s.seen[m] = s.number
				todo = append(todo, m)
			}
		}
	}
	for _, k := range steps {
		s.among[k] = s.number
	}
	for _, k := range steps {
		visit(k)
	}
	todo = slices.DeleteFunc(todo, func(k int) bool {
		direct := j.group[k] == g || s.among[k] == s.number
		if direct {
			s.seen[k] = 0
		}
		return direct
	})
	for len(todo) > 0 && s.left >= 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		h := j.group[k]
		if h == g {
			return true
		}
		visit(k)
		if h != nil && h.seen != s.number {
			h.seen = s.number
			for _, m := range h.steps {
				visit(m)
			}
		}
	}
	return s.left < 0
}

// last is the last step of the group of step k, which may read what lies behind k;
// −1 if k is in none.
func (j *joiner) last(k int) int {
	if g := j.group[k]; g != nil {
		return g.last
	}
	return -1
}

// order writes the list of steps anew: a group lies where its last step lay, or
// before what reads it.
func (j *joiner) order() {
	j.dissolve()
	j.done = make([]bool, len(j.Steps))
	for i := range j.Steps {
		if j.ctx.Err() != nil {
			return
		}
		if g := j.group[i]; g == nil || i == g.last {
			j.put(i)
		}
	}
	j.Steps = j.steps
}

// dissolve takes apart the groups that rest on themselves by way of other steps: as
// groups grow, a way between two of them can close behind a third.
func (j *joiner) dissolve() {
	for _, g := range j.stuck() {
		if j.rests(g.steps, g) {
			for _, k := range g.steps {
				j.group[k] = nil
			}
		}
	}
}

// stuck is the groups that cannot be put behind all that they read, in order: those
// that rest on themselves, and what rests on these.
func (j *joiner) stuck() []*rowGroup {
	unit := func(k int) int { return max(k, j.last(k)) } // a step, or the last of its group
	waits := make([]int, len(j.reads))                   // by unit: how many reads of others are to come
	readers := make([][]int, len(j.reads))               // by unit: units
	for i, reads := range j.reads {
		u := unit(i)
		for _, k := range reads {
			if v := unit(k); v != u {
				waits[u]++
				readers[v] = append(readers[v], u)
			}
		}
	}
	var ready []int
	for i, n := range waits {
		if n == 0 && unit(i) == i {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		u := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, v := range readers[u] {
			if waits[v]--; waits[v] == 0 {
				ready = append(ready, v)
			}
		}
	}
	var groups []*rowGroup
	for i, n := range waits {
		if g := j.group[i]; g != nil && n > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, func(a, b *rowGroup) int { return a.first - b.first })
	return groups
}

// put adds step i, or its group, behind all that it reads.
func (j *joiner) put(i int) {
	type visit struct {
		step  int
		reads []int // yet to be put before it
	}
	var todo []visit
	enter := func(k int) {
		if j.done[k] {
			return
		}
		v := visit{k, j.reads[k]}
		if g := j.group[k]; g != nil {
			v.reads = nil
			slices.Sort(g.steps)
			for _, m := range g.steps {
				j.done[m] = true
				v.reads = append(v.reads, j.reads[m]...)
			}
		}
		j.done[k] = true
		todo = append(todo, v)
	}
	for enter(i); len(todo) > 0; {
		v := &todo[len(todo)-1]
		if len(v.reads) > 0 {
			k := v.reads[0]
			v.reads = v.reads[1:]
			enter(k)
			continue
		}
		todo = todo[:len(todo)-1]
		if g := j.group[v.step]; g != nil && len(g.steps) > 1 {
			j.steps = append(j.steps, j.join(g))
		} else {
			j.steps = append(j.steps, j.Steps[v.step])
		}
	}
}
