package interp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

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
			err = &DefectError{Cause: r, Stack: debug.Stack()}
		}
	}()
	return k(x)
}
