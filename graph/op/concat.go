package op

import (
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Concat", Equation: "y = the inputs one behind the other along an axis", Versions: []int64{1, 4, 11, 13},
		Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, -1}, Out: Arity{1, 1}, Infer: inferConcat,
		Kernel: func(s *Spec) (Kernel, error) {
			axis, err := concatAxis(s.Node, s.Since)
			if err != nil {
				return nil, err
			}
			return func(x *Call) error { return concat(x, axis) }, nil
		},
		Grad: gradConcat, Check: Check{Lo: -2, Hi: 2},
	})
}

func concatAxis(n *graph.Node, since int64) (int64, error) {
	if n.Attr("axis") == nil && since >= 4 {
		return 0, errors.New("attribute \"axis\" is missing")
	}
	return n.Int("axis", 1), nil
}

func inferConcat(c *Infer) error {
	axis, err := concatAxis(c.Node, c.Since)
	if err != nil {
		return err
	}
	if err := sameTypes(c); err != nil {
		return err
	}
	var s graph.Shape
	var sum symbol.Num
	for i := range c.In {
		in := c.Input(i).Shape
		if in == nil {
			c.Set(0, c.Input(0).DType, nil)
			return nil
		}
		k, err := Axis(axis, len(in))
		if err != nil {
			return c.InputError(i, "%v", err)
		}
		if s == nil {
			s, sum = in.Clone(), symbol.Of(in[k])
			continue
		}
		if len(in) != len(s) {
			return c.InputError(i, "rank %d, want %d as input 0 has", len(in), len(s))
		}
		for d := range s {
			switch {
			case d == k:
				sum = sum.Plus(symbol.Of(in[d]))
			case s[d].IsKnown() && in[d].IsKnown() && s[d].Value != in[d].Value:
				return c.InputError(i, "shape %v, which does not fit %v along axis %d", in, s, k)
			case !s[d].IsKnown() && (in[d].IsKnown() || s[d].Param == ""):
				s[d] = in[d]
			}
		}
		s[k] = sum.Dim()
	}
	c.Set(0, c.Input(0).DType, s)
	all := make([]int, len(c.In))
	for i := range all {
		all[i] = i
	}
	moveElems(c, all...)
	return nil
}

func concat(x *Call, axis int64) error {
	first := x.In[0]
	if first == nil {
		return x.InputError(0, "is missing")
	}
	k, err := Axis(axis, first.Rank())
	if err != nil {
		return err
	}
	shape := append([]int{}, first.Shape...)
	shape[k] = 0
	for i, t := range x.In {
		if err := fitsBeside(t, first, k); err != nil {
			return x.InputError(i, "%v", err)
		}
		shape[k] += t.Shape[k]
	}
	stride := tensor.Strides(shape)
	at := 0
	for _, t := range x.In {
		if len(x.Into) > 0 && t.IsWithin(x.Into[0]) && !t.IsPart(x.Into[0], at*stride[k]) {
			x.Into = nil // which copying would write over
		}
		at += t.Shape[k]
	}
	out, err := x.New(0, first.DType, shape...)
	if err != nil {
		return err
	}
	at = 0
	for _, t := range x.In {
		if !t.IsPart(out, at*stride[k]) {
			copyStrided(x, t.Shape, out, at*stride[k], stride, t, 0, tensor.Strides(t.Shape))
		}
		at += t.Shape[k]
	}
	return nil
}

// fitsBeside reports why t cannot be joined to first along axis.
func fitsBeside(t, first *tensor.Tensor, axis int) error {
	switch {
	case t == nil:
		return errors.New("is missing")
	case t.DType != first.DType || t.Rank() != first.Rank():
		return fmt.Errorf("%v does not fit %v", t, first)
	}
	for d := range t.Shape {
		if d != axis && t.Shape[d] != first.Shape[d] {
			return fmt.Errorf("shape %v does not fit %v along axis %d", t.Shape, first.Shape, axis)
		}
	}
	return nil
}

// gradConcat cuts the adjoint where the inputs meet.
func gradConcat(c *Grad) error {
	x := c.In(0)
	if x.Shape() == nil {
		return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
	}
	axis, err := concatAxis(c.Node, c.Node.Graph().Opset(""))
	if err != nil {
		return err
	}
	k, err := Axis(axis, len(x.Shape()))
	if err != nil {
		return err
	}
	if dx := splitLike(c.Dy[0], c.Node.Inputs, k); dx != nil {
		for i, v := range dx {
			c.Set(i, v)
		}
	}
	return nil
}

// splitLike cuts v along axis into parts of the sizes that the values in like
// have there.
func splitLike(v *graph.Value, like []*graph.Value, axis int) []*graph.Value {
	sizes := make([]int64, len(like))
	known := true
	for i, l := range like {
		if axis >= len(l.Shape()) || !l.Shape()[axis].IsKnown() {
			known = false
			break
		}
		sizes[i] = l.Shape()[axis].Value
	}
	if known {
		return Split(v, int64(axis), sizes...)
	}
	parts := make([]*graph.Value, len(like))
	for i, l := range like {
		if axis >= len(l.Shape()) {
			return nil
		}
		parts[i] = dimOf(l, axis)
	}
	attrs := []*graph.Attr{graph.Int("axis", int64(axis))}
	return Apply("Split", len(like), attrs, v, Concat(0, parts...))
}

// Concat is the values one behind the other along axis.
func Concat(axis int64, xs ...*graph.Value) *graph.Value {
	return apply("Concat", []*graph.Attr{graph.Int("axis", axis)}, xs...)
}
