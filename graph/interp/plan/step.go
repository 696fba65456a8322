package plan

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// Step reads values and makes others: one node, or several that run as one.
type Step struct {
	Node   *graph.Node // of several, the one that errors and profiles name
	Op     *op.Op      // of the node; nil where a model-local function bears the operator's name
	Kernel op.Kernel
	In     []Ref
	Out    []int    // slots; -1 where the output is not wanted
	Drop   []int    // slots of this frame that nobody reads after the step
	Min    int      // how many of the inputs must have a value
	Leaves bool     // an output is the program's
	Label  string   // names a step that stands for several nodes ("Conv+Relu")
	Places []*Place // of the outputs; nil where there are none
	Join   *Join    // that the step is; nil if none of its inputs has a place in it
	// Plain are the steps that this one stands for, which are run in its place where its
	// kernel gives op.ErrUnfit.
	Plain []Step
	// Tiles is what the step runs in the place of a kernel.
	Tiles *Tiles
	// Spec is what the kernel was made of, while the program is planned; nil where a pass
	// has made it of several.
	Spec *op.Spec
	// Fused is what a pass has made the kernel of, for later passes and for people.
	Fused fmt.Stringer
}

// Name is what profiles call the step: its label, else the operator.
func (s *Step) Name() string {
	if s.Label != "" {
		return s.Label
	}
	return s.Node.Op
}

// Is reports whether the step's node is one of ONNX's operator of that name.
func (s *Step) Is(name string) bool { return s.Op != nil && s.Op.Name == name && s.Op.Domain == "" }

// Padded is the step's inputs, with those that are left out at the end.
func (s *Step) Padded() []Ref {
	in := slices.Clone(s.In)
	for len(in) < s.Op.In.Max {
		in = append(in, NoRef)
	}
	return in
}

// Work is the multiplications and additions of a call of the step that is done.
func (s *Step) Work(x *op.Call) int64 {
	if x.Work != 0 || s.Op == nil || s.Op.Work == nil {
		return x.Work
	}
	return s.Op.Work(x)
}
