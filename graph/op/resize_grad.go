package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradResize: along each axis, Resize is a product with a matrix that the
// sizes determine; the adjoint is the product with its transpose. Where sizes
// are not known, nearest mode by whole scales sums over blocks.
func gradResize(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	r, err := resizeOf(c.Node, Lookup("", c.Node.Op).Since(c.Node.Graph().Opset("")))
	if err != nil {
		return err
	}
	if r.filter.Coordinate == kernel.CoordCropAndResize {
		return fmt.Errorf("tf_crop_and_resize has no gradient rule, because its region is an input too")
	}
	in, out := c.In(0).Shape(), c.Out(0).Shape()
	if len(out) != rank {
		return InputError(c.Node, 0, "the rank of the result is not known, which the gradient needs")
	}
	scales, err := r.nodeScales(c.Node, rank)
	if err != nil {
		return err
	}
	var common []kernel.ResizeAxis
	if scales == nil && r.policy != "stretch" {
		if common, err = r.commonAxes(c.Node, in); err != nil {
			return err
		}
	}
	dx := c.Dy[0]
	for d := range rank {
		var a kernel.ResizeAxis
		switch {
		case common != nil:
			if a = common[d]; a.Copied(r.filter.Coordinate) {
				continue
			}
		case in[d].Same(out[d]) && (scales == nil || scales[d] == 1):
			continue
		case !in[d].IsKnown() || !out[d].IsKnown():
			if c.blockSums(r, scales) {
				return nil
			}
			m, err := r.dynamicMatrix(c, d, scales)
			if err != nil {
				return InputError(c.Node, 0, "its sizes are not known: %v", err)
			}
			dx = alongAxisProduct(dx, m, d, rank)
			continue
		default:
			a = kernel.ResizeAxis{In: int(in[d].Value), Out: int(out[d].Value), End: 1}
			a.Scale = kernel.Ratio{Num: float64(a.Out), Den: float64(max(a.In, 1))}
			if scales != nil {
				a.Scale = kernel.ScaleOf(scales[d], a.In, a.Out)
			}
		}
		m, err := r.matrix(a)
		if err != nil {
			return fmt.Errorf("axis %d: %w", d, err)
		}
		dx = alongAxisProduct(dx, Cast(Const(dx.Graph(), "const", m), dx.Type.DType), d, rank)
	}
	c.Set(0, dx)
	return nil
}

// commonAxes is how each axis is resized where a policy gives all axes that the
// sizes are for one scale.
func (r *resize) commonAxes(n *graph.Node, in graph.Shape) ([]kernel.ResizeAxis, error) {
	at, err := r.axesOf(len(in))
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(in))
	for _, d := range at {
		if !in[d].IsKnown() {
			return nil, InputError(n, 0, "the size of axis %d is not known, which the gradient of keep_aspect_ratio_policy %s needs", d, r.policy)
		}
		shape[d] = int(in[d].Value)
	}
	v := n.Input(r.sizes)
	if v == nil {
		return nil, InputError(n, r.sizes, "is missing")
	}
	t, err := ConstantOf(v)
	if err != nil {
		return nil, InputError(n, r.sizes, "%v", err)
	}
	sizes, err := Ints(t)
	if err != nil {
		return nil, InputError(n, r.sizes, "%v", err)
	}
	return r.layout(shape, nil, sizes, nil)
}

// nodeScales is one scale for each axis, or nil if the node states sizes.
func (r *resize) nodeScales(n *graph.Node, rank int) ([]float64, error) {
	list := r.attrScales
	if list == nil {
		v := n.Input(r.scales)
		if v == nil {
			return nil, nil
		}
		t, err := ConstantOf(v)
		if err != nil {
			return nil, InputError(n, r.scales, "%v", err)
		}
		if list = constFloats(t); len(list) == 0 {
			return nil, nil
		}
	}
	at, err := r.axesOf(rank)
	if err != nil {
		return nil, err
	}
	if len(at) != len(list) {
		return nil, fmt.Errorf("%d scales for %d axes", len(list), len(at))
	}
	scales := make([]float64, rank)
	for i := range scales {
		scales[i] = 1
	}
	for i, d := range at {
		scales[d] = list[i]
	}
	return scales, nil
}

// maxResizeMatrix bounds, in elements, the constants that the rule makes.
const maxResizeMatrix = 1 << 22

// matrix is the matrix [Out, In] that resizes axis a: the columns are the
// images of the unit vectors.
func (r *resize) matrix(a kernel.ResizeAxis) (*tensor.Tensor, error) {
	if a.In*a.Out > maxResizeMatrix || a.In > 1<<15 {
		return nil, fmt.Errorf("resizing %d to %d is too large for the gradient rule", a.In, a.Out)
	}
	m := make([]float32, a.In*a.Out)
	if r.nearest {
		table, err := r.table(a)
		if err != nil {
			return nil, err
		}
		for o, i := range table {
			m[o*a.In+i] = 1
		}
		return tensor.Of([]int{a.Out, a.In}, m), nil
	}
	eye := make([]float32, a.In*a.In)
	for i := range a.In {
		eye[i*a.In+i] = 1
	}
	axes := []kernel.ResizeAxis{a, {In: a.In, Out: a.In, Scale: kernel.Ratio{Num: 1, Den: 1}}}
	if err := kernel.Resize(nil, &r.filter, axes, m, eye); err != nil {
		return nil, err
	}
	return tensor.Of([]int{a.Out, a.In}, m), nil
}

