package match

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// TestFlows: whatever the operator table calls moved has a view here, and every
// effect but those that reductions ask for leaves a mark.
func TestFlows(t *testing.T) {
	for _, o := range op.All() {
		if o.Flow.Pass == flow.Moved && layouts[o.Name] == nil {
			t.Errorf("%s only moves elements, but no view says where", o.Name)
		}
		if e := o.Flow.Effect; e != flow.None && e != flow.Maximum && marks[e] == 0 {
			t.Errorf("%s: effect %d leaves no mark", o.Name, e)
		}
	}
	for name := range layouts {
		if op.FlowOf("", name).Pass == 0 {
			t.Errorf("%s has a view, but no row says what becomes of its channels", name)
		}
	}
}
