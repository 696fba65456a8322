package op

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Facts is what inference knows of the values of a model.
type Facts struct {
	ctx   context.Context
	of    map[*graph.Value]*Fact
	depth int
	calls Calls
	errs  []error
	read  error
}

// Of is the fact of v; one that knows only the declared type, if inference has
// not seen v.
func (f *Facts) Of(v *graph.Value) *Fact {
	if v == nil {
		return &Fact{}
	}
	if x := f.of[v]; x != nil {
		return x
	}
	return &Fact{Type: v.Type}
}

// ReadErr is the first error in reading a constant whose elements were asked
// for, be it by inference or by whoever called Elems or Const. What was found
// out with it holds for no model, and is to be thrown away. Constants that
// nobody asks for are not read.
func (f *Facts) ReadErr() error { return f.read }

func (f *Facts) readFailed(err error) {
	if f.read == nil {
		f.read = err
	}
}

// Errs are the contradictions that were found, each with its node. Inference
// goes on behind them with what the file declares.
func (f *Facts) Errs() []error { return f.errs }

// InferModel derives the facts of all values of the model's main graph and its
// subgraphs, and refines Value.Type in place. An operator that the table lacks
// leaves its outputs as the file declares them.
func InferModel(m *graph.Model) *Facts { return InferContext(context.Background(), m) }

// InferContext is InferModel, which stops at the node that it is at when the context
// is done.
func InferContext(ctx context.Context, m *graph.Model) *Facts {
	f := &Facts{ctx: ctx, of: map[*graph.Value]*Fact{}}
	f.graph(m.Graph)
	return f
}

func (f *Facts) graph(g *graph.Graph) {
	for _, v := range g.Inputs {
		f.of[v] = &Fact{Type: v.Type}
	}
	for _, v := range g.Inits {
		if f.ctx.Err() != nil {
			return
		}
		f.init(v)
	}
	for _, n := range g.Nodes {
		if f.ctx.Err() != nil {
			return
		}
		f.node(n)
	}
}

// tellsShapes reports whether an initializer that a caller may override still
// counts as a constant for inference: integers, which are shapes, axes and
// indices, and vectors as short as the scales of Resize. Some exporters list
// all initializers as inputs.
func tellsShapes(d *graph.Data) bool {
	return d.DType.IsInt() || len(d.Dims) == 1 && d.Dims[0] <= 8
}

// init states what an initializer tells.
func (f *Facts) init(v *graph.Value) {
	if !v.IsConst() && !tellsShapes(v.Init) {
		f.of[v] = &Fact{Type: v.Type}
		return
	}
	f.of[v] = dataFact(v.Init, f.readFailed)
	v.Type = f.of[v].Type
}

func constFact(t *tensor.Tensor) *Fact {
	if t.IsSequence() || t.IsNone() {
		return &Fact{}
	}
	x := &Fact{Type: graph.TensorOf(t.DType, graph.Static(t.Shape...))}
	if t.Len() > MaxFold {
		return x
	}
	x.value = t
	if (t.DType == tensor.Int64 || t.DType == tensor.Int32) && t.Len() <= MaxElems {
		v, _ := Ints(t)
		x.ints = make([]symbol.Num, len(v))
		for i, e := range v {
			x.ints[i] = symbol.Int(int64(e))
		}
	}
	return x
}

func (f *Facts) node(n *graph.Node) {
	c := &Infer{Node: n, Opset: n.Graph().Opset(n.Domain), In: make([]*Fact, len(n.Inputs)), Out: make([]Fact, len(n.Outputs))}
	for i, v := range n.Inputs {
		if v != nil {
			c.In[i] = f.Of(v)
		}
	}
	c.Body, c.failed = f.body, f.readFailed
	if err := f.apply(c); err != nil {
		f.errs = append(f.errs, fmt.Errorf("node %v: %w", n, err))
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		x := c.Out[i]
		x.Type = refine(v.Type, x.Type)
		v.Type = x.Type
		f.of[v] = &x
	}
}

// apply runs the row's rule, a function's body, or the kernel on constants.
func (f *Facts) apply(c *Infer) error {
	if fn := c.function(); fn != nil {
		return f.call(c, fn)
	}
	row := Lookup(c.Node.Domain, c.Node.Op)
	if row == nil || row.Infer == nil {
		return nil
	}
	c.Since = row.Since(c.Opset)
	if err := row.CheckArity(c.Node); err != nil {
		return err
	}
	if err := row.Infer(c); err != nil {
		return err
	}
	c.settle()
	f.fold(c, row)
	return nil
}

func (c *Infer) function() *graph.Function {
	m := c.Node.Graph().Model
	if m == nil || len(m.Functions) == 0 {
		return nil
	}
	return m.Function(c.Node.Domain, c.Node.Op, c.Node.Overload)
}

const maxDepth = 64

// Calls is the calls of functions that are being looked into.
type Calls struct {
	nodes  int // of the functions, each call for itself
	active map[*graph.Function]bool
}

// maxInlined bounds the nodes: functions that call functions twice would be
// endless.
const maxInlined = 1 << 17

