package op

import (
	"errors"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const noInputs = "it has no inputs that a derivative could be taken by"

func init() {
	Register(
		&Op{Name: "Constant", Equation: "y = the attribute's value", Versions: []int64{1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{0, 0}, Out: Arity{1, 1}, Infer: inferConstant,
			Kernel: func(s *Spec) (Kernel, error) {
				t, err := constantValue(s.Node)
				if err != nil {
					return nil, err
				}
				t = Widen(t, s.Double)
				return func(x *Call) error { x.Set(0, t); return nil }, nil
			},
			NoGrad: noInputs},
		&Op{Name: "ConstantOfShape", Equation: "y = the attribute's value at every place of the given shape", Versions: []int64{9, 20, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, Infer: inferConstantOfShape, Kernel: makeConstantOfShape,
			NoGrad: "its result depends on a shape, which is made of integers"},
	)
}

// constantValue is what a node Constant holds.
func constantValue(n *graph.Node) (*tensor.Tensor, error) {
	for _, a := range n.Attrs {
		switch a.Name {
		case "value", "sparse_value":
			if a.Tensor == nil {
				return nil, attrError(a.Name, "empty", "a tensor")
			}
			return a.Tensor.Load()
		case "value_float":
			return tensor.Scalar(a.F), nil
		case "value_floats":
			return tensor.Vector(a.Floats...), nil
		case "value_int":
			return tensor.Scalar(a.I), nil
		case "value_ints":
			return tensor.Vector(a.Ints...), nil
		case "value_string":
			return tensor.Scalar(a.S), nil
		case "value_strings":
			return tensor.Vector(a.Strings...), nil
		}
	}
	return nil, errors.New("no attribute has the value")
}

func inferConstant(c *Infer) error {
	for _, a := range c.Node.Attrs {
		if a.Tensor != nil {
			c.Out[0] = *dataFact(a.Tensor, c.failed)
			return nil
		}
	}
	t, err := constantValue(c.Node)
	if err != nil {
		return err
	}
	c.Out[0] = *constFact(t)
	return nil
}

func inferConstantOfShape(c *Infer) error {
	d := tensor.Float32
	value := c.Node.Attr("value")
	if value != nil && value.Tensor != nil {
		d = value.Tensor.DType
	}
	dims := c.Input(0).elems()
	if dims == nil {
		if s := c.Input(0).Shape; len(s) == 1 && s[0].IsKnown() && s[0].Value <= MaxElems {
			dims = make([]symbol.Num, s[0].Value)
		} else {
			c.Set(0, d, nil)
			return nil
		}
	}
	shape := make(graph.Shape, len(dims))
	for i, n := range dims {
		shape[i] = n.Dim()
	}
	c.Set(0, d, shape)
	return nil
}

func makeConstantOfShape(s *Spec) (Kernel, error) {
	value, err := s.Tensor("value")
	if err != nil {
		return nil, err
	}
	if value == nil {
		value = Widen(tensor.Scalar[float32](0), s.Double)
	}
	if value.Len() != 1 {
		return nil, attrError("value", value.String(), "one element")
	}
	return func(x *Call) error {
		shape, err := Ints(x.In[0])
		if err != nil {
			return x.InputError(0, "%v", err)
		}
		out, err := x.New(0, value.DType, shape...)
		if err != nil {
			return err
		}
		copyStrided(x, shape, out, 0, tensor.Strides(shape), value, 0, make([]int, len(shape)))
		return nil
	}, nil
}

// ConstantOfShape is a tensor of the given shape (a value, int64) whose
// elements all are x, of type d.
func ConstantOfShape(shape *graph.Value, d tensor.DType, x float64) *graph.Value {
	t, err := ScalarTensor(d, x)
	if err != nil {
		if shape != nil {
			shape.Graph().Fail(err)
		}
		return nil
	}
	if t, err = t.Reshape(1); err != nil {
		return nil
	}
	return apply("ConstantOfShape", []*graph.Attr{graph.Tensor("value", t)}, shape)
}
