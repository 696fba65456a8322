package interp

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// tailOp is what one member of a group does, or two of which the second multiplies what
// the first is of by what it makes (op.Piece.Times).
type tailOp struct {
	piece *op.Piece
	args  []ref
	out   int // slot
}

// makeTail writes the group's tail.
func (f *fusion) makeTail(g *group) {
	var ops []tailOp
	for k := 1; k < len(g.members); k++ {
		s := &f.steps[g.members[k]]
		o := tailOp{s.piece, s.operands(), s.out[0]}
		if n := len(ops); n > 0 && s.is("Mul") && f.dead(g, ops[n-1].out, k) && isProduct(&ops[n-1], o.args) {
			m := &ops[n-1]
			m.piece, m.out = &op.Piece{Map: m.piece.Times, Act: m.piece.TimesAct}, o.out
			continue
		}
		ops = append(ops, o)
	}
	f.assign(g, ops)
}

// isProduct reports whether args are what m is of and what it makes.
func isProduct(m *tailOp, args []ref) bool {
	x, y := m.args[0], ref{0, m.out}
	return m.piece.Times != nil && (args[0] == x && args[1] == y || args[0] == y && args[1] == x)
}

// assign writes the ops as the steps of the group's tail. A register is used again when
// its value is dead; the last result is in register 0.
func (f *fusion) assign(g *group, ops []tailOp) {
	head := &f.steps[g.members[0]]
	lastRead := map[ref]int{}
	for i, o := range ops {
		for _, r := range o.args {
			lastRead[r] = i
		}
	}
	t := &op.Epilogue{Registers: 1}
	register := map[ref]int{{0, g.slots[0]}: 0}
	for i, o := range ops {
		step := op.EpilogueStep{Piece: o.piece}
		for _, r := range o.args {
			a := op.Operand{Register: -1, Input: -1}
			if c := f.constOf(r); c != nil {
				t.Rank = head.rank()
				a.Const = constOperand(c, t.Rank)
			} else if reg, ok := register[r]; ok {
				a.Register = reg
			} else {
				a.Input = len(head.padded()) + len(g.extra)
				g.extra = append(g.extra, r)
			}
			step.Args = append(step.Args, a)
		}
		maps.DeleteFunc(register, func(r ref, _ int) bool { return lastRead[r] <= i })
		if i < len(ops)-1 {
			used := slices.Collect(maps.Values(register))
			for slices.Contains(used, step.Dst) {
				step.Dst++
			}
			register[ref{0, o.out}] = step.Dst
			t.Registers = max(t.Registers, step.Dst+1)
		}
		t.Steps = append(t.Steps, step)
	}
	t.Ready()
	g.tail = t
}

// dead reports whether none of the group's members after the k-th reads slot.
func (f *fusion) dead(g *group, slot, k int) bool {
	for _, m := range g.members[k+1:] {
		if slices.Contains(f.readers[slot], m) {
			return false
		}
	}
	return true
}

// fused is the one step that does the work of a group.
func (b *builder) fused(p *program, g *group) (*step, error) {
	head := &p.steps[g.members[0]]
	spec := *head.spec
	spec.Epilogue = g.tail
	kernel, err := op.Make(&spec)
	if err != nil {
		return nil, err
	}
	s := &step{node: head.node, row: head.row, in: append(head.padded(), g.extra...), min: head.min, label: head.label, spec: &spec, epilogue: g.tail}
	last := len(g.slots) - 1
	s.out = []int{g.slots[last]}
	var plain []step
	for _, m := range g.members {
		plain = append(plain, p.steps[m])
	}
	s.kernel = orPlain(kernel, plain)
	return s, nil
}

// orPlain is a kernel that does the work of several steps, and those steps where it
// does not fit the shapes of a run.
func orPlain(kernel op.Kernel, plain []step) op.Kernel {
	return func(x *op.Call) error {
		err := kernel(x)
		if errors.Is(err, op.ErrUnfit) {
			return runPlain(x, plain)
		}
		return err
	}
}

// padded is the step's inputs, with those that are left out at the end.
func (s *step) padded() []ref {
	in := slices.Clone(s.in)
	for len(in) < s.row.In.Max {
		in = append(in, noRef)
	}
	return in
}

// runPlain runs the steps of a group one after the other, where they do not
// fit the shapes of a run. What they make lies in its slots meanwhile.
func runPlain(x *op.Call, steps []step) error {
	f := x.Frame.(*frame)
	before := make([]*tensor.Tensor, len(steps))
	for i, s := range steps {
		before[i] = f.vals[s.out[0]]
	}
	defer func() {
		for i, s := range steps {
			f.vals[s.out[0]] = before[i]
		}
	}()
	x.Work = 0
	for i := range steps {
		s := &steps[i]
		c := *x
		c.Work = 0
		c.Node, c.In, c.Out = s.node, make([]*tensor.Tensor, len(s.in)), make([]*tensor.Tensor, len(s.out))
		if i < len(steps)-1 {
			c.Into = nil
		}
		for k, r := range s.in {
			if r == noRef {
				continue
			}
			if c.In[k] = f.at(r); c.In[k] == nil && k < s.min {
				return fmt.Errorf("node %v: %w", s.node, c.InputError(k, "has no value"))
			}
		}
		if err := s.kernel(&c); err != nil {
			return fmt.Errorf("node %v: %w", s.node, err)
		}
		f.vals[s.out[0]] = c.Out[0]
		x.Set(0, c.Out[0])
		x.Work += s.work(&c)
	}
	for _, s := range steps {
		if t := f.vals[s.out[0]]; t.Store().Root() != x.Out[0].Store().Root() {
			x.Env.Free(t)
		}
	}
	return nil
}
