package op

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// axesSince13 is where Squeeze and Unsqueeze have their axes.
var axesSince13 = axesArg{1, 13}

func init() {
	versions := []int64{1, 11, 13, 21, 23, 24, 25}
	Register(
		&Op{Name: "Squeeze", Equation: "y = x without the given axes, or all, of size 1", Versions: versions, Upgrades: Upgrades{13: intsToInput("axes", 1)}, In: Arity{1, 2}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Moved},
			Infer: inferSqueeze,
			Kernel: func(s *Spec) (Kernel, error) {
				since := s.Since
				return func(x *Call) error {
					axes, given, err := axesSince13.run(x, since)
					if err != nil {
						return err
					}
					shape, err := squeezed(x.In[0].Shape, axes, given)
					if err != nil {
						return err
					}
					return setView(x, shape)
				}, nil
			},
			Grad: gradView, Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "Unsqueeze", Equation: "y = x with axes of size 1 at the given places", Versions: versions, Upgrades: Upgrades{13: intsToInput("axes", 1)}, In: Arity{1, 2}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Moved},
			Infer: inferUnsqueeze,
			Kernel: func(s *Spec) (Kernel, error) {
				since := s.Since
				return func(x *Call) error {
					axes, _, err := axesSince13.run(x, since)
					if err != nil {
						return err
					}
					rank := x.In[0].Rank() + len(axes)
					set, err := axisSet(axes, rank)
					if err != nil {
						return err
					}
					shape := make([]int, 0, rank)
					for i, k := 0, 0; i < rank; i++ {
						if set[i] {
							shape = append(shape, 1)
						} else {
							shape = append(shape, x.In[0].Shape[k])
							k++
						}
					}
					return setView(x, shape)
				}, nil
			},
			Grad: gradView, Check: Check{Lo: -2, Hi: 2}},
	)
}

func squeezed(in, axes []int, given bool) ([]int, error) {
	set, err := axisSet(axes, len(in))
	if err != nil {
		return nil, err
	}
	out := make([]int, 0, len(in))
	for i, d := range in {
		switch {
		case set[i] && d != 1:
			return nil, fmt.Errorf("axis %d of %v does not have size 1", i, in)
		case set[i], d == 1 && (!given || len(axes) == 0):
		default:
			out = append(out, d)
		}
	}
	return out, nil
}

func inferSqueeze(c *Infer) error {
	x := c.Input(0)
	c.SetElems(0, x.Elems())
	axes, given, known, count := axesSince13.infer(c)
	switch {
	case x.Shape == nil, !known && count < 0, count > len(x.Shape):
		c.Set(0, x.DType, nil)
		return nil
	case !known:
		c.Set(0, x.DType, unknownShape(len(x.Shape)-count))
		return nil
	}
	set := make([]bool, len(x.Shape))
	for _, a := range axes {
		k, err := Axis(a, len(set))
		if err != nil {
			return err
		}
		set[k] = true
	}
	s := graph.Shape{}
	for i, d := range x.Shape {
		switch {
		case set[i] && d.IsKnown() && d.Value != 1:
			return fmt.Errorf("axis %d of %v does not have size 1", i, x.Shape)
		case set[i]:
		case (!given || len(axes) == 0) && !d.IsKnown():
			c.Set(0, x.DType, nil)
			return nil
		case (!given || len(axes) == 0) && d.Value == 1:
		default:
			s = append(s, d)
		}
	}
	c.Set(0, x.DType, s)
	return nil
}

func inferUnsqueeze(c *Infer) error {
	x := c.Input(0)
	c.SetElems(0, x.Elems())
	axes, _, known, count := axesSince13.infer(c)
	switch {
	case x.Shape == nil, !known && count < 0, count > MaxElems:
		c.Set(0, x.DType, nil)
		return nil
	case !known:
		c.Set(0, x.DType, unknownShape(len(x.Shape)+count))
		return nil
	}
	s := x.Shape.Clone()
	at := make([]int, len(axes))
	for i, a := range axes {
		k, err := Axis(a, len(s)+len(axes))
		if err != nil {
			return err
		}
		at[i] = k
	}
	slices.Sort(at)
	for _, k := range at {
		if k > len(s) {
			return fmt.Errorf("axes %v list an axis twice", axes)
		}
		s = slices.Insert(s, k, graph.Known(1))
	}
	c.Set(0, x.DType, s)
	return nil
}

// withAxes applies an operator whose axes are an attribute before version 13
// and an input since.
func withAxes(name string, x *graph.Value, axes []int64) *graph.Value {
	if x == nil {
		return nil
	}
	if x.Graph().Opset("") < 13 {
		return apply(name, []*graph.Attr{graph.Ints("axes", axes...)}, x)
	}
	return apply(name, nil, x, Const(x.Graph(), "axes", tensor.Vector(axes...)))
}

// Squeeze is x without the given axes, which have size 1.
func Squeeze(x *graph.Value, axes ...int64) *graph.Value { return withAxes("Squeeze", x, axes) }

// Unsqueeze is x with axes of size 1 at the given places of the result.
func Unsqueeze(x *graph.Value, axes ...int64) *graph.Value { return withAxes("Unsqueeze", x, axes) }
