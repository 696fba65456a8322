package op

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// composeOpset is the opset that compositions are written in.
const composeOpset = 24

// Composition is a node whose operator stands for several of ONNX's own, while
// those are built: a graph of them whose inputs are the node's.
type Composition struct {
	Node *graph.Node
	g    *graph.Graph
	in   []*graph.Value
}

// composed completes the row of an operator of ONNX Runtime's own domain, which
// its optimizer or quantizer writes in place of several of ONNX's: build gives the
// values of the node's outputs, nil where there is none, by the functions of
// this package that build graphs. It has no gradient rule.
func composed(o *Op, build func(c *Composition) []*graph.Value) *Op {
	o.Composed, o.Domain, o.Versions = true, "com.microsoft", []int64{1}
	o.Infer = func(c *Infer) error { return inferComposed(c, build) }
	o.Kernel = func(s *Spec) (Kernel, error) { return makeComposed(s, build) }
	return o
}

// composite is what a node stands for, as a graph. Inputs and outputs are the
// numbers of the node's that are the graph's.
type composite struct {
	graph           *graph.Graph
	inputs, outputs []int
}

// compose builds what n stands for; inputs that are known are constants of it.
func compose(n *graph.Node, types []graph.Type, known []*tensor.Tensor, build func(c *Composition) []*graph.Value) (*composite, error) {
	k := &composite{graph: graph.New(composeOpset).Graph}
	c := &Composition{Node: n, g: k.graph, in: make([]*graph.Value, len(n.Inputs))}
	for i := range c.in {
		if c.in[i] = Omit; n.Inputs[i] == nil {
			continue
		}
		v, err := c.g.Declare(fmt.Sprintf("in%d", i), types[i])
		if err != nil {
			return nil, err
		}
		if c.in[i] = v; i < len(known) && known[i] != nil {
			c.g.SetInit(v, graph.NewData(v.Name, known[i]))
			continue
		}
		k.inputs = append(k.inputs, i)
		c.g.MakeInput(v)
	}
	out := build(c)
	if err := c.g.Err(); err != nil {
		return nil, err
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		if i >= len(out) || out[i] == nil {
			return nil, fmt.Errorf("output %d is not computed", i)
		}
		k.outputs = append(k.outputs, i)
		c.g.AddOutput(out[i])
	}
	return k, nil
}

func inferComposed(c *Infer, build func(c *Composition) []*graph.Value) error {
	if c.Body == nil {
		return nil
	}
	types := make([]graph.Type, len(c.In))
	for i := range types {
		types[i] = c.Input(i).Type
	}
	k, err := compose(c.Node, types, nil, build)
	if err != nil {
		return err
	}
	in := make([]Fact, len(k.inputs))
	for j, i := range k.inputs {
		in[j] = *c.Input(i)
	}
	out, err := c.Body(k.graph, in)
	if err != nil {
		return err
	}
	for j, i := range k.outputs {
		c.Out[i] = Fact{Type: out[j].Type}
	}
	return nil
}

func makeComposed(s *Spec, build func(c *Composition) []*graph.Value) (Kernel, error) {
	known := s.Const
	if s.Double {
		known = nil // whose types are not those that the model declares
	}
	k, err := compose(s.Node, s.Types, known, build)
	if err != nil {
		return nil, err
	}
	if s.MakeBody == nil {
		return nil, errNoBodies
	}
	body, err := s.MakeBody(k.graph)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		in := make([]*tensor.Tensor, len(k.inputs))
		for j, i := range k.inputs {
			in[j] = x.In[i]
		}
		out, err := body(x, in)
		if err != nil {
			return err
		}
		for j, i := range k.outputs {
			x.Set(i, out[j])
		}
		return nil
	}, nil
}

// Has reports whether the node has input i.
func (c *Composition) Has(i int) bool { return i < len(c.in) && c.in[i] != Omit }

// In is input i, or Omit.
func (c *Composition) In(i int) *graph.Value {
	if i < len(c.in) {
		return c.in[i]
	}
	return Omit
}

// Attrs are those of the node's attributes that have one of the names.
func (c *Composition) Attrs(names ...string) []*graph.Attr {
	var list []*graph.Attr
	for _, a := range c.Node.Attrs {
		if slices.Contains(names, a.Name) {
			list = append(list, a)
		}
	}
	return list
}

// Number is the scalar x, of the element type of like.
func (c *Composition) Number(x float64, like *graph.Value) *graph.Value {
	return apply("CastLike", nil, Scalar(c.g, tensor.Float32, x), like)
}

// Rank is the rank of input i, or def where it is not known.
func (c *Composition) Rank(i, def int) int {
	if c.Has(i) && c.in[i].Shape() != nil {
		return len(c.in[i].Shape())
	}
	return def
}
