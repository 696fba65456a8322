package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const noQuantGrad = "piecewise constant: the outputs are rounded to integers"

func init() {
	Register(
		&Op{
			Name: "QuantizeLinear", Equation: "y = saturate(round(x / y_scale) + y_zero_point), scale and zero point by tensor, axis or block",
			Flow:     flow.Flow{Pass: flow.Moved},
			Versions: []int64{10, 13, 19, 21, 23, 24, 25}, In: Arity{2, 3}, Out: Arity{1, 1},
			Infer: inferQuantize, Kernel: makeQuantize, NoGrad: noQuantGrad,
		},
		&Op{
			Name: "DequantizeLinear", Equation: "y = (x − x_zero_point) · x_scale, scale and zero point by tensor, axis or block",
			Flow:     flow.Flow{Pass: flow.Moved},
			Versions: []int64{10, 13, 19, 21, 23, 24, 25}, In: Arity{2, 3}, Out: Arity{1, 1},
			Infer: inferDequantize, Kernel: makeDequantize, NoGrad: "the input is quantized, so it has no derivative",
		},
		&Op{
			Name: "DynamicQuantizeLinear", Equation: "y = saturate(round(x/s) + z) as uint8, s = (max(x,0) − min(x,0))/255, z = saturate(round(−min(x,0)/s))",
			Flow:     flow.Flow{Pass: flow.Moved},
			Versions: []int64{11}, In: Arity{1, 1}, Out: Arity{3, 3}, Half: true,
			Infer: inferDynamicQuantize, NoGrad: noQuantGrad,
			Kernel: func(*Spec) (Kernel, error) { return byFloat(dynamicQuantize[float32], dynamicQuantize[float64]), nil },
		},
	)
}

// quantizedType is the element type that a QuantizeLinear gives.
func quantizedType(n *graph.Node, zero tensor.DType) tensor.DType {
	if zero != tensor.Invalid {
		return zero
	}
	if d := n.Int("output_dtype", 0); d != 0 {
		return tensor.DType(d)
	}
	return tensor.Uint8
}

func inferQuantize(c *Infer) error {
	c.Set(0, quantizedType(c.Node, c.Input(2).DType), c.Input(0).Shape)
	return nil
}

func inferDequantize(c *Infer) error {
	d := c.Input(1).DType
	if o := c.Node.Int("output_dtype", 0); o != 0 {
		d = tensor.DType(o)
	}
	c.Set(0, d, c.Input(0).Shape)
	return nil
}

// scaleMap says which scale belongs to which element: element i takes number
// i/inner%count/block·inner + i%inner of its outer slice where blocked, else
// number i/inner%count.
type scaleMap struct {
	axis, inner int // size of the axis, elements behind it
	block       int // 0: one scale for each place on the axis
	one         bool
	blocks      int
}

// at is the number of element i's scale.
func (s *scaleMap) at(i int) int {
	switch {
	case s.one:
		return 0
	case s.block == 0:
		return i / s.inner % s.axis
	}
	k := i / s.inner
	return (k/s.axis*s.blocks+k%s.axis/s.block)*s.inner + i%s.inner
}

// quantization is a QuantizeLinear or DequantizeLinear node at plan time.
type quantization struct {
	axis, block int64
	to          tensor.DType // output type by attribute, or Invalid
}

func quantizationOf(s *Spec) (*quantization, error) {
	q := &quantization{axis: s.Int("axis", 1), block: s.Int("block_size", 0)}
	if q.block < 0 || q.block > slideLimit {
		return nil, attrError("block_size", q.block, "0 to 2^20")
	}
	if d := s.Int("output_dtype", 0); d != 0 {
		if q.to = s.DType(tensor.DType(d)); !q.to.Valid() {
			return nil, attrError("output_dtype", d, "an element type")
		}
	}
	return q, nil
}

// scales checks the scales, input 1, against the data.
func (q *quantization) scales(x *Call) (*scaleMap, error) {
	in, scale := x.In[0].Shape, x.In[1]
	if x.Has(2) && x.In[2].Len() != scale.Len() {
		return nil, x.InputError(2, "shape %v, want %v as the scale has", x.In[2].Shape, scale.Shape)
	}
	if scale.Len() == 1 && q.block == 0 {
		return &scaleMap{one: true}, nil
	}
	axis, err := Axis(q.axis, len(in))
	if err != nil {
		return nil, x.InputError(0, "%v", err)
	}
	s := &scaleMap{axis: in[axis], inner: tensor.Elements(in[axis+1:])}
	if q.block == 0 {
		if scale.Len() != s.axis {
			return nil, x.InputError(1, "shape %v, want %d scales for axis %d", scale.Shape, s.axis, axis)
		}
		return s, nil
	}
	s.block = int(q.block)
	s.blocks = (s.axis + s.block - 1) / s.block
	want := append([]int{}, in...)
	want[axis] = s.blocks
	if !sameShape(scale.Shape, want) {
		return nil, x.InputError(1, "shape %v, want %v for blocks of %d", scale.Shape, want, s.block)
	}
	return s, nil
}

