package op

import (
	"fmt"
	"math"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "Cast", Equation: "y = x as another element type", Versions: []int64{1, 6, 9, 13, 19, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, 1}, Out: Arity{1, 1}, Kernel: makeCast,
			Infer: func(c *Infer) error {
				d, err := castTarget(c.Node)
				if err != nil {
					return err
				}
				return inferCast(c, d)
			},
			Grad:  gradCast,
			Check: Check{Lo: -2, Hi: 2},
		},
		&Op{
			Name: "CastLike", Equation: "y = x as the element type of like", Versions: []int64{15, 19, 21, 23, 24, 25},
			Flow: flow.Flow{Pass: flow.Moved}, In: Arity{2, 2}, Out: Arity{1, 1}, Kernel: makeCast,
			Infer: func(c *Infer) error { return inferCast(c, c.Input(1).DType) },
			Grad:  gradCast,
			Check: Check{Lo: -2, Hi: 2},
		},
	)
}

// castTarget is the element type that attribute "to" states.
func castTarget(n *graph.Node) (tensor.DType, error) {
	d := tensor.DType(n.Int("to", 0))
	if s := n.Str("to", ""); s != "" {
		d, _ = tensor.ParseDType(strings.ToLower(s))
	}
	if !d.Valid() {
		return d, fmt.Errorf("attribute \"to\": %v is not an element type", d)
	}
	return d, nil
}

func inferCast(c *Infer, d tensor.DType) error {
	from := c.Input(0).DType
	c.Set(0, d, c.Input(0).Shape)
	switch d {
	case tensor.Int64, tensor.Float64, tensor.Float32:
		mapElems(c, func(a symbol.Num) symbol.Num { return a })
	case tensor.Int32:
		mapElems(c, func(a symbol.Num) symbol.Num {
			if a.Known && (a.N > math.MaxInt32 || a.N < math.MinInt32) {
				return symbol.Num{}
			}
			return a
		})
	case tensor.Bool:
		if from != tensor.Invalid {
			mapElems(c, func(a symbol.Num) symbol.Num {
				if a.Known {
					return truth(a.N != 0)
				}
				return symbol.Num{}
			})
		}
	}
	return nil
}

// gradCast casts the adjoint back; nothing flows through types that are not
// floats.
func gradCast(c *Grad) error {
	if dy := c.Dy[0]; dy.Type.DType.IsFloat() && c.In(0).Type.DType.IsFloat() {
		c.Set(0, castLike(dy, c.In(0)))
	}
	return nil
}

func makeCast(s *Spec) (Kernel, error) {
	how := rounding{saturate: s.Int("saturate", 1) != 0, mode: s.Str("round_mode", "up")}
	if s.Node.Op == "CastLike" {
		return func(x *Call) error { return castOutput(x, x.In[1].DType, how) }, nil
	}
	d, err := castTarget(s.Node)
	if err != nil {
		return nil, err
	}
	d = s.DType(d)
	return func(x *Call) error { return castOutput(x, d, how) }, nil
}

// rounding says what becomes of values that a format of 8 bits cannot hold.
type rounding struct {
	saturate bool
	mode     string
}

func castOutput(x *Call, d tensor.DType, how rounding) error {
	t, err := convert(x, x.In[0], d, how)
	if err == nil {
		x.Set(0, t)
	}
	return err
}

// convert is t with element type d: t itself if that is its type.
func convert(x *Call, t *tensor.Tensor, d tensor.DType, how rounding) (*tensor.Tensor, error) {
	if t.DType == d {
		return t, nil
	}
	if t.IsSequence() || t.IsNone() {
		return nil, fmt.Errorf("%v cannot be converted to %v", t, d)
	}
	wide, err := widened(x, t)
	if err != nil {
		return nil, err
	}
	if mid := wideType(d); wide.DType != mid {
		c, err := x.Temp(mid, t.Shape...)
		if err != nil {
			return nil, err
		}
		if err := convertWide(x, c, wide); err != nil {
			return nil, err
		}
		dropTemp(x, wide, t)
		wide = c
	}
	if wide.DType == d {
		return wide, nil
	}
	out, err := x.Temp(d, t.Shape...)
	if err != nil {
		return nil, err
	}
	narrow(out, wide, how)
	dropTemp(x, wide, t)
	return out, nil
}

