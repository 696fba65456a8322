package onnxgo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/simple"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var _ backend.ComputationBackend = (*Backend)(nil)

// Backend receives a model from onnx-go's decoder and runs it.
//
// As a gonum graph, its nodes are the model's values, and an edge leads from
// each output of an operator to each of its inputs, weighted by the input's
// index.
type Backend struct {
	*simple.WeightedDirectedGraph
	opset   int64
	options interp.Options

	values []*value
	byName map[string]*value
	edges  []edge // since the last operation
	ops    []operation
	// decoding is set once the decoder has declared all values that the file
	// declares, and connects operators.
	decoding bool
	err      error // of a call that cannot return one

	plan *interp.Plan
	key  string // the types that plan was made for
}

// value is what the nodes of one name stand for.
type value struct {
	name     string
	id       int64 // of its first node
	nodes    int
	sets     int // tensors that the decoder set
	given    bool
	dtype    tensor.DType // as declared; Invalid if it is not
	declared bool
	produced bool
	read     bool
	tensor   gorgonia.Tensor
}

type edge struct {
	from, to *value
	index    int
}

// operation is one application of an operator; nil stands for an input or
// output that is left out.
type operation struct {
	name    string
	attrs   map[string]any
	in, out []*value
}

// Option changes how a Backend runs.
type Option func(*Backend)

// WithOpset states the version of ONNX's operator set that the model is
// written in. Without it the version is inferred: each operator, and each
// attribute or input that only some versions have, bounds it; of the versions
// within all bounds, the one closest to 11 is taken, which is that of the
// ONNX release that onnx-go follows. It cannot tell where an operator changed
// its meaning and not its form: Softmax, LogSoftmax and Hardmax in version 13,
// for tensors of more than two axes, and RoiAlign without a
// coordinate_transformation_mode in version 16. Version 0 is none.
func WithOpset(version int64) Option { return func(b *Backend) { b.opset = version } }

// WithThreads bounds the cores used; 0 is all.
func WithThreads(n int) Option { return func(b *Backend) { b.options.Threads = n } }

// WithMaxMemory bounds the bytes that a run holds beside the weights.
func WithMaxMemory(n int64) Option { return func(b *Backend) { b.options.MaxMemory = n } }

// NewBackend is a Backend for one model.
func NewBackend(options ...Option) *Backend {
	b := &Backend{
		WeightedDirectedGraph: simple.NewWeightedDirectedGraph(0, -1),
		byName:                map[string]*value{},
	}
	for _, o := range options {
		o(b)
	}
	return b
}

// node is a place of a value in the decoder's graph.
type node struct {
	id      int64
	backend *Backend
	value   *value
	about   string
}

var (
	_ onnx.Namer       = (*node)(nil)
	_ onnx.Documenter  = (*node)(nil)
	_ onnx.DataCarrier = (*node)(nil)
)

// NewNode makes the node of a value. Nodes are numbered from 0 in order, which
// onnx-go's SetInput relies on.
func (b *Backend) NewNode() gonum.Node {
	n := &node{id: b.WeightedDirectedGraph.NewNode().ID(), backend: b}
	n.value = &value{id: n.id, nodes: 1, declared: !b.decoding}
	b.values = append(b.values, n.value)
	return n
}

// SetWeightedEdge notes that the operator that makes the value of e.From reads
// that of e.To as the input number e.Weight.
func (b *Backend) SetWeightedEdge(e gonum.WeightedEdge) {
	b.decoding = true
	from, ok1 := e.From().(*node)
	to, ok2 := e.To().(*node)
	if !ok1 || !ok2 {
		b.err = errors.New("an edge between nodes of another backend")
		return
	}
	b.edges = append(b.edges, edge{from.value, to.value, int(e.Weight())})
	if from.id != to.id {
		b.WeightedDirectedGraph.SetWeightedEdge(e)
	}
}

