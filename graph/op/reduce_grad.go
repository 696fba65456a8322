package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
)

// reduced is a reduction as its gradient rule sees it.
type reduced struct {
	row  *reduceRow
	axes []int64 // ascending, not negative
}

func (r *reduceRow) backward(c *Grad) error {
	x, y, dy := c.In(0), c.Out(0), c.Dy[0]
	if x.Shape() == nil {
		return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
	}
	axes, _, err := r.axes().ofNode(c.Node)
	if err != nil {
		return err
	}
	rank := len(x.Shape())
	if len(axes) == 0 && c.Node.Int("noop_with_empty_axes", 0) == 0 {
		for i := range rank {
			axes = append(axes, int64(i))
		}
	}
	axes = slices.Clone(axes)
	for i, a := range axes {
		k, err := Axis(a, rank)
		if err != nil {
			return err
		}
		axes[i] = int64(k)
	}
	slices.Sort(axes)
	if c.Node.Int("keepdims", 1) == 0 && len(axes) > 0 {
		y, dy = Unsqueeze(y, axes...), Unsqueeze(dy, axes...)
	}
	c.Set(0, r.grad(&reduced{r, axes}, x, y, dy))
	return nil
}

// sum is the sum of v over the axes of the reduction, which stay with size 1.
func (r *reduced) sum(v *graph.Value) *graph.Value { return r.over("ReduceSum", v) }

func (r *reduced) over(name string, v *graph.Value) *graph.Value {
	if len(r.axes) == 0 {
		return v
	}
	return reduceBy(name, v, r.axes, true)
}

// count is how many elements of x each element of y stands for.
func (r *reduced) count(x, y *graph.Value) *graph.Value {
	n := int64(1)
	for _, a := range r.axes {
		d := x.Shape()[a]
		if !d.IsKnown() {
			return castLike(Div(apply("Size", nil, x), apply("Size", nil, y)), x)
		}
		n *= d.Value
	}
	return Like(x, float64(n))
}

// gradReduceExtreme splits the adjoint evenly among the elements that are the
// extreme.
func gradReduceExtreme(r *reduced, x, y, dy *graph.Value) *graph.Value {
	beaten := Less(x, y)
	if r.row.op == kernel.ReduceMin {
		beaten = Greater(x, y)
	}
	mask := castLike(Not(beaten), x)
	return Mul(mask, Div(dy, r.sum(mask)))
}

// gradReduceProd is dy · Π of the other elements, exact also where some are 0:
// with z marking zeros and p the product of the others, it is p/x where there
// is no zero, p where x is the only zero, and 0 elsewhere.
func gradReduceProd(r *reduced, x, _, dy *graph.Value) *graph.Value {
	z := Sub(Sub(Like(x, 1), above(x, 0)), below(x, 0))
	safe := Add(x, z)
	p := r.over("ReduceProd", safe)
	only := Relu(Sub(Like(x, 1), Sub(r.sum(z), z)))
	return Mul(Mul(dy, only), Div(p, safe))
}