func makeQuantize(s *Spec) (Kernel, error) {
	q, err := quantizationOf(s)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		to := tensor.Uint8
		switch {
		case x.Has(2):
			to = x.In[2].DType
		case q.to != tensor.Invalid:
			to = q.to
		}
		lo, hi, whole := limits(to)
		single := x.In[0].DType != tensor.Float64
		return q.run(x, to, func(v, scale, zero float64) float64 {
			f := v / scale
			if single {
				f = float64(float32(v) / float32(scale))
			}
			if !whole {
				return f + zero
			}
			return min(max(math.RoundToEven(f)+zero, lo), hi)
		})
	}, nil
}

func makeDequantize(s *Spec) (Kernel, error) {
	q, err := quantizationOf(s)
	if err != nil {
		return nil, err
	}
	return func(x *Call) error {
		if err := sameType(x, 2); err != nil {
			return err
		}
		to := x.In[1].DType
		if q.to != tensor.Invalid {
			to = q.to
		}
		return q.run(x, to, func(v, scale, zero float64) float64 { return (v - zero) * scale })
	}, nil
}

// limits is the range of an integer type; whole is false for other types.
func limits(d tensor.DType) (lo, hi float64, whole bool) {
	n := float64(d.Bits())
	switch d {
	case tensor.Int2, tensor.Int4, tensor.Int8, tensor.Int16, tensor.Int32:
		return -math.Exp2(n - 1), math.Exp2(n-1) - 1, true
	case tensor.Uint2, tensor.Uint4, tensor.Uint8, tensor.Uint16, tensor.Uint32:
		return 0, math.Exp2(n) - 1, true
	}
	return 0, 0, false
}

// run makes output 0, of type to, of f(element, scale, zero point).
func (q *quantization) run(x *Call, to tensor.DType, f func(v, scale, zero float64) float64) error {
	sp, err := q.scales(x)
	if err != nil {
		return err
	}
	var wide [3][]float64
	for i := range wide {
		if !x.Has(i) {
			wide[i] = make([]float64, len(wide[1]))
			continue
		}
		t, err := convert(x, x.In[i], tensor.Float64, rounding{})
		if err != nil {
			return x.InputError(i, "%v", err)
		}
		defer dropTemp(x, t, x.In[i])
		wide[i] = tensor.Data[float64](t)
	}
	res, err := x.Temp(tensor.Float64, x.In[0].Shape...)
	if err != nil {
		return err
	}
	dst := tensor.Data[float64](res)
	x.Parallel(len(dst), 1<<13, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			k := sp.at(i)
			dst[i] = f(wide[0][i], wide[1][k], wide[2][k])
		}
	})
	out, err := convert(x, res, to, rounding{saturate: true, mode: "up"})
	if err != nil {
		return err
	}
	dropTemp(x, res, out)
	x.Set(0, out)
	return nil
}

func inferDynamicQuantize(c *Infer) error {
	c.Set(0, tensor.Uint8, c.Input(0).Shape)
	c.Set(1, c.Input(0).DType, graph.Shape{})
	c.Set(2, tensor.Uint8, graph.Shape{})
	return nil
}

func dynamicQuantize[T float32 | float64](x *Call) error {
	in := tensor.Data[T](x.In[0])
	lo, hi := 0.0, 0.0
	for _, v := range in {
		lo, hi = min(lo, float64(v)), max(hi, float64(v))
	}
	scale := T((hi - lo) / 255)
	if scale == 0 {
		scale = 1
	}
	zero := min(max(math.RoundToEven(-lo/float64(scale)), 0), 255)
	if zero != zero {
		zero = 0
	}
	out, err := x.New(0, tensor.Uint8, x.In[0].Shape...)
	if err != nil {
		return err
	}
	s, err := x.New(1, x.In[0].DType)
	if err != nil {
		return err
	}
	z, err := x.New(2, tensor.Uint8)
	if err != nil {
		return err
	}
	tensor.Data[T](s)[0], tensor.Data[uint8](z)[0] = scale, uint8(zero)
	f := make([]float64, len(in))
	for i, v := range in {
		f[i] = math.RoundToEven(float64(v/scale)) + zero
	}
	kernel.Convert(x.Parallel, tensor.Data[uint8](out), f)
	return nil
}
