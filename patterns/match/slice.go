package match

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// narrow is the part [lo, hi) of v along dimension d, whose size is total (-1:
// unknown), in the given step. hi -1 is the end.
func (v *View) narrow(d int, lo, hi, step, total int64) *View {
	r := &View{Rank: v.Rank, Const: v.Const}
	if hi < 0 {
		hi = total
	}
	for _, p := range v.Pieces {
		n := size(p.Dims[d])
		switch {
		case lo == 0 && step == 1 && hi == total && hi >= 0:
		case p.At[d] < 0 || n < 0 || step < 1:
			// Where the cut falls is not known: the piece as a whole, but for
			// a cut that begins inside the one digit there is.
			if p.At[d] == 0 && step == 1 && lo >= 0 && hi >= 0 && len(p.Dims[d]) == 1 {
				p = p.with(d, []Atom{{p.Dims[d][0].Axis, p.Dims[d][0].Stride, p.Dims[d][0].Start + lo, hi - lo}}, 0)
				break
			}
			p = p.with(d, p.Dims[d], -1)
		default:
			from, to := max(lo, p.At[d]), p.At[d]+n
			if hi >= 0 {
				to = min(to, hi)
			}
			from += (step - (from-lo)%step) % step
			if from >= to {
				continue
			}
			atoms, ok := cut(p.Dims[d], from-p.At[d], (to-from+step-1)/step, step)
			at := (from - lo) / step
			if !ok {
				at = -1
			}
			p = p.with(d, atoms, at)
		}
		r.Pieces = append(r.Pieces, p)
	}
	return r
}

// with is p with dimension d replaced.
func (p Piece) with(d int, atoms []Atom, at int64) Piece {
	p.Dims, p.At = slices.Clone(p.Dims), slices.Clone(p.At)
	p.Dims[d], p.At[d] = atoms, at
	return p
}

func viewSlice(a *Analysis, n *graph.Node) []*View {
	x := n.Input(0)
	v := a.View(x)
	if v == nil {
		return []*View{nil}
	}
	starts, ends, ax, steps, ok := a.sliceArgs(n)
	if !ok {
		// Unknown bounds: on the axes that it cuts, where they are known.
		return []*View{v.loose(ax)}
	}
	if ax == nil {
		for i := range starts {
			ax = append(ax, int64(i))
		}
	}
	dims, ok := axes(ax, v.Rank)
	if !ok || len(starts) != len(dims) || len(ends) != len(dims) {
		return []*View{nil}
	}
	s := a.shape(x)
	for i, d := range dims {
		step := int64(1)
		if i < len(steps) {
			step = steps[i]
		}
		total := int64(-1)
		if s != nil {
			total = s[d].Value
		}
		lo, hi := starts[i], ends[i]
		if step < 0 {
			v = v.loose([]int64{int64(d)})
			continue
		}
		if lo < 0 && total >= 0 {
			lo = max(lo+total, 0)
		}
		if hi < 0 && total >= 0 {
			hi += total
		}
		if total >= 0 {
			hi = min(hi, total)
		} else if hi > 1<<30 {
			hi = -1
		}
		if lo < 0 || hi >= 0 && hi < lo || total < 0 && hi < 0 && lo > 0 {
			v = v.loose([]int64{int64(d)})
			continue
		}
		v = v.narrow(d, lo, hi, step, total)
	}
	return []*View{v}
}

func (a *Analysis) sliceArgs(n *graph.Node) (starts, ends, ax, steps []int64, ok bool) {
	if n.Attr("starts") != nil {
		return n.Ints("starts"), n.Ints("ends"), n.Ints("axes"), nil, true
	}
	starts, o1 := a.ints(n, "", 1)
	ends, o2 := a.ints(n, "", 2)
	ax, o3 := a.ints(n, "", 3)
	steps, o4 := a.ints(n, "", 4)
	return starts, ends, ax, steps, o1 && o2 && o3 && o4
}

