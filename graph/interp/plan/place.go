package plan

import "github.com/onnxloss/onnxloss/graph/tensor"

// Place is where a value is made inside the memory of the value that a later step joins
// it to, which then need not copy it.
type Place struct {
	Join  *Join
	At    int // in elements
	Shape []int
}

// Join is a step that joins values, and what it makes.
type Join struct {
	Number int    // among the program's joins
	In     *Place // of what it makes; nil where that is joined to nothing
	DType  tensor.DType
	Shape  []int
	Leaves bool
}
