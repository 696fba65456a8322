package fuse

import (
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

var epilogues = Pass{
	Name: "epilogues", Why: "convolutions run the elementwise nodes after them on each piece of their output while it lies in the cache",
	Before: []Order{
		{"conv-stripes", "convolutions run by stripes of rows with their epilogues"},
		{"rows", "a node that could be in an epilogue would be in a loop over rows, with memory between"},
	},
	program: addEpilogues,
}

// epilogueLimit bounds the operators that one node takes on.
const epilogueLimit = 12

// addEpilogues fuses a convolution and elementwise nodes if, of all that they make, only
// the last value is read elsewhere. An epilogue does the same operations on the same
// rounded values as its nodes.
func addEpilogues(f *Fusion) {
	if f.double {
		return
	}
	e := epilogueFusion{Fusion: f, readers: f.Readers(), taken: make([]bool, len(f.Steps)), pieces: make([]*op.Piece, len(f.Steps))}
	for i, s := range f.Steps {
		e.pieces[i] = f.pieceOf(s)
	}
	at := map[int]*plan.Step{} // by the place of a group's last node
	for i := len(f.Steps) - 1; i >= 0; i-- {
		if f.ctx.Err() != nil {
			return
		}
		if e.taken[i] {
			continue
		}
		if g := e.group(i); g != nil {
			if s, err := e.fused(g); err == nil {
				at[g.members[len(g.members)-1]] = s
				for _, m := range g.members {
					e.taken[m] = true
				}
			}
		}
	}
	for i, s := range at {
		f.Steps[i] = s
	}
	f.Remove(func(i int) bool { return e.taken[i] && at[i] == nil })
}

// epilogueFusion is addEpilogues under way.
type epilogueFusion struct {
	*Fusion
	readers [][]int
	pieces  []*op.Piece // of the steps
	taken   []bool      // which steps are in a group
}

// epilogueGroup is a convolution, which makes slots[0], and the steps of its epilogue.
type epilogueGroup struct {
	members  []int
	slots    []int // what the members make
	epilogue *op.Epilogue
	extra    []plan.Ref // what the epilogue reads beside
}

// group grows the group of step i as far as it can be fused; nil if no node
// can follow.
func (e *epilogueFusion) group(i int) *epilogueGroup {
	s := e.Steps[i]
	if !isConv(s) || s.Spec.Types[0].DType != tensor.Float32 || s.Out[0] < 0 {
		return nil
	}
	g := &epilogueGroup{members: []int{i}, slots: []int{s.Out[0]}}
	best := 1
	for len(g.members) < epilogueLimit {
		next := e.next(g)
		if next < 0 || !e.joins(g, next) {
			break
		}
		g.members = append(g.members, next)
		g.slots = append(g.slots, e.Steps[next].Out[0])
		if e.closed(g) {
			best = len(g.members)
		}
	}
	if best == 1 {
		return nil
	}
	g.members, g.slots = g.members[:best], g.slots[:best]
	e.write(g)
	return g
}

// next is the first step beyond the group that reads of it; -1 if none does.
func (e *epilogueFusion) next(g *epilogueGroup) int {
	next := -1
	for _, slot := range g.slots {
		for _, r := range e.readers[slot] {
			if r != plan.Elsewhere && !slices.Contains(g.members, r) && (next < 0 || r < next) {
				next = r
			}
		}
	}
	return next
}

// closed reports whether only the group's last value is read elsewhere.
func (e *epilogueFusion) closed(g *epilogueGroup) bool {
	for _, slot := range g.slots[:len(g.slots)-1] {
		for _, r := range e.readers[slot] {
			if !slices.Contains(g.members, r) {
				return false
			}
		}
	}
	return true
}

// joins reports whether step i can be one of the group's epilogue.
func (e *epilogueFusion) joins(g *epilogueGroup, i int) bool {
	s := e.Steps[i]
	if e.taken[i] || e.pieces[i] == nil || len(s.Out) == 0 || s.Out[0] < 0 || i < g.members[len(g.members)-1] {
		return false
	}
	for _, o := range s.Out[1:] {
		if o >= 0 {
			return false
		}
	}
	if e.pieces[i].Pair == nil {
		return slices.Contains(g.slots, s.In[0].Slot) && s.In[0].Up == 0
	}
	rank := convRank(e.Steps[g.members[0]])
	for _, r := range s.In[:2] {
		if t := e.ConstTensor(r); t != nil && constOperand(t, rank) == nil {
			return false
		}
	}
	return true
}

// convRank is that of a convolution's output, by its weight; 0 if it is unknown.
func convRank(s *plan.Step) int {
	if t := s.Spec.Const[1]; t != nil {
		return t.Rank()
	}
	return len(s.Spec.Types[1].Shape)
}

// constOperand is a constant as an operand of pieces of a tensor of the given
// rank: one element or one for each channel; nil where it is neither.
func constOperand(t *tensor.Tensor, rank int) []float32 {
	if t.DType != tensor.Float32 || t.IsSequence() || t.Rank() > rank || t.Len() == 0 {
		return nil
	}
	for i, n := range t.Shape {
		if n != 1 && i != t.Rank()-(rank-1) {
			return nil
		}
	}
	return tensor.Data[float32](t)
}

// epilogueOp is what one member of a group does, or two of which the second multiplies
// what the first is of by what it makes (op.Piece.Times).
type epilogueOp struct {
	name  string
	piece *op.Piece
	args  []plan.Ref
	out   int // slot
}

// write makes the group's epilogue.
func (e *epilogueFusion) write(g *epilogueGroup) {
	var ops []epilogueOp
	for k := 1; k < len(g.members); k++ {
		s, piece := e.Steps[g.members[k]], e.pieces[g.members[k]]
		o := epilogueOp{s.Op.Name, piece, operands(s, piece), s.Out[0]}
		if n := len(ops); n > 0 && s.Is("Mul") && e.dead(g, ops[n-1].out, k) && ops[n-1].isFactor(o.args) {
			m := &ops[n-1]
			m.name, m.piece, m.out = "x·"+m.name, &op.Piece{Map: m.piece.Times, Act: m.piece.TimesAct}, o.out
			continue
		}
		ops = append(ops, o)
	}
	e.assign(g, ops)
}

// isFactor reports whether args are what o is of and what it makes.
func (o *epilogueOp) isFactor(args []plan.Ref) bool {
	x, y := o.args[0], plan.Ref{Slot: o.out}
	return o.piece.Times != nil && (args[0] == x && args[1] == y || args[0] == y && args[1] == x)
}

// assign writes the ops as the steps of the group's epilogue. A register is used again
// when its value is dead; the last result is in register 0.
func (e *epilogueFusion) assign(g *epilogueGroup, ops []epilogueOp) {
	conv := e.Steps[g.members[0]]
	lastRead := map[plan.Ref]int{}
	for i, o := range ops {
		for _, r := range o.args {
			lastRead[r] = i
		}
	}
	t := &op.Epilogue{Registers: 1}
	register := map[plan.Ref]int{{Slot: g.slots[0]}: 0}
	for i, o := range ops {
		step := op.EpilogueStep{Name: o.name, Piece: o.piece}
		for _, r := range o.args {
			a := op.Operand{Register: -1, Input: -1}
			if c := e.ConstTensor(r); c != nil {
				t.Rank = convRank(conv)
				a.Const = constOperand(c, t.Rank)
			} else if reg, ok := register[r]; ok {
				a.Register = reg
			} else {
				a.Input = len(conv.Padded()) + len(g.extra)
				g.extra = append(g.extra, r)
			}
			step.Args = append(step.Args, a)
		}
		maps.DeleteFunc(register, func(r plan.Ref, _ int) bool { return lastRead[r] <= i })
		if i < len(ops)-1 {
			used := slices.Collect(maps.Values(register))
			for slices.Contains(used, step.Dst) {
				step.Dst++
			}
			register[plan.Ref{Slot: o.out}] = step.Dst
			t.Registers = max(t.Registers, step.Dst+1)
		}
		t.Steps = append(t.Steps, step)
	}
	t.Ready()
	g.epilogue = t
}

// dead reports whether none of the group's members after the k-th reads slot.
func (e *epilogueFusion) dead(g *epilogueGroup, slot, k int) bool {
	for _, m := range g.members[k+1:] {
		if slices.Contains(e.readers[slot], m) {
			return false
		}
	}
	return true
}

// fused is the one step that does the work of a group.
func (e *epilogueFusion) fused(g *epilogueGroup) (*plan.Step, error) {
	first := e.Steps[g.members[0]]
	conv := convOf(first)
	conv.Epilogue = g.epilogue
	kernel, err := op.MakeConv(conv)
	if err != nil {
		return nil, err
	}
	s := &plan.Step{
		Node: first.Node, Op: first.Op, Kernel: kernel, Min: first.Min, Label: first.Label, Spec: first.Spec,
		In: append(first.Padded(), g.extra...), Out: []int{g.slots[len(g.slots)-1]},
		Fused: &fusedConv{conv.Epilogue, conv.SpaceToDepth},
	}
	for _, m := range g.members {
		s.Plain = append(s.Plain, *e.Steps[m])
	}
	return s, nil
}
