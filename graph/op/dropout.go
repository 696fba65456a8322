package op

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Dropout", Equation: "y = x; in training x·mask/(1−ratio), mask = 0 with probability ratio, else 1",
		Flow:     flow.Flow{Pass: flow.Moved},
		Versions: []int64{1, 6, 7, 10, 12, 13, 22},
		Upgrades: Upgrades{10: noMask, 12: func(u *Upgrade) error { return floatToInput(u, "ratio", 1) }},
		In:       Arity{1, 3}, Out: Arity{1, 2}, Half: true,
		Infer: func(c *Infer) error {
			c.Set(0, c.Input(0).DType, c.Input(0).Shape)
			d := tensor.Bool
			if c.Since < 10 {
				d = c.Input(0).DType
			}
			c.Set(1, d, c.Input(0).Shape)
			return nil
		},
		Kernel: makeDropout, Grad: gradDropout, Check: Check{Lo: -2, Hi: 2},
	})
}

// makeDropout: before version 12 a graph cannot ask for training; is_test of
// the oldest versions is taken as set, since graphs are run for inference.
func makeDropout(s *Spec) (Kernel, error) {
	next, since := sampler(s), s.Since
	return func(x *Call) error {
		training := false
		if since >= 12 && x.Has(2) {
			t := x.In[2]
			if t.DType != tensor.Bool || t.Len() != 1 {
				return x.InputError(2, "%v, want one bool", t)
			}
			training = tensor.Data[bool](t)[0]
		}
		ratio := 0.5
		if since >= 12 && x.Has(1) {
			r, err := convert(x, x.In[1], tensor.Float64, rounding{})
			if err != nil || r.Len() != 1 {
				return x.InputError(1, "%v, want one number", x.In[1])
			}
			ratio = tensor.Data[float64](r)[0]
			dropTemp(x, r, x.In[1])
		}
		if !(ratio >= 0 && ratio < 1) && training {
			return x.InputError(1, "ratio %v is outside [0, 1)", ratio)
		}
		if !training {
			ratio = 0
		}
		return dropout(x, ratio, next(), since < 10)
	}, nil
}

func dropout(x *Call, ratio float64, r *rand.Rand, floatMask bool) error {
	in := x.In[0]
	var mask *tensor.Tensor
	if ratio > 0 || x.Wants(1) {
		m, err := x.Temp(tensor.Bool, in.Shape...)
		if err != nil {
			return err
		}
		mask = m
		keep := tensor.Data[bool](mask)
		for i := range keep {
			keep[i] = ratio == 0 || r.Float64() >= ratio
		}
	}
	if ratio == 0 {
		x.Set(0, in)
	} else if err := dropTo(x, tensor.Data[bool](mask), ratio); err != nil {
		return err
	}
	switch {
	case !x.Wants(1):
		if mask != nil {
			x.Env.Free(mask)
		}
		return nil
	case floatMask:
		m, err := convert(x, mask, in.DType, rounding{})
		if err != nil {
			return err
		}
		dropTemp(x, mask, m)
		mask = m
	}
	x.Set(1, mask)
	return nil
}

func dropTo(x *Call, keep []bool, ratio float64) error {
	out, err := x.New(0, x.In[0].DType, x.In[0].Shape...)
	if err != nil {
		return err
	}
	switch in := x.In[0]; in.DType {
	case tensor.Float32:
		keepTimes(tensor.Data[float32](out), tensor.Data[float32](in), keep, float32(1/(1-ratio)))
	case tensor.Float64:
		keepTimes(tensor.Data[float64](out), tensor.Data[float64](in), keep, 1/(1-ratio))
	default:
		return x.InputError(0, "%v, want floats", in)
	}
	return nil
}

func keepTimes[T float32 | float64](dst, src []T, keep []bool, scale T) {
	for i, k := range keep {
		dst[i] = 0
		if k {
			dst[i] = src[i] * scale
		}
	}
}

// gradDropout: in training the adjoint goes through the mask.
func gradDropout(c *Grad) error {
	dy, training := c.Dy[0], c.In(2)
	if training != nil {
		if t, err := ConstantOf(training); err == nil && t.DType == tensor.Bool && t.Len() == 1 && !tensor.Data[bool](t)[0] {
			training = nil
		}
	}
	if training == nil || c.Node.Graph().Opset("") < 12 {
		c.Set(0, dy)
		return nil
	}
	mask := c.Out(1)
	if mask == nil {
		return errors.New("in training mode the gradient needs the mask output, which is missing")
	}
	ratio := c.In(1)
	var scale *graph.Value
	if ratio == nil {
		scale = Like(dy, 2)
	} else {
		scale = Reciprocal(Sub(Like(dy, 1), castLike(ratio, dy)))
	}
	c.Set(0, Mul(dy, Mul(castLike(mask, dy), Where(training, scale, Like(dy, 1)))))
	return nil
}

// noMask refuses a Dropout whose mask, then of numbers, is read.
func noMask(u *Upgrade) error {
	if m := u.Node.Output(1); m != nil && (len(m.Uses()) > 0 || slices.Contains(u.Node.Graph().Outputs, m)) {
		return fmt.Errorf("its mask output is used, whose type changed from numbers to booleans in version 10")
	}
	return nil
}
