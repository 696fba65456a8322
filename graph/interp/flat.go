package interp

import (
	"slices"
	"sync"

	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// flat is elementwise steps of a rowStep that run as one, on a piece of all their
// values after another, so that what passes between them stays in the first cache.
// The bits are those of the steps run one by one.
type flat struct {
	ops       []flatOp
	single    []bool // which inputs are one element; the others are full
	outs      int
	registers int
	scratch   sync.Pool // of *flatScratch
}

// flatOp is one step, or two as a chain. Values are numbered: inputs, then outputs,
// then registers.
type flatOp struct {
	piece *op.Piece
	chain *kernel.Chain // nil for one step
	dst   int
	args  []int
}

// flatPiece is how many elements a piece has: few enough for the registers of a
// loss with its gradient.
const flatPiece = 1024

// flatScratch is one core's registers, and where each value is at present.
type flatScratch struct {
	registers []float32
	vals      [][]float32
}

func (f *flat) run(x *op.Call) error {
	s, _ := f.scratch.Get().(*flatScratch)
	if s == nil {
		s = &flatScratch{make([]float32, f.registers*flatPiece), make([][]float32, len(f.single)+f.outs+f.registers)}
	}
	defer f.scratch.Put(s)
	whole := make([][]float32, len(f.single)+f.outs)
	var shape []int
	for i, t := range x.In {
		whole[i] = tensor.Data[float32](t)
		if !f.single[i] {
			shape = t.Shape
		}
	}
	n := product(shape)
	for i := range f.outs {
		t, err := x.New(i, tensor.Float32, shape...)
		if err != nil {
			return err
		}
		whole[len(f.single)+i] = tensor.Data[float32](t)
	}
	for lo := 0; lo < n; lo += flatPiece {
		hi := min(lo+flatPiece, n)
		for i, v := range whole {
			if s.vals[i] = v; i >= len(f.single) || !f.single[i] {
				s.vals[i] = v[lo:hi]
			}
		}
		for r := range f.registers {
			s.vals[len(whole)+r] = s.registers[r*flatPiece:][:hi-lo]
		}
		f.piece(s.vals)
	}
	clear(s.vals)
	return nil
}

func (f *flat) piece(vals [][]float32) {
	for i := range f.ops {
		o := &f.ops[i]
		dst, a := vals[o.dst], o.args[0]
		switch p := o.piece; {
		case o.chain != nil:
			var c []float32
			if len(o.args) > 2 {
				c = vals[o.args[2]]
			}
			o.chain.Run(dst, vals[a], vals[o.args[1]], c)
		case p.Map != nil:
			p.Map(dst, vals[a])
		case f.isSingle(a):
			p.Pair.SV(dst, vals[a][0], vals[o.args[1]])
		case f.isSingle(o.args[1]):
			p.Pair.VS(dst, vals[a], vals[o.args[1]][0])
		default:
			p.Pair.VV(dst, vals[a], vals[o.args[1]])
		}
	}
}

func (f *flat) isSingle(v int) bool { return v < len(f.single) && f.single[v] }

// operands is what the step's piece works on: further inputs are constants that it
// knows.
func (s *step) operands() []ref {
	if s.piece.Pair == nil {
		return s.in[:1]
	}
	return s.in[:2]
}

// flatten is the program with its flat steps joined: whatever else is ready comes
// first, then all flat steps that need no more. single has the slots of one element.
func (p *program) flatten(isFlat func(s *step) bool, single map[int]bool) *program {
	q := *p
	q.steps = nil
	turn := make([]int, len(p.slots)) // by slot: when it is made; flat steps have odd turns
	turns := make([]int, len(p.steps))
	var groups [][]step
	for i, s := range p.steps {
		t := 0
		for _, r := range s.in {
			t = max(t, turn[r.slot])
		}
		if isFlat(&s) != isOdd(t) {
			t++
		}
		for _, slot := range s.out {
			turn[slot] = t
		}
		for len(groups) <= t {
			groups = append(groups, nil)
		}
		turns[i], groups[t] = t, append(groups[t], s)
	}
	readers := p.readers()
	for t, group := range groups {
		if !isOdd(t) || len(group) == 1 {
			q.steps = append(q.steps, group...)
			continue
		}
		q.steps = append(q.steps, joinFlat(group, single, func(slot int) bool {
			return slices.ContainsFunc(readers[slot], func(r int) bool { return r == elsewhere || turns[r] != t })
		}))
	}
	for i := range q.steps {
		q.steps[i].drop = nil
	}
	q.lifetimes()
	return &q
}

func isOdd(n int) bool { return n%2 == 1 }

// joinFlat is a group of flat steps, in order, as one; beside reports whether a slot is an
// output, or read by a step that is not in the group.
func joinFlat(group []step, single map[int]bool, beside func(slot int) bool) step {
	f := &flat{}
	made := map[int]int{} // by slot: the step that makes it
	for i, s := range group {
		made[s.out[0]] = i
	}
	last := group[len(group)-1]
	joint := step{node: last.node, kernel: f.run, flat: f}
	number := map[int]int{} // of inputs and outputs, by slot
	for _, s := range group {
		for _, r := range s.operands() {
			if _, ok := made[r.slot]; ok {
				continue
			}
			if _, ok := number[r.slot]; ok {
				continue
			}
			number[r.slot] = len(joint.in)
			joint.in, f.single = append(joint.in, r), append(f.single, single[r.slot])
		}
	}
	for _, s := range group {
		if beside(s.out[0]) {
			number[s.out[0]] = len(joint.in) + len(joint.out)
			joint.out = append(joint.out, s.out[0])
		}
	}
	f.outs = len(joint.out)
	f.assign(chained(group, func(slot int) bool { _, leaves := number[slot]; return leaves }, single), number)
	return joint
}

// link is a flat step, or two of which one is read by the other alone.
type link struct {
	piece *op.Piece
	chain *kernel.Chain // nil for one step
	args  []ref
	out   int // slot; -1 where it is part of another
}

// chained is the steps of a group, with those in pairs that a loop can do at once.
func chained(group []step, leaves func(slot int) bool, single map[int]bool) []link {
	reads := map[int]int{} // by slot
	for _, s := range group {
		for _, r := range s.operands() {
			reads[r.slot]++
		}
	}
	var links []link
	made := map[int]int{} // by slot: the link of one step
	for _, s := range group {
		l := link{piece: s.piece, args: s.operands(), out: s.out[0]}
		for i, r := range l.args {
			k, ok := made[r.slot]
			if !ok || reads[r.slot] > 1 || leaves(r.slot) {
				continue
			}
			first, other := &links[k], slices.Delete(slices.Clone(l.args), i, i+1)
			if len(first.args) < 2 {
				continue
			}
			one := func(r ref) bool { return single[r.slot] }
			if l.chain = kernel.ChainOf(first.piece.Link, one(first.args[0]), one(first.args[1]), s.piece.Link, i == 0, slices.ContainsFunc(other, one)); l.chain != nil {
				l.args = append(slices.Clone(first.args), other...)
				first.out = -1
				break
			}
		}
		if l.chain == nil {
			made[l.out] = len(links)
		}
		links = append(links, l)
	}
	return slices.DeleteFunc(links, func(l link) bool { return l.out < 0 })
}

// assign writes the ops, with registers for what only they read.
func (f *flat) assign(links []link, number map[int]int) {
	first := len(f.single) + f.outs
	lastRead := map[int]int{} // by slot
	for i, l := range links {
		for _, r := range l.args {
			lastRead[r.slot] = i
		}
	}
	var free []int
	for i, l := range links {
		o := flatOp{piece: l.piece, chain: l.chain}
		for _, r := range l.args {
			v := number[r.slot]
			if v >= first && lastRead[r.slot] == i && !slices.Contains(o.args, v) {
				free = append(free, v)
			}
			o.args = append(o.args, v)
		}
		if _, ok := number[l.out]; !ok {
			if n := len(free); n > 0 {
				number[l.out], free = free[n-1], free[:n-1]
			} else {
				number[l.out] = first + f.registers
				f.registers++
			}
		}
		o.dst = number[l.out]
		f.ops = append(f.ops, o)
	}
}
