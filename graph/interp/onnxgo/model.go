package onnxgo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func (b *Backend) makePlan(feeds map[string]*tensor.Tensor) (*interp.Plan, error) {
	if err := b.unknown(); err != nil {
		return nil, err
	}
	m, err := b.model(feeds)
	if err != nil {
		return nil, err
	}
	options := b.options
	for _, v := range b.values {
		if v.produced && (v.declared || !v.read) {
			options.Fetches = append(options.Fetches, v.name)
		}
	}
	return interp.New(m, options)
}

// unknown reports all operators that the interpreter lacks.
func (b *Backend) unknown() error {
	missing := map[string]bool{}
	for _, o := range b.ops {
		if op.Lookup("", o.name) == nil {
			missing[o.name] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &onnx.ErrNotImplemented{
		Operator: strings.Join(slices.Sorted(maps.Keys(missing)), ", "),
		Message:  "the interpreter has no such operator",
	}
}

// model is what was decoded, as a graph whose inputs are feeds.
func (b *Backend) model(feeds map[string]*tensor.Tensor) (*graph.Model, error) {
	opset := b.opset
	if opset == 0 {
		var err error
		if opset, err = inferOpset(b.ops); err != nil {
			return nil, err
		}
	}
	m := graph.New(opset)
	if err := b.leaves(m.Graph, feeds); err != nil {
		return nil, err
	}
	for i, o := range b.ops {
		if err := addNode(m.Graph, o); err != nil {
			return nil, fmt.Errorf("node %d (%s): %w", i, o.name, err)
		}
	}
	return m, nil
}

// leaves declares the inputs and constants that operators read.
func (b *Backend) leaves(g *graph.Graph, feeds map[string]*tensor.Tensor) error {
	firstProduced := int64(-1)
	for _, v := range b.values {
		if v.produced && (firstProduced < 0 || v.id < firstProduced) {
			firstProduced = v.id
		}
	}
	for _, v := range b.values {
		if v.produced || !v.read {
			continue
		}
		var err error
		if t := feeds[v.name]; t != nil {
			_, err = g.AddInput(v.name, graph.TensorOf(t.DType, graph.Static(t.Shape...)))
		} else {
			err = b.constant(g, v, v.id < firstProduced)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// constant declares the initializer v. The decoder declares graph inputs
// first, gives each node of a declared name zeros of its type, and then sets
// the initializers; so what was declared before any output and set no more
// often than it has nodes is an input.
func (b *Backend) constant(g *graph.Graph, v *value, early bool) error {
	if v.tensor == nil || early && v.sets <= v.nodes {
		return fmt.Errorf("input %q is not set", v.name)
	}
	t, err := fromGorgonia(v.tensor)
	if err != nil {
		return fmt.Errorf("constant %q: %w", v.name, err)
	}
	_, err = g.AddInit(v.name, t)
	return err
}

func addNode(g *graph.Graph, o operation) error {
	n := &graph.Node{Op: o.name}
	for _, v := range o.in {
		if v == nil {
			n.Inputs = append(n.Inputs, nil)
			continue
		}
		w := g.Value(v.name)
		if w == nil {
			return fmt.Errorf("input %q is read before it is made", v.name)
		}
		n.Inputs = append(n.Inputs, w)
	}
	for _, v := range o.out {
		if v == nil {
			n.Outputs = append(n.Outputs, nil)
			continue
		}
		w, err := g.Declare(v.name, graph.Type{})
		if err != nil {
			return err
		}
		n.Outputs = append(n.Outputs, w)
	}
	for _, name := range slices.Sorted(maps.Keys(o.attrs)) {
		a, err := attribute(name, o.attrs[name])
		if err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		n.Attrs = append(n.Attrs, a)
	}
	return g.AddNode(n)
}

func attribute(name string, v any) (*graph.Attr, error) {
	switch v := v.(type) {
	case float32:
		return graph.Float(name, v), nil
	case int64:
		return graph.Int(name, v), nil
	case string:
		return graph.String(name, v), nil
	case []float32:
		return graph.Floats(name, v...), nil
	case []int64:
		return graph.Ints(name, v...), nil
	case []string:
		return &graph.Attr{Name: name, Kind: graph.AttrStrings, Strings: v}, nil
	case gorgonia.Tensor:
		t, err := fromGorgonia(v)
		if err != nil {
			return nil, err
		}
		return graph.Tensor(name, t), nil
	case struct{}:
		return nil, fmt.Errorf("the file does not say its kind, and onnx-go drops its value")
	}
	return nil, fmt.Errorf("a value of type %T", v)
}
