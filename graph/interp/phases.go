package interp

import (
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// anySize stands for a length that is not known; it has many divisors.
const anySize = 55440

// phased lets a convolution read the tensor whose parts, joined, are its input
// (op.SpaceToDepth). It adds in another order then.
func (b *builder) phased(p *program, s *step) {
	if b.plan.opts.Unfused || !s.is("Conv") {
		return
	}
	weight := s.spec.Const[1]
	if weight == nil || weight.Rank() < 3 {
		return
	}
	join, ok := p.maker(s.in[0])
	if !ok {
		return
	}
	joined := &p.steps[join]
	row := joined.row
	if row == nil || row.Joins == nil || weight.Shape[1]%len(joined.in) != 0 {
		return
	}
	if axis, ok := row.Joins(joined.node, weight.Rank()); !ok || axis != 1 {
		return
	}
	var parts [][]op.View
	var source *graph.Value
	before := map[int]bool{join: true} // steps that make the input
	from := noRef
	for i, r := range joined.in {
		var views []op.View
		v := joined.node.Inputs[i]
		for {
			m, ok := p.maker(r)
			if !ok || p.steps[m].views == nil {
				break
			}
			before[m] = true
			views = slices.Concat(p.steps[m].views, views)
			r, v = p.steps[m].in[0], p.steps[m].node.Inputs[0]
		}
		if r == noRef || i > 0 && r != from {
			return
		}
		from, source, parts = r, v, append(parts, views)
	}
	shape := slices.Repeat([]int{anySize}, weight.Rank())
	shape[1] = weight.Shape[1] / len(parts)
	t := b.facts.Of(source).Type
	for i, d := range t.Shape {
		if len(t.Shape) == len(shape) && d.IsKnown() {
			shape[i] = int(d.Value)
		}
	}
	spec := *s.spec
	spec.Types = slices.Clone(spec.Types)
	spec.Types[0] = t
	if spec.SpaceToDepth = op.NewSpaceToDepth(parts, shape); spec.SpaceToDepth == nil {
		return
	}
	kernel, err := op.Make(&spec)
	if err != nil {
		return
	}
	var plain []step
	for _, i := range slices.Sorted(maps.Keys(before)) {
		plain = append(plain, p.steps[i])
		p.spare = append(p.spare, i)
	}
	plain = append(plain, *s)
	s.spec, s.label = &spec, "Slice+Concat+Conv"
	s.in = append([]ref{from}, s.in[1:]...)
	s.kernel = orPlain(kernel, plain)
}

// maker is the step that makes what lies at r.
func (p *program) maker(r ref) (int, bool) {
	if r == noRef || r.up > 0 {
		return 0, false
	}
	i, ok := p.makers[r.slot]
	return i, ok
}

// dropSpare drops those of the spare steps that no step reads.
func (p *program) dropSpare() {
	if p.spare == nil {
		return
	}
	readers := p.readers()
	gone := map[int]bool{}
	slices.Sort(p.spare)
	for _, i := range slices.Backward(slices.Compact(p.spare)) {
		gone[i] = !slices.ContainsFunc(p.steps[i].out, func(o int) bool {
			return o >= 0 && slices.ContainsFunc(readers[o], func(r int) bool { return !gone[r] })
		})
	}
	left := p.steps[:0]
	for i, s := range p.steps {
		if !gone[i] {
			left = append(left, s)
		}
	}
	p.steps = left
}
