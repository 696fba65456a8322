package match

import (
	"cmp"
	"slices"
)

// Atom is one digit of the index along an axis of a field: it takes the
// values Start … Start+Size-1, each worth Stride elements. Size -1 is unknown.
// Axis -1 is a repetition: an index that the field does not have.
type Atom struct {
	Axis                int
	Stride, Start, Size int64
}

// Piece is a block of a value that shows part of a field.
type Piece struct {
	Field *Field
	// Dims are the value's dimensions, each a product of atoms, outermost
	// first; no atoms stand for a dimension of size 1.
	Dims [][]Atom
	// At is where the block begins along each dimension; -1 is unknown.
	At []int64
	// Fixed are digits that an index has picked and that no dimension shows.
	Fixed []Atom
}

// View is what a value shows of fields.
type View struct {
	Rank   int
	Pieces []Piece
	// Const is set where the value has constants beside its pieces.
	Const bool
}

// maxPieces bounds a view; a value of more pieces becomes an opaque field.
const maxPieces = 320

// Span is a set of channels of a field: [Start, Stop) of each group of Stride
// channels; Stride 0 is one group. Stop -1 is the end.
type Span struct{ Start, Stop, Stride int64 }

// All is every channel.
var All = Span{0, -1, 0}

// Len is the number of channels of one group; -1 if unknown.
func (s Span) Len() int64 {
	if s.Stop < 0 {
		return -1
	}
	return s.Stop - s.Start
}

// size is the number of elements of a dimension; -1 if unknown.
func size(atoms []Atom) int64 {
	n := int64(1)
	for _, a := range atoms {
		if a.Size < 0 {
			return -1
		}
		n *= a.Size
	}
	return n
}

// join fuses neighbours that are one digit.
func join(atoms []Atom) []Atom {
	if len(atoms) < 2 {
		return atoms
	}
	out := []Atom{atoms[0]}
	for _, b := range atoms[1:] {
		a := &out[len(out)-1]
		if a.Axis >= 0 && a.Axis == b.Axis && b.Start == 0 && b.Size > 0 && a.Stride == b.Stride*b.Size {
			a.Stride, a.Start = b.Stride, a.Start*b.Size
			if a.Size > 0 {
				a.Size *= b.Size
			}
			continue
		}
		out = append(out, b)
	}
	return out
}

// cut is the part [lo, lo+n) with the given step of a dimension, and whether
// it can be said; a cut through several digits is said only where it is whole.
func cut(atoms []Atom, lo, n, step int64) ([]Atom, bool) {
	if lo == 0 && step == 1 && n == size(atoms) {
		return atoms, true
	}
	if len(atoms) == 0 {
		return nil, lo == 0
	}
	if len(atoms) > 1 {
		inner := size(atoms[1:])
		if step == 1 && inner > 0 && lo%inner == 0 && n%inner == 0 {
			head, ok := cut(atoms[:1], lo/inner, n/inner, 1)
			return append(slices.Clone(head), atoms[1:]...), ok
		}
		if inner > 0 && n > 0 && step == 1 && lo/inner == (lo+n-1)/inner {
			head := atoms[0]
			head.Start, head.Size = head.Start+lo/inner, 1
			tail, ok := cut(atoms[1:], lo%inner, n, 1)
			return append([]Atom{head}, tail...), ok
		}
		return atoms, false
	}
	a := atoms[0]
	if a.Axis < 0 {
		a.Size = n
		return []Atom{a}, true
	}
	if step == 1 {
		a.Start, a.Size = a.Start+lo, n
		return []Atom{a}, true
	}
	first := a.Start + lo
	outer := Atom{a.Axis, a.Stride * step, first / step, n}
	return []Atom{outer, {a.Axis, a.Stride, first % step, 1}}, step > 0
}

// split writes atoms as dimensions of the given sizes (-1: unknown), and says
// whether that is possible.
func split(atoms []Atom, sizes []int64) ([][]Atom, bool) {
	out := make([][]Atom, len(sizes))
	rest := slices.Clone(atoms)
	for i := len(sizes) - 1; i > 0; i-- {
		want := sizes[i]
		if want < 0 {
			if len(rest) == 0 {
				return nil, false
			}
			out[i] = []Atom{rest[len(rest)-1]}
			rest = rest[:len(rest)-1]
			continue
		}
		for want > 1 {
			if len(rest) == 0 {
				return nil, false
			}
			a := rest[len(rest)-1]
			if a.Size > 0 && want%a.Size == 0 {
				out[i] = append([]Atom{a}, out[i]...)
				rest, want = rest[:len(rest)-1], want/a.Size
				continue
			}
			if a.Size > 0 && (a.Size%want != 0 || a.Start%want != 0) || a.Size < 0 && a.Start != 0 {
				return nil, false
			}
			out[i] = append([]Atom{{a.Axis, a.Stride, 0, want}}, out[i]...)
			up := Atom{a.Axis, a.Stride * want, a.Start / want, -1}
			if a.Size > 0 {
				up.Size = a.Size / want
			}
			rest[len(rest)-1], want = up, 1
		}
	}
	out[0] = rest
	for i := range out {
		out[i] = join(out[i])
	}
	return out, true
}

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
		full := s.Start == 0 && s.Stop == d.Stride
		if !full && d.Size != 1 {
			s.Stride = d.Stride
			return s
		}
		if s.Stop < 0 {
			return s
		}
		if full {
			s = Span{d.Start * d.Stride, -1, 0}
			if d.Size >= 0 {
				s.Stop = (d.Start + d.Size) * d.Stride
			}
			continue
		}
		s.Start, s.Stop = s.Start+d.Start*d.Stride, s.Stop+d.Start*d.Stride
	}
	if s.Start == 0 && s.Stop == total {
		s.Stop = -1
	}
	return s
}

// extent is the size of dimension d as the pieces fill it; -1 if unknown.
func (v *View) extent(d int) int64 {
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
	dim := -1
	for d, atoms := range p.Dims {
		for _, a := range atoms {
			inner := a.Stride < best.Stride || a.Stride == best.Stride && a.Size == 1 && best.Size != 1
			if a.Axis == c && (dim < 0 || inner) {
				best, dim = a, d
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
