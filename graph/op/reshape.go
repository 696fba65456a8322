package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "Reshape", Equation: "y = the elements of x in another shape: 0 keeps a dimension, −1 takes what is left",
			Flow:     flow.Flow{Pass: flow.Moved},
			Versions: []int64{1, 5, 13, 14, 19, 21, 23, 24, 25}, In: Arity{1, 2}, Out: Arity{1, 1},
			Infer: inferReshape,
			Kernel: func(s *Spec) (Kernel, error) {
				since, allowZero := s.Since, s.Int("allowzero", 0) != 0
				return func(x *Call) error {
					target, err := reshapeTarget(x, since)
					if err != nil {
						return err
					}
					shape, err := reshapeTo(x.In[0].Shape, target, allowZero)
					if err != nil {
						return err
					}
					return setView(x, shape)
				}, nil
			},
			Grad: gradView, Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "Flatten", Equation: "y = x as a matrix: the axes before one, and those from it on",
			Flow:     flow.Flow{Pass: flow.Moved},
			Versions: []int64{1, 9, 11, 13, 21, 23, 24, 25}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				s := c.Input(0).Shape
				if s == nil {
					c.Set(0, c.Input(0).DType, unknownShape(2))
					return nil
				}
				k, err := flattenAxis(c.Node, len(s))
				if err != nil {
					return err
				}
				c.Set(0, c.Input(0).DType, graph.Shape{symbol.Product(nums(s[:k])).Dim(), symbol.Product(nums(s[k:])).Dim()})
				c.SetElems(0, c.Input(0).Elems())
				return nil
			},
			Kernel: func(s *Spec) (Kernel, error) {
				return func(x *Call) error {
					k, err := flattenAxis(x.Node, x.In[0].Rank())
					if err != nil {
						return err
					}
					return setView(x, []int{tensor.Elements(x.In[0].Shape[:k]), tensor.Elements(x.In[0].Shape[k:])})
				}, nil
			},
			Grad: gradView, Check: Check{Lo: -2, Hi: 2}},
	)
}

// setView makes output 0 input 0 in another shape.
func setView(x *Call, shape []int) error {
	v, err := x.In[0].Reshape(shape...)
	if err == nil {
		x.Set(0, v)
	}
	return err
}

// gradView gives the adjoint the shape of input 0.
func gradView(c *Grad) error {
	c.Set(0, ReshapeTo(c.Dy[0], shapeOf(c.In(0))))
	return nil
}

func flattenAxis(n *graph.Node, rank int) (int, error) {
	a := n.Int("axis", 1)
	if a == int64(rank) {
		return rank, nil
	}
	return Axis(a, rank)
}

func reshapeTarget(x *Call, since int64) ([]int, error) {
	if since < 5 {
		target := []int{}
		for _, d := range x.Node.Ints("shape") {
			target = append(target, int(d))
		}
		return target, nil
	}
	if !x.Has(1) {
		return nil, x.InputError(1, "is missing")
	}
	t, err := Ints(x.In[1])
	if err != nil {
		return nil, x.InputError(1, "%v", err)
	}
	return t, nil
}

// reshapeTo is the shape that target states for elements of shape in.
func reshapeTo(in, target []int, allowZero bool) ([]int, error) {
	out := append([]int{}, target...)
	free := -1
	for i, d := range target {
		switch {
		case d == 0 && !allowZero:
			if i >= len(in) {
				return nil, fmt.Errorf("shape %v keeps dimension %d of %v", target, i, in)
			}
			out[i] = in[i]
		case d == -1 && free >= 0:
			return nil, fmt.Errorf("shape %v has more than one -1", target)
		case d == -1:
			free = i
			out[i] = 1
		}
	}
	n, err := tensor.Count(in)
	if err != nil {
		return nil, err
	}
	m, err := tensor.Count(out)
	if err != nil {
		return nil, err
	}
	if free >= 0 {
		if m == 0 || n%m != 0 {
			return nil, fmt.Errorf("shape %v does not divide the %d elements of %v", target, n, in)
		}
		out[free] = n / m
		m = n
	}
	if m != n {
		return nil, fmt.Errorf("shape %v does not fit the %d elements of %v", target, n, in)
	}
	return out, nil
}

func inferReshape(c *Infer) error {
	x := c.Input(0)
	target := c.Input(1).elems()
	if c.Since < 5 {
		target = []symbol.Num{}
		for _, d := range c.Node.Ints("shape") {
			target = append(target, symbol.Int(d))
		}
	}
	if target == nil {
		var s graph.Shape
		if r := c.Input(1).Shape; len(r) == 1 && r[0].IsKnown() && r[0].Value <= MaxElems {
			s = unknownShape(int(r[0].Value))
		}
		c.Set(0, x.DType, s)
		return nil
	}
	s, err := reshapedTo(x.Shape, target, c.Node.Int("allowzero", 0) != 0)
	if err != nil {
		return err
	}
	c.Set(0, x.DType, s)
	c.SetElems(0, x.Elems())
	return nil
}

// reshapedTo is reshapeTo for shapes of which not all is known. One dimension
// that is −1 or unknown follows from the others if they cancel.
func reshapedTo(in graph.Shape, target []symbol.Num, allowZero bool) (graph.Shape, error) {
	out := make(graph.Shape, len(target))
	free, open := -1, 0
	num := nums(in)
	var den []symbol.Num
	for i, d := range target {
		switch {
		case d.Known && d.N == 0 && !allowZero:
			out[i] = graph.Unknown()
			if in == nil {
				continue
			}
			if i >= len(in) {
				return nil, fmt.Errorf("the shape keeps dimension %d of %v", i, in)
			}
			out[i] = in[i]
			num[i] = symbol.Int(1)
		case d.Known && d.N < -1:
			return nil, fmt.Errorf("dimension %d of the shape is %d", i, d.N)
		case d.Known && d.N == -1, !d.Known && d.Param == "":
			out[i] = graph.Unknown()
			free = i
			open++
		default:
			out[i] = d.Dim()
			den = append(den, d)
		}
	}
	if open == 1 && in != nil {
		if q, ok := symbol.Quotient(num, den); ok {
			out[free] = q.Dim()
		}
	}
	if in.IsStatic() && out.IsStatic() {
		a, b := symbol.Product(nums(in)), symbol.Product(nums(out))
		if a.Known && b.Known && a.N != b.N {
			return nil, fmt.Errorf("shape %v does not fit the elements of %v", out, in)
		}
	}
	return out, nil
}

// Reshape is x in the shape dims, where 0 keeps a dimension and −1 takes what
// is left.
func Reshape(x *graph.Value, dims ...int64) *graph.Value {
	if x == nil {
		return nil
	}
	return ReshapeTo(x, Const(x.Graph(), "shape", tensor.Vector(dims...)))
}

// ReshapeTo is x in the shape that the value shape (int64) holds.
func ReshapeTo(x, shape *graph.Value) *graph.Value { return apply("Reshape", nil, x, shape) }

// Flatten is x as a matrix: the axes before axis, and those from it on.
func Flatten(x *graph.Value, axis int64) *graph.Value {
	return apply("Flatten", []*graph.Attr{graph.Int("axis", axis)}, x)
}
