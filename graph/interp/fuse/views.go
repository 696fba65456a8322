package fuse

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
)

var views = Pass{
	Name: "views", Why: "nodes that only rearrange what others of their kind made are one copy",
	After:   []Order{{"unread", "what nobody reads would count as a reader"}},
	program: joinViews,
}

// viewLimit bounds the nodes that one step rearranges for.
const viewLimit = 12

// viewSteps is a step's rearrangements, one after the other.
type viewSteps []op.View

func (v viewSteps) String() string { return fmt.Sprintf("%d views", len(v)) }

// viewsOf is what the step does to its input 0, if it only rearranges it; else nil.
func viewsOf(s *plan.Step) viewSteps {
	if v, ok := s.Fused.(viewSteps); ok {
		return v
	}
	var v op.View
	switch {
	case s.Spec == nil:
	case s.Is("Slice"):
		v = op.SliceView(s.Spec)
	case s.Is("Transpose"):
		v = op.TransposeView(s.Spec)
	}
	if v == nil {
		return nil
	}
	return viewSteps{v}
}

// joinViews lets nodes that only rearrange their input read what nodes
// of that kind before them read, where nobody else reads what these make: elements
// are copied once.
func joinViews(f *Fusion) {
	readers := f.Readers()
	does := make([]viewSteps, len(f.Steps))
	for i, s := range f.Steps {
		does[i] = viewsOf(s)
	}
	maker := map[int]int{} // by slot, of those that only such nodes read
	for i, s := range f.Steps {
		if does[i] == nil || s.Out[0] < 0 || len(readers[s.Out[0]]) == 0 {
			continue
		}
		others := slices.ContainsFunc(readers[s.Out[0]], func(r int) bool {
			return r == plan.Elsewhere || does[r] == nil || f.Steps[r].In[0] != plan.Ref{Slot: s.Out[0]}
		})
		if !others {
			maker[s.Out[0]] = i
		}
	}
	gone := make([]bool, len(f.Steps))
	for i, s := range f.Steps {
		if does[i] == nil || s.In[0].Up != 0 {
			continue
		}
		m, ok := maker[s.In[0].Slot]
		if !ok || len(does[m]) == viewLimit {
			continue
		}
		first := f.Steps[m]
		gone[m] = true
		does[i] = slices.Concat(does[m], does[i])
		s.Label = first.Name() + "+" + s.Name()
		s.In, s.Kernel, s.Spec, s.Fused = []plan.Ref{first.In[0]}, op.Views(does[i]), nil, does[i]
	}
	f.Remove(func(i int) bool { return gone[i] })
}
