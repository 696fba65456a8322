package op

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Omit stands for an optional input that is left out, where a building
// function takes a list of inputs.
var Omit = new(graph.Value)

// Apply appends a node of ONNX's own operator name to the graph of its
// operands and gives its outputs, with names from the graph's authority and
// types by the table. After an error, which sticks to the graph, the outputs
// are nil; a nil operand stands for an earlier error and is passed on.
func Apply(name string, outs int, attrs []*graph.Attr, in ...*graph.Value) []*graph.Value {
	res := make([]*graph.Value, outs)
	g := graphOf(in)
	if g == nil {
		return res
	}
	n := &graph.Node{Op: name, Attrs: attrs, Inputs: make([]*graph.Value, len(in))}
	for i, v := range in {
		if v != Omit {
			n.Inputs[i] = v
		}
	}
	for len(n.Inputs) > 0 && n.Inputs[len(n.Inputs)-1] == nil {
		n.Inputs = n.Inputs[:len(n.Inputs)-1]
	}
	types, err := resultTypes(g, n, outs)
	if err != nil {
		g.Fail(fmt.Errorf("building %s of %s: %w", name, describe(in), err))
		return res
	}
	n.Name = g.Fresh(name)
	for i := range res {
		base := n.Name + ":0"
		if outs > 1 {
			base = fmt.Sprintf("%s:%d", n.Name, i)
		}
		v, err := g.Declare(freshAs(g, base), types[i])
		if err != nil {
			g.Fail(err)
			return make([]*graph.Value, outs)
		}
		res[i] = v
		n.Outputs = append(n.Outputs, v)
	}
	if err := g.AddNode(n); err != nil {
		g.Fail(err)
		return make([]*graph.Value, outs)
	}
	return res
}

// apply is Apply for one output.
func apply(name string, attrs []*graph.Attr, in ...*graph.Value) *graph.Value {
	return Apply(name, 1, attrs, in...)[0]
}

func freshAs(g *graph.Graph, name string) string {
	if g.Lookup(name) == nil {
		return name
	}
	return g.Fresh(name)
}

// graphOf is the graph that a node of the given inputs goes to: the innermost
// of theirs. It is nil if an input is nil.
func graphOf(in []*graph.Value) *graph.Graph {
	var g *graph.Graph
	for _, v := range in {
		if v == nil {
			return nil
		}
		if v == Omit {
			continue
		}
		if g == nil || v.Graph().Outer == g {
			g = v.Graph()
		}
	}
	return g
}

func describe(in []*graph.Value) string {
	s := ""
	for i, v := range in {
		if i > 0 {
			s += ", "
		}
		if v == Omit {
			s += "-"
			continue
		}
		s += v.String()
	}
	return s
}

func resultTypes(g *graph.Graph, n *graph.Node, outs int) ([]graph.Type, error) {
	types := make([]graph.Type, outs)
	row := Lookup("", n.Op)
	if row == nil {
		return nil, &UnsupportedError{Ops: []string{n.Op}}
	}
	opset := g.Opset("")
	if row.Since(opset) == 0 {
		return nil, fmt.Errorf("opset %d has no %s (since %d)", opset, n.Op, row.Versions[0])
	}
	c := &Infer{Node: n, Opset: opset, Since: row.Since(opset), In: make([]*Fact, len(n.Inputs)), Out: make([]Fact, outs), failed: g.Fail}
	for i, v := range n.Inputs {
		if v != nil {
			c.In[i] = factOf(v, factDepth)
		}
	}
	if row.Infer != nil {
		if err := row.Infer(c); err != nil {
			return nil, err
		}
	}
	for i := range types {
		types[i] = c.Out[i].Type
	}
	return types, nil
}

// factDepth bounds how many nodes factOf looks back.
const factDepth = 8

// factOf is what is known of v in a graph being built: its type and, where it
// is a small tensor such as a shape, its elements, from the nodes behind it.
func factOf(v *graph.Value, depth int) *Fact {
	if v.IsConst() || v.Init != nil && tellsShapes(v.Init) {
		return dataFact(v.Init, v.Graph().Fail)
	}
	x := &Fact{Type: v.Type}
	n := v.Producer()
	if n == nil || depth == 0 || !isSmall(v) || len(n.Subgraphs()) > 0 {
		return x
	}
	row := Lookup(n.Domain, n.Op)
	if row == nil || row.Infer == nil {
		return x
	}
	opset := n.Graph().Opset(n.Domain)
	c := &Infer{Node: n, Opset: opset, Since: row.Since(opset), In: make([]*Fact, len(n.Inputs)), Out: make([]Fact, len(n.Outputs)), failed: n.Graph().Fail}
	for i, in := range n.Inputs {
		if in != nil {
			c.In[i] = factOf(in, depth-1)
		}
	}
	if row.CheckArity(n) != nil || row.Infer(c) != nil {
		return x
	}
	c.settle()
	(&Facts{}).fold(c, row)
	out := c.Out[v.Index()]
	out.Type = refine(v.Type, out.Type)
	return &out
}

// isSmall reports whether v is worth computing ahead of a run: a vector of integers or
// booleans, or one element.
func isSmall(v *graph.Value) bool {
	d, s := v.Type.DType, v.Shape()
	if len(s) <= 1 && (d == tensor.Int64 || d == tensor.Int32 || d == tensor.Bool) {
		return true
	}
	return s != nil && !slices.ContainsFunc(s.Ints(), func(n int) bool { return n != 1 })
}

// Const adds a constant to g: an initializer, or before IR version 4, where
// every initializer has to be an input, a node Constant.
func Const(g *graph.Graph, name string, t *tensor.Tensor) *graph.Value {
	if m := g.Model; m != nil && m.IR < 4 {
		return constantNode(g, name, t)
	}
	v, err := g.AddInit(g.Fresh(name), t)
	if err != nil {
		g.Fail(err)
		return nil
	}
	return v
}

func constantNode(g *graph.Graph, name string, t *tensor.Tensor) *graph.Value {
	v, err := g.Declare(g.Fresh(name), graph.TensorOf(t.DType, graph.Static(t.Shape...)))
	if err == nil {
		err = g.AddNode(&graph.Node{Op: "Constant", Name: g.Fresh("Constant"), Outputs: []*graph.Value{v}, Attrs: []*graph.Attr{graph.Tensor("value", t)}})
	}
	if err != nil {
		g.Fail(err)
		return nil
	}
	return v
}

// Scalar adds the scalar x to g, as an element of type d (a float or integer
// type).
func Scalar(g *graph.Graph, d tensor.DType, x float64) *graph.Value {
	t, err := ScalarTensor(d, x)
	if err != nil {
		g.Fail(err)
		return nil
	}
	return Const(g, "const", t)
}

// Like is the scalar x with the element type of v, in the graph of v.
func Like(v *graph.Value, x float64) *graph.Value {
	if v == nil {
		return nil
	}
	return Scalar(v.Graph(), v.Type.DType, x)
}
