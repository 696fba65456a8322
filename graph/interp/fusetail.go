package interp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// makeTail writes the group's tail. Registers are reused when their value is
// dead; the last result is in register 0.
func (f *fusion) makeTail(g *group) {
	head := &f.steps[g.members[0]]
	t := &op.Tail{Registers: 1}
	register := map[int]int{g.slots[0]: 0} // by slot
	for k := 1; k < len(g.members); k++ {
		s := &f.steps[g.members[k]]
		var args []op.Operand
		operands := s.in[:1]
		if s.piece.Pair != nil {
			operands = s.in[:2]
		}
		for _, r := range operands {
			a := op.Operand{Register: -1, Input: -1}
			if c := f.constOf(r); c != nil {
				a.Const = constOperand(c, head.rank())
			} else if reg, ok := register[r.slot]; ok && r.up == 0 {
				a.Register = reg
			} else {
				a.Input = len(head.padded()) + len(g.extra)
				g.extra = append(g.extra, r)
			}
			args = append(args, a)
		}
		for slot := range register {
			if f.dead(g, slot, k) {
				delete(register, slot)
			}
		}
		dst := 0
		if k < len(g.members)-1 {
			for slices.Contains(registersOf(register), dst) {
				dst++
			}
			register[g.slots[k]] = dst
			t.Registers = max(t.Registers, dst+1)
		}
		step := op.TailStep{Piece: s.piece, Dst: dst, Args: args}
		if last := len(t.Steps) - 1; last >= 0 && s.node.Op == "Mul" && s.node.Domain == "" && f.dead(g, g.slots[k-1], k) && isProduct(&t.Steps[last], args) {
			step.Piece, step.Args = &op.Piece{Map: t.Steps[last].Piece.Times, Act: t.Steps[last].Piece.TimesAct}, t.Steps[last].Args
			t.Steps = t.Steps[:last]
		}
		t.Steps = append(t.Steps, step)
	}
	t.Ready()
	g.tail = t
}

// isProduct reports whether args are what a map is of and what it makes, so that
// Piece.Times does both.
func isProduct(m *op.TailStep, args []op.Operand) bool {
	if m.Piece.Times == nil {
		return false
	}
	of := func(x, y op.Operand) bool {
		return x.Const == nil && x.Input == m.Args[0].Input && x.Register == m.Args[0].Register && y.Input < 0 && y.Const == nil && y.Register == m.Dst
	}
	return of(args[0], args[1]) || of(args[1], args[0])
}

func registersOf(m map[int]int) []int {
	var list []int
	for _, r := range m {
		list = append(list, r)
	}
	return list
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
	spec.Tail = g.tail
	kernel, err := op.Make(&spec)
	if err != nil {
		return nil, err
	}
	s := &step{node: head.node, in: append(head.padded(), g.extra...), min: head.min, label: head.label, spec: &spec}
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
	for len(in) < op.Lookup(s.node.Domain, s.node.Op).In.Max {
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
			if r != noRef {
				c.In[k] = f.at(r)
			}
		}
		if err := s.kernel(&c); err != nil {
			return fmt.Errorf("node %v: %w", s.node, err)
		}
		f.vals[s.out[0]] = c.Out[0]
		x.Set(0, c.Out[0])
		x.Work += work(&c)
	}
	for _, s := range steps {
		if t := f.vals[s.out[0]]; t.Store().Root() != x.Out[0].Store().Root() {
			x.Env.Free(t)
		}
	}
	return nil
}
