package fuse

import (
	"maps"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
)

var spaceToDepth = Pass{
	Name: "space-to-depth", Why: "a convolution of a tensor's slices, joined, reads the tensor itself (the focus of YOLOv5 and YOLOX)",
	Before: []Order{
		{"views", "slices that are joined with others are no longer steps of their own"},
		{"epilogues", "an epilogue is added to the kernel that there is"},
	},
	step: readUnsliced,
}

// readUnsliced lets a convolution read the tensor whose slices, joined, are its input
// (op.SpaceToDepth). It adds in another order then. The elements of its weight must still
// be there.
func readUnsliced(f *Fusion, s *plan.Step) {
	if !s.Is("Conv") {
		return
	}
	weight := s.Spec.Const[1]
	if weight == nil || weight.Rank() < 3 {
		return
	}
	g, ok := f.slicesOf(s.In[0], weight.Rank())
	if !ok || weight.Shape[1]%len(g.parts) != 0 {
		return
	}
	spec := *s.Spec
	spec.Types = slices.Clone(spec.Types)
	spec.Types[0] = f.typeOf(g.source)
	shape := sizes(spec.Types[0].Shape, weight.Rank(), weight.Shape[1]/len(g.parts))
	whole := op.NewSpaceToDepth(g.parts, shape)
	if whole == nil {
		return
	}
	kernel, err := op.MakeConv(op.ConvSpec{Spec: &spec, SpaceToDepth: whole})
	if err != nil {
		return
	}
	s.Plain = append(snapshot(g.steps...), *s)
	s.Spec, s.Kernel, s.Label, s.Fused = &spec, kernel, "Slice+Concat+Conv", &fusedConv{spaceToDepth: whole}
	s.In = append([]plan.Ref{g.from}, s.In[1:]...)
}

// sliced is a tensor's parts, joined.
type sliced struct {
	from   plan.Ref // of the tensor
	source *graph.Value
	parts  [][]op.View
	steps  []*plan.Step // that slice and join, in order
}

// slicesOf is what makes the value at r, of the given rank, if that is a Concat along axis
// 1 of parts of one tensor.
func (f *Fusion) slicesOf(r plan.Ref, rank int) (g sliced, ok bool) {
	join, ok := f.maker(r)
	if !ok {
		return g, false
	}
	joined := f.Steps[join]
	if axis, ok := concatAxis(joined, rank); !ok || axis != 1 {
		return g, false
	}
	steps := map[int]bool{join: true}
	for i, r := range joined.In {
		var does []op.View
		v := joined.Node.Inputs[i]
		for {
			m, ok := f.maker(r)
			if !ok {
				break
			}
			s := f.Steps[m]
			this := viewsOf(s)
			if this == nil {
				break
			}
			steps[m] = true
			does = slices.Concat(this, does)
			r, v = s.In[0], s.Node.Inputs[0]
		}
		if r == plan.NoRef || i > 0 && r != g.from {
			return g, false
		}
		g.from, g.source, g.parts = r, v, append(g.parts, does)
	}
	for _, i := range slices.Sorted(maps.Keys(steps)) {
		g.steps = append(g.steps, f.Steps[i])
	}
	return g, true
}

// anySize stands for a length that is not known; it has many divisors.
const anySize = 55440

// sizes is a shape of the given rank and number of channels, with what else known says.
func sizes(known graph.Shape, rank, channels int) []int {
	shape := slices.Repeat([]int{anySize}, rank)
	shape[1] = channels
	for i, d := range known {
		if len(known) == rank && d.IsKnown() {
			shape[i] = int(d.Value)
		}
	}
	return shape
}

// maker is the step, by its index, that makes what lies at r, while steps are added.
func (f *Fusion) maker(r plan.Ref) (int, bool) {
	if r == plan.NoRef || r.Up > 0 {
		return 0, false
	}
	i, ok := f.makers[r.Slot]
	return i, ok
}
