package op

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Kernel runs one node once.
type Kernel func(x *Call) error

// Spec is a node as the maker of its kernel sees it.
type Spec struct {
	Node *graph.Node
	// Opset is the version of the node's domain that its graph imports, and
	// Since the version of the operator's schema in force there.
	Opset, Since int64
	// Const has the inputs whose elements are known before the run; nil for
	// the others.
	Const []*tensor.Tensor
	// Types is what inference knows of the inputs.
	Types []graph.Type
	// Double is set where float32 is to be computed as float64.
	Double bool
	// Direct is set where convolutions are not to use Winograd's transform.
	Direct bool
	// Taken is set by the kernel's maker for constant inputs that the kernel
	// holds in its own order: their elements need not be there in a run.
	Taken []bool
	// Shared has what kernels of one plan made of constants, for others that
	// read the same; nil shares nothing.
	Shared map[any]any
	// Parallel splits work of the kernel's maker; nil does not.
	Parallel func(n, grain int, body func(lo, hi int))
	// MakeBody plans a subgraph.
	MakeBody func(g *graph.Graph) (Body, error)
}

// Body runs a subgraph with the given inputs, within the Call of the node that
// holds it. The values it captures are its own business.
type Body func(x *Call, in []*tensor.Tensor) ([]*tensor.Tensor, error)

// Int is the integer attribute name, or def.
func (s *Spec) Int(name string, def int64) int64 { return s.Node.Int(name, def) }

// Ints is the integer list attribute name, or nil.
func (s *Spec) Ints(name string) []int64 { return s.Node.Ints(name) }

// Float is the number attribute name, or def.
func (s *Spec) Float(name string, def float32) float64 { return float64(s.Node.Float(name, def)) }

// Str is the string attribute name, or def.
func (s *Spec) Str(name, def string) string { return s.Node.Str(name, def) }

// Has reports whether the node has the attribute.
func (s *Spec) Has(name string) bool { return s.Node.Attr(name) != nil }

// DType maps an element type that an attribute names to the one to compute in.
func (s *Spec) DType(d tensor.DType) tensor.DType {
	if s.Double && d == tensor.Float32 {
		return tensor.Float64
	}
	return d
}

// Tensor loads the tensor attribute name, widened as Double says; nil if the
// node has none.
func (s *Spec) Tensor(name string) (*tensor.Tensor, error) {
	a := s.Node.Attr(name)
	if a == nil || a.Tensor == nil {
		return nil, nil
	}
	t, err := a.Tensor.Load()
	if err != nil {
		return nil, fmt.Errorf("attribute %q: %w", name, err)
	}
	return Widen(t, s.Double), nil
}

// Body plans the subgraph in attribute name.
func (s *Spec) Body(name string) (Body, error) {
	a := s.Node.Attr(name)
	if a == nil || a.Graph == nil {
		return nil, fmt.Errorf("attribute %q: no subgraph", name)
	}
	if s.MakeBody == nil {
		return nil, errNoBodies
	}
	return s.MakeBody(a.Graph)
}

var errNoBodies = errors.New("subgraphs cannot run here")

// Widen is t, with float32 elements made float64 if double is set.
func Widen(t *tensor.Tensor, double bool) *tensor.Tensor {
	if !double || t == nil || t.DType != tensor.Float32 {
		return t
	}
	if t.IsSequence() {
		seq := make([]*tensor.Tensor, len(t.Seq))
		for i, e := range t.Seq {
			seq[i] = Widen(e, true)
		}
		return tensor.Sequence(tensor.Float64, seq...)
	}
	src := tensor.Data[float32](t)
	dst := make([]float64, len(src))
	for i, x := range src {
		dst[i] = float64(x)
	}
	return tensor.Of(t.Shape, dst)
}

// share is what the key stands for in s.Shared, made if it is not there yet.
func share[T any](s *Spec, key any, make func() T) T {
	if v, ok := s.Shared[key].(T); ok {
		return v
	}
	v := make()
	if s.Shared != nil {
		s.Shared[key] = v
	}
	return v
}

// take sets Taken for input i.
func (s *Spec) take(i int) {
	for len(s.Taken) <= i {
		s.Taken = append(s.Taken, false)
	}
	s.Taken[i] = true
}

// shape is what is known of the shape of input i.
func (s *Spec) shape(i int) graph.Shape {
	if i < len(s.Types) {
		return s.Types[i].Shape
	}
	return nil
}

