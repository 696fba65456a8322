package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	pow := numberRows{
		f32: kernel.Pow[float32], f64: kernel.Pow[float64],
		i8: kernel.PowInt[int8], i16: kernel.PowInt[int16], i32: kernel.PowInt[int32], i64: kernel.PowInt[int64],
		u8: kernel.PowInt[uint8], u16: kernel.PowInt[uint16], u32: kernel.PowInt[uint32], u64: kernel.PowInt[uint64],
	}.kernel()
	Register(
		&Op{Name: "Pow", Equation: "z = x to the power y, of the type of x", Versions: []int64{1, 7, 12, 13, 15},
			Flow: flow.Flow{Pass: flow.Combined}, In: Arity{2, 2}, Out: Arity{1, 1},
			Infer:  func(c *Infer) error { return inferBroadcast(c, c.Input(0).DType) },
			Kernel: func(s *Spec) (Kernel, error) { return aligned(s, powMixed(pow)), nil },
			Grad:   gradPow,
			Check:  Check{Lo: 0.5, Hi: 2}},
		&Op{Name: "Mod", Equation: "z = x − y·⌊x/y⌋, or with fmod x − y·trunc(x/y); for integers 0 where y = 0", Versions: []int64{10, 13},
			Flow: flow.Flow{Pass: flow.Combined}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Infer: func(c *Infer) error { return inferArithmetic(c, modNum(c.Node.Int("fmod", 0) != 0)) },
			Kernel: func(s *Spec) (Kernel, error) {
				if s.Int("fmod", 0) != 0 {
					return numberRows{kernel.FMod[float32], kernel.FMod[float64],
						kernel.RemInt[int8], kernel.RemInt[int16], kernel.RemInt[int32], kernel.RemInt[int64],
						kernel.RemInt[uint8], kernel.RemInt[uint16], kernel.RemInt[uint32], kernel.RemInt[uint64]}.kernel(), nil
				}
				return numberRows{kernel.FloorMod[float32], kernel.FloorMod[float64],
					kernel.ModInt[int8], kernel.ModInt[int16], kernel.ModInt[int32], kernel.ModInt[int64],
					kernel.ModInt[uint8], kernel.ModInt[uint16], kernel.ModInt[uint32], kernel.ModInt[uint64]}.kernel(), nil
			},
			// Away from its jumps, z = x − y·k with k constant.
			Grad: func(c *Grad) error {
				c.Set(0, c.Dy[0])
				if c.Needs(1) {
					c.Set(1, Mul(c.Dy[0], Div(Sub(c.Out(0), c.In(0)), c.In(1))))
				}
				return nil
			},
			Check: Check{Lo: 0.6, Hi: 0.9}},
	)
}

func modNum(fmod bool) func(a, b symbol.Num) symbol.Num {
	return func(a, b symbol.Num) symbol.Num {
		if !a.Known || !b.Known || b.N == 0 || b.N == -1 {
			return symbol.Num{}
		}
		r := a.N % b.N
		if !fmod && r != 0 && (r < 0) != (b.N < 0) {
			r += b.N
		}
		return symbol.Int(r)
	}
}

// powMixed brings base and exponent to one type that k takes, and the result
// back to the type of the base: an integer base with a float exponent is
// computed in float64.
func powMixed(k Kernel) Kernel {
	return func(x *Call) error {
		a, b := x.In[0], x.In[1]
		d := wideType(a.DType)
		if a.DType == b.DType && d == a.DType {
			return k(x)
		}
		if d.IsInt() && !b.DType.IsInt() {
			d = tensor.Float64
		}
		wide := *x
		wide.In = make([]*tensor.Tensor, 2)
		wide.Out = make([]*tensor.Tensor, 1)
		for i, t := range x.In {
			w, err := convert(x, t, d, rounding{})
			if err != nil {
				return x.InputError(i, "%v", err)
			}
			wide.In[i] = w
			defer dropTemp(x, w, t)
		}
		if err := k(&wide); err != nil {
			return err
		}
		out, err := convert(x, wide.Out[0], a.DType, rounding{})
		if err != nil {
			return err
		}
		dropTemp(x, wide.Out[0], out)
		x.Set(0, out)
		return nil
	}
}

// gradPow: dx = dz·y·x^(y−1), dy = dz·z·ln x, where ln 0 counts as 0.
func gradPow(c *Grad) error {
	x, z, dz := c.In(0), c.Out(0), c.Dy[0]
	y := castLike(c.In(1), x)
	if c.Needs(0) {
		c.Set(0, Mul(dz, Mul(y, Pow(x, Sub(y, Like(x, 1))))))
	}
	if c.Needs(1) {
		zero := Sub(Sub(Like(x, 1), above(x, 0)), below(x, 0))
		c.Set(1, castLike(Mul(dz, Mul(z, Log(Add(x, zero)))), c.In(1)))
	}
	return nil
}

// Pow is x to the power y with broadcasting.
func Pow(x, y *graph.Value) *graph.Value { return apply("Pow", nil, x, y) }
