package interp

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// tailLimit bounds the operators that one node takes on.
const tailLimit = 12

// fuse lets nodes whose kernel takes a tail (convolutions) run the elementwise
// nodes after them on each piece of their output while it lies in cache. The
// bits of every number stay what they are: a tail does the same operations on
// the same rounded values. Which NaN it gives is open. A group of nodes is fused if, of all it makes, only
// the last value is read elsewhere.
func (b *builder) fuse(p *program) {
	if b.plan.opts.Double {
		return
	}
	f := fusion{program: p, readers: p.readers(), taken: make([]bool, len(p.steps))}
	at := map[int]step{} // by the place of a group's last node
	for i := len(p.steps) - 1; i >= 0; i-- {
		if b.ctx.Err() != nil {
			return
		}
		if f.taken[i] {
			continue
		}
		if g := f.group(i); g != nil {
			if s, err := b.fused(p, g); err == nil {
				at[g.members[len(g.members)-1]] = *s
				for _, m := range g.members {
					f.taken[m] = true
				}
			}
		}
	}
	var steps []step
	for i := range p.steps {
		if s, ok := at[i]; ok {
			steps = append(steps, s)
		} else if !f.taken[i] {
			steps = append(steps, p.steps[i])
		}
	}
	p.steps = steps
}

// elsewhere is the reader of values that leave the program's steps.
const elsewhere = -1

// readers is the steps that read each slot, ascending; outputs and subgraphs
// read elsewhere.
func (p *program) readers() [][]int {
	readers := make([][]int, len(p.slots))
	for i := range p.steps {
		for _, r := range p.steps[i].in {
			if r.up == 0 && r != noRef {
				readers[r.slot] = append(readers[r.slot], i)
			}
		}
		for _, v := range Captures(p.steps[i].node) {
			if slot, ok := p.slots[v]; ok {
				readers[slot] = append(readers[slot], elsewhere)
			}
		}
	}
	for _, r := range p.outputs {
		if r.up == 0 {
			readers[r.slot] = append(readers[r.slot], elsewhere)
		}
	}
	return readers
}

type fusion struct {
	*program
	readers [][]int
	taken   []bool
}

// group is a step, which makes slots[0], and the steps of its tail.
type group struct {
	members []int
	slots   []int // what the members make
	tail    *op.Epilogue
	extra   []ref // what the tail reads beside
}

// group grows the group of step i as far as it can be fused; nil if no node
// can follow.
func (f *fusion) group(i int) *group {
	s := &f.steps[i]
	if s.row == nil || !s.row.Epilogue || s.spec == nil || s.spec.Types[0].DType != tensor.Float32 || s.out[0] < 0 {
		return nil
	}
	g := &group{members: []int{i}, slots: []int{s.out[0]}}
	best := 1
	for len(g.members) < tailLimit {
		next := f.next(g)
		if next < 0 || !f.joins(g, next) {
			break
		}
		g.members = append(g.members, next)
		g.slots = append(g.slots, f.steps[next].out[0])
		if f.closed(g) {
			best = len(g.members)
		}
	}
	if best == 1 {
		return nil
	}
	g.members, g.slots = g.members[:best], g.slots[:best]
	f.makeTail(g)
	return g
}

// next is the first step beyond the group that reads of it; -1 if none does.
func (f *fusion) next(g *group) int {
	next := -1
	for _, slot := range g.slots {
		for _, r := range f.readers[slot] {
			if r != elsewhere && !slices.Contains(g.members, r) && (next < 0 || r < next) {
				next = r
			}
		}
	}
	return next
}

// closed reports whether only the group's last value is read elsewhere.
func (f *fusion) closed(g *group) bool {
	for _, slot := range g.slots[:len(g.slots)-1] {
		for _, r := range f.readers[slot] {
			if !slices.Contains(g.members, r) {
				return false
			}
		}
	}
	return true
}

// joins reports whether step i can be one of the group's tail.
func (f *fusion) joins(g *group, i int) bool {
	s := &f.steps[i]
	if f.taken[i] || s.piece == nil || len(s.out) == 0 || s.out[0] < 0 || i < g.members[len(g.members)-1] {
		return false
	}
	for _, o := range s.out[1:] {
		if o >= 0 {
			return false
		}
	}
	if s.piece.Pair == nil {
		return slices.Contains(g.slots, s.in[0].slot) && s.in[0].up == 0
	}
	rank := f.steps[g.members[0]].rank()
	for _, r := range s.in[:2] {
		if t := f.constOf(r); t != nil && constOperand(t, rank) == nil {
			return false
		}
	}
	return true
}

// rank is that of a convolution's output, by its weight; 0 if it is unknown.
func (s *step) rank() int {
	if t := s.spec.Const[1]; t != nil {
		return t.Rank()
	}
	return len(s.spec.Types[1].Shape)
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
