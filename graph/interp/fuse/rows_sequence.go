package fuse

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// sequence is elementwise steps of a tile that run as one, on a piece of all their
// values after another, so that what passes between them stays in the first cache.
// The bits are those of the steps run one by one.
type sequence struct {
	ops       []sequenceOp
	single    []bool // which inputs are one element; the others are full
	outs      int
	registers int
	scratch   sync.Pool // of *sequenceScratch
}

// sequenceOp is one step, or two in one loop. Values are numbered: inputs, then outputs,
// then registers.
type sequenceOp struct {
	piece *op.Piece
	loop  *kernel.Sequence // nil for one step
	dst   int
	args  []int
}

// sequencePiece is how many elements a piece has: few enough for the registers of a
// loss with its gradient.
const sequencePiece = 1024

// sequenceScratch is one core's registers, and where each value is at present.
type sequenceScratch struct {
	registers []float32
	vals      [][]float32
}

func (q *sequence) run(x *op.Call) error {
	s, _ := q.scratch.Get().(*sequenceScratch)
	if s == nil {
		s = &sequenceScratch{make([]float32, q.registers*sequencePiece), make([][]float32, len(q.single)+q.outs+q.registers)}
	}
	defer q.scratch.Put(s)
	whole := make([][]float32, len(q.single)+q.outs)
	var shape []int
	for i, t := range x.In {
		whole[i] = tensor.Data[float32](t)
		if !q.single[i] {
			shape = t.Shape
		}
	}
	n := tensor.Elements(shape)
	for i := range q.outs {
		t, err := x.New(i, tensor.Float32, shape...)
		if err != nil {
			return err
		}
		whole[len(q.single)+i] = tensor.Data[float32](t)
	}
	for lo := 0; lo < n; lo += sequencePiece {
		hi := min(lo+sequencePiece, n)
		for i, v := range whole {
			if s.vals[i] = v; i >= len(q.single) || !q.single[i] {
				s.vals[i] = v[lo:hi]
			}
		}
		for r := range q.registers {
			s.vals[len(whole)+r] = s.registers[r*sequencePiece:][:hi-lo]
		}
		q.piece(s.vals)
	}
	clear(s.vals)
	return nil
}

func (q *sequence) piece(vals [][]float32) {
	for i := range q.ops {
		o := &q.ops[i]
		dst, a := vals[o.dst], o.args[0]
		switch p := o.piece; {
		case o.loop != nil:
			var c []float32
			if len(o.args) > 2 {
				c = vals[o.args[2]]
			}
			o.loop.Run(dst, vals[a], vals[o.args[1]], c)
		case p.Map != nil:
			p.Map(dst, vals[a])
		case q.isSingle(a):
			p.Pair.SV(dst, vals[a][0], vals[o.args[1]])
		case q.isSingle(o.args[1]):
			p.Pair.VS(dst, vals[a], vals[o.args[1]][0])
		default:
			p.Pair.VV(dst, vals[a], vals[o.args[1]])
		}
	}
}

func (q *sequence) isSingle(v int) bool { return v < len(q.single) && q.single[v] }

// String says how many elementwise steps, and loops, the sequence is of.
func (q *sequence) String() string {
	pairs := 0
	for _, o := range q.ops {
		if o.loop != nil {
			pairs++
		}
	}
	return fmt.Sprintf("fused sequence of %d loops, %d of them of two steps, %d registers", len(q.ops), pairs, q.registers)
}

// flatStep is an elementwise step on full values, or on those of one element.
type flatStep struct {
	*plan.Step
	piece *op.Piece
}

func (s flatStep) operands() []plan.Ref { return operands(s.Step, s.piece) }

// tile is the program of a group, of the given full shape, for tiles: with its elementwise
// steps on full values in sequences. Whatever else is ready comes first, then all flat
// steps that need no more.
func (j *joiner) tile(whole *plan.Program, shape graph.Shape) *plan.Program {
	t := *whole
	t.Steps = nil
	single := map[int]bool{}              // slots of one element
	turn := make([]int, len(whole.Slots)) // by slot: when it is made; flat steps have odd turns
	turns := make([]int, len(whole.Steps))
	var groups [][]flatStep
	for i, old := range whole.Steps {
		step := *old
		s := flatStep{&step, j.pieceOf(old)}
		k := 0
		for _, r := range s.In {
			k = max(k, turn[r.Slot])
		}
		if j.isFlat(s, shape, single) != isOdd(k) {
			k++
		}
		for _, slot := range s.Out {
			turn[slot] = k
		}
		for len(groups) <= k {
			groups = append(groups, nil)
		}
		turns[i], groups[k] = k, append(groups[k], s)
	}
	readers := whole.Readers()
	for k, group := range groups {
		if isOdd(k) && len(group) > 1 {
			t.Steps = append(t.Steps, joinFlat(group, single, func(slot int) bool {
				return slices.ContainsFunc(readers[slot], func(r int) bool { return r == plan.Elsewhere || turns[r] != k })
			}))
			continue
		}
		for _, s := range group {
			t.Steps = append(t.Steps, s.Step)
		}
	}
	return &t
}

