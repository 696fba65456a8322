package interp

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph/op"
)

// chainLimit bounds the convolutions of one step.
const chainLimit = 8

// chain makes one step of convolutions each of which is the only reader of what the one
// before it makes, or has one by itself run so, where that pays (op.MakeConvStripes).
func (b *builder) chain(p *program) {
	if b.plan.opts.Double {
		return
	}
	readers := p.readers()
	next := func(i int) int {
		s := &p.steps[i]
		if len(s.out) != 1 || s.out[0] < 0 || len(readers[s.out[0]]) != 1 {
			return elsewhere
		}
		j := readers[s.out[0]][0]
		if j == elsewhere || !isConv(&p.steps[j]) || p.steps[j].in[0] != (ref{0, s.out[0]}) {
			return elsewhere
		}
		return j
	}
	in := make([]bool, len(p.steps)) // those of chains but the last
	for i := range p.steps {
		if b.ctx.Err() != nil {
			return
		}
		if in[i] || !isConv(&p.steps[i]) {
			continue
		}
		members := []int{i}
		for j := next(i); j != elsewhere && len(members) < chainLimit; j = next(j) {
			members = append(members, j)
		}
		for len(members) > 0 && !b.chained(p, members) {
			members = members[:len(members)-1]
		}
		for _, m := range members[:max(0, len(members)-1)] {
			in[m] = true
		}
	}
	var steps []step
	for i, s := range p.steps {
		if !in[i] {
			steps = append(steps, s)
		}
	}
	p.steps = steps
}

func isConv(s *step) bool { return s.spec != nil && s.is("Conv") }

// chained makes the last of the members do the work of all, if it can.
func (b *builder) chained(p *program, members []int) bool {
	var specs []*op.Spec
	var plain []step
	var in []ref
	var labels []string
	for k, m := range members {
		s := p.steps[m]
		specs, plain, labels = append(specs, s.spec), append(plain, s), append(labels, s.name())
		in = append(in, s.padded()[min(k, 1):]...)
	}
	kernel, err := op.MakeConvStripes(specs)
	if kernel == nil || err != nil {
		return false
	}
	s := &p.steps[members[len(members)-1]]
	s.kernel, s.in, s.min, s.label, s.spec = orPlain(kernel, plain), in, plain[0].min, strings.Join(labels, "+"), nil
	return true
}
