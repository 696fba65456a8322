package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

func init() {
	Register(
		&Op{Name: "Identity", Equation: "y = x", Versions: []int64{1, 13, 14, 16, 19, 21, 23, 24, 25}, In: Arity{1, 1}, Out: Arity{1, 1}, Containers: true,
			Flow:  flow.Flow{Pass: flow.Moved},
			Infer: func(c *Infer) error { c.Out[0] = *c.Input(0); return nil },
			Kernel: func(*Spec) (Kernel, error) {
				return func(x *Call) error { x.Set(0, x.In[0]); return nil }, nil
			},
			Grad:  func(c *Grad) error { c.Set(0, c.Dy[0]); return nil },
			Check: Check{Lo: -2, Hi: 2}},
	)
}

// Identity is x.
func Identity(x *graph.Value) *graph.Value { return apply("Identity", nil, x) }
