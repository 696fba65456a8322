package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "MatMulInteger", Equation: "z = (a − a_zero_point) · (b − b_zero_point) as int32", Versions: []int64{10},
			Flow: flow.Flow{Pass: flow.Contracted, Channels: flow.Product, Integers: true}, In: Arity{2, 4}, Out: Arity{1, 1}, NoGrad: noQuantGrad, Work: matrixWork(0),
			Infer: func(c *Infer) error {
				s, err := matMulShape(c.Input(0).Shape, c.Input(1).Shape)
				c.Set(0, tensor.Int32, s)
				return err
			},
			Kernel: func(*Spec) (Kernel, error) { return matMulInteger, nil },
		},
		&Op{
			Name: "QLinearMatMul", Equation: "y = saturate(round((a − a_zero_point)·(b − b_zero_point) · a_scale·b_scale/y_scale) + y_zero_point)", Versions: []int64{10, 21},
			Flow: flow.Flow{Pass: flow.Contracted, Channels: flow.Product, Integers: true, Data: []int{0, 3}}, In: Arity{8, 8}, Out: Arity{1, 1}, NoGrad: noQuantGrad, Work: matrixWork(0),
			Infer: func(c *Infer) error {
				s, err := matMulShape(c.Input(0).Shape, c.Input(3).Shape)
				c.Set(0, c.Input(7).DType, s)
				return err
			},
			Kernel: func(*Spec) (Kernel, error) { return qLinearMatMul, nil },
		},
		&Op{
			Name: "ConvInteger", Equation: "y = Conv(x − x_zero_point, w − w_zero_point) as int32", Versions: []int64{10},
			Flow: flow.Flow{Pass: flow.Contracted, Places: flow.Strided, Integers: true}, In: Arity{2, 4}, Out: Arity{1, 1}, NoGrad: noQuantGrad, Infer: inferConvInteger, Work: productWork(1), Kernel: makeConvInteger,
		},
		&Op{
			Name: "QLinearConv", Equation: "y = saturate(round((Conv(x − x_zero_point, w − w_zero_point) + b) · x_scale·w_scale/y_scale) + y_zero_point)", Versions: []int64{10},
			Flow: flow.Flow{Pass: flow.Contracted, Places: flow.Strided, Integers: true, Data: []int{0, 3}}, In: Arity{8, 9}, Out: Arity{1, 1}, NoGrad: noQuantGrad, Infer: inferQLinearConv, Work: productWork(3), Kernel: makeQLinearConv,
		},
	)
}

// centered is a scratch copy of input i as float64, less the zero point in input z, which holds
// one for all or, if axis ≥ 0, one for each place on that axis. All sums of
// products of such numbers that fit into an int32 are exact in float64.
func centered(x *Call, i, z, axis int) (*tensor.Tensor, error) {
	t := x.In[i]
	switch t.DType {
	case tensor.Int8, tensor.Uint8, tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ:
	default:
		return nil, x.InputError(i, "%v, want elements of 8 bits", t)
	}
	w, err := convert(x, t, tensor.Float64, rounding{})
	if err != nil {
		return nil, err
	}
	v := tensor.Data[float64](w)
	if !x.Has(z) {
		return w, nil
	}
	if x.In[z].DType != t.DType {
		return nil, x.InputError(z, "%v, want %v as the data has", x.In[z], t.DType)
	}
	zt, err := convert(x, x.In[z], tensor.Float64, rounding{})
	if err != nil {
		return nil, err
	}
	defer x.Env.Free(zt)
	zero := tensor.Data[float64](zt)
	switch {
	case len(zero) == 1:
		for k := range v {
			v[k] -= zero[0]
		}
	case axis >= 0 && axis < t.Rank() && len(zero) == t.Shape[axis]:
		inner := tensor.Elements(t.Shape[axis+1:])
		for k := range v {
			v[k] -= zero[k/inner%len(zero)]
		}
	default:
		return nil, x.InputError(z, "shape %v, want a scalar or one for each row or column of %v", x.In[z].Shape, t.Shape)
	}
	return w, nil
}

// centeredProduct is the matrix product of inputs a and b less their zero
// points, in scratch memory.
func centeredProduct(x *Call, a, az, b, bz int) (*matrices, *tensor.Tensor, error) {
	pair := *x
	pair.In = []*tensor.Tensor{x.In[a], x.In[b]}
	g, err := matricesOf(&pair)
	if err != nil {
		return nil, nil, err
	}
	defer g.release()
	va, err := centered(x, a, az, x.In[a].Rank()-2)
	if err != nil {
		return nil, nil, err
	}
	defer x.Env.Free(va)
	vb, err := centered(x, b, bz, x.In[b].Rank()-1)
	if err != nil {
		return nil, nil, err
	}
	defer x.Env.Free(vb)
	out, err := x.Temp(tensor.Float64, g.shape...)
	if err == nil && len(g.aAt) > 0 {
		kernel.GemmBatch(x.Parallel, false, false, g.m, g.n, g.k, 1, tensor.Data[float64](va), g.k, g.aAt,
			tensor.Data[float64](vb), g.n, g.bAt, 0, tensor.Data[float64](out), g.n, g.m*g.n)
	}
	return g, out, err
}

func matMulInteger(x *Call) error {
	g, v, err := centeredProduct(x, 0, 2, 1, 3)
	if err != nil {
		return err
	}
	defer x.Env.Free(v)
	out, err := x.New(0, tensor.Int32, g.shape...)
	if err != nil {
		return err
	}
	wrapInt32(tensor.Data[int32](out), tensor.Data[float64](v))
	return nil
}

