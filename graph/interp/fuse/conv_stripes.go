package fuse

import (
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
)

var convStripes = Pass{
	Name: "conv-stripes", Why: "convolutions that follow each other run by stripes of rows, so that what passes between them stays in the cache",
	After:   []Order{{"epilogues", "an activation between two of them would keep them apart"}},
	program: joinConvs,
}

// stripesLimit bounds the convolutions of one step.
const stripesLimit = 8

// stripes is convolutions that run by stripes of rows: their step's Fused.
type stripes struct {
	convs int
	last  fmt.Stringer // what the last of them does beside; nil for nothing
}

func (s stripes) String() string {
	text := fmt.Sprintf("%d convolutions by stripes", s.convs)
	if s.last != nil {
		text += fmt.Sprintf(", the last with %v", s.last)
	}
	return text
}

// joinConvs makes one step of convolutions each of which is the only reader of what the
// one before it makes, or has one by itself run so, where that pays (op.MakeConvStripes).
func joinConvs(f *Fusion) {
	if f.double {
		return
	}
	readers := f.Readers()
	next := func(i int) int {
		s := f.Steps[i]
		if len(s.Out) != 1 || s.Out[0] < 0 || len(readers[s.Out[0]]) != 1 {
			return plan.Elsewhere
		}
		j := readers[s.Out[0]][0]
		if j == plan.Elsewhere || !isConv(f.Steps[j]) || f.Steps[j].In[0] != (plan.Ref{Slot: s.Out[0]}) {
			return plan.Elsewhere
		}
		return j
	}
	gone := make([]bool, len(f.Steps)) // those of groups but the last
	for i, s := range f.Steps {
		if f.ctx.Err() != nil {
			return
		}
		if gone[i] || !isConv(s) {
			continue
		}
		members := []int{i}
		for j := next(i); j != plan.Elsewhere && len(members) < stripesLimit; j = next(j) {
			members = append(members, j)
		}
		for len(members) > 0 && !f.byStripes(members) {
			members = members[:len(members)-1]
		}
		for _, m := range members[:max(0, len(members)-1)] {
			gone[m] = true
		}
	}
	f.Remove(func(i int) bool { return gone[i] })
}

// byStripes makes the last of the members do the work of all, if it can.
func (f *Fusion) byStripes(members []int) bool {
	var specs []op.ConvSpec
	var plain []plan.Step
	var in []plan.Ref
	var labels []string
	for k, m := range members {
		s := f.Steps[m]
		specs, plain, labels = append(specs, convOf(s)), append(plain, *s), append(labels, s.Name())
		in = append(in, s.Padded()[min(k, 1):]...)
	}
	kernel, err := op.MakeConvStripes(specs)
	if kernel == nil || err != nil {
		return false
	}
	s := f.Steps[members[len(members)-1]]
	s.Kernel, s.Plain, s.In, s.Min, s.Label = kernel, plain, in, plain[0].Min, strings.Join(labels, "+")
	s.Spec, s.Fused = nil, stripes{len(members), s.Fused}
	return true
}
