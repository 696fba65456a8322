package interp

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/fuse"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// builder plans the graphs of one model.
type builder struct {
	ctx     context.Context
	plan    *Plan
	facts   *op.Facts
	missing map[string]bool
	depth   int
	calls   op.Calls
	// loaded keeps the weights as they came, for a second program; nil keeps none.
	loaded map[*graph.Value]*tensor.Tensor
	// open says that initializers which a caller may override are no constants.
	open bool
	// shared has what kernels made of weights, and dropped counts bytes of
	// weights that were given up.
	shared  map[any]any
	dropped int
	weights int64 // bytes of constants so far
}

const maxDepth = 64

// scope is a program while its steps are planned.
type scope struct {
	*plan.Program
	fusion *fuse.Fusion // nil where every node is to run by itself
	// unread counts the steps yet to be planned that read a value, and other
	// readers, of which nobody knows what they need.
	unread map[*graph.Value]int
}

// program plans g with the given feeds, keeping only what fetches need.
func (b *builder) program(g *graph.Graph, outer *plan.Program, feeds, fetches []*graph.Value) (*plan.Program, error) {
	if b.depth >= maxDepth {
		return nil, errors.New("subgraphs or functions are nested too deeply")
	}
	b.depth++
	defer func() { b.depth-- }()
	p := scope{Program: &plan.Program{Graph: g, Outer: outer, Slots: map[*graph.Value]int{}}}
	if !b.plan.opts.Unfused {
		p.fusion = fuse.New(b.ctx, p.Program, b.facts, b.plan.opts.Double)
	}
	for _, v := range feeds {
		p.Inputs = append(p.Inputs, p.SlotOf(v))
	}
	need, err := needed(g, p.Slots, fetches)
	if err != nil {
		return nil, err
	}
	p.unread = need.readings(g, fetches)
	if err := b.constants(p, g, need); err != nil {
		return nil, err
	}
	if err := b.steps(p, g, need); err != nil {
		return nil, err
	}
	for i := range p.Consts { // those that no step reads
		if err := b.fill(&p.Consts[i]); err != nil {
			return nil, err
		}
	}
	for _, v := range fetches {
		r, err := p.Find(v)
		if err != nil {
			return nil, err
		}
		p.Outputs = append(p.Outputs, r)
	}
	if p.fusion != nil {
		if err := p.fusion.Run(b.after(p.Program)); err != nil {
			return nil, err
		}
	}
	for _, s := range p.Steps {
		s.Spec = nil
	}
	p.Lifetimes()
	return p.Program, nil
}

// after is what is called behind each pass over p; nil for nothing.
func (b *builder) after(p *plan.Program) func(pass string) {
	if b.plan.opts.AfterPass == nil {
		return nil
	}
	return func(pass string) { b.plan.opts.AfterPass(pass, p) }
}

// steps plans the nodes of g that are needed, and reports what is wrong with them: missing
// operators only where nothing else is.
func (b *builder) steps(p scope, g *graph.Graph, need *needs) (failed error) {
	for _, n := range g.Nodes {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		if !need.nodes[n] {
			continue
		}
		if err := b.step(p, n); err != nil && (failed == nil || unsupported(failed) && !unsupported(err)) {
			failed = err
		}
	}
	return failed
}

func (b *builder) step(p scope, n *graph.Node) error {
	s, err := b.stepOf(p, n)
	if err != nil {
		return err
	}
	if s.Kernel, err = b.kernel(s.Spec); err != nil {
		var miss *op.UnsupportedError
		if errors.As(err, &miss) {
			for _, name := range miss.Ops {
				b.miss(name)
			}
		}
		return fmt.Errorf("node %v: %w", n, err)
	}
	if b.fold(p, s) {
		return nil
	}
	if p.fusion != nil {
		p.fusion.Step(s)
	}
	b.taken(p, s)
	p.Steps = append(p.Steps, s)
	return nil
}

