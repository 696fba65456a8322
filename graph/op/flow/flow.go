// Package flow is the vocabulary in which rows of the operator table say what
// becomes of the channels of an operator's inputs. Who follows channels through
// a graph without running it asks for it; kernels and inference do not.
//
// Non-goals: where exactly an element goes, which attributes decide (the
// follower's own business, operator by operator), and what channels stand for.
package flow

// Flow is what an operator does with the channels of its inputs.
type Flow struct {
	Pass     Pass
	Effect   Effect
	Places   Places
	Channels Channels
	// Integers is set for layers that compute with integers.
	Integers bool
	// Data lists the inputs whose elements are computed with, if they are not those
	// that Pass implies: quantized operators have scales and zero points in between.
	Data []int
}

// Pass is how the outputs depend on the inputs, axis by axis.
type Pass uint8

const (
	_           Pass = iota // not stated: every row of the table states one
	Untraced                // not followed: what reads the outputs starts anew
	Moved                   // elements of the inputs, in other places or of another type
	Mapped                  // input 0 on its own axes; other inputs are parameters
	Combined                // several inputs element by element, with broadcasting
	Reduced                 // input 0 reduced over axes
	Located                 // the index of the extreme of input 0 along an axis
	Ranked                  // input 0 sorted along an axis
	Contracted              // a layer: input 0 times the weights in input 1, or a product of two data
	Cropped                 // input 0 pooled in the regions of input 1
	Sampled                 // input 0 at the places that input 1 names
	Selected                // slices of input 0, chosen by indices or a condition
	Chosen                  // inputs 1 and 2, by the condition in input 0
	Compared                // truth values
	Conditioned             // truth values or indices, from truth values
	Measured                // the shape or size of input 0, not its elements
)

// Effect is what an operator does to the numbers themselves.
type Effect uint8

const (
	None          Effect = iota
	Sigmoid              // to a probability, each alone
	Softmax              // to probabilities along an axis
	Exponential          // exp
	Root                 // square root
	Rectifier            // ReLU and its like, softplus
	Curve                // tanh, trigonometric functions, erf
	Rounding             // to whole numbers
	Limits               // clipped
	Normalization        // by statistics of the input
	Pooling              // over windows of the map
	Resampling           // of the map to another size
	Maximum              // the greatest of several
	Peak                 // the place of the greatest: an index, or a one among zeros
	Order                // compared by size
)

// Places is how the places of a map change, axis by axis behind the channels.
type Places uint8

const (
	Kept      Places = iota
	Strided          // divided by the attribute strides
	Spread           // multiplied by the attribute strides
	Blocked          // divided by the attribute blocksize: blocks become channels
	Unblocked        // multiplied by the attribute blocksize: channels become blocks
	Rescaled         // multiplied by the scales
	Merged           // a single place is left
)

// Channels is which axis of a layer's output its weights make.
type Channels uint8

const (
	Second   Channels = iota // axis 1
	Last                     // the last axis
	Product                  // the last axis; the one before it if the weights are the left factor
	Equation                 // as the attribute equation says
)

// Inputs lists the inputs, of n, whose elements are computed with.
func (f Flow) Inputs(n int) []int {
	switch {
	case f.Data != nil:
		return f.Data
	case f.Pass == Combined:
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	case f.Pass == Contracted, f.Pass == Cropped, f.Pass == Sampled:
		return []int{0, 1}
	}
	return []int{0}
}
