package match

import (
	"cmp"
	"slices"
)

// channels are the digits of the field's channel axis, outermost first.
func (p *Piece) channels() []Atom {
	var r []Atom
	if p.Field.Chan < 0 {
		return nil
	}
	add := func(atoms []Atom) {
		for _, a := range atoms {
			if a.Axis == p.Field.Chan {
				r = append(r, a)
			}
		}
	}
	for _, d := range p.Dims {
		add(d)
	}
	add(p.Fixed)
	slices.SortStableFunc(r, func(a, b Atom) int { return cmp.Compare(b.Stride, a.Stride) })
	return r
}

// Span is the set of the field's channels that the piece shows.
func (p *Piece) Span() Span { return spanOf(p.channels(), p.Field.Channels()) }

func spanOf(digits []Atom, total int64) Span {
	if len(digits) == 0 {
		return All
	}
	last := digits[len(digits)-1]
	s := Span{last.Start * last.Stride, -1, 0}
	if last.Size >= 0 {
		s.Stop = (last.Start + last.Size) * last.Stride
	}
	for i := len(digits) - 2; i >= 0; i-- {
		d := digits[i]
		full := s.Stop >= 0 && s.Stop-s.Start == d.Stride
		if !full && d.Size != 1 {
			if s.Stop > d.Stride && d.Size > 0 {
				return Span{s.Start + d.Start*d.Stride, s.Stop + (d.Start+d.Size-1)*d.Stride, 0} // all that lies between
			}
			s.Stride = d.Stride
			return s
		}
		if s.Stop < 0 {
			return s
		}
		if full && d.Size < 0 {
			s.Start, s.Stop = s.Start+d.Start*d.Stride, -1
			continue
		}
		s.Start, s.Stop = s.Start+d.Start*d.Stride, s.Stop+(d.Start+d.Size-1)*d.Stride
	}
	if s.Start == 0 && s.Stop == total {
		s.Stop = -1
	}
	return s
}

// Extent is the size of dimension d as the pieces fill it; -1 if unknown.
func (v *View) Extent(d int) int64 {
	n := int64(-1)
	for i := range v.Pieces {
		p := &v.Pieces[i]
		k := size(p.Dims[d])
		if k < 0 || p.At[d] < 0 {
			return -1
		}
		n = max(n, p.At[d]+k)
	}
	if v.Const {
		return -1
	}
	return n
}

// ChanDim is the dimension of the value that shows the innermost digit of the
// channels; -1 if none does.
func (v *View) ChanDim() int {
	for i := range v.Pieces {
		if d := v.Pieces[i].chanDim(); d >= 0 {
			return d
		}
	}
	return -1
}

func (p *Piece) chanDim() int {
	c := p.Field.Chan
	if c < 0 {
		return -1
	}
	var best Atom
	dim, alone := -1, false
	for d, atoms := range p.Dims {
		for i, a := range atoms {
			if a.Axis != c {
				continue
			}
			inner := a.Stride < best.Stride || a.Stride == best.Stride && a.Size == 1 && best.Size != 1
			last := !slices.ContainsFunc(atoms[i+1:], func(b Atom) bool { return b.Axis != c && b.Size != 1 })
			if dim < 0 || last && !alone || last == alone && inner {
				best, dim, alone = a, d, last // a digit that rows follow is that of anchors, where there is another
			}
		}
	}
	for _, a := range p.Fixed {
		if a.Axis == c && dim >= 0 && (a.Stride < best.Stride || a.Stride == best.Stride && best.Size != 1) && !p.whole(a) {
			return -1 // an index has picked the channel: what remains are anchors
		}
	}
	return dim
}

// whole reports whether a dropped digit is the only one of the channels.
func (p *Piece) whole(a Atom) bool { return a.Start == 0 && a.Size == 1 && p.Field.Channels() == 1 }

// through is the field's span that the value's span s along dimension d shows
// of piece p; ok is false if it shows none.
func (p *Piece) through(s Span, d int) (Span, bool) {
	if d < 0 || d >= len(p.Dims) || s == All {
		return p.Span(), true
	}
	q := *p
	atoms := p.Dims[d]
	n := size(atoms)
	switch {
	case s.Stride == 0 && p.At[d] >= 0:
		lo, hi := max(s.Start, p.At[d]), s.Stop
		if end := p.At[d] + n; n >= 0 && (hi < 0 || hi > end) {
			hi = end
		}
		if hi >= 0 && lo >= hi {
			return Span{}, false
		}
		if hi < 0 {
			return p.Span(), true
		}
		part, ok := cut(atoms, lo-p.At[d], hi-lo, 1)
		if !ok {
			return p.Span(), true
		}
		q.Dims = slices.Clone(p.Dims)
		q.Dims[d] = part
	case s.Stride > 0 && len(atoms) > 0 && p.At[d]%s.Stride == 0:
		parts, ok := split(atoms, []int64{-1, s.Stride})
		if !ok {
			return p.Span(), true
		}
		inner, ok := cut(parts[1], s.Start, s.Stop-s.Start, 1)
		if !ok {
			return p.Span(), true
		}
		q.Dims = slices.Clone(p.Dims)
		q.Dims[d] = append(slices.Clone(parts[0]), inner...)
	}
	return q.Span(), true
}
