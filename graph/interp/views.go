package interp

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
)

// viewLimit bounds the nodes that one step rearranges for.
const viewLimit = 12

// joinViews lets nodes that only rearrange their input (op.Op.View) read what nodes
// of that kind before them read, where nobody else reads what these make: elements
// are copied once.
func (b *builder) joinViews(p *program) {
	readers := p.readers()
	maker := map[int]int{} // by slot, of those that only such nodes read
	for i := range p.steps {
		s := &p.steps[i]
		if s.views == nil || s.out[0] < 0 || len(readers[s.out[0]]) == 0 {
			continue
		}
		others := slices.ContainsFunc(readers[s.out[0]], func(r int) bool {
			return r == elsewhere || p.steps[r].views == nil || p.steps[r].in[0] != ref{0, s.out[0]}
		})
		if !others {
			maker[s.out[0]] = i
		}
	}
	gone := make([]bool, len(p.steps))
	for i := range p.steps {
		s := &p.steps[i]
		if s.views == nil || s.in[0].up != 0 {
			continue
		}
		m, ok := maker[s.in[0].slot]
		if !ok || len(p.steps[m].views) == viewLimit {
			continue
		}
		first := &p.steps[m]
		gone[m] = true
		s.label = first.name() + "+" + s.name()
		s.views = append(slices.Clone(first.views), s.views...)
		s.in = []ref{first.in[0]}
		s.kernel = op.Views(s.views)
	}
	left := p.steps[:0]
	for i, s := range p.steps {
		if !gone[i] {
			left = append(left, s)
		}
	}
	p.steps = left
}
