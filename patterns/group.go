package patterns

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// together sorts parts into heads: parts that a Concat joins along rows are
// levels of one head; of the others those of equal width, activation and use
// whose maps differ in size. Levels come in the order of the Concat, else in
// graph order.
func (s *site) together(parts []*part) [][]*part {
	id := make(map[*part]int, len(parts))
	at := make(map[*part]int, len(parts))
	by := map[*match.Field][]*part{}
	for i, p := range parts {
		id[p], at[p] = i, i
		for _, r := range p.roots {
			by[r.field] = append(by[r.field], p)
		}
	}
	for _, n := range s.Nodes {
		if n.Op != "Concat" && n.Op != "QLinearConcat" || len(n.Outputs) == 0 {
			continue
		}
		w := s.View(n.Outputs[0])
		if w == nil {
			continue
		}
		s.joined(w, by, id, at)
	}
	sets := map[int][]*part{}
	var keys []int
	for _, p := range parts {
		if sets[id[p]] == nil {
			keys = append(keys, id[p])
		}
		sets[id[p]] = append(sets[id[p]], p)
	}
	var joined [][]*part
	for _, k := range keys {
		set := sets[k]
		slices.SortStableFunc(set, func(p, q *part) int { return cmp.Compare(at[p], at[q]) })
		joined = append(joined, set)
	}
	return levels(joined)
}

// joined gives parts that follow each other in w along rows one id.
func (s *site) joined(w *match.View, by map[*match.Field][]*part, id, at map[*part]int) {
	dim := w.ChanDim()
	type slot struct {
		from int64
		n    int64
		act  Activation
	}
	first := map[slot]*part{}
	k := 0
	for i := range w.Pieces {
		p := &w.Pieces[i]
		f, t, ok := p.Root(match.All, -1)
		if !ok || dim < 0 || dim >= len(p.At) {
			continue
		}
		for _, q := range by[f] {
			if !slices.ContainsFunc(q.roots, func(r root) bool { return r.field == f && r.span.Meets(t) }) {
				continue
			}
			k++
			sl := slot{p.At[dim], q.n, q.act}
			o := first[sl]
			if o == nil {
				first[sl] = q
				if len(w.Pieces) > 1 {
					at[q] = k
				}
				continue
			}
			if o != q && id[o] != id[q] {
				old := id[q]
				for x := range id {
					if id[x] == old {
						id[x] = id[o]
					}
				}
				at[q] = k
			}
		}
	}
}

// levels puts sets of one part each that differ only in the size of their maps
// together.
func levels(sets [][]*part) [][]*part {
	type key struct {
		n    int64
		act  Activation
		use  match.Marks
		rank int
	}
	var out [][]*part
	open := map[string][]int{} // heads that may take another level
	for _, set := range sets {
		if len(set) > 1 || len(set[0].roots) > 1 {
			out = append(out, set)
			continue
		}
		p := set[0]
		f := p.roots[0].field
		k := fmt.Sprint(key{p.n, p.act, p.marks &^ (match.Resize | match.Pool), len(f.Shape)})
		placed := false
		if len(f.Shape) >= 3 && len(spatial(f)) > 0 {
			for _, i := range open[k] {
				if !slices.ContainsFunc(out[i], func(q *part) bool { return sameMap(q.roots[0].field, f) }) {
					out[i] = append(out[i], p)
					placed = true
					break
				}
			}
		}
		if !placed {
			open[k] = append(open[k], len(out))
			out = append(out, set)
		}
	}
	return out
}

// sameMap reports whether two layers certainly have maps of one size.
func sameMap(f, g *match.Field) bool {
	if len(f.Shape) != len(g.Shape) {
		return false
	}
	for d := range f.Shape {
		if d != 0 && d != f.Chan && (!f.Shape[d].IsKnown() || !g.Shape[d].IsKnown() || f.Shape[d] != g.Shape[d]) {
			return false
		}
	}
	return true
}