// wrapInt32 is the low 32 bits of whole numbers.
func wrapInt32(dst []int32, v []float64) {
	for i, f := range v {
		dst[i] = int32(int64(f))
	}
}

// requantized makes output 0 of v·scale[k] by the scale in input s and the
// zero point in input z; v has len(scale) rows of inner elements, repeated.
func requantized(x *Call, shape []int, v, scale []float64, inner, s, z int) error {
	ys, err := scalarOf(x, s)
	if err != nil {
		return err
	}
	to := x.In[z].DType
	lo, hi, whole := limits(to)
	if !whole {
		return x.InputError(z, "%v, want integers", x.In[z])
	}
	zt, err := convert(x, x.In[z], tensor.Float64, rounding{})
	if err != nil || zt.Len() != 1 {
		return x.InputError(z, "%v, want one integer", x.In[z])
	}
	zero := tensor.Data[float64](zt)[0]
	x.Env.Free(zt)
	res, err := x.Temp(tensor.Float64, shape...)
	if err != nil {
		return err
	}
	dst := tensor.Data[float64](res)
	for i := range dst {
		f := v[i] * scale[i/inner%len(scale)] / ys
		dst[i] = min(max(math.RoundToEven(f)+zero, lo), hi)
	}
	out, err := convert(x, res, to, rounding{})
	if err != nil {
		return err
	}
	x.Env.Free(res)
	x.Set(0, out)
	return nil
}

// productScale is the product of the scale in input a and those in input b,
// of which there are 1 or n.
func productScale(x *Call, a, b, n int) ([]float64, error) {
	first, err := scalarOf(x, a)
	if err != nil {
		return nil, err
	}
	t, err := convert(x, x.In[b], tensor.Float64, rounding{})
	if err != nil {
		return nil, x.InputError(b, "%v", err)
	}
	scale := append([]float64{}, tensor.Data[float64](t)...)
	dropTemp(x, t, x.In[b])
	if len(scale) != 1 && len(scale) != n {
		return nil, x.InputError(b, "shape %v, want a scalar or [%d]", x.In[b].Shape, n)
	}
	for i := range scale {
		scale[i] *= first
	}
	return scale, nil
}

func qLinearMatMul(x *Call) error {
	g, v, err := centeredProduct(x, 0, 2, 3, 5)
	if err != nil {
		return err
	}
	defer x.Env.Free(v)
	scale, err := productScale(x, 1, 4, g.n)
	if err != nil {
		return err
	}
	return requantized(x, g.shape, tensor.Data[float64](v), scale, 1, 6, 7)
}

func inferConvInteger(c *Infer) error {
	if err := inferConv(c); err != nil {
		return err
	}
	c.Out[0].DType = tensor.Int32
	return nil
}

func inferQLinearConv(c *Infer) error {
	d := *c
	d.In = []*Fact{c.In[0], c.In[3]}
	if err := inferConv(&d); err != nil {
		return err
	}
	c.Out[0].DType = c.Input(7).DType
	return nil
}

// centeredConv is the convolution of input 0 by input w less their zero
// points; plan is the Conv's.
func centeredConv(x *Call, plan *convolution, w, xz, wz int) (*tensor.Tensor, error) {
	vx, err := centered(x, 0, xz, -1)
	if err != nil {
		return nil, err
	}
	vw, err := centered(x, w, wz, 0)
	if err != nil {
		return nil, err
	}
	defer x.Env.Free(vw)
	defer x.Env.Free(vx)
	in := *x
	in.In = []*tensor.Tensor{vx, vw}
	in.Out = make([]*tensor.Tensor, 1)
	if err := runConv[float64](&in, plan, nil); err != nil {
		return nil, err
	}
	return in.Out[0], nil
}

func convPlan(n *graph.Node) (*convolution, error) {
	slide, err := slideOf(n)
	if err != nil {
		return nil, err
	}
	group, err := groupOf(n)
	return &convolution{slide: slide, group: group}, err
}

func makeConvInteger(s *Spec) (Kernel, error) {
	plan, err := convPlan(s.Node)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		v, err := centeredConv(x, plan, 1, 2, 3)
		if err != nil {
			return err
		}
		defer x.Env.Free(v)
		out, err := x.New(0, tensor.Int32, v.Shape...)
		if err != nil {
			return err
		}
		wrapInt32(tensor.Data[int32](out), tensor.Data[float64](v))
		return nil
	}, nil
}

func makeQLinearConv(s *Spec) (Kernel, error) {
	plan, err := convPlan(s.Node)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error { return runQLinearConv(x, plan) }, nil
}

func runQLinearConv(x *Call, plan *convolution) error {
	t, err := centeredConv(x, plan, 3, 2, 5)
	if err != nil {
		return err
	}
	defer x.Env.Free(t)
	v, m := tensor.Data[float64](t), t.Shape[1]
	inner := max(tensor.Elements(t.Shape[2:]), 1)
	if x.Has(8) {
		if x.In[8].DType != tensor.Int32 {
			return x.InputError(8, "%v, want int32", x.In[8])
		}
		if err := vectorOf(x, m, 8); err != nil {
			return err
		}
		bias := tensor.Data[int32](x.In[8])
		for i := range v {
			v[i] += float64(bias[i/inner%m])
		}
	}
	scale, err := productScale(x, 1, 4, m)
	if err != nil {
		return err
	}
	return requantized(x, t.Shape, v, scale, inner, 6, 7)
}
