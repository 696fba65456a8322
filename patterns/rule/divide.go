package rule

import (
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// division is a run of channels with one use.
type division struct {
	match.Span
	marks match.Marks
}

// divide splits the channels of f where their use changes. whole keeps them
// together, as those of a softmax are.
func divide(f *match.Field, whole bool) []division {
	if whole {
		pre, post := f.At(match.All)
		return []division{{match.All, pre | post}}
	}
	stride := f.Period()
	total := stride
	if stride == 0 {
		total = f.Channels()
	}
	cuts := []int64{0}
	for _, x := range f.Facts {
		if x.Span == match.All || x.Stride != stride {
			continue
		}
		cuts = append(cuts, x.Start)
		if x.Stop >= 0 {
			cuts = append(cuts, x.Stop)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	act := None
	if f.Kind == match.Gate {
		act = Sigmoid
	}
	if total >= 0 && cuts[len(cuts)-1] < total {
		cuts = append(cuts, total)
	} else if total < 0 {
		cuts = append(cuts, -1)
	}
	var out []division
	for i := 0; i+1 < len(cuts); i++ {
		d := division{Span: match.Span{Start: cuts[i], Stop: cuts[i+1], Stride: stride}}
		pre, post := f.At(d.Span)
		d.marks = pre | post
		if k := len(out) - 1; k >= 0 && use(out[k].marks, act) == use(d.marks, act) && !d.marks.Has(match.Product) && !rankedApart(out[k].marks, d.marks) {
			out[k].Stop = d.Stop
			out[k].marks |= d.marks
			continue
		}
		out = append(out, d)
	}
	out = withBackground(out, total)
	if len(out) == 1 && stride == 0 {
		out[0].Span = match.All
	}
	return out
}

// rankedApart reports whether of two neighbouring runs one has the greatest of
// its channels taken without the other, which has another use of its own: the
// bins of an angle beside classes.
func rankedApart(a, b match.Marks) bool {
	const ranks = match.MaxChan | match.ArgMax
	return a.Has(ranks) != b.Has(ranks) && a != 0 && b != 0
}

// byLayer takes the division apart that two layers make, where one of them
// makes one channel of it: a confidence beside what the other makes.
func byLayer(ds []division, w *match.View, dim int) []division {
	var cuts []int64
	for i := range w.Pieces {
		p := &w.Pieces[i]
		if dim >= 0 && dim < len(p.At) && p.At[dim] > 0 {
			cuts = append(cuts, p.At[dim])
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []division
	for _, d := range ds {
		end := d.Stop
		if end < 0 && len(w.Pieces) > 0 {
			end = w.Extent(dim)
		}
		inside := slices.DeleteFunc(slices.Clone(cuts), func(c int64) bool { return c <= d.Start || c >= end })
		if d.Stride != 0 || len(inside) != 1 || inside[0] != d.Start+1 && inside[0] != end-1 {
			out = append(out, d)
			continue
		}
		a, b := d, d
		a.Span, b.Span = match.Span{Start: d.Start, Stop: inside[0]}, match.Span{Start: inside[0], Stop: end}
		out = append(out, a, b)
	}
	return out
}

// withBackground joins a first or last channel that nobody reads with the run
// beside it: a background class that is cut off.
func withBackground(d []division, total int64) []division {
	if len(d) != 2 {
		return d
	}
	dead := func(x division) bool { return x.Len() == 1 && x.marks == 0 }
	if dead(d[0]) || dead(d[1]) {
		return []division{{match.Span{Start: 0, Stop: total, Stride: d[0].Stride}, d[0].marks | d[1].marks}}
	}
	return d
}

// unrank moves a part that reads rows which a ranking or an index has chosen
// to the tensor they were chosen from, and one whose channels are merged with
// its rows to the last tensor where they are not.
func (s *Scene) unrank(p *Part) {
	if p.Span != match.All || p.Dim < 0 {
		return
	}
	v := p.Value
	for range 100 {
		w := s.View(v)
		if w == nil || len(w.Pieces) == 0 {
			return
		}
		f := w.Pieces[0].Field
		next := f.Chosen()
		if d := w.ChanDim(); next == nil && d >= 0 && w.Mixes(d) && v.Producer() != nil && s.Field(v) == nil && v.Producer().Op != "Concat" {
			next = v.Producer().Input(0)
		}
		if next == nil || s.View(next) == nil {
			break
		}
		v = next
	}
	if w := s.View(v); v != p.Value && w.ChanDim() >= 0 && !w.Mixes(w.ChanDim()) {
		p.Value, p.Dim = v, w.ChanDim()
		p.Channels = s.Size(v, p.Dim)
	}
}