// dynamicMatrix builds the matrix [Out, In] that resizes axis d, whose sizes are known when
// it runs: of nearest mode 1 where a coordinate is rounded to, of linear mode what each
// element counts at a coordinate.
func (r *resize) dynamicMatrix(c *Grad, d int, scales []float64) (*graph.Value, error) {
	if r.filter.Cubic || r.filter.Antialias || r.simple && scales == nil {
		return nil, fmt.Errorf("the gradient of cubic and antialiased modes, and of scales that are computed before version 11, needs them")
	}
	g, t := c.Node.Graph(), c.In(0).Type.DType
	if g.Opset("") < 11 {
		return nil, fmt.Errorf("opset %d has no comparison of numbers that the gradient needs (11)", g.Opset(""))
	}
	number := func(v float64) *graph.Value { return Scalar(g, t, v) }
	sizes := [2]*graph.Value{dims(c.In(0), d, d+1), dims(c.Out(0), d, d+1)}
	in, out := Cast(sizes[0], t), Cast(sizes[1], t)
	o, i := Unsqueeze(Cast(countTo(sizes[1]), t), 1), Cast(countTo(sizes[0]), t)
	shrunk := func(v *graph.Value) *graph.Value {
		if scales != nil {
			return Div(v, number(scales[d]))
		}
		return Div(Mul(v, in), out) // exact where the quotient is whole
	}
	var x *graph.Value
	switch r.filter.Coordinate {
	case kernel.CoordAsymmetric:
		x = shrunk(o)
	case kernel.CoordHalfPixel:
		x = Sub(shrunk(Add(o, number(0.5))), number(0.5))
	case kernel.CoordPytorchHalfPixel:
		x = Mul(Sub(shrunk(Add(o, number(0.5))), number(0.5)), Cast(Greater(out, number(1)), t))
	case kernel.CoordHalfPixelForNearest:
		x = shrunk(Add(o, number(0.5)))
	case kernel.CoordAlignCorners:
		x = Div(Mul(o, Sub(in, number(1))), Max(Sub(out, number(1)), number(1)))
	default:
		return nil, fmt.Errorf("the gradient of this transformation of coordinates needs them")
	}
	last := Sub(in, number(1))
	if r.nearest {
		return Cast(Equal(Min(Max(r.rounded(x, scales, d), number(0)), last), i), t), nil
	}
	return Max(Sub(number(1), Abs(Sub(Min(Max(x, number(0)), last), i))), number(0)), nil
}

// rounded is the coordinate x, on axis d, rounded as the node says.
func (r *resize) rounded(x *graph.Value, scales []float64, d int) *graph.Value {
	half := Like(x, 0.5)
	switch {
	case r.simple && scales[d] < 1, !r.simple && r.rounding == kernel.RoundCeil:
		return apply("Ceil", nil, x)
	case !r.simple && r.rounding == kernel.RoundPreferFloor:
		return apply("Ceil", nil, Sub(x, half))
	case !r.simple && r.rounding == kernel.RoundPreferCeil:
		return Floor(Add(x, half))
	}
	return Floor(x)
}

// alongAxisProduct is wᵀ·v along axis d.
func alongAxisProduct(v, w *graph.Value, d, rank int) *graph.Value {
	if v == nil {
		return nil
	}
	if d == rank-1 {
		return MatMul(v, w)
	}
	if d == rank-2 {
		return MatMul(Transpose(w, 1, 0), v)
	}
	perm := axesFrom(0, rank)
	perm[d], perm[rank-1] = perm[rank-1], perm[d]
	return Transpose(MatMul(Transpose(v, perm...), w), perm...)
}

// blockSums is the adjoint of nearest mode where every element of the input
// becomes a block: whole scales, and coordinates that fall inside it.
// It reports false, and builds nothing, where that is not so.
func (c *Grad) blockSums(r *resize, scales []float64) bool {
	inside := r.filter.Coordinate == kernel.CoordAsymmetric && (r.simple || r.rounding == kernel.RoundFloor) ||
		r.filter.Coordinate == kernel.CoordHalfPixel && (r.rounding == kernel.RoundPreferFloor || r.rounding == kernel.RoundPreferCeil) ||
		r.filter.Coordinate == kernel.CoordHalfPixelForNearest && r.rounding == kernel.RoundFloor
	rank := len(c.In(0).Shape())
	ok := r.nearest && inside && rank > 2 && scales != nil && scales[0] == 1 && scales[1] == 1
	for _, s := range scales {
		ok = ok && s >= 1 && s == float64(int64(s)) && s <= slideLimit
	}
	if !ok {
		return false
	}
	var window []int64
	n := 1.0
	for _, s := range scales[2:] {
		window = append(window, int64(s))
		n *= s
	}
	mean := apply("AveragePool", []*graph.Attr{graph.Ints("kernel_shape", window...), graph.Ints("strides", window...)}, c.Dy[0])
	c.Set(0, Mul(mean, Like(mean, n)))
	return true
}
