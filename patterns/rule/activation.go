package rule

// Activation is what turns the logits of a head into scores.
type Activation string

// The activations. None is a head whose graph ends before any.
const (
	None    Activation = "none"
	Sigmoid Activation = "sigmoid"
	Softmax Activation = "softmax"
)
