package fuse

import (
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
)

// cut says where the inputs of a step can be cut so that it gives its output cut likewise,
// to the same bits. Operands that are broadcast are not cut along the axes along which
// they are.
type cut uint8

const (
	noCut   cut = iota // nowhere, for all that is known
	rowCut             // between rows, which lie along the last axis of input 0
	eachCut            // between any two elements
)

// ONNX's operators that can be cut, by how. The reductions, whose names begin with Reduce,
// and Unsqueeze can be where their axes are the last one alone.
var (
	elementwise = words(`Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Celu Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish
		LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan
		Tanh ThresholdedRelu Where`)
	broadcasting = words(`Add Div Equal Greater GreaterOrEqual Less LessOrEqual Mul Sub`) // as they do today since version 7
	alongAxis    = words(`Hardmax LogSoftmax Softmax`)
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// cutOf says where the step's inputs can be cut.
func cutOf(s *plan.Step) cut {
	if s.Spec == nil || s.Op == nil || s.Op.Domain != "" || len(s.In) == 0 || s.Spec.Types[0].Shape == nil {
		return noCut
	}
	rank, name, since := len(s.Spec.Types[0].Shape), s.Op.Name, s.Spec.Since
	switch {
	case elementwise[name], broadcasting[name] && since >= 7:
		return eachCut
	case alongAxis[name] && isLast(axisOf(s.Spec), rank-1):
		return rowCut
	case name == "Unsqueeze" && isLast(axesOf(s.Spec, 13), rank):
		return eachCut
	case name == "ReduceSum" && isLast(axesOf(s.Spec, 13), rank-1):
		return rowCut
	case strings.HasPrefix(name, "Reduce") && name != "ReduceSum" && isLast(axesOf(s.Spec, 18), rank-1):
		return rowCut
	}
	return noCut
}

// isLast reports whether the axes are the last one alone, whose number is given.
func isLast(axes []int64, last int) bool {
	return slices.Equal(axes, []int64{-1}) || slices.Equal(axes, []int64{int64(last)})
}

// axisOf is the axis of Softmax and its like.
func axisOf(s *op.Spec) []int64 {
	if s.Since < 13 {
		return []int64{s.Int("axis", 1)}
	}
	return []int64{s.Int("axis", -1)}
}

// axesOf is the axes of a node that has them as its attribute before the given version of
// its schema and as its input 1 since, where no run can change them; else nil.
func axesOf(s *op.Spec, since int64) []int64 {
	if s.Since < since {
		return s.Ints("axes")
	}
	if len(s.Const) < 2 || s.Const[1] == nil {
		return nil
	}
	list, err := op.Ints(s.Const[1])
	if err != nil {
		return nil
	}
	axes := make([]int64, len(list))
	for i, n := range list {
		axes[i] = int64(n)
	}
	return axes
}
