package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Split", Equation: "y_k = the k-th part of x along an axis", Versions: []int64{2, 11, 13, 18},
		Upgrades: Upgrades{13: intsToInput("split", 1), 18: upgradeSplit},
		Flow:     flow.Flow{Pass: flow.Moved}, In: Arity{1, 2}, Out: Arity{1, -1}, Infer: inferSplit,
		Kernel: func(s *Spec) (Kernel, error) {
			axis, since := s.Int("axis", 0), s.Since
			return func(x *Call) error { return split(x, axis, since) }, nil
		},
		Grad: gradSplit, Check: Check{Lo: -2, Hi: 2},
	})
}

// splitSizes are the sizes of n parts of an axis of the given size: as sizes
// states, or equal ones, of which the last is smaller from version 18 on.
func splitSizes(size, n int, sizes []int64, since int64) ([]int, error) {
	out := make([]int, n)
	if sizes != nil {
		if len(sizes) != n {
			return nil, fmt.Errorf("%d sizes for %d outputs", len(sizes), n)
		}
		sum := 0
		for i, s := range sizes {
			if s < 0 || s > int64(size) {
				return nil, fmt.Errorf("part %d has size %d, but the axis has size %d", i, s, size)
			}
			out[i] = int(s)
			sum += out[i]
		}
		if sum != size {
			return nil, fmt.Errorf("sizes %v do not add up to the axis size %d", sizes, size)
		}
		return out, nil
	}
	if size%n != 0 && since < 18 {
		return nil, fmt.Errorf("an axis of size %d cannot be split into %d equal parts", size, n)
	}
	part := (size + n - 1) / n
	for i := range out {
		out[i] = max(0, min(part, size-i*part))
	}
	return out, nil
}

func inferSplit(c *Infer) error {
	x := c.Input(0)
	if x.Shape == nil {
		for i := range c.Out {
			c.Set(i, x.DType, nil)
		}
		return nil
	}
	axis, err := Axis(c.Node.Int("axis", 0), len(x.Shape))
	if err != nil {
		return err
	}
	n := len(c.Out)
	dims := make([]symbol.Num, n)
	sizes := c.Node.Ints("split")
	switch d := x.Shape[axis]; {
	case c.Since >= 13 && c.Has(1):
		if e := c.Input(1).elems(); len(e) == n {
			copy(dims, e)
		}
	case sizes != nil && len(sizes) == n:
		for i, s := range sizes {
			dims[i] = symbol.Int(s)
		}
	case d.IsKnown():
		parts, err := splitSizes(int(d.Value), n, nil, c.Since)
		if err != nil {
			return err
		}
		for i, s := range parts {
			dims[i] = symbol.Int(int64(s))
		}
	default:
		if q, ok := symbol.Quotient([]symbol.Num{symbol.Of(d)}, []symbol.Num{symbol.Int(int64(n))}); ok {
			for i := range dims {
				dims[i] = q
			}
		}
	}
	for i := range c.Out {
		s := x.Shape.Clone()
		s[axis] = dims[i].Dim()
		c.Set(i, x.DType, s)
	}
	moveElems(c, 0)
	return nil
}

func split(x *Call, axis, since int64) error {
	in := x.In[0]
	k, err := Axis(axis, in.Rank())
	if err != nil {
		return err
	}
	var sizes []int64
	if since >= 13 && x.Has(1) {
		if sizes, err = int64s(x, 1); err != nil {
			return err
		}
		if sizes == nil {
			sizes = []int64{}
		}
	} else if since < 13 {
		sizes = x.Node.Ints("split")
	}
	parts, err := splitSizes(in.Shape[k], len(x.Node.Outputs), sizes, since)
	if err != nil {
		return err
	}
	stride := tensor.Strides(in.Shape)
	at := 0
	for i, n := range parts {
		if x.Wants(i) {
			l := &Layout{Shape: append([]int{}, in.Shape...), Stride: stride, At: at * stride[k]}
			l.Shape[k] = n
			if err := l.set(x, i); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// gradSplit joins the adjoints of the parts; a part without one counts 0.
func gradSplit(c *Grad) error {
	parts := make([]*graph.Value, len(c.Node.Outputs))
	for i := range parts {
		parts[i] = c.Dy[i]
		if parts[i] != nil {
			continue
		}
		y := c.Out(i)
		if y == nil {
			return fmt.Errorf("output %d is omitted, so the gradient does not know its size", i)
		}
		parts[i] = zerosLike(y)
	}
	c.Set(0, Concat(c.Node.Int("axis", 0), parts...))
	return nil
}

// zerosLike is a tensor of zeros of the shape and type of x.
func zerosLike(x *graph.Value) *graph.Value {
	if x == nil {
		return nil
	}
	return Expand(Like(x, 0), shapeOf(x))
}

// Split cuts x along axis into parts of the given sizes.
func Split(x *graph.Value, axis int64, sizes ...int64) []*graph.Value {
	none := make([]*graph.Value, len(sizes))
	if x == nil {
		return none
	}
	attrs := []*graph.Attr{graph.Int("axis", axis)}
	if x.Graph().Opset("") < 13 {
		return Apply("Split", len(sizes), append(attrs, graph.Ints("split", sizes...)), x)
	}
	return Apply("Split", len(sizes), attrs, x, Const(x.Graph(), "split", tensor.Vector(sizes...)))
}

// upgradeSplit: the number of parts is stated where their sizes are not.
func upgradeSplit(u *Upgrade) error {
	if u.Node.Input(1) == nil {
		u.Node.SetAttr(graph.Int("num_outputs", int64(len(u.Node.Outputs))))
	}
	return nil
}
