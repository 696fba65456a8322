package interp

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Options say how a model is planned. The zero value runs the whole model on
// all cores.
type Options struct {
	// Threads bounds the cores used by one run; 0 is all.
	Threads int
	// Double computes float32 as float64 throughout, from float64 inputs to
	// float64 outputs.
	Double bool
	// Unfused runs every node by itself, as a profile of single nodes wants
	// it. Results have the same bits.
	Unfused bool
	// Direct computes convolutions without Winograd's transform, which is
	// faster and a few roundings less exact.
	Direct bool
	// MaxMemory bounds the bytes that one run holds beside the weights; 0 is
	// three quarters of the machine's memory, where the system tells it
	// (Linux), else no bound.
	MaxMemory int64
	// Feeds are the values that the caller gives, cutting the graph there;
	// nil is the model's inputs that are not initializers.
	Feeds []string
	// Fetches are the values that Run returns; nil is the model's outputs.
	Fetches []string
}

// Plan is a model made ready to run. It is safe for concurrent use.
type Plan struct {
	opts Options
	prog *program
	// open plans the program of runs that override initializers, for which prog
	// takes the values that the file gives.
	open    func() (*program, error)
	workers *workers
	arenas  sync.Pool
	peak    atomic.Int64
}

// program is a planned graph.
type program struct {
	graph  *graph.Graph
	outer  *program
	slots  map[*graph.Value]int
	consts []constant
	// defaults are initializers that a caller may override by feeding them.
	defaults []constant
	inputs   []int // slots, in the order of graph.Inputs (or Feeds)
	feeds    []*graph.Value
	steps    []step
	outputs  []ref
	names    []string
}

type constant struct {
	slot int
	t    *tensor.Tensor
	name string // of an initializer
}

// ref is a slot of the frame that lies up levels outwards.
type ref struct{ up, slot int }

var noRef = ref{-1, -1}

type step struct {
	node   *graph.Node
	kernel op.Kernel
	in     []ref
	out    []int // -1 where the output is not wanted
	drop   []int // slots of this frame that nobody reads after the step
	min    int   // how many of the inputs must have a value
	piece  *op.Piece
	spec   *op.Spec // until the program is planned
	label  string
	rows   *rowStep // what the kernel runs, where that is steps; errors then name their node
}

// name is what a profile calls the step: its label, where it stands for several
// nodes ("Conv+Relu"), else the operator.
func (s *step) name() string {
	if s.label != "" {
		return s.label
	}
	return s.node.Op
}

// New plans a model. All operators that the table lacks are reported in one
// *op.NoRow error.
func New(m *graph.Model, opts Options) (*Plan, error) {
	if opts.Threads <= 0 {
		opts.Threads = runtime.GOMAXPROCS(0)
	}
	if opts.MaxMemory <= 0 {
		opts.MaxMemory = machineMemory() / 4 * 3
	}
	p := &Plan{opts: opts, workers: newWorkers(opts.Threads)}
	p.arenas.New = func() any { return newArena(opts.MaxMemory) }
	feeds, err := feedValues(m.Graph, opts.Feeds)
	if err != nil {
		return nil, err
	}
	fetches, names, err := fetchValues(m.Graph, opts.Fetches)
	if err != nil {
		return nil, err
	}
	facts, loaded := op.InferModel(m), map[*graph.Value]*tensor.Tensor{}
	build := func(open bool) (*program, error) {
		b := &builder{plan: p, facts: facts, loaded: loaded, open: open}
		prog, err := b.program(m.Graph, nil, feeds, fetches)
		if len(b.missing) > 0 {
			return nil, &op.NoRow{Ops: slices.Sorted(maps.Keys(b.missing))}
		}
		if err == nil {
			prog.names = names
		}
		return prog, err
	}
	if p.prog, err = build(false); err != nil {
		return nil, err
	}
	if overridable(m.Graph) {
		p.open = sync.OnceValues(func() (*program, error) { return build(true) })
	} else {
		clear(loaded)
	}
	return p, nil
}

// overridable reports whether a caller may feed some of g's initializers.
func overridable(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Inputs, func(v *graph.Value) bool { return v.Init != nil && !v.IsConst() })
}

func feedValues(g *graph.Graph, names []string) ([]*graph.Value, error) {
	if names == nil {
		var vs []*graph.Value
		for _, v := range g.Inputs {
			if v.Init == nil {
				vs = append(vs, v)
			}
		}
		return vs, nil
	}
	return lookupAll(g, names)
}

func fetchValues(g *graph.Graph, names []string) ([]*graph.Value, []string, error) {
	if names != nil {
		vs, err := lookupAll(g, names)
		return vs, names, err
	}
	for _, v := range g.Outputs {
		names = append(names, v.Name)
	}
	return g.Outputs, names, nil
}

func lookupAll(g *graph.Graph, names []string) ([]*graph.Value, error) {
	vs := make([]*graph.Value, len(names))
	for i, name := range names {
		if vs[i] = g.Value(name); vs[i] == nil {
			return nil, fmt.Errorf("the graph has no value %q", name)
		}
	}
	return vs, nil
}

