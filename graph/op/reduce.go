package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// reduceRow is a row of the family y = ∘ x over axes.
type reduceRow struct {
	name, equation string
	effect         flow.Effect
	versions       []int64
	op             kernel.ReduceOp
	// grad gives the adjoint of x; y and dy have the reduced axes with size 1.
	grad  func(r *reduced, x, y, dy *graph.Value) *graph.Value
	elems func(e []symbol.Num) symbol.Num
	check Check
}

// axes says where a row's axes are.
func (r *reduceRow) axes() axesArg {
	if r.name == "ReduceSum" {
		return axesArg{1, 13}
	}
	return axesArg{1, 18}
}

func init() {
	since18 := []int64{1, 11, 13, 18}
	positive := Check{Lo: 0.5, Hi: 2}
	signed := Check{Lo: -2, Hi: 2, Avoid: []float64{0}}
	for _, r := range []reduceRow{
		{"ReduceSum", "y = Σ x", flow.None, []int64{1, 11, 13}, kernel.ReduceSum,
			func(_ *reduced, x, _, dy *graph.Value) *graph.Value { return expandLike(dy, x) }, sumNum, signed},
		{"ReduceMean", "y = Σ x / n", flow.None, since18, kernel.ReduceMean,
			func(r *reduced, x, y, dy *graph.Value) *graph.Value { return expandLike(Div(dy, r.count(x, y)), x) }, nil, signed},
		{"ReduceMax", "y = max x", flow.Maximum, []int64{1, 11, 12, 13, 18, 20}, kernel.ReduceMax, gradReduceExtreme, nil, signed},
		{"ReduceMin", "y = min x", flow.None, []int64{1, 11, 12, 13, 18, 20}, kernel.ReduceMin, gradReduceExtreme, nil, signed},
		{"ReduceProd", "y = Π x", flow.None, since18, kernel.ReduceProd, gradReduceProd, symbol.Product, positive},
		{"ReduceSumSquare", "y = Σ x²", flow.None, since18, kernel.ReduceSumSquare,
			func(_ *reduced, x, _, dy *graph.Value) *graph.Value { return Mul(dy, Mul(Like(x, 2), x)) }, nil, signed},
		{"ReduceL1", "y = Σ |x|", flow.None, since18, kernel.ReduceL1,
			func(_ *reduced, x, _, dy *graph.Value) *graph.Value { return Mul(dy, signOf(x)) }, nil, signed},
		{"ReduceL2", "y = √Σ x²", flow.None, since18, kernel.ReduceL2,
			// Where the norm is 0, so is x, and the adjoint is taken as 0.
			func(_ *reduced, x, y, dy *graph.Value) *graph.Value {
				return Mul(dy, Div(x, Add(y, Sub(Like(y, 1), above(y, 0)))))
			}, nil, signed},
		{"ReduceLogSum", "y = ln Σ x", flow.None, since18, kernel.ReduceLogSum,
			func(_ *reduced, x, y, dy *graph.Value) *graph.Value { return expandLike(Mul(dy, Exp(Neg(y))), x) }, nil, positive},
		{"ReduceLogSumExp", "y = ln Σ exp x", flow.None, since18, kernel.ReduceLogSumExp,
			func(_ *reduced, x, y, dy *graph.Value) *graph.Value { return Mul(dy, Exp(Sub(x, y))) }, nil, signed},
	} {
		Register(r.row())
	}
}

func (r reduceRow) row() *Op {
	return &Op{
		Name: r.name, Equation: r.equation + " over the given axes, or all", Versions: r.versions, Upgrades: Upgrades{r.axes().since: intsToInput("axes", 1)},
		In: Arity{1, 2}, Out: Arity{1, 1}, Half: true,
		Flow:  flow.Flow{Pass: flow.Reduced, Effect: r.effect},
		Infer: func(c *Infer) error { return r.infer(c) },
		Kernel: func(s *Spec) (Kernel, error) {
			keep, noop := s.Int("keepdims", 1) != 0, s.Int("noop_with_empty_axes", 0) != 0
			since, args := s.Since, r.axes()
			return func(x *Call) error {
				axes, _, err := args.run(x, since)
				if err != nil {
					return err
				}
				set, err := axisSet(axes, x.In[0].Rank())
				if err != nil {
					return err
				}
				if len(axes) == 0 && !noop {
					for i := range set {
						set[i] = true
					}
				}
				return reduce(x, r.op, set, keep)
			}, nil
		},
		Grad:  func(c *Grad) error { return r.backward(c) },
		Check: r.check,
	}
}

func (r *reduceRow) infer(c *Infer) error {
	x := c.Input(0)
	keep := c.Node.Int("keepdims", 1) != 0
	axes, _, known, count := r.axes().infer(c)
	if known && len(axes) == 0 && c.Node.Int("noop_with_empty_axes", 0) == 0 {
		if x.Shape == nil && !keep {
			c.Set(0, x.DType, graph.Shape{})
			return nil
		}
		for i := range x.Shape {
			axes = append(axes, int64(i))
		}
	}
	s, err := reducedShape(x.Shape, axes, known, count, keep)
	if err != nil {
		return err
	}
	c.Set(0, x.DType, s)
	if e := x.Elems(); r.elems != nil && e != nil && len(x.Shape) == 1 && len(axes) == 1 {
		c.SetElems(0, []symbol.Num{r.elems(e)})
	}
	return nil
}

