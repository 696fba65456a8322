package rule

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// Together sorts parts into heads: parts that a Concat joins along rows are
// levels of one head; of the others those of equal width, activation and use
// whose maps differ in size. Levels come in the order of the Concat, else as
// the parts do: the largest map first.
func (s *Scene) Together(parts []*Part) [][]*Part {
	g := &joining{to: make([]int, len(parts)), at: make([]int, len(parts)), parts: parts, by: map[*match.Field][]int{}}
	for i, p := range parts {
		g.to[i], g.at[i] = i, i
		for _, r := range p.Roots {
			if x := g.by[r.Field]; len(x) == 0 || x[len(x)-1] != i {
				g.by[r.Field] = append(x, i)
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
	var joined [][]*Part
	for _, k := range keys {
		slices.SortStableFunc(sets[k], func(i, j int) int { return cmp.Compare(g.at[i], g.at[j]) })
		var set []*Part
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
	parts  []*Part
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
			if !slices.ContainsFunc(x.Roots, func(r Root) bool { return r.Field == f && r.Span.Meets(t) }) {
				continue
			}
			k++
			sl := slot{p.At[dim], x.Channels, x.Activation}
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
func levels(sets [][]*Part) [][]*Part {
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
	var out [][]*Part
	heads := map[kind][]int{}
	taken := map[sized]int{}
	for _, set := range sets {
		p := set[0]
		f := p.Roots[0].Field
		if len(set) > 1 || !p.oneMap() || len(f.Shape) < 3 {
			out = append(out, set)
			continue
		}
		k := kind{p.Channels, p.Activation, p.Marks &^ (match.Resize | match.Pool), len(f.Shape)}
		i, size := 0, MapSize(f)
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
func (p *Part) oneMap() bool {
	size := MapSize(p.Roots[0].Field)
	return !slices.ContainsFunc(p.Roots[1:], func(r Root) bool { return size == "" || MapSize(r.Field) != size })
}

// strideSize begins the size of a map that is known by its stride.
const strideSize = "1/"

// MapSize tells maps of one size from others: the sizes of a layer's output
// without batch and channels, or for a map of dynamic size its stride; empty
// where neither is known.
func MapSize(f *match.Field) string {
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
	return Spatial(f)
}

// Extent is how large the map of p's first layer is.
func (p *Part) Extent() float64 {
	if len(p.Roots) == 0 {
		return 0
	}
	return extent(p.Roots[0].Field)
}

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

// Spatial is the shape of a layer's output, or of the map whose places it has
// rows for, without batch and channels.
func Spatial(f *match.Field) string {
	t := ""
	f = f.Places
	for d, x := range f.Shape {
		if d != 0 && d != f.Chan {
			t += fmt.Sprint(x, " ")
		}
	}
	return t
}
