package interp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/interp/pool"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var backgroundContext = context.Background()

// run is what all frames of one Run share.
type run struct {
	ctx    context.Context
	env    op.Env
	arena  *arena
	prof   *Profile
	double bool
}

// frame is the tensors of one run of one program.
type frame struct {
	prog   *plan.Program
	parent *frame
	run    *run
	vals   []*tensor.Tensor
	// override has the caller's values for initializers, by name.
	override map[string]*tensor.Tensor
	// into has memory for values that the caller has a place for, by slot; nil where
	// there are none.
	into []*tensor.Tensor
	// joins has the memory of what joins make, by their number, while it is filled.
	joins []*tensor.Tensor
	call  op.Call // of the step under way
}

func newFrame(p *plan.Program, parent *frame, r *run) *frame {
	return &frame{prog: p, parent: parent, run: r, vals: make([]*tensor.Tensor, len(p.Slots))}
}

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

// exec runs the frame's program and gives its outputs, which leave the arena.
func (f *frame) exec(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	for _, c := range f.prog.Consts {
		f.vals[c.Slot] = c.T
	}
	for _, c := range f.prog.Defaults {
		f.vals[c.Slot] = c.T
		if t := f.override[c.Value.Name]; t != nil {
			f.vals[c.Slot] = op.Widen(t, f.run.double)
		}
	}
	for i, slot := range f.prog.Inputs {
		if f.vals[slot] = in[i]; in[i] != nil {
			f.run.arena.retain(in[i])
		}
	}
	for _, s := range f.prog.Steps {
		if err := f.step(s); err != nil {
			f.release()
			return nil, err
		}
	}
	out := make([]*tensor.Tensor, len(f.prog.Outputs))
	for i, r := range f.prog.Outputs {
		out[i] = f.at(r)
		if out[i] == nil {
			f.release()
			return nil, fmt.Errorf("output %d of graph %q has no value", i, f.prog.Graph.Name)
		}
		f.run.arena.escape(out[i])
	}
	f.release()
	return out, nil
}

// release drops whatever the frame still holds.
func (f *frame) release() {
	for i, t := range f.vals {
		if t != nil {
			f.run.arena.release(t)
			f.vals[i] = nil
		}
	}
	for i, t := range f.joins {
		if t != nil {
			f.run.arena.release(t)
			f.joins[i] = nil
		}
	}
}

func (f *frame) at(r plan.Ref) *tensor.Tensor {
	for range r.Up {
		f = f.parent
	}
	return f.vals[r.Slot]
}

func (f *frame) step(s *plan.Step) error {
	if err := f.run.ctx.Err(); err != nil {
		return err
	}
	x := f.newCall(s)
	for i, r := range s.In {
		if r == plan.NoRef {
			continue
		}
		if x.In[i] = f.at(r); x.In[i] == nil && i < s.Min {
			return fmt.Errorf("node %v: %w", s.Node, x.InputError(i, "has no value"))
		}
	}
	if f.into != nil && s.Leaves {
		for _, slot := range s.Out {
			var t *tensor.Tensor
			if slot >= 0 {
				t = f.into[slot]
			}
			x.Into = append(x.Into, t)
		}
	} else if err := f.intoPlaces(s, x); err != nil {
		return fmt.Errorf("node %v: %w", s.Node, err)
	}
	f.run.arena.leaving = s.Leaves
	f.run.prof.start(s)
	if err := guard(func(x *op.Call) error { return f.kernel(s, x) }, x); err != nil && s.Tiles != nil {
		return err
	} else if err != nil {
		return fmt.Errorf("node %v: %w", s.Node, err)
	}
	f.run.prof.done(s, x, f.run.arena)
	if err := f.run.ctx.Err(); err != nil {
		return err
	}
	err := f.settle(s, x)
	f.left(s.Join)
	return err
}

