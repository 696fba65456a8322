package patterns

import "github.com/onnxloss/onnxloss/patterns/rule"

// Evidence is where evidence for a head lies.
type Evidence = rule.Evidence

// The places of evidence. The graph is always read.
const (
	Graph    = rule.Graph    // nodes, shapes, and the constants that steer them
	Metadata = rule.Metadata // what the exporter wrote beside the graph
	Weights  = rule.Weights  // the biases of the last layers
	Probe    = rule.Probe    // what the network computes of a few inputs
)

// Places are all places of evidence, in the order in which they are asked.
func Places() []Evidence { return append([]Evidence{}, rule.Places...) }
