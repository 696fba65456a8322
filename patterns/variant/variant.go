package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// Expect is what the right answer to a variant is.
type Expect string

// What may be expected.
const (
	Found      Expect = "found"      // the head
	Refused    Expect = "refused"    // there is none
	Inside     Expect = "inside"     // the head, which no tensor of the main graph shows
	Unsure     Expect = "unsure"     // nothing in the graph decides: a refusal, or a low confidence
	Classifier Expect = "classifier" // the head of an image classifier
)

// Any stands for a background class that nothing in the graph tells.
const Any = -2

// Key is the answer to a variant.
type Key struct {
	Expect Expect
	// Why is the reason where Expect is Refused, Inside or Unsure.
	Why string
	// Answers are the heads that are right, one of which must be found: the
	// last tensors that hold the class logits, level by level. Other tensors
	// that give the same canonical rows are as right.
	Answers [][]patterns.Part
	// Ordered is set where the graph joins the levels, which settles their
	// order.
	Ordered bool
	// Classes is the number of channels of one anchor, background included.
	Classes int
	// Activations are those that may be said.
	Activations []patterns.Activation
	// Background is the class that stands for nothing, -1 for none, or Any.
	Background int
	// Tolerance is how far values may lie apart beyond rounding, where they
	// are quantized.
	Tolerance float64
}

// Variant is a model with its answer.
type Variant struct {
	Name   string
	Family string
	// Choice is the levels of the factors, for the family "dense"; for others
	// Habit lists theirs.
	Choice *Choice
	Habit  string
	Model  *graph.Model
	Key    Key
	// Sizes are the dimensions to run the model with, for names in its
	// inputs' shapes.
	Sizes map[string]int

	make func(n *net) Key // for families other than "dense"
}

// String describes v.
func (v *Variant) String() string {
	if v.Choice != nil {
		return v.Name + " " + v.Choice.String()
	}
	return v.Name + " " + v.Habit
}