// Feeds are the values that Run wants, by the model's declaration.
func (p *Plan) Feeds() []*graph.Value { return p.prog.feeds }

// Inputs are the values that Run accepts: the feeds, then the initializers
// that a caller may override.
func (p *Plan) Inputs() []*graph.Value {
	vs := slices.Clone(p.prog.feeds)
	for _, v := range p.prog.graph.Inputs {
		if v.Init != nil && !v.IsConst() && !slices.Contains(p.prog.feeds, v) {
			vs = append(vs, v)
		}
	}
	return vs
}

// Double reports whether float32 is computed as float64.
func (p *Plan) Double() bool { return p.opts.Double }

// Fetches are the names of what Run returns.
func (p *Plan) Fetches() []string { return p.prog.names }

// builder plans the graphs of one model.
type builder struct {
	plan    *Plan
	facts   *op.Facts
	missing map[string]bool
	depth   int
	calls   op.Calls
	// loaded has the main graph's weights, for a second program.
	loaded map[*graph.Value]*tensor.Tensor
	// open says that initializers which a caller may override are no constants.
	open bool
}

const maxDepth = 64

// program plans g with the given feeds, keeping only what fetches need.
func (b *builder) program(g *graph.Graph, outer *program, feeds, fetches []*graph.Value) (*program, error) {
	if b.depth >= maxDepth {
		return nil, errors.New("subgraphs or functions are nested too deeply")
	}
	b.depth++
	defer func() { b.depth-- }()
	p := &program{graph: g, outer: outer, slots: map[*graph.Value]int{}, feeds: feeds}
	for _, v := range feeds {
		p.inputs = append(p.inputs, p.slot(v))
	}
	need, err := needed(g, p.slots, fetches)
	if err != nil {
		return nil, err
	}
	if err := b.constants(p, g, need); err != nil {
		return nil, err
	}
	var failed error
	for _, n := range g.Nodes {
		if !need.nodes[n] {
			continue
		}
		if err := b.step(p, n); err != nil && failed == nil {
			failed = err
		}
	}
	if failed != nil {
		return nil, failed
	}
	for _, v := range fetches {
		r, err := p.find(v)
		if err != nil {
			return nil, err
		}
		p.outputs = append(p.outputs, r)
	}
	if !b.plan.opts.Unfused {
		b.fuse(p)
		b.joinRows(p)
	}
	for i := range p.steps {
		p.steps[i].spec = nil
	}
	p.lifetimes()
	return p, nil
}

func (p *program) slot(v *graph.Value) int {
	s, ok := p.slots[v]
	if !ok {
		s = len(p.slots)
		p.slots[v] = s
	}
	return s
}

// find is where v lies as seen from p.
func (p *program) find(v *graph.Value) (ref, error) {
	up := 0
	for q := p; q != nil; q = q.outer {
		if s, ok := q.slots[v]; ok {
			return ref{up, s}, nil
		}
		up++
	}
	return noRef, fmt.Errorf("value %q is neither fed nor made", v.Name)
}

// needs is what a set of fetched values rests on.
type needs struct {
	nodes  map[*graph.Node]bool
	values map[*graph.Value]bool
}

func needed(g *graph.Graph, fed map[*graph.Value]int, fetches []*graph.Value) (*needs, error) {
	w := &needs{map[*graph.Node]bool{}, map[*graph.Value]bool{}}
	todo := slices.Clone(fetches)
	for len(todo) > 0 {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if v == nil || w.values[v] {
			continue
		}
		w.values[v] = true
		if _, ok := fed[v]; ok {
			continue
		}
		n := v.Producer()
		if n == nil {
			if v.Init == nil && v.Graph() == g {
				return nil, fmt.Errorf("value %q is neither fed nor made", v.Name)
			}
			continue
		}
		if n.Graph() != g || w.nodes[n] {
			continue
		}
		w.nodes[n] = true
		todo = append(todo, n.Inputs...)
		todo = append(todo, Captures(n)...)
	}
	return w, nil
}

// Captures is the values from outside that the subgraphs of n read.
func Captures(n *graph.Node) []*graph.Value {
	var vs []*graph.Value
	for _, s := range n.Subgraphs() {
		vs = append(vs, capturedBy(s, s)...)
	}
	return vs
}

func capturedBy(top, g *graph.Graph) []*graph.Value {
	var vs []*graph.Value
	outside := func(v *graph.Value) bool {
		for h := v.Graph(); h != nil; h = h.Outer {
			if h == top {
				return false
			}
		}
		return true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v != nil && outside(v) {
				vs = append(vs, v)
			}
		}
		for _, s := range n.Subgraphs() {
			vs = append(vs, capturedBy(top, s)...)
		}
	}
	for _, v := range g.Outputs {
		if outside(v) {
			vs = append(vs, v)
		}
	}
	return vs
}

func (b *builder) constants(p *program, g *graph.Graph, need *needs) error {
	for _, v := range g.Inits {
		if _, fed := p.slots[v]; fed || !need.values[v] {
			continue
		}
		t, err := b.load(v)
		if err != nil {
			return err // which names the tensor
		}
		c := constant{p.slot(v), t, v.Name}
		if v.IsConst() || !b.open {
			p.consts = append(p.consts, c)
		} else {
			p.defaults = append(p.defaults, c)
		}
	}
	return nil
}

