package fuse

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
)

var rows = Pass{
	Name: "rows", Why: "steps that work on rows of one shape run as a loop over tiles of rows, so that what passes between them stays in the cache",
	Before:  []Order{{"places", "the places of steps that are joined would be lost"}},
	program: joinRows,
}

// tileElems is how many elements of a full value one tile holds: few enough for
// a tile of every value alive at once to lie in a core's second cache, enough
// for the cost of a step to be that of its loop.
const tileElems = 1 << 14

// joinRows makes one step of each set of steps that work on rows (cutOf) of one shape
// and read each other; see plan.Tiles. Kernels of rows give the same bits however rows are
// cut. A set never has a path between its steps that leaves it.
func joinRows(f *Fusion) {
	j := newJoiner(f)
	for i := range f.Steps {
		if f.ctx.Err() != nil {
			return
		}
		j.add(i)
	}
	j.order()
}

func newJoiner(f *Fusion) *joiner {
	reads := f.Reads()
	return &joiner{Fusion: f, reads: reads, readers: f.Readers(), group: make([]*rowGroup, len(reads)), search: newSearch(reads)}
}

// joiner is one joinRows under way.
type joiner struct {
	*Fusion
	reads   [][]int     // by step: the steps that make what it reads
	readers [][]int     // by slot
	group   []*rowGroup // of each step; nil for none
	search  search
	done    []bool // which steps are in the new list
	steps   []*plan.Step
}

// rowGroup is steps that can be joined.
type rowGroup struct {
	shape       graph.Shape // full
	steps       []int       // ascending when all are there
	first, last int         // of them
	seen        int         // the last search that came by
}

// add puts a step with those that make its inputs, or into a group of its own.
func (j *joiner) add(i int) {
	s := j.Steps[i]
	if cutOf(s) == noCut || s.Label != "" || len(s.Out) != 1 || s.Out[0] < 0 {
		return
	}
	var g *rowGroup
	for _, k := range j.reads[i] {
		h := j.group[k]
		if h == nil || h == g || !j.lies(s, h.shape) {
			continue
		}
		switch {
		case g == nil && !j.rests([]int{i}, h):
			g = h
		case g != nil && slices.Equal(g.shape, h.shape) && !j.rests(g.steps, h) && !j.rests(h.steps, g) && !j.rests([]int{i}, h):
			g = j.merge(g, h)
		}
	}
	if g == nil {
		shape := j.shape(s)
		if !j.lies(s, shape) {
			return
		}
		g = &rowGroup{shape: shape, first: i}
	}
	g.steps, g.last = append(g.steps, i), i
	j.group[i] = g
}

// merge is the two groups as one.
func (j *joiner) merge(g, h *rowGroup) *rowGroup {
	if len(g.steps) < len(h.steps) {
		g, h = h, g
	}
	for _, k := range h.steps {
		j.group[k] = g
	}
	g.steps = append(g.steps, h.steps...)
	g.first, g.last = min(g.first, h.first), max(g.last, h.last)
	return g
}

// shape is the full shape that a step suggests: the longer of its input and
// output.
func (j *joiner) shape(s *plan.Step) graph.Shape {
	in, out := j.typeOf(s.Node.Input(0)).Shape, j.typeOf(s.Node.Output(0)).Shape
	if len(in) > len(out) || len(in) == len(out) && len(s.Node.Inputs) == 1 {
		return in
	}
	return out
}

// lies reports whether what a step reads and makes lies along rows of the full
// shape, and goes together row by row: values without an axis for C only go with
// their like, element by element.
func (j *joiner) lies(s *plan.Step, shape graph.Shape) bool {
	if len(shape) < 2 {
		return false
	}
	for _, d := range shape {
		if !d.IsKnown() && d.Param == "" {
			return false
		}
	}
	by := cutOf(s)
	out, ok := extentOf(j.typeOf(s.Node.Output(0)).Shape, shape)
	if !ok || !out.IsCut() {
		return false
	}
	short, long := out == plan.Dropped, out != plan.Dropped
	for _, v := range s.Node.Inputs {
		if v == nil {
			return false
		}
		e, ok := extentOf(j.typeOf(v).Shape, shape)
		if !ok || e == plan.Dropped && by == rowCut {
			return false
		}
		short = short || e == plan.Dropped
		long = long || e == plan.Full || e == plan.Column || e == plan.Row
	}
	return !short || !long || len(s.Node.Inputs) == 1 || len(s.Node.Inputs) == 2 && j.ConstTensor(s.In[1]) != nil && isSingle(j.typeOf(s.Node.Input(1)).Shape)
}

