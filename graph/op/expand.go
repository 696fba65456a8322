package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "Expand", Equation: "y = x broadcast together with a shape", Versions: []int64{8, 13}, In: Arity{2, 2}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Moved},
			Infer: inferExpand, Kernel: func(*Spec) (Kernel, error) { return expand, nil },
			Grad:  func(c *Grad) error { c.Set(0, c.Dy[0]); return nil },
			Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "Tile", Equation: "y = x repeated along each axis", Versions: []int64{6, 13}, In: Arity{2, 2}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Moved},
			Infer: inferTile, Kernel: func(*Spec) (Kernel, error) { return tile, nil }, Grad: gradTile,
			Check: Check{Lo: -2, Hi: 2}},
	)
}

func inferExpand(c *Infer) error {
	x := c.Input(0)
	e := c.Input(1).elems()
	if e == nil {
		var s graph.Shape
		if r := c.Input(1).Shape; len(r) == 1 && r[0].IsKnown() && x.Shape != nil && r[0].Value <= MaxElems {
			s = unknownShape(max(int(r[0].Value), len(x.Shape)))
		}
		c.Set(0, x.DType, s)
		return nil
	}
	target := make(graph.Shape, len(e))
	for i, n := range e {
		target[i] = n.Dim()
	}
	s, err := Broadcast(x.Shape, target)
	if err != nil {
		return err
	}
	c.Set(0, x.DType, s)
	moveElems(c, 0)
	return nil
}

func expand(x *Call) error {
	target, err := Ints(x.In[1])
	if err != nil {
		return x.InputError(1, "%v", err)
	}
	in := x.In[0]
	shape, err := BroadcastShapes(in.Shape, target)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	stride, _ := kernel.BroadcastStrides(shape, in.Shape)
	copyStrided(x, shape, out, 0, tensor.Strides(shape), in, 0, stride)
	return nil
}

func inferTile(c *Infer) error {
	x := c.Input(0)
	if x.Shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	s := unknownShape(len(x.Shape))
	if e := c.Input(1).elems(); e != nil {
		if len(e) != len(s) {
			return c.InputError(1, "%d repeats for rank %d", len(e), len(s))
		}
		for i := range s {
			s[i] = symbol.Of(x.Shape[i]).Times(e[i]).Dim()
		}
	}
	c.Set(0, x.DType, s)
	moveElems(c, 0)
	return nil
}

// tile copies x once for each axis dimension pair: the output is seen as
// (repeat, size) for each axis, where the repeats have stride 0 in x.
func tile(x *Call) error {
	in := x.In[0]
	repeats, err := Ints(x.In[1])
	if err != nil {
		return x.InputError(1, "%v", err)
	}
	if len(repeats) != in.Rank() {
		return x.InputError(1, "%d repeats for rank %d", len(repeats), in.Rank())
	}
	shape := make([]int, in.Rank())
	var nest, dst, src []int
	for i, r := range repeats {
		if r < 0 || in.Shape[i] > 0 && r > tensor.MaxElems/in.Shape[i] {
			return x.InputError(1, "repeat %d of an axis of size %d", r, in.Shape[i])
		}
		shape[i] = in.Shape[i] * r
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	from, to := tensor.Strides(in.Shape), tensor.Strides(shape)
	for i, r := range repeats {
		nest = append(nest, r, in.Shape[i])
		dst = append(dst, to[i]*in.Shape[i], to[i])
		src = append(src, 0, from[i])
	}
	copyStrided(x, nest, out, 0, dst, in, 0, src)
	return nil
}

// gradTile sums the adjoint over the repeats: it is seen as (repeat, size) for
// each axis.
func gradTile(c *Grad) error {
	x, repeats := c.In(0), c.In(1)
	if x.Shape() == nil {
		return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
	}
	rank := len(x.Shape())
	if rank == 0 {
		c.Set(0, c.Dy[0])
		return nil
	}
	pairs := Concat(1, Reshape(Cast(repeats, tensor.Int64), int64(rank), 1), Reshape(shapeOf(x), int64(rank), 1))
	axes := make([]int64, rank)
	for i := range axes {
		axes[i] = int64(2 * i)
	}
	c.Set(0, ReduceSum(ReshapeTo(c.Dy[0], Reshape(pairs, -1)), axes, false))
	return nil
}

// Expand is x broadcast together with the shape that a value (int64) holds.
func Expand(x, shape *graph.Value) *graph.Value { return apply("Expand", nil, x, shape) }

// expandLike is v, whose shape broadcasts to that of x, in the shape of x.
func expandLike(v, x *graph.Value) *graph.Value {
	if v == nil || x == nil {
		return nil
	}
	if x.Graph().Opset("") >= 8 {
		return Expand(v, shapeOf(x))
	}
	// Tile does it where there is no Expand, if the shapes are known.
	repeats := make([]int64, len(x.Shape()))
	if !x.Shape().IsStatic() || !v.Shape().IsStatic() || len(v.Shape()) != len(repeats) {
		x.Graph().Fail(fmt.Errorf("expanding %v to %v: opset %d has no Expand (since 8)", v, x, x.Graph().Opset("")))
		return nil
	}
	for i, d := range x.Shape() {
		repeats[i] = 1
		if v.Shape()[i].Value == 1 {
			repeats[i] = d.Value
		}
	}
	return apply("Tile", nil, v, Const(x.Graph(), "repeats", tensor.Vector(repeats...)))
}
