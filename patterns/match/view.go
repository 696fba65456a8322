package match

import "slices"

// Atom is one digit of the index along an axis of a field: it takes the
// values Start … Start+Size-1, each worth Stride elements, which may reach past
// the stride of the digit before where what was taken apart does not begin at a
// multiple of it. Size -1 is unknown, and so is a Stride of -1, that of the
// outer one of two digits.
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
		if a.Axis >= 0 && a.Axis == b.Axis && b.Size > 0 && a.Stride == b.Stride*b.Size {
			a.Stride, a.Start = b.Stride, a.Start*b.Size+b.Start
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
			if a.Size > 0 && a.Size%want != 0 {
				return nil, false
			}
			out[i] = append([]Atom{{a.Axis, a.Stride, a.Start % want, want}}, out[i]...)
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