// ApplyOperation makes ns the outputs of an operator whose inputs are the ends
// of the edges from them.
func (b *Backend) ApplyOperation(o onnx.Operation, ns ...gonum.Node) error {
	b.decoding = true
	edges := b.edges
	b.edges = nil
	if len(ns) == 0 {
		return fmt.Errorf("operator %s: no outputs", o.Name)
	}
	p := operation{name: o.Name, attrs: o.Attributes}
	for _, n := range ns {
		n, ok := n.(*node)
		if !ok {
			return fmt.Errorf("operator %s: an output that is a node of another backend", o.Name)
		}
		p.out = append(p.out, n.value)
	}
	for _, e := range edges {
		if e.from != p.out[0] {
			continue
		}
		if e.index < 0 || e.index >= len(edges) {
			return fmt.Errorf("operator %s: input %d of %d", o.Name, e.index, len(edges))
		}
		for len(p.in) <= e.index {
			p.in = append(p.in, nil)
		}
		p.in[e.index] = e.to
	}
	if row := op.Lookup("", o.Name); row != nil && row.In.Max == 0 {
		p.in = nil // the decoder makes one up
	}
	omit(p.in)
	omit(p.out)
	for _, v := range p.in {
		if v != nil {
			v.read = true
		}
	}
	for _, v := range p.out {
		if v != nil {
			v.produced = true
		}
	}
	b.ops = append(b.ops, p)
	b.plan = nil
	return nil
}

// omit drops the value without a name, which the decoder has for each input or
// output that is left out.
func omit(vs []*value) {
	for i, v := range vs {
		if v != nil && v.name == "" {
			vs[i] = nil
		}
	}
}

// Run computes the model's outputs from the inputs that were set. Operators
// that the interpreter lacks are an *onnx.ErrNotImplemented that lists them
// all.
func (b *Backend) Run() error {
	if b.err != nil {
		return b.err
	}
	feeds, key, err := b.feeds()
	if err != nil {
		return err
	}
	if b.plan == nil || b.key != key {
		if b.plan, err = b.makePlan(feeds); err != nil {
			return err
		}
		b.key = key
	}
	out, err := b.plan.Run(context.Background(), feeds)
	if err != nil {
		return err
	}
	for name, t := range out {
		g, err := toGorgonia(t)
		if err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
		b.byName[name].tensor = g
	}
	return nil
}

// feeds is the tensors that the caller gave, and a key of their types.
func (b *Backend) feeds() (map[string]*tensor.Tensor, string, error) {
	feeds := map[string]*tensor.Tensor{}
	var key strings.Builder
	for _, v := range b.values {
		if !v.given || v.produced || !v.read {
			continue
		}
		t, err := fromGorgonia(v.tensor)
		if err != nil {
			return nil, "", fmt.Errorf("input %q: %w", v.name, err)
		}
		if t, err = asType(t, v.dtype); err != nil {
			return nil, "", fmt.Errorf("input %q: %w", v.name, err)
		}
		feeds[v.name] = t
		fmt.Fprintf(&key, "%d:%v ", v.id, t)
	}
	return feeds, key.String(), nil
}

// ID is the node's number.
func (n *node) ID() int64 { return n.id }

// SetName says which value the node is. Nodes of one name share it.
func (n *node) SetName(name string) {
	b := n.backend
	if v := b.byName[name]; v != nil && v != n.value {
		v.nodes++
		v.declared = v.declared || n.value.declared
		if last := len(b.values) - 1; b.values[last] == n.value {
			b.values = b.values[:last]
		}
		n.value = v
		return
	}
	delete(b.byName, n.value.name)
	n.value.name = name
	b.byName[name] = n.value
}

// GetName is the value's name.
func (n *node) GetName() string { return n.value.name }

// SetDescription keeps a text about the value.
func (n *node) SetDescription(s string) { n.about = s }

// GetDescription is what SetDescription kept.
func (n *node) GetDescription() string { return n.about }

// SetTensor gives the value a tensor: while the decoder is at work a constant,
// or zeros of a declared type; afterwards an input. Numbers of an input that
// are not of the declared type are converted if that keeps their values.
func (n *node) SetTensor(t gorgonia.Tensor) error {
	v := n.value
	if t == nil {
		return fmt.Errorf("value %q: no tensor", v.name)
	}
	v.tensor = t
	if n.backend.decoding {
		v.given = true
	} else {
		v.sets++
		v.dtype = dtypeOf(t.Dtype())
	}
	return nil
}

// GetTensor is the value's tensor as of the last Run; nil if it has none.
func (n *node) GetTensor() gorgonia.Tensor { return n.value.tensor }
