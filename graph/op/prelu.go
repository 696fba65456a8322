package op

import (
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	run := numberRows{
		f32: kernel.PRelu[float32], f64: kernel.PRelu[float64],
		i8: kernel.PRelu[int8], i16: kernel.PRelu[int16], i32: kernel.PRelu[int32], i64: kernel.PRelu[int64],
		u8: kernel.PRelu[uint8], u16: kernel.PRelu[uint16], u32: kernel.PRelu[uint32], u64: kernel.PRelu[uint64],
	}.kernel()
	Register(&Op{
		Name: "PRelu", Equation: "y = x if x ≥ 0, else slope·x", Versions: []int64{1, 6, 7, 9, 16}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
		Flow:  flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier},
		Infer: SameAsInput, Piece: preluPiece,
		Kernel: func(s *Spec) (Kernel, error) {
			if s.Since < 7 {
				return channelSlope(run), nil
			}
			return func(x *Call) error {
				if _, ok := kernel.BroadcastStrides(x.In[0].Shape, x.In[1].Shape); !ok {
					return x.InputError(1, "shape %v does not broadcast to %v", x.In[1].Shape, x.In[0].Shape)
				}
				return run(x)
			}, nil
		},
		Grad: func(c *Grad) error {
			x, slope, dy := c.In(0), c.In(1), c.Dy[0]
			if c.Needs(0) {
				m := above(x, 0)
				c.Set(0, Mul(dy, Add(m, Mul(Sub(Like(x, 1), m), slope))))
			}
			if c.Needs(1) {
				c.Set(1, Mul(dy, Mul(x, below(x, 0))))
			}
			return nil
		},
		Check: Check{Lo: -2, Hi: 2, Avoid: []float64{0}},
	})
}

// preluPiece is there if the slope, and not x, may be the smaller one.
func preluPiece(s *Spec) *Piece {
	if s.Const[0] != nil {
		return nil
	}
	return pairPiece(kernel.PRelu[float32])(s)
}

// channelSlope is PRelu before operator set 7: one slope for each channel.
func channelSlope(k Kernel) Kernel {
	return func(x *Call) error {
		a, b := x.In[0], x.In[1]
		if b.Len() > 1 && a.Rank() > 1 {
			shape := make([]int, a.Rank()-1)
			for i := range shape {
				shape[i] = 1
			}
			shape[0] = b.Len()
			view, err := b.Reshape(shape...)
			if err != nil {
				return err
			}
			b = view
		}
		wide := *x
		wide.In = []*tensor.Tensor{a, b}
		return k(&wide)
	}
}