// loose is v with unknown offsets along the given dimensions.
func (v *View) loose(ax []int64) *View {
	dims, ok := axes(ax, v.Rank)
	if !ok {
		return nil
	}
	return v.remap(func(p Piece) Piece {
		for _, d := range dims {
			p = p.with(d, p.Dims[d], -1)
		}
		return p
	})
}

func viewSplit(a *Analysis, n *graph.Node) []*View {
	x := n.Input(0)
	v, s := a.View(x), a.shape(x)
	out := make([]*View, len(n.Outputs))
	if v == nil {
		return out
	}
	dims, ok := axes([]int64{n.Int("axis", 0)}, v.Rank)
	if !ok {
		return out
	}
	d, total := dims[0], int64(-1)
	if s != nil {
		total = s[d].Value
	}
	parts, ok := a.ints(n, "split", 1)
	if !ok || len(parts) != len(out) {
		parts = nil
		for _, o := range n.Outputs {
			k := int64(-1)
			if t := a.shape(o); t != nil && d < len(t) {
				k = t[d].Value
			}
			if k < 0 && total >= 0 {
				k = (total + int64(len(out)) - 1) / int64(len(out))
			}
			parts = append(parts, k)
		}
	}
	at := int64(0)
	for i, k := range parts {
		if k < 0 || at < 0 {
			out[i], at = v.loose([]int64{int64(d)}), -1
			continue
		}
		out[i] = v.narrow(d, at, at+k, 1, total)
		at += k
	}
	return out
}

// indices are those of the constant v; false if they are data, or too many.
func (a *Analysis) indices(v *graph.Value) ([]int64, bool) {
	fact := a.infer.Of(v)
	if x, ok := fact.Ints(); ok || fact.Const() == nil {
		return x, ok
	}
	ints, err := op.Ints(fact.Const())
	if err != nil {
		return nil, false
	}
	x := make([]int64, len(ints))
	for i, n := range ints {
		x[i] = int64(n)
	}
	return x, true
}

func viewGather(a *Analysis, n *graph.Node) []*View {
	x, at := n.Input(0), n.Input(1)
	v := a.View(x)
	if v == nil || at == nil {
		return []*View{nil}
	}
	dims, ok := axes([]int64{n.Int("axis", 0)}, v.Rank)
	idx, known := a.indices(at)
	rank := a.shape(at)
	if !ok || !known || rank == nil || len(rank) > 1 || len(idx) == 0 {
		return []*View{nil}
	}
	d, total := dims[0], int64(-1)
	if s := a.shape(x); s != nil {
		total = s[d].Value
	}
	for i := range idx {
		if idx[i] < 0 {
			if total < 0 {
				return []*View{nil}
			}
			idx[i] += total
		}
	}
	r := &View{Rank: v.Rank, Const: v.Const}
	for i := 0; i < len(idx); {
		if len(r.Pieces) > maxPieces {
			return []*View{nil}
		}
		j := i + 1
		for j < len(idx) && idx[j] == idx[j-1]+1 {
			j++
		}
		part := v.narrow(d, idx[i], idx[i]+int64(j-i), 1, total)
		for _, p := range part.Pieces {
			if p.At[d] >= 0 {
				p = p.with(d, p.Dims[d], p.At[d]+int64(i))
			}
			r.Pieces = append(r.Pieces, p)
		}
		i = j
	}
	if len(r.Pieces) > maxPieces {
		return []*View{nil}
	}
	if len(rank) == 1 {
		return []*View{r}
	}
	r.Rank--
	out := r.remap(func(p Piece) Piece {
		q := Piece{Field: p.Field, Fixed: append(slices.Clone(p.Fixed), p.Dims[d]...)}
		q.Dims = append(slices.Clone(p.Dims[:d]), p.Dims[d+1:]...)
		q.At = append(slices.Clone(p.At[:d]), p.At[d+1:]...)
		return q
	})
	out.Rank = r.Rank
	return []*View{out}
}
