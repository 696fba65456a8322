package match

import (
	"github.com/onnxloss/onnxloss/graph"
)

// Kind is how a field comes about.
type Kind uint8

// The kinds of fields.
const (
	Source   Kind = iota // a graph's input
	Weighing             // a layer: Conv, Gemm, MatMul with constant weights
	Pairing              // a matrix product of two data
	Gate                 // a sigmoid
	Pick                 // a softmax
	Map                  // computed element by element, or by reduction
	Dark                 // an operator that nothing is known of
)

// Field is a tensor that an operator computes.
type Field struct {
	ID    int
	Value *graph.Value
	Node  *graph.Node // nil for a graph input
	Kind  Kind
	Shape graph.Shape
	// Chan is the axis of the channels; -1 if there is none.
	Chan int
	// Root is the layer that the field is computed from without another
	// layer between, itself if it is one; nil if there is none. RootSpan is
	// the part of its channels.
	Root     *Field
	RootSpan Span
	Facts    []Fact
	// Position is set where the field is made of indices: of the greatest, of
	// what is not zero.
	Position bool
	// Stride is how many pixels of the model's input one step of the field's
	// map is; 0 if unknown.
	Stride float64
	// Places is the map whose places f's rows are, where f is a layer over the
	// rows of a map; else f itself.
	Places *Field
	// Pooled is set where f is computed from what was pooled in regions.
	Pooled bool
	// Letters say what each axis counts.
	Letters []byte
	// Active is set where an activation lies between the root and the field,
	// or makes the field.
	Active bool

	// reshaped is set where the field has the axes of what it is computed from,
	// and its value shows them merged.
	reshaped bool

	index  map[Span]int
	groups map[int64]bool // sizes of the groups of channels that the graph makes
	links  []link
}

// link is an input that a field is computed from element by element.
type link struct {
	value *graph.Value
	dims  []int // for each axis of the field the input's dimension, -1 if none
	marks Marks // what the operator itself puts on the input
	gate  bool  // marks on the field are behind an activation for the input
	stop  bool  // marks on the field do not concern the input
}

// Channels is the size of the channel axis; -1 if unknown.
func (f *Field) Channels() int64 {
	if f.Chan < 0 || f.Chan >= len(f.Shape) || !f.Shape[f.Chan].IsKnown() {
		return -1
	}
	return f.Shape[f.Chan].Value
}

// view is what f's own value shows of it.
func (f *Field) view() *View {
	if f.Shape == nil {
		return nil
	}
	p := Piece{Field: f, Dims: make([][]Atom, len(f.Shape)), At: make([]int64, len(f.Shape))}
	for d, s := range f.Shape {
		n := int64(-1)
		if s.IsKnown() {
			n = s.Value
		}
		p.Dims[d] = []Atom{{d, 1, 0, n}}
	}
	return &View{Rank: len(f.Shape), Pieces: []Piece{p}}
}
