package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "TopK", Equation: "values, indices = the k greatest (least, if not largest) of x along axis, best first",
		Flow:     flow.Flow{Pass: flow.Ranked},
		Versions: []int64{1, 10, 11, 24}, Upgrades: Upgrades{10: upgradeTopK}, In: Arity{1, 2}, Out: Arity{2, 2}, Half: true,
		Infer: inferTopK, Kernel: makeTopK, Grad: gradTopK, Check: Check{Lo: -1, Hi: 1},
	})
}

func inferTopK(c *Infer) error {
	x := c.Input(0)
	shape := x.Shape.Clone()
	if shape != nil {
		axis, err := Axis(c.Node.Int("axis", -1), len(shape))
		if err != nil {
			return c.InputError(0, "%v", err)
		}
		shape[axis] = graph.Unknown()
		if c.Since < 10 {
			shape[axis] = graph.Known(max(c.Node.Int("k", 0), 0))
		} else if e := c.Input(1).Elems(); len(e) == 1 {
			shape[axis] = e[0].Dim()
		}
	}
	c.Set(0, x.DType, shape)
	c.Set(1, tensor.Int64, shape)
	return nil
}

func makeTopK(s *Spec) (Kernel, error) {
	p := topK{axis: s.Int("axis", -1), k: -1, largest: s.Int("largest", 1) != 0}
	if s.Since < 10 {
		if p.k = s.Int("k", -1); p.k < 0 {
			return nil, attrError("k", p.k, "0 or more")
		}
	} else if len(s.Node.Inputs) < 2 || s.Node.Inputs[1] == nil {
		return nil, InputError(s.Node, 1, "is missing")
	}
	return func(x *Call) error {
		switch x.In[0].DType {
		case tensor.Float32:
			return runTopK[float32](x, p)
		case tensor.Float64:
			return runTopK[float64](x, p)
		case tensor.Int8:
			return runTopK[int8](x, p)
		case tensor.Int16:
			return runTopK[int16](x, p)
		case tensor.Int32:
			return runTopK[int32](x, p)
		case tensor.Int64:
			return runTopK[int64](x, p)
		case tensor.Uint8:
			return runTopK[uint8](x, p)
		case tensor.Uint16:
			return runTopK[uint16](x, p)
		case tensor.Uint32:
			return runTopK[uint32](x, p)
		case tensor.Uint64:
			return runTopK[uint64](x, p)
		}
		return x.InputError(0, "%v, want numbers", x.In[0])
	}, nil
}

type topK struct {
	axis, k int64 // k is -1 where an input holds it
	largest bool
}

func runTopK[T interface {
	kernel.Number
	tensor.Elem
}](x *Call, p topK) error {
	in := x.In[0]
	axis, err := Axis(p.axis, in.Rank())
	if err != nil {
		return x.InputError(0, "%v", err)
	}
	k := p.k
	if k < 0 {
		if k, err = intOf(x, 1); err != nil {
			return err
		}
	}
	if n := in.Shape[axis]; k < 0 || k > int64(n) {
		return x.InputError(0, "k is %d, axis %d has %d elements", k, axis, n)
	}
	shape := append([]int{}, in.Shape...)
	shape[axis] = int(k)
	values, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	indices, err := x.New(1, tensor.Int64, shape...)
	if err != nil || values.Len() == 0 {
		return err
	}
	release, err := x.Hold(tensor.Uint8, kernel.TopKScratch[T](tensor.Elements(shape[:axis])*tensor.Elements(shape[axis+1:]), in.Shape[axis]))
	if err != nil {
		return err
	}
	defer release()
	return kernel.TopK(x.Parallel, tensor.Data[T](values), tensor.Data[int64](indices), tensor.Data[T](in),
		tensor.Elements(shape[:axis]), in.Shape[axis], tensor.Elements(shape[axis+1:]), int(k), p.largest, x.Stopped)
}

// Order is the indices of x along axis, the greatest element first and equal ones
// by their index, int64. Where the axis is dynamic the graph must be of opset 10.
func Order(x *graph.Value, axis int) *graph.Value {
	if x == nil {
		return nil
	}
	d, g := x.Shape()[axis], x.Graph()
	switch {
	case g.Opset("") >= 10 && d.IsKnown():
		_, order := TopK(x, Const(g, "k", tensor.Vector(d.Value)), axis)
		return order
	case g.Opset("") >= 10:
		_, order := TopK(x, Slice(Shape(x), 0, int64(axis), int64(axis)+1), axis)
		return order
	case d.IsKnown():
		return Apply("TopK", 2, []*graph.Attr{graph.Int("axis", int64(axis)), graph.Int("k", d.Value)}, x)[1]
	}
	g.Fail(fmt.Errorf("sorting %v along an axis of dynamic size needs opset 10, the graph has %d", x, g.Opset("")))
	return nil
}

// TopK is the k greatest elements of x along axis, best first, and their
// indices (int64). k is a vector of one int64.
func TopK(x, k *graph.Value, axis int) (values, indices *graph.Value) {
	r := Apply("TopK", 2, []*graph.Attr{graph.Int("axis", int64(axis))}, x, k)
	return r[0], r[1]
}

// upgradeTopK: k becomes an input.
func upgradeTopK(u *Upgrade) error {
	a, err := u.attr("k")
	if err == nil && a != nil {
		u.Node.SetInput(1, u.Const("k", tensor.Vector(a.I)))
	}
	return err
}
