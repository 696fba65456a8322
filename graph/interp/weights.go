package interp

import (
	"fmt"
	"runtime"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// constants makes places for the initializers that are needed.
func (b *builder) constants(p scope, g *graph.Graph, need *needs) error {
	for _, v := range g.Inits {
		if _, fed := p.Slots[v]; fed || !need.values[v] {
			continue
		}
		c := plan.Const{Slot: p.SlotOf(v), Value: v}
		if v.IsConst() || !b.open {
			p.Consts = append(p.Consts, c)
			continue
		}
		var err error
		if c.T, err = b.load(v); err != nil {
			return err // which names the tensor
		}
		p.Defaults = append(p.Defaults, c)
	}
	return nil
}

// load gives the value of an initializer.
func (b *builder) load(v *graph.Value) (*tensor.Tensor, error) {
	if t := b.loaded[v]; t != nil {
		return t, nil
	}
	if err := b.more(feedSize(v.Init.DType, v.Init.Len(), b.plan.opts.Double)); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", v.Name, err)
	}
	t, err := v.Init.Load()
	if err != nil {
		return nil, err
	}
	t = op.Widen(t, b.plan.opts.Double)
	if b.loaded != nil {
		b.loaded[v] = t
	}
	return t, nil
}

// more counts bytes of constants.
func (b *builder) more(size int64) error {
	if most := b.plan.opts.MaxMemory; most > 0 && b.weights+size > most {
		return &limitError{b.weights, size, most}
	}
	b.weights += size
	return nil
}

// value gives the tensor behind a ref; nil if it is not known at plan time.
func (b *builder) value(p *plan.Program, r plan.Ref) (*tensor.Tensor, error) {
	c := p.Const(r)
	if c == nil {
		return nil, nil
	}
	return c.T, b.fill(c)
}

// fill loads a constant that is not there yet.
func (b *builder) fill(c *plan.Const) (err error) {
	if c.T == nil {
		c.T, err = b.load(c.Value)
	}
	return err
}

// collectEvery is how many bytes of weights that were dropped, and packed before,
// are left lying for the garbage collector's own time.
const collectEvery = 16 << 20

// done says that a step of p which reads r has what it needs of it, and gives the
// bytes that are dropped.
func (b *builder) done(p scope, r plan.Ref) (dropped int64) {
	if r == plan.NoRef || r.Up > 0 {
		return 0
	}
	c := p.Const(r)
	if c == nil {
		return 0
	}
	if p.unread[c.Value]--; p.unread[c.Value] > 0 || b.loaded != nil || c.T.Store() == nil {
		return 0
	}
	dropped = sizeOf(c.T)
	b.dropped += int(dropped)
	if c.T = c.T.Outline(); b.dropped > collectEvery {
		b.dropped = 0
		runtime.GC()
	}
	return dropped
}

// taken leaves to a step's kernel what it has taken of constants.
func (b *builder) taken(p scope, s *plan.Step) {
	for i, taken := range s.Spec.Taken {
		if taken && b.loaded == nil {
			s.Spec.Const[i] = s.Spec.Const[i].Outline()
			b.done(p, s.In[i])
		}
	}
}

// foldLimit bounds, in elements, what is computed once at plan time.
const foldLimit = 1 << 22

// fold runs a step at plan time if all it reads is constant, and keeps its
// results as constants.
func (b *builder) fold(p scope, s *plan.Step) bool {
	if s.Op == nil || s.Op.Random() || s.Op.Composed || len(s.Node.Subgraphs()) > 0 {
		return false
	}
	in := make([]*tensor.Tensor, len(s.In))
	for i, r := range s.In {
		if r == plan.NoRef {
			continue
		}
		if in[i] = s.Spec.Const[i]; in[i] == nil {
			return false
		}
	}
	x := &op.Call{Node: s.Node, In: in, Out: make([]*tensor.Tensor, len(s.Out)), Env: b.foldEnv()}
	x.Context = b.ctx
	if err := guard(s.Kernel, x); err != nil {
		return false // the run will tell, if it gets there
	}
	for i, slot := range s.Out {
		if slot < 0 {
			continue
		}
		if x.Out[i] == nil {
			return false
		}
	}
	var made int64
	for _, t := range x.Out {
		made += sizeOf(t)
	}
	if b.more(made) != nil {
		return false
	}
	for i, slot := range s.Out {
		if slot >= 0 {
			p.Consts = append(p.Consts, plan.Const{Slot: slot, T: x.Out[i], Value: s.Node.Outputs[i]})
		}
	}
	for i := range s.In {
		b.weights -= b.done(p, s.In[i])
	}
	return true
}

// foldEnv is the environment of steps that are run at plan time.
func (b *builder) foldEnv() *op.Env {
	left := int64(foldLimit)
	return &op.Env{
		Alloc: func(d tensor.DType, shape []int) (*tensor.Tensor, error) {
			n, err := tensor.Count(shape)
			if err != nil {
				return nil, err
			}
			if left -= int64(n); left < 0 {
				return nil, ErrMemory
			}
			return tensor.Make(d, shape...)
		},
		Free: func(*tensor.Tensor) {},
		Hold: func(bytes int64) (release func(), err error) {
			if bytes > 8*left {
				return nil, ErrMemory
			}
			return func() {}, nil
		},
		Parallel: b.parallel,
	}
}

// parallel splits work at plan time.
func (b *builder) parallel(n, grain int, body func(lo, hi int)) {
	b.plan.pool.Run(b.ctx, nil, n, grain, body)
}
