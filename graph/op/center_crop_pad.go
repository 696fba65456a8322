package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "CenterCropPad", Equation: "y = x cut or padded with zeros on both sides to the sizes given for axes", Versions: []int64{18},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 2}, Out: Arity{1, 1}, Infer: inferCenterCrop, Kernel: makeCenterCrop, Grad: gradCenterCrop, Check: Check{Lo: -1, Hi: 1},
	})
}

// cropAxes are the axes that the sizes belong to.
func cropAxes(n *graph.Node, rank, sizes int) ([]int, error) {
	list := n.Ints("axes")
	if n.Attr("axes") == nil {
		for i := range rank {
			list = append(list, int64(i))
		}
	}
	if len(list) != sizes {
		return nil, attrError("axes", list, "as many as there are sizes")
	}
	at := make([]int, len(list))
	for i, a := range list {
		var err error
		if at[i], err = Axis(a, rank); err != nil {
			return nil, err
		}
	}
	return at, nil
}

func inferCenterCrop(c *Infer) error {
	x, size := c.Input(0), c.Input(1)
	shape := x.Shape.Clone()
	if shape == nil || size.Elems() == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	at, err := cropAxes(c.Node, len(shape), len(size.Elems()))
	if err != nil {
		return err
	}
	for i, d := range at {
		shape[d] = size.Elems()[i].Dim()
	}
	c.Set(0, x.DType, shape)
	return nil
}

func makeCenterCrop(s *Spec) (Kernel, error) {
	node := s.Node
	return func(x *Call) error {
		in := x.In[0]
		sizes, err := Ints(x.In[1])
		if err != nil {
			return x.InputError(1, "%v", err)
		}
		at, err := cropAxes(node, in.Rank(), len(sizes))
		if err != nil {
			return err
		}
		shape := append([]int{}, in.Shape...)
		for i, d := range at {
			shape[d] = sizes[i]
		}
		out, err := x.New(0, in.DType, shape...)
		if err != nil {
			return err
		}
		clearAll(out)
		dst, src := tensor.Strides(shape), tensor.Strides(in.Shape)
		part := make([]int, len(shape))
		to, from := 0, 0
		for d := range shape {
			part[d] = min(shape[d], in.Shape[d])
			to += (shape[d] - part[d]) / 2 * dst[d]
			from += (in.Shape[d] - part[d]) / 2 * src[d]
		}
		copyStrided(x, part, out, to, dst, in, from, src)
		return nil
	}, nil
}
