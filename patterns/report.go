package patterns

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Report is what Locate found.
type Report struct {
	Heads      []*Head      // best first
	Candidates []*Candidate // what was considered, in graph order
	// Pattern is the one that found the heads.
	Pattern string
	// Model is the model whose values these are: the one that was searched, or
	// where a head lies inside a function that model with the bodies of its
	// functions in the places of their calls.
	Model *graph.Model

	// Trace is what each rule said, where Options.Trace asks for it.
	Trace []Said
	// Unprobed says why the network was not run where that was asked for; empty otherwise.
	Unprobed string

	site *site
}

// Said is what a rule said.
type Said = rule.Said

// Candidate is a run of channels that was considered.
type Candidate struct {
	Part
	Classes    int // channels; -1 where the graph does not fix their number
	Activation Activation
	Role       string // what it was taken for
	Rejected   string // the reason against it; empty for the levels of heads
	Evidence   []string

	part *rule.Part
}
