package plan

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Program is a planned graph.
type Program struct {
	Graph *graph.Graph
	Outer *Program
	Slots map[*graph.Value]int
	// Consts are values that are known before the run, by ascending slot.
	Consts []Const
	// Defaults are initializers that a caller may override by feeding them.
	Defaults []Const
	Inputs   []int // slots, in the order in which values are fed
	Steps    []*Step
	Outputs  []Ref
	Joins    int // how many steps have a Join
}

// Const is a value that is known before the run. Its elements are loaded when the first
// step that wants them is planned, and dropped behind the last, where all kernels hold
// them in an order of their own.
type Const struct {
	Slot  int
	T     *tensor.Tensor // nil until it is loaded
	Value *graph.Value
}

// Ref is a slot of the frame that lies Up levels outwards.
type Ref struct{ Up, Slot int }

// NoRef stands for an input that is left out.
var NoRef = Ref{-1, -1}

// SlotOf is the slot of v, made if it has none yet.
func (p *Program) SlotOf(v *graph.Value) int {
	s, ok := p.Slots[v]
	if !ok {
		s = len(p.Slots)
		p.Slots[v] = s
	}
	return s
}

// Find is where v lies as seen from p.
func (p *Program) Find(v *graph.Value) (Ref, error) {
	up := 0
	for q := p; q != nil; q = q.Outer {
		if s, ok := q.Slots[v]; ok {
			return Ref{up, s}, nil
		}
		up++
	}
	return NoRef, fmt.Errorf("value %q is neither fed nor made", v.Name)
}

// Const is the constant at r; nil if there is none. It is valid until constants are
// added.
func (p *Program) Const(r Ref) *Const {
	for range max(r.Up, 0) {
		p = p.Outer
	}
	i, ok := slices.BinarySearchFunc(p.Consts, r.Slot, func(c Const, s int) int { return c.Slot - s })
	if !ok {
		return nil
	}
	return &p.Consts[i]
}

// ConstTensor is the tensor at r; nil if it is not known before the run.
func (p *Program) ConstTensor(r Ref) *tensor.Tensor {
	if c := p.Const(r); c != nil {
		return c.T
	}
	return nil
}

// Leaves returns what reports whether a slot is an output of the program.
func (p *Program) Leaves() func(slot int) bool {
	outputs := map[int]bool{}
	for _, r := range p.Outputs {
		outputs[r.Slot] = outputs[r.Slot] || r.Up == 0
	}
	return func(slot int) bool { return outputs[slot] }
}

// Remove drops the steps that gone reports, by their index.
func (p *Program) Remove(gone func(i int) bool) {
	left := p.Steps[:0]
	for i, s := range p.Steps {
		if !gone(i) {
			left = append(left, s)
		}
	}
	clear(p.Steps[len(left):])
	p.Steps = left
}
