package match

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// marks are what effects leave on the channels that are read.
var marks = map[flow.Effect]Marks{
	flow.Sigmoid: Sigmoid, flow.Softmax: Softmax, flow.Exponential: Exp, flow.Root: Root, flow.Rectifier: Rectify, flow.Curve: Curve,
	flow.Rounding: Power, flow.Limits: Clip, flow.Normalization: Norm, flow.Pooling: Pool, flow.Resampling: Resize,
	flow.Peak: ArgMax, flow.Order: Threshold,
}

// flowOf is what the operator table says of n.
func flowOf(n *graph.Node) flow.Flow { return op.FlowOf(n.Domain, n.Op) }

// operands are the inputs of n that carry values to compute with.
func operands(n *graph.Node) []int { return flowOf(n).Inputs(len(n.Inputs)) }

// untraced reports whether it is not known what f does with channels, but for
// moving them.
func untraced(f flow.Flow) bool { return f.Pass <= flow.Moved }