// stepOf is a node as a step, without a kernel.
func (b *builder) stepOf(p scope, n *graph.Node) (*plan.Step, error) {
	spec := &op.Spec{
		Node: n, Opset: n.Graph().Opset(n.Domain), Double: b.plan.opts.Double, Direct: b.plan.opts.Direct,
		Const: make([]*tensor.Tensor, len(n.Inputs)), Types: make([]graph.Type, len(n.Inputs)),
		Shared: b.shared, Parallel: b.parallel,
		MakeBody: func(g *graph.Graph) (op.Body, error) { return b.body(p.Program, g) },
	}
	s := &plan.Step{Node: n, Spec: spec, In: make([]plan.Ref, len(n.Inputs)), Out: make([]int, len(n.Outputs))}
	for i, v := range n.Inputs {
		s.In[i] = plan.NoRef
		if v == nil {
			continue
		}
		r, err := p.Find(v)
		if err != nil {
			return nil, fmt.Errorf("node %v: input %d: %w", n, i, err)
		}
		s.In[i] = r
		if spec.Const[i], err = b.value(p.Program, r); err != nil {
			return nil, err // which names the tensor
		}
		spec.Types[i] = b.facts.Of(v).Type
	}
	for i, v := range n.Outputs {
		s.Out[i] = -1
		if v != nil {
			s.Out[i] = p.SlotOf(v)
		}
	}
	if functionOf(n) == nil {
		s.Op = op.Lookup(n.Domain, n.Op)
	}
	if s.Op != nil {
		s.Min = s.Op.In.Min
	}
	return s, nil
}

// unsupported reports whether err is about operators that the table lacks.
func unsupported(err error) bool {
	var miss *op.UnsupportedError
	return errors.As(err, &miss)
}

func (b *builder) miss(name string) {
	if b.missing == nil {
		b.missing = map[string]bool{}
	}
	b.missing[name] = true
}

// kernel is the row's kernel, or the body of a model-local function.
func (b *builder) kernel(spec *op.Spec) (op.Kernel, error) {
	n := spec.Node
	if f := functionOf(n); f != nil {
		return b.call(f, n)
	}
	if op.Lookup(n.Domain, n.Op) == nil {
		name := n.Op
		if d := graph.CanonicalDomain(n.Domain); d != "" {
			name = d + "." + name
		}
		return nil, &op.UnsupportedError{Ops: []string{name}}
	}
	return op.Make(spec)
}

// functionOf is the model-local function that n calls; nil if it calls none.
func functionOf(n *graph.Node) *graph.Function {
	if m := n.Graph().Model; m != nil {
		return m.Function(n.Domain, n.Op, n.Overload)
	}
	return nil
}

// call plans a function for one caller.
func (b *builder) call(f *graph.Function, n *graph.Node) (op.Kernel, error) {
	if err := b.calls.Enter(f); err != nil {
		return nil, err
	}
	defer b.calls.Leave(f)
	g, err := f.Instantiate(n)
	if err != nil {
		return nil, err
	}
	body, err := b.body(nil, g)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", f.Name, err)
	}
	return func(x *op.Call) error {
		in := x.In
		for len(in) < len(g.Inputs) {
			in = append(in[:len(in):len(in)], nil)
		}
		out, err := body(x, in)
		if err != nil {
			return err
		}
		for i, t := range out {
			x.Set(i, t)
		}
		return nil
	}, nil
}

func (b *builder) body(outer *plan.Program, g *graph.Graph) (op.Body, error) {
	prog, err := b.program(g, outer, g.Inputs, g.Outputs)
	if err != nil {
		return nil, err
	}
	return func(x *op.Call, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		parent := x.Frame.(*frame)
		if len(in) != len(prog.Inputs) {
			return nil, fmt.Errorf("subgraph %q: %d inputs given, want %d", g.Name, len(in), len(prog.Inputs))
		}
		f := newFrame(prog, parent, parent.run)
		return f.exec(in)
	}, nil
}
