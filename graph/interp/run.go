package interp

import (
	"context"
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/interp/pool"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var backgroundContext = context.Background()

// Run feeds the given values and computes the fetched ones. The result belongs
// to the caller. An input that has a static type is checked against it.
func (p *Plan) Run(ctx context.Context, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	return p.runWith(ctx, feeds, nil)
}

func (p *Plan) runWith(ctx context.Context, feeds map[string]*tensor.Tensor, prof *Profile) (map[string]*tensor.Tensor, error) {
	in, err := p.bind(feeds)
	if err != nil {
		return nil, err
	}
	prog, err := p.program(feeds)
	if err != nil {
		return nil, err
	}
	a := p.arena.Swap(nil)
	if a == nil {
		a = p.arenas.Get().(*arena)
	}
	r := &run{ctx: ctx, arena: a, prof: prof, double: p.opts.Double}
	var observe pool.Observer
	if prof != nil {
		observe = prof.part
	}
	r.env = op.Env{Alloc: a.alloc, Free: a.freeTensor, Hold: a.hold, Parallel: func(n, grain int, body func(lo, hi int)) {
		p.pool.Run(ctx, observe, n, grain, body)
	}}
	f := newFrame(prog, nil, r)
	f.override = feeds
	a.peak = a.held()
	release, err := p.holdFeeds(a, feeds)
	if err != nil {
		return nil, err
	}
	p.pool.Begin()
	out, err := f.exec(in)
	p.pool.End()
	release()
	p.notePeak(a.peak, prof)
	if e := ctx.Err(); err != nil && e != nil {
		err = e // whatever the step that was stopped made of it
	}
	if err != nil {
		return nil, err // and the arena is left, for the step that failed may hold some of it
	}
	if !p.arena.CompareAndSwap(nil, a) {
		p.arenas.Put(a)
	}
	res := make(map[string]*tensor.Tensor, len(out))
	for i, name := range p.names {
		res[name] = out[i]
	}
	return res, nil
}

// program is the one to run with the given feeds.
func (p *Plan) program(feeds map[string]*tensor.Tensor) (*plan.Program, error) {
	if len(feeds) > len(p.feeds) && p.open != nil { // beyond the feeds, there are only initializers
		return p.open()
	}
	return p.prog, nil
}

// notePeak records what one run held at most.
func (p *Plan) notePeak(peak int64, prof *Profile) {
	if prof != nil {
		prof.Peak = peak
	}
	for old := p.peak.Load(); peak > old && !p.peak.CompareAndSwap(old, peak); old = p.peak.Load() {
	}
}

// PeakMemory is the most bytes that any run of the plan has held beside the
// weights, results that the caller still has included.
func (p *Plan) PeakMemory() int64 { return p.peak.Load() }

// WeightBytes is the size of the constants that the plan holds, those in
// subgraphs and what kernels packed of them left out.
func (p *Plan) WeightBytes() int64 {
	var n int64
	for _, list := range [][]plan.Const{p.prog.Consts, p.prog.Defaults} {
		for _, c := range list {
			n += int64(c.T.Len() * c.T.DType.Size())
		}
	}
	return n
}

// bind puts the feeds in order and checks them.
func (p *Plan) bind(feeds map[string]*tensor.Tensor) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(p.feeds))
	for i, v := range p.feeds {
		t := feeds[v.Name]
		if t == nil {
			return nil, fmt.Errorf("input %q (%v) is not given", v.Name, v.Type)
		}
		in[i] = op.Widen(t, p.opts.Double)
	}
	for name, t := range feeds {
		v := p.prog.Graph.Value(name)
		if v == nil || !p.fed[v] && (v.Init == nil || v.IsConst()) {
			return nil, fmt.Errorf("%q is not an input of the graph", name)
		}
		if err := p.fits(v, op.Widen(t, p.opts.Double)); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (p *Plan) fits(v *graph.Value, t *tensor.Tensor) error {
	if v.Type.Kind != graph.TensorKind || t.IsSequence() || t.IsNone() {
		return nil
	}
	want := v.Type.DType
	if p.opts.Double && want == tensor.Float32 {
		want = tensor.Float64
	}
	ok := want == tensor.Invalid || t.DType == want
	if s := v.Shape(); s != nil {
		ok = ok && len(s) == t.Rank()
		for i := range s {
			ok = ok && (!s[i].IsKnown() || int(s[i].Value) == t.Shape[i])
		}
	}
	if !ok {
		return fmt.Errorf("input %q: %v, want %v", v.Name, t, v.Type)
	}
	return nil
}

// DefectError is a broken invariant of the interpreter itself.
type DefectError struct {
	Cause any
	Stack []byte
}

func (d *DefectError) Error() string { return fmt.Sprintf("defect in the interpreter: %v", d.Cause) }

// ErrMemory is the error of a run that Options.MaxMemory stopped.
var ErrMemory = errors.New("the memory limit is reached")
