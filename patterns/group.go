package patterns

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// together sorts parts into heads: parts that a Concat joins along rows are
// levels of one head; of the others those of equal width, activation and use
// whose maps differ in size. Levels come in the order of the Concat, else as
// the parts do: the largest map first.
func (s *site) together(parts []*part) [][]*part {
	g := &joining{to: make([]int, len(parts)), at: make([]int, len(parts)), parts: parts, by: map[*match.Field][]int{}}
	for i, p := range parts {
		g.to[i], g.at[i] = i, i
		for _, r := range p.roots {
			if x := g.by[r.field]; len(x) == 0 || x[len(x)-1] != i {
				g.by[r.field] = append(x, i)
			}
		}
	}
	for _, n := range s.Nodes {
		if n.Op != "Concat" && n.Op != "QLinearConcat" || len(n.Outputs) == 0 {
			continue
		}
		if w := s.View(n.Outputs[0]); w != nil {
			g.join(w)
		}
	}
	sets := map[int][]int{}
	var keys []int
	for i := range parts {
		k := g.find(i)
		if sets[k] == nil {
			keys = append(keys, k)
		}
		sets[k] = append(sets[k], i)
	}
	var joined [][]*part
	for _, k := range keys {
		slices.SortStableFunc(sets[k], func(i, j int) int { return cmp.Compare(g.at[i], g.at[j]) })
		var set []*part
		for _, i := range sets[k] {
			set = append(set, parts[i])
		}
		joined = append(joined, set)
	}
	return levels(joined)
}

// joining is a division of parts into sets, as a forest: to is a part's parent,
// at its place among its set.
type joining struct {
	parts  []*part
	to, at []int
	by     map[*match.Field][]int
}

func (g *joining) find(i int) int {
	for g.to[i] != i {
		g.to[i] = g.to[g.to[i]]
		i = g.to[i]
	}
	return i
}

// join makes one set of parts that follow each other in w along rows.
func (g *joining) join(w *match.View) {
	dim := w.ChanDim()
	type slot struct {
		from int64
		n    int64
		act  Activation
	}
	type start struct {
		part, k int
		joined  bool
	}
	first := map[slot]*start{}
	k := 0
	for i := range w.Pieces {
		p := &w.Pieces[i]
		f, t, ok := p.Root(match.All, -1)
		if !ok || dim < 0 || dim >= len(p.At) {
			continue
		}
		for _, q := range g.by[f] {
			x := g.parts[q]
			if !slices.ContainsFunc(x.roots, func(r root) bool { return r.field == f && r.span.Meets(t) }) {
				continue
			}
			k++
			sl := slot{p.At[dim], x.n, x.act}
			o := first[sl]
			switch {
			case o == nil:
				first[sl] = &start{part: q, k: k}
			case o.part != q && g.find(o.part) != g.find(q):
				g.to[g.find(q)] = g.find(o.part)
				g.at[o.part], g.at[q], o.joined = o.k, k, true
			case o.part != q && o.joined:
				g.at[q] = k
			}
		}
	}
}

// levels puts sets of one part each that differ only in the size of their maps
// together: of parts of one size the first goes to the first head, the second
// to the second.
func levels(sets [][]*part) [][]*part {
	type kind struct {
		n    int64
		act  Activation
		use  match.Marks
		rank int
	}
	type sized struct {
		kind
		size string
	}
	var out [][]*part
	heads := map[kind][]int{}
	taken := map[sized]int{}
	for _, set := range sets {
		p := set[0]
		f := p.roots[0].field
		if len(set) > 1 || !p.oneMap() || len(f.Shape) < 3 {
			out = append(out, set)
			continue
		}
		k := kind{p.n, p.act, p.marks &^ (match.Resize | match.Pool), len(f.Shape)}
		i, size := 0, mapSize(f)
		if size != "" {
			i = taken[sized{k, size}]
			taken[sized{k, size}]++
		}
		if i < len(heads[k]) {
			at := heads[k][i]
			out[at] = append(out[at], p)
			continue
		}
		heads[k] = append(heads[k], len(out))
		out = append(out, set)
	}
	return out
}

// oneMap reports whether all layers behind p make maps of one size, so that p
// is one level.
func (p *part) oneMap() bool {
	size := mapSize(p.roots[0].field)
	return !slices.ContainsFunc(p.roots[1:], func(r root) bool { return size == "" || mapSize(r.field) != size })
}

// strideSize begins the size of a map that is known by its stride.
const strideSize = "1/"

// mapSize tells maps of one size from others: the sizes of a layer's output
// without batch and channels, or for a map of dynamic size its stride; empty
// where neither is known.
func mapSize(f *match.Field) string {
	f = f.Places
	for d, x := range f.Shape {
		if d == 0 || d == f.Chan || x.IsKnown() {
			continue
		}
		if len(f.Shape) == 4 && f.Stride > 0 {
			return fmt.Sprintf("%s%g", strideSize, f.Stride)
		}
		return ""
	}
	return spatial(f)
}

// extent is how large the map of p's first layer is.
func (p *part) extent() float64 { return extent(p.roots[0].field) }

// extent is how large the map of layer f is: its rows, or for one of dynamic
// size a number that falls with its stride; 0 if unknown.
func extent(f *match.Field) float64 {
	f = f.Places
	rows := 1.0
	for d, x := range f.Shape {
		switch {
		case d == 0 || d == f.Chan:
		case x.IsKnown():
			rows *= float64(x.Value)
		case f.Stride > 0:
			return 1e6 / (f.Stride * f.Stride)
		default:
			return 0
		}
	}
	return rows
}
