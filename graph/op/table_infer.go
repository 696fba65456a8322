package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Fact is what is known of a value before anything runs.
type Fact struct {
	graph.Type
	ints   []symbol.Num
	value  *tensor.Tensor
	unread *unread // what ints and value are still to be read from
}

// Elems are the elements, in row-major order, of an integer tensor of at most
// MaxElems; nil if nothing is known of them. This is how a shape that the graph
// computes stays known (Shape, Gather, Concat, Reshape). Elements of an
// initializer are read when they are first asked for; see Facts.ReadErr.
func (f *Fact) Elems() []symbol.Num {
	if f.DType == tensor.Int64 || f.DType == tensor.Int32 {
		f.read()
	}
	return f.ints
}

// Const is the value itself, where it is a constant of at most MaxFold
// elements; else nil. It is read as Elems are.
func (f *Fact) Const() *tensor.Tensor {
	f.read()
	return f.value
}

// Bounds on what inference looks into: MaxFold elements of a constant, and
// MaxElems of an integer tensor of which single elements may be known.
const (
	MaxFold  = 4096
	MaxElems = 1024
)

// Infer is one node as its shape rule sees it.
type Infer struct {
	Node         *graph.Node
	Opset, Since int64
	In           []*Fact // nil where an input is left out
	Out          []Fact  // the rule fills it; what it leaves stays unknown
	// Body infers a subgraph from the facts of its inputs and gives those of
	// its outputs.
	Body func(g *graph.Graph, in []Fact) ([]Fact, error)
	// failed takes errors of reading constants.
	failed func(error)
}

// Input is the fact of input i; a fact that knows nothing if it is left out.
func (c *Infer) Input(i int) *Fact {
	if i >= 0 && i < len(c.In) && c.In[i] != nil {
		return c.In[i]
	}
	return &Fact{}
}

// Has reports whether input i is given.
func (c *Infer) Has(i int) bool { return i < len(c.In) && c.In[i] != nil }

// Set makes output i a tensor of type d and shape s.
func (c *Infer) Set(i int, d tensor.DType, s graph.Shape) {
	if i < len(c.Out) {
		c.Out[i].Type = graph.TensorOf(d, s)
	}
}

// SetElems states the elements of output i.
func (c *Infer) SetElems(i int, e []symbol.Num) {
	if i < len(c.Out) {
		c.Out[i].ints = e
	}
}

// InputError is an error that names the input it is about.
func (c *Infer) InputError(i int, format string, args ...any) error {
	return InputError(c.Node, i, format, args...)
}

// Ints is the elements of f as numbers, if they are all known.
func (f *Fact) Ints() ([]int64, bool) {
	elems := f.Elems()
	if elems == nil {
		return nil, false
	}
	r := make([]int64, len(elems))
	for i, e := range elems {
		if !e.Known {
			return nil, false
		}
		r[i] = e.N
	}
	return r, true
}

// Broadcast is the shape that operands of shapes a and b have together, by
// ONNX's multidirectional broadcasting.
func Broadcast(a, b graph.Shape) (graph.Shape, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	out := a.Clone()
	for i, y := range b {
		k := len(a) - len(b) + i
		x := a[k]
		switch {
		case x.Same(y) || y.IsKnown() && y.Value == 1:
		case x.IsKnown() && x.Value == 1:
			out[k] = y
		case x.IsKnown() && y.IsKnown():
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		case y.IsKnown():
			out[k] = y // x can only be 1 or y
		case x.IsKnown():
		default:
			out[k] = graph.Unknown()
		}
	}
	return out, nil
}

// BroadcastShapes is Broadcast for shapes that are known.
func BroadcastShapes(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int{}, a...)
	for i, y := range b {
		switch k := len(a) - len(b) + i; {
		case out[k] == y || y == 1:
		case out[k] == 1:
			out[k] = y
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, nil
}

// SameAsInput is the shape rule of operators whose output 0 has the type of
// input 0.
func SameAsInput(c *Infer) error {
	c.Set(0, c.Input(0).DType, c.Input(0).Shape)
	return nil
}
