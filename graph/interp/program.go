package interp

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// program is a planned graph.
type program struct {
	graph  *graph.Graph
	outer  *program
	slots  map[*graph.Value]int
	consts []constant // by ascending slot
	// defaults are initializers that a caller may override by feeding them.
	defaults []constant
	inputs   []int // slots, in the order of graph.Inputs (or Feeds)
	feeds    []*graph.Value
	fed      map[*graph.Value]bool // feeds
	steps    []step
	makers   map[int]int // by slot: the step that makes it, as long as steps are added
	spare    []int       // steps that may be left out if no other reads them
	joins    int         // how many steps have a join
	outputs  []ref
	names    []string
	// unread counts the steps yet to be planned that read a value, and other
	// readers, of which nobody knows what they need.
	unread map[*graph.Value]int
}

// ref is a slot of the frame that lies up levels outwards.
type ref struct{ up, slot int }

var noRef = ref{-1, -1}

type step struct {
	node     *graph.Node
	row      *op.Op // of the node; nil where a model-local function bears the operator's name
	kernel   op.Kernel
	in       []ref
	out      []int    // -1 where the output is not wanted
	drop     []int    // slots of this frame that nobody reads after the step
	min      int      // how many of the inputs must have a value
	leaves   bool     // an output is the program's
	places   []*place // of the outputs; nil where there are none
	join     *join    // that the step is; nil if none of its inputs has a place in it
	piece    *op.Piece
	cut      op.Cut    // where what it reads can be cut
	views    []op.View // what the kernel does, where it only rearranges input 0
	spec     *op.Spec  // until the program is planned
	label    string
	rows     *rowStep     // what the kernel runs, where that is steps; errors then name their node
	epilogue *op.Epilogue // what it runs on each piece of its output
	flat     *flat        // what it runs on each piece of all values
}

// name is what a profile calls the step: its label, where it stands for several
// nodes ("Conv+Relu"), else the operator.
func (s *step) name() string {
	if s.label != "" {
		return s.label
	}
	return s.node.Op
}

// is reports whether the step's node is one of ONNX's operator of that name.
func (s *step) is(name string) bool { return s.row != nil && s.row.Name == name && s.row.Domain == "" }

func (p *program) slot(v *graph.Value) int {
	s, ok := p.slots[v]
	if !ok {
		s = len(p.slots)
		p.slots[v] = s
	}
	return s
}

// find is where v lies as seen from p.
func (p *program) find(v *graph.Value) (ref, error) {
	up := 0
	for q := p; q != nil; q = q.outer {
		if s, ok := q.slots[v]; ok {
			return ref{up, s}, nil
		}
		up++
	}
	return noRef, fmt.Errorf("value %q is neither fed nor made", v.Name)
}

// constOf is the tensor behind a ref, if it is known at plan time.
func (p *program) constOf(r ref) *tensor.Tensor {
	if c := p.constAt(r); c != nil {
		return c.t
	}
	return nil
}

func (p *program) constAt(r ref) *constant {
	for range max(r.up, 0) {
		p = p.outer
	}
	i, ok := slices.BinarySearchFunc(p.consts, r.slot, func(c constant, s int) int { return c.slot - s })
	if !ok {
		return nil
	}
	return &p.consts[i]
}

// lifetimes notes after which step each slot is read for the last time.
func (p *program) lifetimes() {
	leaves := p.leaves()
	last := make([]int, len(p.slots))
	for i := range last {
		last[i] = -1
	}
	for i, s := range p.steps {
		p.steps[i].leaves = slices.ContainsFunc(s.out, leaves)
		for _, o := range s.out {
			if o >= 0 {
				last[o] = i
			}
		}
		for _, r := range s.in {
			if r.up == 0 {
				last[r.slot] = i
			}
		}
		for _, v := range Captures(s.node) {
			if slot, ok := p.slots[v]; ok {
				last[slot] = i
			}
		}
	}
	keep := map[int]bool{}
	for _, r := range p.outputs {
		if r.up == 0 {
			keep[r.slot] = true
		}
	}
	for _, c := range p.consts {
		keep[c.slot] = true
	}
	for slot, i := range last {
		if i >= 0 && !keep[slot] {
			p.steps[i].drop = append(p.steps[i].drop, slot)
		}
	}
}