// kernel runs what the step does, or the steps that it stands for where that does not fit
// the shapes of the run.
func (f *frame) kernel(s *plan.Step, x *op.Call) error {
	if s.Tiles != nil {
		return f.tiles(s.Tiles, x)
	}
	err := s.Kernel(x)
	if s.Plain != nil && errors.Is(err, op.ErrUnfit) {
		return f.plain(s.Plain, x)
	}
	return err
}

// plain runs the steps that one stands for after each other. What they make lies in its
// slots meanwhile.
func (f *frame) plain(steps []plan.Step, x *op.Call) error {
	before := make([]*tensor.Tensor, len(steps))
	for i, s := range steps {
		before[i] = f.vals[s.Out[0]]
	}
	defer func() {
		for i, s := range steps {
			f.vals[s.Out[0]] = before[i]
		}
	}()
	x.Work = 0
	for i := range steps {
		s := &steps[i]
		c := *x
		c.Work = 0
		c.Node, c.In, c.Out = s.Node, make([]*tensor.Tensor, len(s.In)), make([]*tensor.Tensor, len(s.Out))
		if i < len(steps)-1 {
			c.Into = nil
		}
		for k, r := range s.In {
			if r == plan.NoRef {
				continue
			}
			if c.In[k] = f.at(r); c.In[k] == nil && k < s.Min {
				return fmt.Errorf("node %v: %w", s.Node, c.InputError(k, "has no value"))
			}
		}
		if err := f.kernel(s, &c); err != nil {
			return fmt.Errorf("node %v: %w", s.Node, err)
		}
		f.vals[s.Out[0]] = c.Out[0]
		x.Set(0, c.Out[0])
		x.Work += s.Work(&c)
	}
	for _, s := range steps {
		if t := f.vals[s.Out[0]]; t.Store().Root() != x.Out[0].Store().Root() {
			x.Env.Free(t)
		}
	}
	return nil
}

// newCall is the frame's call, for a step; its memory is that of the step before.
func (f *frame) newCall(s *plan.Step) *op.Call {
	x := &f.call
	clear(x.In)
	clear(x.Out)
	x.In, x.Out = room(x.In, len(s.In)), room(x.Out, len(s.Out))
	x.Context, x.Node, x.Frame, x.Env, x.Into, x.Work = f.run.ctx, s.Node, f, &f.run.env, x.Into[:0], 0
	return x
}

// room is n nils, in the memory of list, which is clear, if there is room.
func room(list []*tensor.Tensor, n int) []*tensor.Tensor {
	if n <= cap(list) {
		return list[:n]
	}
	return make([]*tensor.Tensor, n, 2*n)
}

// settle puts the outputs into their slots and drops what is dead.
func (f *frame) settle(s *plan.Step, x *op.Call) error {
	a := f.run.arena
	for i, slot := range s.Out {
		t := x.Out[i]
		if slot < 0 {
			if t != nil {
				a.retain(t)
				a.release(t)
			}
			continue
		}
		if t == nil {
			return fmt.Errorf("node %v: output %d was not computed", s.Node, i)
		}
		if t.IsSequence() {
			for _, e := range t.Seq {
				a.escape(e)
			}
		}
		f.vals[slot] = t
		a.retain(t)
		if t.DType == tensor.String {
			if err := a.countTexts(t); err != nil {
				return fmt.Errorf("node %v: %w", s.Node, err)
			}
		}
	}
	for _, slot := range s.Drop {
		if t := f.vals[slot]; t != nil {
			a.release(t)
			f.vals[slot] = nil
		}
	}
	return nil
}

// guard turns a kernel's panic, which is a defect, into an error with its
// stack, so that a caller who serves others survives it.
func guard(k op.Kernel, x *op.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Defect{Cause: r, Stack: debug.Stack()}
		}
	}()
	return k(x)
}

// Defect is a broken invariant of the interpreter itself.
type Defect struct {
	Cause any
	Stack []byte
}

func (d *Defect) Error() string { return fmt.Sprintf("defect in the interpreter: %v", d.Cause) }

// ErrMemory is the error of a run that Options.MaxMemory stopped.
var ErrMemory = errors.New("the memory limit is reached")
