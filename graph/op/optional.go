package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "Optional", Equation: "o = x, or the empty optional of the given type", Versions: []int64{15}, Containers: true,
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{0, 1}, Out: Arity{1, 1}, Infer: inferOptional, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) {
				return func(x *Call) error {
					if x.Has(0) {
						x.Set(0, x.In[0])
					} else {
						x.Set(0, tensor.None())
					}
					return nil
				}, nil
			},
		},
		&Op{
			Name: "OptionalGetElement", Equation: "y = what o holds", Versions: []int64{15, 18}, Containers: true,
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, 1}, Out: Arity{1, 1}, Infer: inferContent, NoGrad: notNumbers,
			Kernel: func(*Spec) (Kernel, error) {
				return func(x *Call) error {
					if x.In[0].IsNone() {
						return x.InputError(0, "the optional is empty")
					}
					x.Set(0, x.In[0])
					return nil
				}, nil
			},
		},
		&Op{
			Name: "OptionalHasElement", Equation: "y = whether o holds anything", Versions: []int64{15, 18}, Containers: true,
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{0, 1}, Out: Arity{1, 1}, NoGrad: "the output is a truth value",
			Infer: func(c *Infer) error { c.Set(0, tensor.Bool, graph.Shape{}); return nil },
			Kernel: func(*Spec) (Kernel, error) {
				return func(x *Call) error {
					out, err := x.New(0, tensor.Bool)
					if err != nil {
						return err
					}
					tensor.Data[bool](out)[0] = x.Has(0) && !x.In[0].IsNone()
					return nil
				}, nil
			},
		},
	)
}

func inferOptional(c *Infer) error {
	t := c.Input(0).Type
	if a := c.Node.Attr("type"); !c.Has(0) && a != nil && len(a.Types) == 1 {
		t = a.Types[0]
	}
	c.Out[0].Type = graph.Type{Kind: graph.OptionalKind, Elem: &t}
	return nil
}

// inferContent gives the type of what an optional holds; anything else holds
// itself.
func inferContent(c *Infer) error {
	t := c.Input(0).Type
	if t.Kind == graph.OptionalKind {
		t = elementType(t)
	}
	c.Out[0].Type = t
	return nil
}