// Call is one run of one node.
type Call struct {
	Context context.Context
	Node    *graph.Node
	In      []*tensor.Tensor // nil where an optional input is left out
	Out     []*tensor.Tensor // set by New and Set
	// Into has memory for outputs, where the caller has a place for them: New takes
	// it if type and shape are those wanted.
	Into []*tensor.Tensor
	// Work is set by kernels whose multiplications and additions are not those that Op.Work
	// counts of the node.
	Work int64
	// Frame is the interpreter's own.
	Frame any
	Env   *Env
}

// Env is what a run gives to its kernels.
type Env struct {
	// Alloc makes an uninitialized tensor, within the run's memory limit.
	Alloc func(d tensor.DType, shape []int) (*tensor.Tensor, error)
	// Free gives back what Alloc made and nothing else refers to.
	Free func(t *tensor.Tensor)
	// Hold counts so many bytes, which a kernel gets elsewhere, as memory of the run
	// until release is called; nil counts nothing.
	Hold func(bytes int64) (release func(), err error)
	// Parallel splits [0, n) into parts of at least grain and runs body on
	// each, on several cores; it returns when all are done.
	Parallel func(n, grain int, body func(lo, hi int))
}

// NumIn is the number of inputs, omitted ones in between included.
func (x *Call) NumIn() int { return len(x.In) }

// Has reports whether input i is given.
func (x *Call) Has(i int) bool { return i < len(x.In) && x.In[i] != nil }

// Input is input i, or nil if it is omitted.
func (x *Call) Input(i int) *tensor.Tensor {
	if i < len(x.In) {
		return x.In[i]
	}
	return nil
}

// Wants reports whether anyone reads output i.
func (x *Call) Wants(i int) bool { return i < len(x.Node.Outputs) && x.Node.Outputs[i] != nil }

// New allocates output i, uninitialized: a kernel writes every element.
func (x *Call) New(i int, d tensor.DType, shape ...int) (*tensor.Tensor, error) {
	if i < len(x.Into) && x.Into[i] != nil && x.Into[i].DType == d && slices.Equal(x.Into[i].Shape, shape) {
		x.Out[i] = x.Into[i]
		return x.Out[i], nil
	}
	t, err := x.Env.Alloc(d, shape)
	if err != nil {
		return nil, err
	}
	if i < len(x.Out) {
		x.Out[i] = t
	}
	return t, nil
}

// Temp allocates scratch memory for the time of the call; give it back with
// x.Env.Free.
func (x *Call) Temp(d tensor.DType, shape ...int) (*tensor.Tensor, error) {
	return x.Env.Alloc(d, shape)
}

// Hold counts the memory of n elements of type d that a kernel borrows; see Env.
func (x *Call) Hold(d tensor.DType, n int) (release func(), err error) {
	if x.Env.Hold == nil || n == 0 {
		return func() {}, nil
	}
	return x.Env.Hold(int64(n) * int64(d.Size()))
}

// Set makes t, which may share its store with an input, output i.
func (x *Call) Set(i int, t *tensor.Tensor) {
	if i < len(x.Out) {
		x.Out[i] = t
	}
}

// Parallel splits [0, n) over the cores; see Env.
func (x *Call) Parallel(n, grain int, body func(lo, hi int)) { x.Env.Parallel(n, grain, body) }

// Stopped reports whether the run's context has ended.
func (x *Call) Stopped() bool { return x.Context.Err() != nil }

// InputError is an error that names the input it is about.
func (x *Call) InputError(i int, format string, args ...any) error {
	return InputError(x.Node, i, format, args...)
}

// InputError is an error about input i of n: `input 1 "w": …`.
func InputError(n *graph.Node, i int, format string, args ...any) error {
	name := ""
	if v := n.Input(i); v != nil {
		name = v.Name
	}
	return fmt.Errorf("input %d %q: %s", i, name, fmt.Sprintf(format, args...))
}

// Ints reads a small integer tensor (int64 or int32) as ints.
func Ints(t *tensor.Tensor) ([]int, error) {
	switch t.DType {
	case tensor.Int64:
		return toInts(tensor.Data[int64](t)), nil
	case tensor.Int32:
		return toInts(tensor.Data[int32](t)), nil
	}
	return nil, fmt.Errorf("%v, want int64 or int32", t)
}

func toInts[T int32 | int64](s []T) []int {
	r := make([]int, len(s))
	for i, x := range s {
		r[i] = int(x)
	}
	return r
}

// Axis maps axis, which may be negative, into [0, rank).
func Axis(axis int64, rank int) (int, error) {
	if axis < int64(-rank) || axis >= int64(rank) {
		return 0, fmt.Errorf("axis %d is out of range for rank %d", axis, rank)
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), nil
}
