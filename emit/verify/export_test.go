package verify

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
)

// WithPlanner is o with plan in the place of interp.New for runs of the network.
func (o Options) WithPlanner(plan func(*graph.Model, interp.Options) (*interp.Plan, error)) Options {
	o.plan = plan
	return o
}
