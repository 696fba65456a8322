package interp

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// joinRows makes one step of each set of steps that work on rows of one shape
// and read each other; see rowStep. A set never has a path between its steps
// that leaves it.
func (b *builder) joinRows(p *program) {
	j := b.newJoiner(p)
	for i := range p.steps {
		if b.ctx.Err() != nil {
			return
		}
		j.add(i)
	}
	j.order()
}

func (b *builder) newJoiner(p *program) *joiner {
	reads := p.reads()
	return &joiner{builder: b, prog: p, reads: reads, readers: p.readers(), group: make([]*rowGroup, len(reads)), search: newSearch(reads)}
}

// joiner is one joinRows under way.
type joiner struct {
	*builder
	prog    *program
	reads   [][]int     // by step: the steps that make what it reads
	readers [][]int     // by slot
	group   []*rowGroup // of each step; nil for none
	search  search
	done    []bool // which steps are in the new list
	steps   []step
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
	s := &j.prog.steps[i]
	if s.cut == op.NoCut || s.label != "" || len(s.out) != 1 || s.out[0] < 0 {
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

func (j *joiner) of(v *graph.Value) graph.Type { return j.facts.Of(v).Type }

// shape is the full shape that a step suggests: the longer of its input and
// output.
func (j *joiner) shape(s *step) graph.Shape {
	in, out := j.of(s.node.Input(0)).Shape, j.of(s.node.Output(0)).Shape
	if len(in) > len(out) || len(in) == len(out) && len(s.node.Inputs) == 1 {
		return in
	}
	return out
}

// lies tells whether what a step reads and makes lies along rows of the full
// shape, and goes together row by row: values without an axis for C only go with
// their like, element by element.
func (j *joiner) lies(s *step, shape graph.Shape) bool {
	if len(shape) < 2 {
		return false
	}
	for _, d := range shape {
		if !d.IsKnown() && d.Param == "" {
			return false
		}
	}
	out, ok := extentOf(j.of(s.node.Output(0)).Shape, shape)
	if !ok || !out.isCut() {
		return false
	}
	short, long := out == dropped, out != dropped
	for _, v := range s.node.Inputs {
		if v == nil {
			return false
		}
		e, ok := extentOf(j.of(v).Shape, shape)
		if !ok || e == dropped && s.cut == op.RowCut {
			return false
		}
		short = short || e == dropped
		long = long || e == full || e == column || e == row
	}
	return !short || !long || len(s.node.Inputs) == 1 || len(s.node.Inputs) == 2 && j.prog.constOf(s.in[1]) != nil && single(j.of(s.node.Input(1)).Shape)
}

// extentOf is how a value of shape v lies along the rows of full; not ok if it
// does not, or in two ways.
func extentOf(v, along graph.Shape) (e extent, ok bool) {
	if v == nil {
		return one, false
	}
	n, rows := len(v), along[:len(along)-1]
	c := along[len(along)-1]
	isRow := n > 0 && single(v[:n-1]) && v[n-1] == c
	switch {
	case slices.Equal(v, along):
		return full, true
	case n == len(along) && slices.Equal(v[:n-1], rows) && v[n-1] == graph.Known(1):
		return column, true
	case slices.Equal(v, rows):
		return dropped, !isRow && !single(v)
	case single(v):
		return one, true
	}
	return row, isRow
}

// single tells whether a shape is that of one element.
func single(s graph.Shape) bool {
	for _, d := range s {
		if d != graph.Known(1) {
			return false
		}
	}
	return true
}

// join is the steps of a group as one.
func (j *joiner) join(g *rowGroup) step {
	sub := &program{graph: j.prog.graph, slots: map[*graph.Value]int{}}
	r := &rowStep{prog: sub, rank: len(g.shape)}
	last := g.steps[len(g.steps)-1]
	s := step{node: j.prog.steps[last].node, kernel: r.run, rows: r}
	inner := map[ref]int{} // slots of sub
	for _, k := range g.steps {
		old := &j.prog.steps[k]
		made := step{node: old.node, row: old.row, kernel: old.kernel, min: old.min, piece: old.piece}
		for i, at := range old.in {
			slot, ok := inner[at]
			if !ok {
				v := old.node.Inputs[i]
				slot = sub.slot(v)
				inner[at] = slot
				s.in, r.in = append(s.in, at), append(r.in, j.rowInput(v, g.shape))
				sub.inputs = append(sub.inputs, slot)
			}
			made.in = append(made.in, ref{0, slot})
		}
		slot := sub.slot(old.node.Outputs[0])
		inner[ref{0, old.out[0]}] = slot
		made.out = []int{slot}
		sub.steps = append(sub.steps, made)
	}
	for _, k := range g.steps {
		old := &j.prog.steps[k]
		if v := old.node.Outputs[0]; j.readOutside(old.out[0], g) {
			e, _ := extentOf(j.of(v).Shape, g.shape)
			s.out, r.out = append(s.out, old.out[0]), append(r.out, e)
			sub.outputs = append(sub.outputs, ref{0, inner[ref{0, old.out[0]}]})
		}
	}
	sub.lifetimes()
	r.tiles = j.flatten(sub, g)
	s.label = g.label(j.prog)
	return s
}

// rowInput is what a rowStep is to know of v, which it reads.
func (j *joiner) rowInput(v *graph.Value, along graph.Shape) rowInput {
	t := j.of(v)
	e, _ := extentOf(t.Shape, along)
	return rowInput{e, len(t.Shape), j.dtype(t.DType)}
}

// flatten is the program of a group with its elementwise steps on full values joined.
func (j *joiner) flatten(sub *program, g *rowGroup) *program {
	if j.plan.opts.Double {
		return sub
	}
	alone := map[int]bool{} // slots of single elements
	isFlat := func(s *step) bool {
		if s.piece == nil || s.piece.Channel != nil || !slices.Equal(j.of(s.node.Output(0)).Shape, g.shape) {
			return false
		}
		for i, r := range s.operands() {
			t := j.of(s.node.Input(i))
			if t.DType != tensor.Float32 || !single(t.Shape) && !slices.Equal(t.Shape, g.shape) {
				return false
			}
			alone[r.slot] = single(t.Shape)
		}
		return !alone[s.in[0].slot] || len(s.operands()) == 2 && !alone[s.in[1].slot]
	}
	return sub.flatten(isFlat, alone)
}

// readOutside reports whether a slot is fetched, or read by a step that is not in
// g.
func (j *joiner) readOutside(slot int, g *rowGroup) bool {
	return slices.ContainsFunc(j.readers[slot], func(r int) bool { return r == elsewhere || j.group[r] != g })
}

// label names the first operators of a group, and how many more there are.
func (g *rowGroup) label(p *program) string {
	const named = 3
	text := ""
	for i, k := range g.steps {
		if i == named && len(g.steps) > named+1 {
			return fmt.Sprintf("%s+%d more", text, len(g.steps)-named)
		}
		if i > 0 {
			text += "+"
		}
		text += p.steps[k].node.Op
	}
	return text
}