// reducedShape is the shape s has after a reduction over axes; if they are not
// known, there are count of them, or any number if count < 0.
func reducedShape(s graph.Shape, axes []int64, known bool, count int, keep bool) (graph.Shape, error) {
	switch {
	case s == nil:
		return nil, nil
	case !known && keep:
		return unknownShape(len(s)), nil
	case !known && count > 0 && count <= len(s):
		return unknownShape(len(s) - count), nil
	case !known:
		return nil, nil
	}
	out := s.Clone()
	for _, a := range axes {
		k, err := Axis(a, len(s))
		if err != nil {
			return nil, err
		}
		out[k] = graph.Known(1)
	}
	if keep {
		return out, nil
	}
	short := graph.Shape{}
	for i, d := range out {
		if !slices.Contains(axes, int64(i)) && !slices.Contains(axes, int64(i-len(s))) {
			short = append(short, d)
		}
	}
	return short, nil
}

func sumNum(e []symbol.Num) symbol.Num {
	out := symbol.Int(0)
	for _, n := range e {
		out = out.Plus(n)
	}
	return out
}

// reduce reduces input 0 over the axes in set.
func reduce(x *Call, op kernel.ReduceOp, set []bool, keep bool) error {
	in := x.In[0]
	shape := make([]int, 0, in.Rank())
	for i, d := range in.Shape {
		switch {
		case !set[i]:
			shape = append(shape, d)
		case keep:
			shape = append(shape, 1)
		}
	}
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	perm, outer, axis, inner := kernel.ReduceLayout(in.Shape, set)
	src := in
	if perm != nil {
		moved := make([]int, len(perm))
		stride := make([]int, len(perm))
		from := tensor.Strides(in.Shape)
		for i, p := range perm {
			moved[i], stride[i] = in.Shape[p], from[p]
		}
		if src, err = x.Temp(in.DType, moved...); err != nil {
			return err
		}
		defer x.Env.Free(src)
		copyStrided(x, moved, src, 0, tensor.Strides(moved), in, 0, stride)
	}
	return reduceLayout(x, op, out, src, outer, axis, inner)
}

func reduceLayout(x *Call, op kernel.ReduceOp, out, in *tensor.Tensor, outer, axis, inner int) error {
	switch in.DType {
	case tensor.Float32:
		kernel.Reduce(x.Parallel, op, tensor.Data[float32](out), tensor.Data[float32](in), outer, axis, inner)
	case tensor.Float64:
		kernel.Reduce(x.Parallel, op, tensor.Data[float64](out), tensor.Data[float64](in), outer, axis, inner)
	case tensor.Int8:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[int8](out), tensor.Data[int8](in), outer, axis, inner)
	case tensor.Int32:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[int32](out), tensor.Data[int32](in), outer, axis, inner)
	case tensor.Int64:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[int64](out), tensor.Data[int64](in), outer, axis, inner)
	case tensor.Uint8:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[uint8](out), tensor.Data[uint8](in), outer, axis, inner)
	case tensor.Uint32:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[uint32](out), tensor.Data[uint32](in), outer, axis, inner)
	case tensor.Uint64:
		kernel.ReduceInt(x.Parallel, op, tensor.Data[uint64](out), tensor.Data[uint64](in), outer, axis, inner)
	case tensor.Bool:
		if op != kernel.ReduceMax && op != kernel.ReduceMin {
			return x.InputError(0, "%v, want numbers", in)
		}
		dst := raw[uint8](out)
		kernel.ReduceInt(x.Parallel, op, dst, raw[uint8](in), outer, axis, inner)
		for i, v := range dst { // an empty minimum is true
			dst[i] = min(v, 1)
		}
	default:
		return x.InputError(0, "%v is not a type that %s takes", in, x.Node.Op)
	}
	return nil
}

// reduceBy is a reduction over axes (all if there are none), in the form that
// the graph's opset has.
func reduceBy(name string, x *graph.Value, axes []int64, keepdims bool) *graph.Value {
	if x == nil {
		return nil
	}
	attrs := []*graph.Attr{graph.Int("keepdims", truth(keepdims).N)}
	since := int64(18)
	if name == "ReduceSum" {
		since = 13
	}
	switch {
	case len(axes) == 0:
		return apply(name, attrs, x)
	case x.Graph().Opset("") < since:
		return apply(name, append(attrs, graph.Ints("axes", axes...)), x)
	}
	return apply(name, attrs, x, Const(x.Graph(), "axes", tensor.Vector(axes...)))
}

// ReduceSum is Σ x over axes, or over all if axes is empty.
func ReduceSum(x *graph.Value, axes []int64, keepdims bool) *graph.Value {
	return reduceBy("ReduceSum", x, axes, keepdims)
}

// ReduceMean is the mean of x over axes, or over all if axes is empty.
func ReduceMean(x *graph.Value, axes []int64, keepdims bool) *graph.Value {
	return reduceBy("ReduceMean", x, axes, keepdims)
}

// ReduceMax is the greatest of x over axes, or over all if axes is empty.
func ReduceMax(x *graph.Value, axes []int64, keepdims bool) *graph.Value {
	return reduceBy("ReduceMax", x, axes, keepdims)
}

// ReduceMin is the least of x over axes, or over all if axes is empty.
func ReduceMin(x *graph.Value, axes []int64, keepdims bool) *graph.Value {
	return reduceBy("ReduceMin", x, axes, keepdims)
}