// isFlat reports whether a step is elementwise on float32 values of the full shape or of
// one element, which single is to have.
func (j *joiner) isFlat(s flatStep, shape graph.Shape, single map[int]bool) bool {
	if s.piece == nil || s.piece.Channel != nil || !slices.Equal(j.typeOf(s.Node.Output(0)).Shape, shape) {
		return false
	}
	for i, r := range s.operands() {
		t := j.typeOf(s.Node.Input(i))
		if t.DType != tensor.Float32 || !isSingle(t.Shape) && !slices.Equal(t.Shape, shape) {
			return false
		}
		single[r.Slot] = isSingle(t.Shape)
	}
	return !single[s.In[0].Slot] || len(s.operands()) == 2 && !single[s.In[1].Slot]
}

func isOdd(n int) bool { return n%2 == 1 }

// joinFlat is a group of flat steps, in order, as one; beside reports whether a slot is an
// output, or read by a step that is not in the group.
func joinFlat(group []flatStep, single map[int]bool, beside func(slot int) bool) *plan.Step {
	q := &sequence{}
	made := map[int]int{} // by slot: the step that makes it
	for i, s := range group {
		made[s.Out[0]] = i
	}
	last := group[len(group)-1]
	joint := &plan.Step{Node: last.Node, Kernel: q.run, Fused: q}
	number := map[int]int{} // of inputs and outputs, by slot
	for _, s := range group {
		for _, r := range s.operands() {
			if _, ok := made[r.Slot]; ok {
				continue
			}
			if _, ok := number[r.Slot]; ok {
				continue
			}
			number[r.Slot] = len(joint.In)
			joint.In, q.single = append(joint.In, r), append(q.single, single[r.Slot])
		}
	}
	for _, s := range group {
		if beside(s.Out[0]) {
			number[s.Out[0]] = len(joint.In) + len(joint.Out)
			joint.Out = append(joint.Out, s.Out[0])
		}
	}
	q.outs = len(joint.Out)
	q.assign(links(group, func(slot int) bool { _, leaves := number[slot]; return leaves }, single), number)
	return joint
}

// link is a flat step, or two of which one is read by the other alone.
type link struct {
	piece *op.Piece
	loop  *kernel.Sequence // nil for one step
	args  []plan.Ref
	out   int // slot; -1 where it is part of another
}

// links is the steps of a group, with those in pairs that a loop can do at once.
func links(group []flatStep, leaves func(slot int) bool, single map[int]bool) []link {
	reads := map[int]int{} // by slot
	for _, s := range group {
		for _, r := range s.operands() {
			reads[r.Slot]++
		}
	}
	var list []link
	made := map[int]int{} // by slot: the link of one step
	for _, s := range group {
		l := link{piece: s.piece, args: s.operands(), out: s.Out[0]}
		for i, r := range l.args {
			k, ok := made[r.Slot]
			if !ok || reads[r.Slot] > 1 || leaves(r.Slot) {
				continue
			}
			first, other := &list[k], slices.Delete(slices.Clone(l.args), i, i+1)
			if len(first.args) < 2 {
				continue
			}
			one := func(r plan.Ref) bool { return single[r.Slot] }
			if l.loop = kernel.SequenceOf(first.piece.Link, one(first.args[0]), one(first.args[1]), s.piece.Link, i == 0, slices.ContainsFunc(other, one)); l.loop != nil {
				l.args = append(slices.Clone(first.args), other...)
				first.out = -1
				break
			}
		}
		if l.loop == nil {
			made[l.out] = len(list)
		}
		list = append(list, l)
	}
	return slices.DeleteFunc(list, func(l link) bool { return l.out < 0 })
}

// assign writes the ops, with registers for what only they read.
func (q *sequence) assign(links []link, number map[int]int) {
	first := len(q.single) + q.outs
	lastRead := map[int]int{} // by slot
	for i, l := range links {
		for _, r := range l.args {
			lastRead[r.Slot] = i
		}
	}
	var free []int
	for i, l := range links {
		o := sequenceOp{piece: l.piece, loop: l.loop}
		for _, r := range l.args {
			v := number[r.Slot]
			if v >= first && lastRead[r.Slot] == i && !slices.Contains(o.args, v) {
				free = append(free, v)
			}
			o.args = append(o.args, v)
		}
		if _, ok := number[l.out]; !ok {
			if n := len(free); n > 0 {
				number[l.out], free = free[n-1], free[:n-1]
			} else {
				number[l.out] = first + q.registers
				q.registers++
			}
		}
		o.dst = number[l.out]
		q.ops = append(q.ops, o)
	}
}
