package tensor

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"unsafe"
)

// Tensor is a dense array in row-major order, or a sequence of tensors.
//
// Tensors are values once made: whoever fills one owns it until it is handed
// on, and nobody writes to it afterwards. Views (Reshape) share storage.
type Tensor struct {
	DType DType
	Shape []int
	// Seq holds the elements of a sequence; DType is then their type, which
	// may be Invalid for an empty sequence, and Shape is nil.
	Seq []*Tensor

	kind  kind
	store *Store
}

type kind uint8

const (
	dense kind = iota
	sequence
	none
	outline
)

// Store is the memory behind one or several tensors. Refs is for the use of
// an allocator alone; a Store it does not know has Refs 0.
type Store struct {
	Data any // one Go slice, of the type that the DType is stored as
	Refs int32
	Of   *Store // whose memory it is a part of; nil if that is its own
	at   int    // in Of
}

// Root is the store whose own the memory is.
func (s *Store) Root() *Store {
	for s != nil && s.Of != nil {
		s = s.Of
	}
	return s
}

// MaxElems bounds the number of elements of one tensor.
const MaxElems = math.MaxInt32 * 4

// Elements is the product of sizes that Count has checked.
func Elements(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// Count is the product of dims, or an error if one is negative or the product
// is more than MaxElems.
func Count(dims []int) (int, error) {
	n := 1
	zero := false
	for _, d := range dims {
		if d < 0 {
			return 0, fmt.Errorf("negative dimension in shape %v", dims)
		}
		if d == 0 {
			zero = true
			continue
		}
		if n > MaxElems/d {
			return 0, fmt.Errorf("shape %v has too many elements", dims)
		}
		n *= d
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// Make allocates a zeroed tensor. It fails on an invalid dtype or shape.
func Make(d DType, shape ...int) (*Tensor, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("unknown element type %v", d)
	}
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	return &Tensor{DType: d, Shape: clone(shape), store: &Store{Data: dtypes[d].make(n)}}, nil
}

// Of wraps data, which the tensor then owns. It panics if shape does not hold
// len(data) elements.
func Of[T Elem](shape []int, data []T) *Tensor {
	if n, err := Count(shape); err != nil || n != len(data) {
		panic(fmt.Sprintf("tensor.Of: %d elements for shape %v", len(data), shape))
	}
	return &Tensor{DType: TypeOf[T](), Shape: clone(shape), store: &Store{Data: data}}
}

// Scalar is a tensor of rank 0.
func Scalar[T Elem](x T) *Tensor { return Of(nil, []T{x}) }

// Vector is a tensor of rank 1.
func Vector[T Elem](x ...T) *Tensor { return Of([]int{len(x)}, x) }

// OnStore is a tensor over the first elements of an existing store, whose
// Data must be of the type of d and long enough.
func OnStore(d DType, shape []int, s *Store) *Tensor {
	return &Tensor{DType: d, Shape: clone(shape), store: s}
}

// MakeStore allocates the store of n elements of type d, whose values are whatever
// the memory held.
func MakeStore(d DType, n int) *Store {
	if d == Float32 && n >= manyFloats {
		return &Store{Data: uncleared(n)}
	}
	return &Store{Data: dtypes[d].make(n)}
}

// manyFloats is from how many on it takes longer to clear memory than to have it.
const manyFloats = 1 << 14

// uncleared is memory that nobody has cleared. Builder is what the standard library
// gives out such memory through.
func uncleared(n int) []float32 {
	var b strings.Builder
	b.Grow(4 * n)
	b.WriteByte(0) // so that there is a first byte to point at
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.StringData(b.String()))), n)
}

// Outline is t's type and shape without its elements, which nobody may read.
func (t *Tensor) Outline() *Tensor { return NewOutline(t.DType, t.Shape...) }

// NewOutline is a type and a shape without elements.
func NewOutline(d DType, shape ...int) *Tensor {
	return &Tensor{DType: d, Shape: shape, kind: outline, store: MakeStore(d, 0)}
}

// IsOutline reports whether t has no elements though its shape has.
func (t *Tensor) IsOutline() bool { return t.kind == outline }

// Sequence is a sequence of tensors with elements of type d.
func Sequence(d DType, elems ...*Tensor) *Tensor {
	return &Tensor{DType: d, Seq: elems, kind: sequence}
}

// None is the empty optional.
func None() *Tensor { return &Tensor{kind: none} }

// IsSequence reports whether t is a sequence.
func (t *Tensor) IsSequence() bool { return t.kind == sequence }

// IsNone reports whether t is the empty optional.
func (t *Tensor) IsNone() bool { return t.kind == none }

// Store is the memory behind t; nil for a sequence or None.
func (t *Tensor) Store() *Store { return t.store }

// Len is the number of elements.
func (t *Tensor) Len() int {
	if t.store == nil {
		return 0
	}
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Rank is the number of axes.
func (t *Tensor) Rank() int { return len(t.Shape) }

// Data is the elements of t. It panics if t does not hold elements of type T:
// whoever calls it has looked at DType.
func Data[T Elem](t *Tensor) []T {
	s, ok := t.store.Data.([]T)
	if !ok {
		panic(fmt.Sprintf("tensor.Data: %v tensor read as %v", t.DType, TypeOf[T]()))
	}
	return s[:t.Len()]
}

// Reshape is a view of t with another shape of the same number of elements.
func (t *Tensor) Reshape(shape ...int) (*Tensor, error) {
	n, err := Count(shape)
	if err != nil {
		return nil, err
	}
	if n != t.Len() {
		return nil, fmt.Errorf("cannot view shape %v as %v", t.Shape, shape)
	}
	return &Tensor{DType: t.DType, Shape: clone(shape), store: t.store}, nil
}

// Part is the elements from at on as a tensor of the given shape, in the same memory.
// It panics if there are fewer elements.
func (t *Tensor) Part(at int, shape ...int) *Tensor {
	n := 1
	for _, d := range shape {
		n *= d
	}
	data := reflect.ValueOf(t.store.Data).Slice(at, at+n).Interface()
	return &Tensor{DType: t.DType, Shape: clone(shape), store: &Store{Data: data, Of: t.store, at: at}}
}

// IsPart reports whether t is what of.Part(at, …) gives.
func (t *Tensor) IsPart(of *Tensor, at int) bool { return t.IsWithin(of) && t.store.at == at }

// IsWithin reports whether t is what of.Part gives.
func (t *Tensor) IsWithin(of *Tensor) bool {
	return t.store != nil && of != nil && t.store.Of != nil && t.store.Of == of.store
}

// Strides is the row-major strides of shape, in elements.
func Strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

func clone(s []int) []int { return append(make([]int, 0, len(s)), s...) }

// String names type and shape, as in "float32[1,3,224,224]".
func (t *Tensor) String() string {
	switch t.kind {
	case sequence:
		return fmt.Sprintf("seq(%v)x%d", t.DType, len(t.Seq))
	case none:
		return "none"
	}
	s := t.DType.String() + "["
	for i, d := range t.Shape {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprint(d)
	}
	return s + "]"
}
