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
			Name: "MaxPool", Equation: "y[n,c,o] = max over k of x[n,c,o·stride+k·dilation−pad]",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Strided},
			Versions: []int64{1, 8, 10, 11, 12, 22}, In: Arity{1, 1}, Out: Arity{1, 2}, Half: true,
			Infer: inferPool, Kernel: makeMaxPool, Grad: gradMaxPool, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "AveragePool", Equation: "y[n,c,o] = mean over k of x[n,c,o·stride+k·dilation−pad], padding counted only with count_include_pad",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Strided},
			Versions: []int64{1, 7, 10, 11, 19, 22}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Infer: inferPool, Kernel: makeAveragePool, Grad: gradAveragePool, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "LpPool", Equation: "y[n,c,o] = (Σ_k |x[n,c,o·stride+k·dilation−pad]|^p)^(1/p)",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Strided},
			Versions: []int64{1, 2, 11, 18, 22}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Infer: inferPool, Kernel: makeLpPool, Grad: gradLpPool, Check: Check{Lo: 0.2, Hi: 1},
		},
	)
}

// poolSlide is the slide of a pool, whose window its attributes state.
func poolSlide(n *graph.Node) (*slide, error) {
	s, err := slideOf(n)
	if err != nil {
		return nil, err
	}
	if len(s.kernel) == 0 {
		return nil, attrError("kernel_shape", s.kernel, "one size for each spatial axis")
	}
	return s.withKernel(s.kernel)
}

func inferPool(c *Infer) error {
	s, err := poolSlide(c.Node)
	if err != nil {
		return err
	}
	x := c.Input(0)
	shape := unknownShape(2 + len(s.kernel))
	if x.Shape != nil {
		if len(x.Shape) != 2+len(s.kernel) {
			return c.InputError(0, "rank %d, want %d", len(x.Shape), 2+len(s.kernel))
		}
		if shape, err = s.infer(x.Shape[0], x.Shape[1], x.Shape[2:]); err != nil {
			return err
		}
	}
	c.Set(0, x.DType, shape)
	c.Set(1, tensor.Int64, shape)
	return nil
}

// pooling is a pool at run time: its geometry, the planes it runs over, and
// the output.
type pooling struct {
	window *kernel.Window
	planes int
	shape  []int
}

func (s *slide) pooling(x *Call) (*pooling, error) {
	in := x.In[0]
	if in.Rank() != 2+len(s.kernel) {
		return nil, x.InputError(0, "rank %d, want %d", in.Rank(), 2+len(s.kernel))
	}
	w, err := s.window(in.Shape[2:])
	if err != nil {
		return nil, err
	}
	return &pooling{w, in.Shape[0] * in.Shape[1], append([]int{in.Shape[0], in.Shape[1]}, w.Out...)}, nil
}

func makeMaxPool(s *Spec) (Kernel, error) {
	slide, err := poolSlide(s.Node)
	if err != nil {
		return nil, err
	}
	columns := s.Int("storage_order", 0) != 0
	return func(x *Call) error {
		switch x.In[0].DType {
		case tensor.Float32:
			return runMaxPool(x, slide, columns, float32(math.Inf(-1)))
		case tensor.Float64:
			return runMaxPool(x, slide, columns, math.Inf(-1))
		case tensor.Int8:
			return runMaxPool[int8](x, slide, columns, math.MinInt8)
		case tensor.Uint8:
			return runMaxPool[uint8](x, slide, columns, 0)
		}
		return x.InputError(0, "%v, want floats or 8-bit integers", x.In[0])
	}, nil
}

func runMaxPool[T float32 | float64 | int8 | uint8](x *Call, s *slide, columns bool, lowest T) error {
	p, err := s.pooling(x)
	if err != nil {
		return err
	}
	out, err := x.New(0, x.In[0].DType, p.shape...)
	if err != nil {
		return err
	}
	var indices []int64
	if x.Wants(1) {
		t, err := x.New(1, tensor.Int64, p.shape...)
		if err != nil {
			return err
		}
		indices = tensor.Data[int64](t)
	}
	kernel.MaxPool(x.Parallel, p.window, p.planes, tensor.Data[T](out), indices, tensor.Data[T](x.In[0]), lowest, columns)
	return nil
}

// floatPool is the kernel of a pool on floats.
func floatPool(s *slide, f32 func(x *Call, p *pooling, dst, src []float32), f64 func(x *Call, p *pooling, dst, src []float64)) Kernel {
	return byFloat(
		func(x *Call) error { return runPool(x, s, f32) },
		func(x *Call) error { return runPool(x, s, f64) })
}

func runPool[T float32 | float64](x *Call, s *slide, f func(x *Call, p *pooling, dst, src []T)) error {
	p, err := s.pooling(x)
	if err != nil {
		return err
	}
	out, err := x.New(0, x.In[0].DType, p.shape...)
	if err != nil {
		return err
	}
	f(x, p, tensor.Data[T](out), tensor.Data[T](x.In[0]))
	return nil
}

func makeAveragePool(s *Spec) (Kernel, error) {
	slide, err := poolSlide(s.Node)
	if err != nil {
		return nil, err
	}
	padded := s.Int("count_include_pad", 0) != 0
	return floatPool(slide,
		func(x *Call, p *pooling, dst, src []float32) {
			kernel.AveragePool(x.Parallel, p.window, p.planes, dst, src, padded)
		},
		func(x *Call, p *pooling, dst, src []float64) {
			kernel.AveragePool(x.Parallel, p.window, p.planes, dst, src, padded)
		}), nil
}

// normOrder is the attribute p, a float in version 1 and an integer since.
func normOrder(n *graph.Node) (float64, error) {
	p := float64(n.Float("p", 2))
	if a := n.Attr("p"); a != nil && a.Kind == graph.AttrInt {
		p = float64(a.I)
	}
	if !(p >= 1 && p <= 1<<20) {
		return 0, attrError("p", p, "at least 1")
	}
	return p, nil
}

func makeLpPool(s *Spec) (Kernel, error) {
	slide, err := poolSlide(s.Node)
	if err != nil {
		return nil, err
	}
	order, err := normOrder(s.Node)
	if err != nil {
		return nil, err
	}
	return floatPool(slide,
		func(x *Call, p *pooling, dst, src []float32) {
			kernel.LpPool(x.Parallel, p.window, p.planes, dst, src, order)
		},
		func(x *Call, p *pooling, dst, src []float64) {
			kernel.LpPool(x.Parallel, p.window, p.planes, dst, src, order)
		}), nil
}
