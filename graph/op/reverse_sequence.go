package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "ReverseSequence", Equation: "y = x with the first steps of each sequence in reverse order", Versions: []int64{10},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 2}, Out: Arity{1, 1}, Infer: SameAsInput,
		Kernel: func(s *Spec) (Kernel, error) {
			batch, time := s.Int("batch_axis", 1), s.Int("time_axis", 0)
			if batch == time || batch|time != 1 {
				return nil, fmt.Errorf("attributes \"batch_axis\" and \"time_axis\": %d and %d, want 0 and 1", batch, time)
			}
			return func(x *Call) error { return reverseSequence(x, int(batch), int(time)) }, nil
		},
		Grad: func(c *Grad) error {
			c.Set(0, apply("ReverseSequence", c.Node.Attrs, c.Dy[0], c.In(1)))
			return nil
		},
		Check: Check{Lo: -2, Hi: 2},
	})
}

func reverseSequence(x *Call, batch, time int) error {
	in := x.In[0]
	if in.Rank() < 2 {
		return x.InputError(0, "rank %d, want at least 2", in.Rank())
	}
	lens, err := int64s(x, 1)
	if err != nil {
		return err
	}
	if len(lens) != in.Shape[batch] {
		return x.InputError(1, "%d lengths for a batch of %d", len(lens), in.Shape[batch])
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	stride := tensor.Strides(in.Shape)
	back := append([]int{}, stride...)
	back[time] = -stride[time]
	block := append([]int{}, in.Shape...)
	block[batch] = 1
	for b, l := range lens {
		if l < 0 || l > int64(in.Shape[time]) {
			return x.InputError(1, "length %d of %d steps", l, in.Shape[time])
		}
		n, at := int(l), b*stride[batch]
		block[time] = n
		copyStrided(x, block, out, at, stride, in, at+max(n-1, 0)*stride[time], back)
		block[time] = in.Shape[time] - n
		copyStrided(x, block, out, at+n*stride[time], stride, in, at+n*stride[time], stride)
	}
	return nil
}
