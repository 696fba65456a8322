package interp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/interp/pool"
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
	// it. Results have the same bits, but for a convolution of slices of one tensor
	// (the focus of YOLOX), which otherwise adds in another order.
	Unfused bool
	// Direct computes convolutions without Winograd's transform, which is
	// faster and a few roundings less exact.
	Direct bool
	// MaxMemory bounds the bytes that one run holds: constants, what it is fed and
	// what it makes, with texts and the elements of sequences, what the caller still
	// has of earlier runs, and scratch of operators. An allocation beyond it is an
	// error that wraps ErrMemory, before it is made. 0 is three quarters of the
	// machine's memory, or of what the process's control groups allow, where that is
	// less; no bound where neither is known.
	MaxMemory int64
	// Feeds are the values that the caller gives, cutting the graph there;
	// nil is the model's inputs that are not initializers.
	Feeds []string
	// Fetches are the values that Run returns; nil is the model's outputs.
	Fetches []string
	// AfterPass, which may be nil, is called behind every pass of package fuse over the
	// graph and over each of its subgraphs, with the program as it is then.
	AfterPass func(pass string, p *plan.Program)
}

// Plan is a model made ready to run. It is safe for concurrent use.
type Plan struct {
	opts  Options
	prog  *plan.Program
	feeds []*graph.Value
	fed   map[*graph.Value]bool // feeds
	names []string              // of what is fetched
	// open plans the program of runs that override initializers, for which prog
	// takes the values that the file gives.
	open    func() (*plan.Program, error)
	pool    *pool.Pool
	arena   atomic.Pointer[arena] // of the last run
	arenas  sync.Pool             // of others that were under way with it
	peak    atomic.Int64
	weights int64 // bytes of constants
}

// New plans a model. All operators that the table lacks are reported in one
// *op.UnsupportedError, unless something else is wrong with the model.
func New(m *graph.Model, opts Options) (*Plan, error) {
	return NewContext(backgroundContext, m, opts)
}

// NewContext is New, which ends with the context's error when that is done.
func NewContext(ctx context.Context, m *graph.Model, opts Options) (*Plan, error) {
	if opts.Threads <= 0 {
		opts.Threads = runtime.GOMAXPROCS(0)
	}
	if opts.MaxMemory <= 0 {
		opts.MaxMemory = defaultMemory()
	}
	p := &Plan{opts: opts, pool: pool.New(opts.Threads)}
	p.arenas.New = func() any { return newArena(opts.MaxMemory, p.weights) }
	feeds, err := feedValues(m.Graph, opts.Feeds)
	if err != nil {
		return nil, err
	}
	fetches, names, err := fetchValues(m.Graph, opts.Fetches)
	if err != nil {
		return nil, err
	}
	p.feeds, p.names, p.fed = feeds, names, map[*graph.Value]bool{}
	for _, v := range feeds {
		p.fed[v] = true
	}
	facts := op.InferContext(ctx, m)
	if err := cmp.Or(ctx.Err(), facts.ReadErr()); err != nil {
		return nil, err
	}
	var loaded map[*graph.Value]*tensor.Tensor
	if overridable(m.Graph) {
		loaded = map[*graph.Value]*tensor.Tensor{}
	}
	build := func(ctx context.Context, open bool) (*plan.Program, error) {
		b := &builder{ctx: ctx, plan: p, facts: facts, loaded: loaded, open: open, shared: map[any]any{}}
		b.weights = p.weights
		prog, err := b.program(m.Graph, nil, feeds, fetches)
		if !open {
			p.weights = b.weights
		}
		if unsupported(err) {
			return nil, &op.UnsupportedError{Ops: slices.Sorted(maps.Keys(b.missing))}
		}
		return prog, err
	}
	if p.prog, err = build(ctx, false); err != nil {
		return nil, err
	}
	if loaded != nil {
		p.open = sync.OnceValues(func() (*plan.Program, error) { return build(backgroundContext, true) })
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
func (p *Plan) Feeds() []*graph.Value { return p.feeds }

// Inputs are the values that Run accepts: the feeds, then the initializers
// that a caller may override.
func (p *Plan) Inputs() []*graph.Value {
	vs := slices.Clone(p.feeds)
	for _, v := range p.prog.Graph.Inputs {
		if v.Init != nil && !v.IsConst() && !p.fed[v] {
			vs = append(vs, v)
		}
	}
	return vs
}

// Double reports whether float32 is computed as float64.
func (p *Plan) Double() bool { return p.opts.Double }

// Fetches are the names of what Run returns.
func (p *Plan) Fetches() []string { return p.names }
