package patterns

import "github.com/onnxloss/onnxloss/patterns/rule"

// Activation is what turns the logits of a head into scores.
type Activation = rule.Activation

// The activations. None is a head whose graph ends before any.
const (
	None    = rule.None
	Sigmoid = rule.Sigmoid
	Softmax = rule.Softmax
)