// load gives the value of an initializer.
func (b *builder) load(v *graph.Value) (*tensor.Tensor, error) {
	if t := b.loaded[v]; t != nil {
		return t, nil
	}
	t, err := v.Init.Load()
	if err != nil {
		return nil, err
	}
	t = op.Widen(t, b.plan.opts.Double)
	b.loaded[v] = t
	return t, nil
}

// constOf is the tensor behind a ref, if it is known at plan time.
func (p *program) constOf(r ref) *tensor.Tensor {
	for range max(r.up, 0) {
		p = p.outer
	}
	i, ok := slices.BinarySearchFunc(p.consts, r.slot, func(c constant, s int) int { return c.slot - s })
	if !ok {
		return nil
	}
	return p.consts[i].t
}

func (b *builder) step(p *program, n *graph.Node) error {
	s := step{node: n, in: make([]ref, len(n.Inputs)), out: make([]int, len(n.Outputs))}
	spec := &op.Spec{
		Node: n, Opset: n.Graph().Opset(n.Domain), Double: b.plan.opts.Double, Direct: b.plan.opts.Direct,
		Const: make([]*tensor.Tensor, len(n.Inputs)), Types: make([]graph.Type, len(n.Inputs)),
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
		spec.Const[i] = p.constOf(r)
		spec.Types[i] = b.facts.Of(v).Type
	}
	for i, v := range n.Outputs {
		s.out[i] = -1
		if v != nil {
			s.out[i] = p.slot(v)
		}
	}
	var err error
	if row := op.Lookup(n.Domain, n.Op); row != nil {
		s.min = row.In.Min
	}
	if s.kernel, err = b.kernel(p, spec); err != nil {
		var miss *op.NoRow
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
	if row := op.Lookup(n.Domain, n.Op); row != nil && row.Piece != nil && !spec.Double {
		s.piece = row.Piece(spec)
	}
	p.steps = append(p.steps, s)
	return nil
}

func (b *builder) miss(name string) {
	if b.missing == nil {
		b.missing = map[string]bool{}
	}
	b.missing[name] = true
}

// kernel is the row's kernel, or the body of a model-local function.
func (b *builder) kernel(p *program, spec *op.Spec) (op.Kernel, error) {
	n := spec.Node
	if m := n.Graph().Model; m != nil {
		if f := m.Function(n.Domain, n.Op, n.Overload); f != nil {
			return b.call(f, n)
		}
	}
	if op.Lookup(n.Domain, n.Op) == nil {
		name := n.Op
		if d := graph.CanonicalDomain(n.Domain); d != "" {
			name = d + "." + name
		}
		return nil, &op.NoRow{Ops: []string{name}}
	}
	return op.Make(spec)
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

// foldLimit bounds, in elements, what is computed once at plan time.
const foldLimit = 1 << 22

// fold runs a step at plan time if all it reads is constant, and keeps its
// results as constants.
func (b *builder) fold(p *program, s *step, spec *op.Spec) bool {
	row := op.Lookup(s.node.Domain, s.node.Op)
	if row == nil || row.Random() || len(s.node.Subgraphs()) > 0 {
		return false
	}
	in := make([]*tensor.Tensor, len(s.in))
	for i, r := range s.in {
		if r == noRef {
			continue
		}
		if in[i] = spec.Const[i]; in[i] == nil {
			return false
		}
	}
	x := &op.Call{Node: s.node, In: in, Out: make([]*tensor.Tensor, len(s.out)), Env: foldEnv(b.plan)}
	x.Context = backgroundContext
	if err := guard(s.kernel, x); err != nil {
		return false // the run will tell, if it gets there
	}
	for i, slot := range s.out {
		if slot < 0 {
			continue
		}
		if x.Out[i] == nil {
			return false
		}
	}
	for i, slot := range s.out {
		if slot >= 0 {
			p.consts = append(p.consts, constant{slot: slot, t: x.Out[i]})
		}
	}
	return true
}

// lifetimes notes after which step each slot is read for the last time.
func (p *program) lifetimes() {
	last := make([]int, len(p.slots))
	for i := range last {
		last[i] = -1
	}
	for i, s := range p.steps {
		for _, o := range s.out {
			if o >= 0 {
				last[o] = i
			}
		}
		for _, r := range s.in {
			if r.up == 0 {
				last[r.slot] = i
			}
		}
		for _, v := range Captures(s.node) {
			if slot, ok := p.slots[v]; ok {
				last[slot] = i
			}
		}
	}
	keep := map[int]bool{}
	for _, r := range p.outputs {
		if r.up == 0 {
			keep[r.slot] = true
		}
	}
	for _, c := range p.consts {
		keep[c.slot] = true
	}
	for slot, i := range last {
		if i >= 0 && !keep[slot] {
			p.steps[i].drop = append(p.steps[i].drop, slot)
		}
	}
}
