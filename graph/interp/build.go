package interp

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
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

// program plans g with the given feeds, keeping only what fetches need.
func (b *builder) program(g *graph.Graph, outer *program, feeds, fetches []*graph.Value) (*program, error) {
	if b.depth >= maxDepth {
		return nil, errors.New("subgraphs or functions are nested too deeply")
	}
	b.depth++
	defer func() { b.depth-- }()
	p := &program{graph: g, outer: outer, slots: map[*graph.Value]int{}, makers: map[int]int{}, feeds: feeds, fed: map[*graph.Value]bool{}}
	for _, v := range feeds {
		p.fed[v] = true
		p.inputs = append(p.inputs, p.slot(v))
	}
	need, err := needed(g, p.slots, fetches)
	if err != nil {
		return nil, err
	}
	p.unread = need.readings(g, fetches)
	if err := b.constants(p, g, need); err != nil {
		return nil, err
	}
	var failed error
	for _, n := range g.Nodes {
		if err := b.ctx.Err(); err != nil {
			return nil, err
		}
		if !need.nodes[n] {
			continue
		}
		if err := b.step(p, n); err != nil && (failed == nil || unsupported(failed) && !unsupported(err)) {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	for i := range p.consts { // those that no step reads
		if err := b.fill(&p.consts[i]); err != nil {
			return nil, err
		}
	}
	for _, v := range fetches {
		r, err := p.find(v)
		if err != nil {
			return nil, err
		}
		p.outputs = append(p.outputs, r)
	}
	if !b.plan.opts.Unfused {
		p.dropSpare()
		for _, pass := range []func(*program){b.joinViews, b.fuse, b.chain, b.joinRows, b.placed} {
			pass(p)
			if err := b.ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	for i := range p.steps {
		p.steps[i].spec = nil
	}
	p.unread, p.makers, p.spare = nil, nil, nil
	p.lifetimes()
	return p, nil
}

func (b *builder) step(p *program, n *graph.Node) error {
	s := step{node: n, in: make([]ref, len(n.Inputs)), out: make([]int, len(n.Outputs))}
	spec := &op.Spec{
		Node: n, Opset: n.Graph().Opset(n.Domain), Double: b.plan.opts.Double, Direct: b.plan.opts.Direct,
		Const: make([]*tensor.Tensor, len(n.Inputs)), Types: make([]graph.Type, len(n.Inputs)),
		Shared: b.shared, Parallel: b.parallel,
		MakeBody: func(g *graph.Graph) (op.Body, error) { return b.body(p, g) },
	}
	for i, v := range n.Inputs {
		s.in[i] = noRef
		if v == nil {
			continue
		}
		r, err := p.find(v)
		if err != nil {
			return fmt.Errorf("node %v: input %d: %w", n, i, err)
		}
		s.in[i] = r
		if spec.Const[i], err = b.value(p, r); err != nil {
			return err // which names the tensor
		}
		spec.Types[i] = b.facts.Of(v).Type
	}
	for i, v := range n.Outputs {
		s.out[i] = -1
		if v != nil {
			s.out[i] = p.slot(v)
		}
	}
	if functionOf(n) == nil {
		s.row = op.Lookup(n.Domain, n.Op)
	}
	if s.row != nil {
		s.min = s.row.In.Min
	}
	var err error
	if s.kernel, err = b.kernel(spec); err != nil {
		var miss *op.UnsupportedError
		if errors.As(err, &miss) {
			for _, name := range miss.Ops {
				b.miss(name)
			}
		}
		return fmt.Errorf("node %v: %w", n, err)
	}
	if b.fold(p, &s, spec) {
		return nil
	}
	s.spec = spec
	b.phased(p, &s)
	b.taken(p, &s)
	if s.row != nil && s.row.Piece != nil && !spec.Double {
		s.piece = s.row.Piece(spec)
	}
	if s.row != nil && s.row.Rows != nil && len(s.in) > 0 && spec.Types[0].Shape != nil {
		s.cut = s.row.Rows(spec, len(spec.Types[0].Shape))
	}
	if s.row != nil && s.row.View != nil {
		if v := s.row.View(spec); v != nil {
			s.views = []op.View{v}
		}
	}
	for _, o := range s.out {
		if o >= 0 {
			p.makers[o] = len(p.steps)
		}
	}
	p.steps = append(p.steps, s)
	return nil
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

func (b *builder) body(outer *program, g *graph.Graph) (op.Body, error) {
	prog, err := b.program(g, outer, g.Inputs, g.Outputs)
	if err != nil {
		return nil, err
	}
	return func(x *op.Call, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		parent := x.Frame.(*frame)
		if len(in) != len(prog.inputs) {
			return nil, fmt.Errorf("subgraph %q: %d inputs given, want %d", g.Name, len(in), len(prog.inputs))
		}
		f := newFrame(prog, parent, parent.run)
		return f.exec(in)
	}, nil
}
