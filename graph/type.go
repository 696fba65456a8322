package graph

import (
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Dim is one dimension: a number if Value ≥ 0, else a name if Param is not
// empty, else unknown.
type Dim struct {
	Value int64
	Param string
}

// Known is the dimension n.
func Known(n int64) Dim { return Dim{Value: n} }

// Named is the symbolic dimension p.
func Named(p string) Dim { return Dim{Value: -1, Param: p} }

// Unknown is a dimension nothing is known of.
func Unknown() Dim { return Dim{Value: -1} }

// IsKnown reports whether d is a number.
func (d Dim) IsKnown() bool { return d.Value >= 0 }

// Same reports whether d and e are certainly equal.
func (d Dim) Same(e Dim) bool {
	if d.IsKnown() || e.IsKnown() {
		return d.Value == e.Value
	}
	return d.Param != "" && d.Param == e.Param
}

func (d Dim) String() string {
	switch {
	case d.Value >= 0:
		return strconv.FormatInt(d.Value, 10)
	case d.Param != "":
		return d.Param
	}
	return "?"
}

// Shape is a list of dimensions. A nil Shape is of unknown rank; a scalar's is
// empty and not nil.
type Shape []Dim

// Static is the shape of the given numbers.
func Static(dims ...int) Shape {
	s := make(Shape, len(dims))
	for i, d := range dims {
		s[i] = Known(int64(d))
	}
	return s
}

// IsStatic reports whether the rank and every dimension are known.
func (s Shape) IsStatic() bool {
	for _, d := range s {
		if !d.IsKnown() {
			return false
		}
	}
	return s != nil
}

// Ints is the dimensions as numbers, -1 where unknown.
func (s Shape) Ints() []int {
	r := make([]int, len(s))
	for i, d := range s {
		r[i] = -1
		if d.IsKnown() {
			r[i] = int(d.Value)
		}
	}
	return r
}

// Clone is a copy that shares nothing; nil stays nil.
func (s Shape) Clone() Shape {
	if s == nil {
		return nil
	}
	return append(Shape{}, s...)
}

func (s Shape) String() string {
	if s == nil {
		return "[...]"
	}
	p := make([]string, len(s))
	for i, d := range s {
		p[i] = d.String()
	}
	return "[" + strings.Join(p, ",") + "]"
}

// Kind is what sort of thing a Value is.
type Kind uint8

// The kinds of values. Untyped is a value whose type nobody has stated.
const (
	Untyped Kind = iota
	TensorKind
	SequenceKind
	OptionalKind
	MapKind
	SparseKind
	OpaqueKind
)

// Type is what is known of a value before anything runs.
type Type struct {
	Kind  Kind
	DType tensor.DType // element type; the key's of a map
	Shape Shape        // tensors and sparse tensors
	Elem  *Type        // of a sequence, an optional, a map's values
}

// TensorOf is the type of tensors of dtype d and shape s (nil: any rank).
func TensorOf(d tensor.DType, s Shape) Type { return Type{Kind: TensorKind, DType: d, Shape: s} }

func (t Type) String() string {
	switch t.Kind {
	case TensorKind:
		return t.DType.String() + t.Shape.String()
	case SparseKind:
		return "sparse(" + t.DType.String() + t.Shape.String() + ")"
	case SequenceKind, OptionalKind, MapKind:
		name := map[Kind]string{SequenceKind: "seq", OptionalKind: "optional", MapKind: "map"}[t.Kind]
		if t.Elem == nil {
			return name + "(?)"
		}
		return name + "(" + t.Elem.String() + ")"
	case OpaqueKind:
		return "opaque"
	}
	return "?"
}