// extentOf is how a value of shape v lies along the rows of full; not ok if it
// does not, or in two ways.
func extentOf(v, along graph.Shape) (e plan.Extent, ok bool) {
	if v == nil {
		return plan.One, false
	}
	n, rows := len(v), along[:len(along)-1]
	c := along[len(along)-1]
	isRow := n > 0 && isSingle(v[:n-1]) && v[n-1] == c
	switch {
	case slices.Equal(v, along):
		return plan.Full, true
	case n == len(along) && slices.Equal(v[:n-1], rows) && v[n-1] == graph.Known(1):
		return plan.Column, true
	case slices.Equal(v, rows):
		return plan.Dropped, !isRow && !isSingle(v)
	case isSingle(v):
		return plan.One, true
	}
	return plan.Row, isRow
}

// isSingle reports whether a shape is that of one element.
func isSingle(s graph.Shape) bool {
	for _, d := range s {
		if d != graph.Known(1) {
			return false
		}
	}
	return true
}

// join is the steps of a group as one.
func (j *joiner) join(g *rowGroup) *plan.Step {
	whole := &plan.Program{Graph: j.Graph, Slots: map[*graph.Value]int{}}
	t := &plan.Tiles{Whole: whole, Rank: len(g.shape), Elems: tileElems}
	s := &plan.Step{Node: j.Steps[g.steps[len(g.steps)-1]].Node, Tiles: t, Label: j.label(g)}
	inner := map[plan.Ref]int{} // slots of whole
	for _, k := range g.steps {
		old := j.Steps[k]
		made := &plan.Step{Node: old.Node, Op: old.Op, Kernel: old.Kernel, Min: old.Min, Spec: old.Spec}
		for i, at := range old.In {
			slot, ok := inner[at]
			if !ok {
				v := old.Node.Inputs[i]
				slot = whole.SlotOf(v)
				inner[at] = slot
				s.In, t.In = append(s.In, at), append(t.In, j.tileInput(v, g.shape))
				whole.Inputs = append(whole.Inputs, slot)
			}
			made.In = append(made.In, plan.Ref{Slot: slot})
		}
		slot := whole.SlotOf(old.Node.Outputs[0])
		inner[plan.Ref{Slot: old.Out[0]}] = slot
		made.Out = []int{slot}
		whole.Steps = append(whole.Steps, made)
	}
	for _, k := range g.steps {
		old := j.Steps[k]
		if v := old.Node.Outputs[0]; j.readOutside(old.Out[0], g) {
			e, _ := extentOf(j.typeOf(v).Shape, g.shape)
			s.Out, t.Out = append(s.Out, old.Out[0]), append(t.Out, e)
			whole.Outputs = append(whole.Outputs, plan.Ref{Slot: inner[plan.Ref{Slot: old.Out[0]}]})
		}
	}
	t.Tile = j.tile(whole, g.shape)
	for _, p := range []*plan.Program{t.Whole, t.Tile} {
		p.Lifetimes()
		for _, s := range p.Steps {
			s.Spec = nil
		}
	}
	return s
}

// tileInput is what a loop over tiles is to know of v, which it reads.
func (j *joiner) tileInput(v *graph.Value, along graph.Shape) plan.TileInput {
	t := j.typeOf(v)
	e, _ := extentOf(t.Shape, along)
	return plan.TileInput{Extent: e, Rank: len(t.Shape), DType: j.dtype(t.DType)}
}

// readOutside reports whether a slot is fetched, or read by a step that is not in
// g.
func (j *joiner) readOutside(slot int, g *rowGroup) bool {
	return slices.ContainsFunc(j.readers[slot], func(r int) bool { return r == plan.Elsewhere || j.group[r] != g })
}

// label names the first operators of a group, and how many more there are.
func (j *joiner) label(g *rowGroup) string {
	const named = 3
	text := ""
	for i, k := range g.steps {
		if i == named && len(g.steps) > named+1 {
			return fmt.Sprintf("%s+%d more", text, len(g.steps)-named)
		}
		if i > 0 {
			text += "+"
		}
		text += j.Steps[k].Node.Op
	}
	return text
}