// Enter begins a call of f; Leave ends it. It is an error if f calls itself.
func (c *Calls) Enter(f *graph.Function) error {
	if c.active[f] {
		return fmt.Errorf("function %s calls itself", f.Name)
	}
	if c.nodes += 1 + len(f.Body.Nodes); c.nodes > maxInlined {
		return fmt.Errorf("the functions called have more than %d nodes in total", maxInlined)
	}
	if c.active == nil {
		c.active = map[*graph.Function]bool{}
	}
	c.active[f] = true
	return nil
}

// Leave ends the call of f that was entered.
func (c *Calls) Leave(f *graph.Function) { delete(c.active, f) }

func (f *Facts) call(c *Infer, fn *graph.Function) error {
	if err := f.calls.Enter(fn); err != nil {
		return err
	}
	defer f.calls.Leave(fn)
	g, err := fn.Instantiate(c.Node)
	if err != nil {
		return err
	}
	in := make([]Fact, len(c.In))
	for i, x := range c.In {
		if x != nil {
			in[i] = *x
		}
	}
	out, err := f.body(g, in)
	copy(c.Out, out)
	return err
}

func (f *Facts) body(g *graph.Graph, in []Fact) ([]Fact, error) {
	if f.depth >= maxDepth {
		return nil, errors.New("subgraphs or functions are nested too deeply")
	}
	f.depth++
	defer func() { f.depth-- }()
	for i, v := range g.Inputs {
		x := Fact{Type: v.Type}
		if i < len(in) {
			x = in[i]
			x.Type = refine(v.Type, x.Type)
		}
		f.of[v] = &x
	}
	for _, v := range g.Inits {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		f.init(v)
	}
	for _, n := range g.Nodes {
		if err := f.ctx.Err(); err != nil {
			return nil, err
		}
		f.node(n)
	}
	out := make([]Fact, len(g.Outputs))
	for i, v := range g.Outputs {
		out[i] = *f.Of(v)
	}
	return out, nil
}

// fold computes a node whose inputs are all small constants.
func (f *Facts) fold(c *Infer, row *Op) {
	if len(c.In) == 0 && c.Node.Op != "Constant" || len(c.Node.Subgraphs()) > 0 || row.Kernel == nil || row.Random() {
		return
	}
	for _, x := range c.In {
		if x != nil && !x.mayBeConst() {
			return
		}
	}
	for _, o := range c.Out {
		n := 1
		for _, d := range o.Shape {
			if d.Value > MaxFold {
				return
			}
			n *= int(max(d.Value, 1))
			if n > MaxFold {
				return
			}
		}
	}
	in := make([]*tensor.Tensor, len(c.In))
	for i, x := range c.In {
		if x == nil {
			continue
		}
		if in[i] = x.Const(); in[i] == nil {
			return
		}
	}
	out, err := eval(c.Node, c.Opset, in)
	if err != nil {
		c.readFailed(err)
		return
	}
	for i, t := range out {
		if t != nil && i < len(c.Out) {
			c.Out[i] = *constFact(t)
		}
	}
}

// evalLimit bounds what Eval may allocate, in bytes.
const evalLimit = 1 << 24

// Eval runs one node on given inputs, on this goroutine, within a small memory
// limit. Nodes with subgraphs cannot be run so.
func Eval(n *graph.Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return eval(n, n.Graph().Opset(n.Domain), in)
}

func eval(n *graph.Node, opset int64, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	s := &Spec{Node: n, Opset: opset, Const: in, Types: make([]graph.Type, len(in))}
	for i, t := range in {
		if t != nil {
			s.Types[i] = constFact(t).Type
		}
	}
	k, err := Make(s)
	if err != nil {
		return nil, err
	}
	left := int64(evalLimit)
	x := &Call{Context: context.Background(), Node: n, In: in, Out: make([]*tensor.Tensor, len(n.Outputs)), Env: &Env{
		Alloc: func(d tensor.DType, shape []int) (*tensor.Tensor, error) {
			k, err := tensor.Count(shape)
			if err != nil {
				return nil, err
			}
			if left -= int64(k) * int64(d.Size()); left < 0 {
				return nil, errors.New("too large to compute before the model runs")
			}
			return tensor.Make(d, shape...)
		},
		Free:     func(*tensor.Tensor) {},
		Parallel: func(n, grain int, body func(lo, hi int)) { body(0, n) },
	}}
	if err := k(x); err != nil {
		return nil, err
	}
	return x.Out, nil
}

// Random reports whether two runs of the operator on the same inputs may
// differ.
func (o *Op) Random() bool {
	switch o.Name {
	case "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli", "Dropout":
		return true
	}
	return false
}

// refine joins the declared type d with the inferred type t, which wins where
// both know something.
func refine(d, t graph.Type) graph.Type {
	if t.Kind == graph.Untyped {
		return d
	}
	if d.Kind != t.Kind {
		return t
	}
	if t.DType == tensor.Invalid {
		t.DType = d.DType
	}
	switch {
	case t.Shape == nil:
		t.Shape = d.Shape
	case len(d.Shape) == len(t.Shape):
		s := t.Shape.Clone()
		for i := range s {
			if !s[i].IsKnown() && (d.Shape[i].IsKnown() || s[i].Param == "") {
				s[i] = d.Shape[i]
			}
		}
		t.Shape = s
	}
	if t.Elem == nil {
		t.Elem = d.Elem
	}
	return t
}
