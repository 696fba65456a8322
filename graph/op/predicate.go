package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// truthValues is why comparisons and predicates have no gradient.
const truthValues = "its results are truth values, which have no derivative"

func init() {
	Register(
		&Op{Name: "IsNaN", Equation: "y = x is not a number", Versions: []int64{9, 13, 20}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow:  flow.Flow{Pass: flow.Compared},
			Infer: inferTruth,
			Kernel: func(*Spec) (Kernel, error) {
				return eightBits(func(x *Call) error {
					switch x.In[0].DType {
					case tensor.Float32:
						return mapTo(x, kernel.IsNaN[float32])
					case tensor.Float64:
						return mapTo(x, kernel.IsNaN[float64])
					}
					return x.InputError(0, "%v, want floats", x.In[0])
				}), nil
			},
			NoGrad: truthValues},
		&Op{Name: "IsInf", Equation: "y = x is an infinity of a sign that is asked for", Versions: []int64{10, 20}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Flow:  flow.Flow{Pass: flow.Compared},
			Infer: inferTruth, Kernel: makeIsInf, NoGrad: truthValues},
		&Op{Name: "Not", Equation: "y = ¬x", Versions: []int64{1}, In: Arity{1, 1}, Out: Arity{1, 1},
			Flow: flow.Flow{Pass: flow.Conditioned}, Infer: func(c *Infer) error {
				mapElems(c, func(a symbol.Num) symbol.Num {
					if a.Known {
						return truth(a.N == 0)
					}
					return symbol.Num{}
				})
				return inferTruth(c)
			},
			Kernel: func(*Spec) (Kernel, error) {
				return func(x *Call) error {
					if x.In[0].DType != tensor.Bool {
						return x.InputError(0, "%v, want bool", x.In[0])
					}
					return mapTo(x, kernel.Not)
				}, nil
			},
			NoGrad: truthValues},
		&Op{Name: "BitwiseNot", Equation: "y = x with every bit inverted", Versions: []int64{18}, In: Arity{1, 1}, Out: Arity{1, 1},
			Flow:  flow.Flow{Pass: flow.Untraced},
			Infer: SameAsInput,
			Kernel: func(*Spec) (Kernel, error) {
				return numberMap{
					i8: kernel.BitNot[int8], i16: kernel.BitNot[int16], i32: kernel.BitNot[int32], i64: kernel.BitNot[int64],
					u8: kernel.BitNot[uint8], u16: kernel.BitNot[uint16], u32: kernel.BitNot[uint32], u64: kernel.BitNot[uint64],
				}.run, nil
			},
			NoGrad: integersOnly},
	)
}

const integersOnly = "it computes integers, which have no derivative"

func inferTruth(c *Infer) error {
	c.Set(0, tensor.Bool, c.Input(0).Shape)
	return nil
}

// eightBits runs k on a float32 copy of an input 0 of 8-bit floats.
func eightBits(k Kernel) Kernel {
	return func(x *Call) error {
		in := x.In[0]
		if wideType(in.DType) != tensor.Float32 {
			return k(x)
		}
		w, err := widened(x, in)
		if err != nil {
			return err
		}
		wide := *x
		wide.In = []*tensor.Tensor{w}
		if err := k(&wide); err != nil {
			return err
		}
		x.Set(0, wide.Out[0])
		x.Env.Free(w)
		return nil
	}
}

func makeIsInf(s *Spec) (Kernel, error) {
	pos, neg := s.Int("detect_positive", 1) != 0, s.Int("detect_negative", 1) != 0
	return eightBits(func(x *Call) error {
		switch x.In[0].DType {
		case tensor.Float32:
			return mapTo(x, func(dst []bool, x []float32) { kernel.IsInf(dst, x, pos, neg) })
		case tensor.Float64:
			return mapTo(x, func(dst []bool, x []float64) { kernel.IsInf(dst, x, pos, neg) })
		}
		return x.InputError(0, "%v, want floats", x.In[0])
	}), nil
}

// Not is ¬x, element by element, of truth values.
func Not(x *graph.Value) *graph.Value { return apply("Not", nil, x) }
