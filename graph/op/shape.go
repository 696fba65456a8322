package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "Shape", Equation: "y = the dimensions start to end of x", Versions: []int64{1, 13, 15, 19, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Measured}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				s := c.Input(0).Shape
				if s == nil {
					c.Set(0, tensor.Int64, unknownShape(1))
					return nil
				}
				lo, hi := shapeRange(c.Node, len(s))
				c.Set(0, tensor.Int64, graph.Static(hi-lo))
				e := make([]symbol.Num, hi-lo)
				for i := range e {
					e[i] = symbol.Of(s[lo+i])
				}
				c.SetElems(0, e)
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) {
				return func(x *Call) error {
					in := x.In[0]
					lo, hi := shapeRange(x.Node, in.Rank())
					out, err := x.New(0, tensor.Int64, hi-lo)
					if err != nil {
						return err
					}
					for i, d := range in.Shape[lo:hi] {
						tensor.Data[int64](out)[i] = int64(d)
					}
					return nil
				}, nil
			},
			NoGrad: "a shape does not depend on the elements"},
		&Op{Name: "Size", Equation: "y = the number of elements of x", Versions: []int64{1, 13, 19, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Measured}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				c.Set(0, tensor.Int64, graph.Shape{})
				if s := c.Input(0).Shape; s != nil {
					c.SetElems(0, []symbol.Num{symbol.Product(nums(s))})
				}
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) {
				return func(x *Call) error {
					out, err := x.New(0, tensor.Int64)
					if err != nil {
						return err
					}
					tensor.Data[int64](out)[0] = int64(x.In[0].Len())
					return nil
				}, nil
			},
			NoGrad: "a size does not depend on the elements"},
	)
}

// shapeRange is the range of axes that a node Shape gives, by its attributes.
func shapeRange(n *graph.Node, rank int) (lo, hi int) {
	within := func(a int64) int {
		if a < 0 {
			a += int64(rank)
		}
		return int(max(0, min(a, int64(rank))))
	}
	lo, hi = within(n.Int("start", 0)), within(n.Int("end", int64(rank)))
	return lo, max(lo, hi)
}

// nums is the dimensions of s as elements.
func nums(s graph.Shape) []symbol.Num {
	out := make([]symbol.Num, len(s))
	for i, d := range s {
		out[i] = symbol.Of(d)
	}
	return out
}

// Shape is the shape of x, int64.
func Shape(x *graph.Value) *graph.Value { return apply("Shape", nil, x) }

// Size is the number of elements of x, an int64.
func Size(x *graph.Value) *graph.Value { return apply("Size", nil, x) }

// shapeOf is the shape of x as a value: a constant where it is known.
func shapeOf(x *graph.Value) *graph.Value {
	if x == nil {
		return nil
	}
	if !x.Shape().IsStatic() {
		return Shape(x)
	}
	dims := make([]int64, len(x.Shape()))
	for i, d := range x.Shape() {
		dims[i] = d.Value
	}
	return Const(x.Graph(), "shape", tensor.Vector(dims...))
}

// dimOf is dimension axis of x as a value of shape [1]: a constant where it is
// known.
func dimOf(x *graph.Value, axis int) *graph.Value {
	if x == nil {
		return nil
	}
	if d := x.Shape()[axis]; d.IsKnown() {
		return Const(x.Graph(), "dim", tensor.Vector(d.Value))
	}
	return Slice(Shape(x), 0, int64(axis), int64(axis)+1)
}
