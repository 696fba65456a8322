package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "BitCast", Equation: "y = the bits of x as another element type of the same width", Versions: []int64{26}, In: Arity{1, 1}, Out: Arity{1, 1},
		Flow: flow.Flow{Pass: flow.Untraced}, Infer: func(c *Infer) error {
			d, err := castTarget(c.Node)
			c.Set(0, d, c.Input(0).Shape)
			return err
		},
		Kernel: makeBitCast,
		NoGrad: "the bits of a number are no differentiable function of it",
	})
}

// makeBitCast reads and writes float32 by its own bits also where it is
// computed as float64.
func makeBitCast(s *Spec) (Kernel, error) {
	d, err := castTarget(s.Node)
	if err != nil {
		return nil, err
	}
	double := s.Double
	return func(x *Call) error {
		in := x.In[0]
		if double && in.DType == tensor.Float64 && d.Bits() == 32 {
			narrow, err := convert(x, in, tensor.Float32, rounding{})
			if err != nil {
				return err
			}
			defer x.Env.Free(narrow)
			in = narrow
		}
		if in.DType.Bits() != d.Bits() || d.Bits() == 0 {
			return fmt.Errorf("%v does not have the width of %v", x.In[0], d)
		}
		out, err := x.Temp(d, in.Shape...)
		if err != nil {
			return err
		}
		if err := copyBits(out, in); err != nil {
			return err
		}
		if double && d == tensor.Float32 {
			wide, err := convert(x, out, tensor.Float64, rounding{})
			if err != nil {
				return err
			}
			x.Env.Free(out)
			out = wide
		}
		x.Set(0, out)
		return nil
	}, nil
}

// copyBits copies elements of one width between types. A truth value has no
// bits but those of 0 and 1.
func copyBits(dst, src *tensor.Tensor) error {
	if dst.DType == tensor.Bool {
		for i, b := range raw[uint8](src) {
			if b > 1 {
				return fmt.Errorf("element %d: %d is not a boolean", i, b)
			}
		}
	}
	copyAll(dst, src)
	return nil
}
