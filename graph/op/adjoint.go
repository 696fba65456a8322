package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// rank is the rank of input i, which the rule cannot do without.
func (c *Grad) rank(i int) (int, error) {
	if s := c.In(i).Shape(); s != nil {
		return len(s), nil
	}
	return 0, InputError(c.Node, i, "its rank is not known, which the gradient needs")
}

// only checks that no output but the first has an adjoint.
func (c *Grad) only() error {
	for i, dy := range c.Dy {
		if i > 0 && dy != nil {
			return fmt.Errorf("output %d: %s has a gradient rule only for its first output", i, c.Node.Op)
		}
	}
	return nil
}

// int64Const is a constant vector.
func int64Const(g *graph.Graph, v ...int64) *graph.Value {
	return Const(g, "const", tensor.Vector(v...))
}

// dims is the dimensions from to (not included) of x, as a vector of int64:
// a constant where they are known.
func dims(x *graph.Value, from, to int) *graph.Value {
	if x == nil {
		return nil
	}
	if s := x.Shape(); s != nil && s[from:to].IsStatic() {
		list := make([]int64, to-from)
		for i, d := range s[from:to] {
			list[i] = d.Value
		}
		return int64Const(x.Graph(), list...)
	}
	v := Shape(x)
	if from == 0 && to == len(x.Shape()) {
		return v
	}
	return Slice(v, 0, int64(from), int64(to))
}

// axesFrom is the axes from to (not included).
func axesFrom(from, to int) []int64 {
	var axes []int64
	for i := from; i < to; i++ {
		axes = append(axes, int64(i))
	}
	return axes
}

// swapLast is x with its last two axes exchanged.
func swapLast(x *graph.Value) *graph.Value {
	if x == nil {
		return nil
	}
	perm := axesFrom(0, len(x.Shape()))
	n := len(perm)
	perm[n-1], perm[n-2] = perm[n-2], perm[n-1]
	return Transpose(x, perm...)
}

// byChannel is the vector v shaped so that it broadcasts along axis 1 of
// values of the given rank.
func byChannel(v *graph.Value, rank int) *graph.Value {
	if rank <= 2 {
		return v
	}
	return Unsqueeze(v, axesFrom(1, rank-1)...)
}

// overChannel is the sum of x, of the given rank, over all axes but 1.
func overChannel(x *graph.Value, rank int) *graph.Value {
	return ReduceSum(x, append([]int64{0}, axesFrom(2, rank)...), false)
}

// count is the number of elements that x has on axes, as a scalar of x's type.
func count(x *graph.Value, axes []int64) *graph.Value {
	if x == nil {
		return nil
	}
	n := int64(1)
	for _, a := range axes {
		d := x.Shape()[a]
		if !d.IsKnown() {
			sizes := Gather(Shape(x), int64Const(x.Graph(), axes...), 0)
			return Cast(apply("ReduceProd", []*graph.Attr{graph.Int("keepdims", 0)}, Cast(sizes, tensor.Float32)), x.Type.DType)
		}
		n *= d.Value
	}
	return Like(x, float64(n))
}