// dropTemp gives t back unless it is the tensor that came in.
func dropTemp(x *Call, t, in *tensor.Tensor) {
	if t != in {
		x.Env.Free(t)
	}
}

// wideType is the type by way of which elements of type d are converted: d
// itself, if Go has it.
func wideType(d tensor.DType) tensor.DType {
	switch d {
	case tensor.Float16, tensor.BFloat16, tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2,
		tensor.Float8E5M2FNUZ, tensor.Float8E8M0, tensor.Float4E2M1:
		return tensor.Float32
	case tensor.Int4, tensor.Int2, tensor.Uint4, tensor.Uint2:
		return tensor.Int64
	}
	return d
}

// widened is t with elements of wideType.
func widened(x *Call, t *tensor.Tensor) (*tensor.Tensor, error) {
	mid := wideType(t.DType)
	if mid == t.DType {
		return t, nil
	}
	w, err := x.Temp(mid, t.Shape...)
	if err != nil {
		return nil, err
	}
	if mid == tensor.Int64 {
		dst := tensor.Data[int64](w)
		for i, v := range raw[uint8](t) {
			dst[i] = int64(v)
			if t.DType == tensor.Int4 || t.DType == tensor.Int2 {
				dst[i] = int64(int8(v))
			}
		}
		return w, nil
	}
	dst := tensor.Data[float32](w)
	switch t.DType {
	case tensor.Float16:
		tensor.FromFloat16(dst, raw[uint16](t))
	case tensor.BFloat16:
		tensor.FromBFloat16(dst, raw[uint16](t))
	case tensor.Float8E8M0:
		kernel.FromFloat8E8M0(dst, raw[uint8](t))
	default:
		kernel.FromSmallFloat(smallFloat(t.DType), dst, raw[uint8](t))
	}
	return w, nil
}

// narrow fills dst, of a type that Go lacks, from src of its wideType.
func narrow(dst, src *tensor.Tensor, how rounding) {
	switch d := dst.DType; d {
	case tensor.Float16:
		tensor.ToFloat16(raw[uint16](dst), tensor.Data[float32](src))
	case tensor.BFloat16:
		tensor.ToBFloat16(raw[uint16](dst), tensor.Data[float32](src))
	case tensor.Float8E8M0:
		kernel.ToFloat8E8M0(raw[uint8](dst), tensor.Data[float32](src), how.saturate, how.mode)
	case tensor.Int4, tensor.Int2, tensor.Uint4, tensor.Uint2:
		shift := 64 - d.Bits()
		out := raw[uint8](dst)
		for i, v := range tensor.Data[int64](src) {
			if d == tensor.Int4 || d == tensor.Int2 {
				out[i] = uint8(v << shift >> shift)
			} else {
				out[i] = uint8(uint64(v) << shift >> shift)
			}
		}
	default:
		kernel.ToSmallFloat(smallFloat(d), raw[uint8](dst), tensor.Data[float32](src), how.saturate)
	}
}

// smallFloat is the format of an element type of at most 8 bits.
func smallFloat(d tensor.DType) *kernel.SmallFloat {
	switch d {
	case tensor.Float8E4M3FN:
		return kernel.Float8E4M3FN()
	case tensor.Float8E4M3FNUZ:
		return kernel.Float8E4M3FNUZ()
	case tensor.Float8E5M2:
		return kernel.Float8E5M2()
	case tensor.Float8E5M2FNUZ:
		return kernel.Float8E5M2FNUZ()
	}
	return kernel.Float4E2M1()
}

// Cast is x with element type d; x itself if that is its type.
func Cast(x *graph.Value, d tensor.DType) *graph.Value {
	if x != nil && x.Type.DType == d {
		return x
	}
	return apply("Cast", []*graph.Attr{graph.Int("to", int64(d))}, x)
}
