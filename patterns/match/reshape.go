package match

import (
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// group is a run of input dimensions [I0, I1) that a reshape makes the run
// [O0, O1) of output dimensions.
type group struct{ I0, I1, O0, O1 int }

// align says which input dimensions become which output dimensions when a
// tensor of shape in is reshaped to shape out; nil if no reading fits. Where
// sizes are unknown it takes the reading that keeps most dimensions.
func align(in, out graph.Shape) []group {
	n, m := len(in), len(out)
	if n > 10 || m > 10 {
		return nil
	}
	type cell struct {
		score float64
		from  group
		ok    bool
	}
	best := make([][]cell, n+1)
	for i := range best {
		best[i] = make([]cell, m+1)
	}
	best[0][0].ok = true
	for i := 0; i <= n; i++ {
		for j := 0; j <= m; j++ {
			if !best[i][j].ok {
				continue
			}
			for a := 0; a <= n-i; a++ {
				for b := 0; b <= m-j; b++ {
					s, ok := fit(in[i:i+a], out[j:j+b])
					if !ok {
						continue
					}
					c := &best[i+a][j+b]
					if t := best[i][j].score + s; !c.ok || t > c.score {
						*c = cell{t, group{i, i + a, j, j + b}, true}
					}
				}
			}
		}
	}
	if !best[n][m].ok {
		return nil
	}
	var gs []group
	for i, j := n, m; i > 0 || j > 0; {
		g := best[i][j].from
		gs = append(gs, g)
		i, j = g.I0, g.O0
	}
	slices.Reverse(gs)
	return gs
}

// fit is how likely dimensions a become dimensions b, and whether they can.
func fit(a, b graph.Shape) (float64, bool) {
	switch {
	case len(a)+len(b) == 0:
		return 0, false
	case len(b) == 0:
		return 0.1, len(a) == 1 && a[0].Value == 1
	case len(a) == 0:
		return 0.1, len(b) == 1 && b[0].Value == 1
	}
	if len(a) == 1 && len(b) == 1 {
		switch {
		case a[0].Same(b[0]):
			return 10, true
		case a[0].IsKnown() && b[0].IsKnown():
			return 0, false
		case !a[0].IsKnown() && !b[0].IsKnown():
			return 3, true
		case a[0].Value == 1 || b[0].Value == 1:
			return -3, true // the size of a map is seldom one
		}
		return 1, true
	}
	if len(b) == 1 && b[0].Param != "" && b[0].Param == symbol(a) || len(a) == 1 && a[0].Param != "" && a[0].Param == symbol(b) {
		return 9, true
	}
	p, pk := product(a)
	q, qk := product(b)
	if len(a) == 1 != (len(b) == 1) && (a[0].Value == 1 || b[0].Value == 1 || a[len(a)-1].Value == 1 || b[len(b)-1].Value == 1) {
		return 0, false // ones at the edge are groups of their own
	}
	s := 4.0
	if len(a) > 1 && len(b) > 1 {
		s = -5
	}
	if len(a) == 1 && !pk && !qk && q == 1 {
		s -= 4 // an axis is seldom cut in parts of which none has a known size
	}
	switch {
	case pk && qk:
		return s, p == q
	case pk:
		return s - 3, q > 0 && p%q == 0
	case qk:
		return s - 3, p > 0 && q%p == 0
	}
	return s - 2, true
}

// symbol is the product of dimensions as inference writes it; empty where one
// has no name.
func symbol(s graph.Shape) string {
	names := make([]string, len(s))
	for i, d := range s {
		if names[i] = d.Param; d.IsKnown() || d.Param == "" {
			return ""
		}
	}
	return strings.Join(names, "*")
}

// product is the product of the known dimensions, and whether all are known.
func product(s graph.Shape) (int64, bool) {
	n, known := int64(1), true
	for _, d := range s {
		if d.IsKnown() {
			n *= d.Value
		} else {
			known = false
		}
	}
	return n, known
}

// reshape is the view of a value of view v and shape in after a reshape to
// shape out; nil if it cannot be said.
func reshape(v *View, in, out graph.Shape) *View {
	if in == nil || out == nil || len(in) != v.Rank {
		return nil
	}
	gs := align(in, out)
	if gs == nil {
		return nil
	}
	r := &View{Rank: len(out), Const: v.Const}
	for _, p := range v.Pieces {
		q, ok := reshapePiece(p, gs, in, out)
		if !ok {
			return nil
		}
		r.Pieces = append(r.Pieces, q)
	}
	return r
}

func reshapePiece(p Piece, gs []group, in, out graph.Shape) (Piece, bool) {
	q := Piece{Field: p.Field, Dims: make([][]Atom, len(out)), At: make([]int64, len(out)), Fixed: slices.Clone(p.Fixed)}
	for _, g := range gs {
		if g.O0 == g.O1 {
			q.Fixed = append(q.Fixed, p.Dims[g.I0]...)
			continue
		}
		if g.I0 == g.I1 {
			if g.O0 > 0 {
				q.Dims[g.O0] = p.unit(q.Dims[g.O0-1])
			}
			continue
		}
		atoms, at, ok := merge(&p, g, in)
		if !ok {
			return q, false
		}
		sizes := make([]int64, 0, g.O1-g.O0)
		inner := int64(1)
		for j := g.O0; j < g.O1; j++ {
			sizes = append(sizes, out[j].Value)
			if !out[j].IsKnown() {
				sizes[j-g.O0] = -1
			}
			if j > g.O0 {
				inner *= sizes[j-g.O0]
			}
		}
		if len(sizes) > 1 && at > 0 && (inner <= 0 || at%inner != 0) {
			return q, false
		}
		dims, ok := split(atoms, sizes)
		if !ok {
			return q, false
		}
		for j := range dims {
			if len(dims[j]) == 0 && sizes[j] < 0 && len(atoms) > 0 && atoms[0].Axis != p.Field.Chan {
				dims[j] = []Atom{{atoms[0].Axis, -1, 0, -1}} // the outer part of the axis, of unknown size
			}
		}
		copy(q.Dims[g.O0:], dims)
		if q.At[g.O0] = at; at > 0 && len(sizes) > 1 {
			q.At[g.O0] = at / inner
		}
	}
	return q, true
}

// unit is the digit of a dimension of size 1 that a reshape puts behind one
// that ends in channels: the channels of one anchor where that is one.
func (p *Piece) unit(before []Atom) []Atom {
	if len(before) == 0 || before[len(before)-1].Axis != p.Field.Chan || !p.hasRows() {
		return nil
	}
	a := before[len(before)-1]
	return []Atom{{a.Axis, a.Stride, 0, 1}}
}

// hasRows reports whether p shows more than one row of channels per image.
func (p *Piece) hasRows() bool {
	for _, d := range p.Dims {
		for _, a := range d {
			if a.Axis > 0 && a.Axis != p.Field.Chan && a.Size != 1 {
				return true
			}
		}
	}
	return false
}

// merge is the product of the dimensions [I0, I1) of p and where it begins.
func merge(p *Piece, g group, in graph.Shape) (atoms []Atom, at int64, ok bool) {
	atoms = slices.Clone(p.Dims[g.I0])
	at = p.At[g.I0]
	for d := g.I0 + 1; d < g.I1; d++ {
		n := size(p.Dims[d])
		if p.At[d] != 0 || in[d].IsKnown() && n >= 0 && n != in[d].Value {
			return nil, 0, false
		}
		if at > 0 {
			if n < 0 {
				at = -1
			} else {
				at *= n
			}
		}
		atoms = append(atoms, p.Dims[d]...)
	}
	return join(atoms), at, true
}
