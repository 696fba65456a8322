package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "CausalConvWithState", Equation: "y[t] = f(Σₖ w[k]·p[t+k] + b) for each channel, p = past state, then x; the last K−1 of p are the present state",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{27}, In: Arity{2, 4}, Out: Arity{1, 2}, Half: true, Infer: inferCausalConv, Kernel: makeCausalConv,
		NoGrad: "its state is carried between the steps of a decoder, where nothing is trained; Conv has the rule",
	})
}

func inferCausalConv(c *Infer) error {
	x, w := c.Input(0), c.Input(1)
	c.Set(0, x.DType, x.Shape)
	state := unknownShape(3)
	if len(x.Shape) == 3 {
		copy(state, x.Shape[:2])
	}
	if len(w.Shape) == 3 {
		state[2] = symbol.Of(w.Shape[2]).Minus(symbol.Int(1)).Dim()
	}
	c.Set(1, x.DType, state)
	return nil
}

func makeCausalConv(s *Spec) (Kernel, error) {
	swish := false
	switch a := s.Str("activation", "none"); a {
	case "none":
	case "silu", "swish":
		swish = true
	default:
		return nil, attrError("activation", a, "none, silu or swish")
	}
	return byFloat(
		func(x *Call) error { return runCausalConv[float32](x, swish) },
		func(x *Call) error { return runCausalConv[float64](x, swish) }), nil
}

func runCausalConv[T float32 | float64](x *Call, swish bool) error {
	if err := sameType(x, 1, 2, 3); err != nil {
		return err
	}
	in, w := x.In[0].Shape, x.In[1].Shape
	if len(in) != 3 {
		return x.InputError(0, "rank %d, want 3", len(in))
	}
	batch, channels, length := in[0], in[1], in[2]
	if len(w) != 3 || w[0] != channels || w[1] != 1 || w[2] < 1 {
		return x.InputError(1, "shape %v, want [%d 1 k]", w, channels)
	}
	if err := vectorOf(x, channels, 2); err != nil {
		return err
	}
	k := w[2]
	state := []int{batch, channels, k - 1}
	if x.Has(3) && !sameShape(x.In[3].Shape, state) {
		return x.InputError(3, "shape %v, want %v", x.In[3].Shape, state)
	}
	out, err := x.New(0, x.In[0].DType, in...)
	if err != nil {
		return err
	}
	next, err := x.New(1, x.In[0].DType, state...)
	if err != nil {
		return err
	}
	src, weight := tensor.Data[T](x.In[0]), tensor.Data[T](x.In[1])
	bias, past := dataOr[T](x, 2), dataOr[T](x, 3)
	dst, present := tensor.Data[T](out), tensor.Data[T](next)
	x.Parallel(batch*channels, max(1, 1<<14/max(1, length*k)), func(lo, hi int) {
		padded := make([]T, k-1+length)
		for row := lo; row < hi; row++ {
			clear(padded[:k-1])
			if past != nil {
				copy(padded, past[row*(k-1):][:k-1])
			}
			copy(padded[k-1:], src[row*length:][:length])
			copy(present[row*(k-1):][:k-1], padded[length:])
			var b T
			if bias != nil {
				b = bias[row%channels]
			}
			correlate(dst[row*length:][:length], padded, weight[row%channels*k:][:k], b, swish)
		}
	})
	return nil
}

// correlate is dst[t] = Σₖ w[k]·x[t+k] + b, times its sigmoid if swish is set.
func correlate[T float32 | float64](dst, x, w []T, b T, swish bool) {
	for t := range dst {
		sum := b
		for k, v := range w {
			sum += v * x[t+k]
		}
		if swish {
			sum /= T(1 + math.Exp(-float64(sum)))
		}
		dst[t] = sum
	}
}
