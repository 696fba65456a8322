package op

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "Cast", Equation: "y = x as another element type", Versions: []int64{1, 6, 9, 13, 19, 21, 23, 24, 25},
			In: Arity{1, 1}, Out: Arity{1, 1}, Kernel: makeCast,
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
			In: Arity{2, 2}, Out: Arity{1, 1}, Kernel: makeCast,
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
		mapElems(c, func(a Num) Num { return a })
	case tensor.Int32:
		mapElems(c, func(a Num) Num {
			if a.Known && (a.N > math.MaxInt32 || a.N < math.MinInt32) {
				return Num{}
			}
			return a
		})
	case tensor.Bool:
		if from != tensor.Invalid {
			mapElems(c, func(a Num) Num {
				if a.Known {
					return truth(a.N != 0)
				}
				return Num{}
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
		kernel.FromFloat16(dst, raw[uint16](t))
	case tensor.BFloat16:
		kernel.FromBFloat16(dst, raw[uint16](t))
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
		kernel.ToFloat16(raw[uint16](dst), tensor.Data[float32](src))
	case tensor.BFloat16:
		kernel.ToBFloat16(raw[uint16](dst), tensor.Data[float32](src))
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

// convertWide fills dst from src, both of types that Go has.
func convertWide(x *Call, dst, src *tensor.Tensor) error {
	switch dst.DType {
	case tensor.Float32:
		return convertInto[float32](x, dst, src)
	case tensor.Float64:
		return convertInto[float64](x, dst, src)
	case tensor.Int8:
		return convertInto[int8](x, dst, src)
	case tensor.Int16:
		return convertInto[int16](x, dst, src)
	case tensor.Int32:
		return convertInto[int32](x, dst, src)
	case tensor.Int64:
		return convertInto[int64](x, dst, src)
	case tensor.Uint8:
		return convertInto[uint8](x, dst, src)
	case tensor.Uint16:
		return convertInto[uint16](x, dst, src)
	case tensor.Uint32:
		return convertInto[uint32](x, dst, src)
	case tensor.Uint64:
		return convertInto[uint64](x, dst, src)
	case tensor.Bool:
		return convertToBool(tensor.Data[bool](dst), src)
	case tensor.String:
		return convertToString(tensor.Data[string](dst), src)
	}
	return fmt.Errorf("%v cannot be converted to %v", src, dst.DType)
}

// number is the set of element types with arithmetic in Go.
type number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func convertInto[D number](x *Call, to, src *tensor.Tensor) error {
	dst := tensor.Data[D](to)
	par := x.Parallel
	switch src.DType {
	case tensor.Float32:
		kernel.Convert(par, dst, tensor.Data[float32](src))
	case tensor.Float64:
		kernel.Convert(par, dst, tensor.Data[float64](src))
	case tensor.Int8:
		kernel.Convert(par, dst, tensor.Data[int8](src))
	case tensor.Int16:
		kernel.Convert(par, dst, tensor.Data[int16](src))
	case tensor.Int32:
		kernel.Convert(par, dst, tensor.Data[int32](src))
	case tensor.Int64:
		kernel.Convert(par, dst, tensor.Data[int64](src))
	case tensor.Uint8:
		kernel.Convert(par, dst, tensor.Data[uint8](src))
	case tensor.Uint16:
		kernel.Convert(par, dst, tensor.Data[uint16](src))
	case tensor.Uint32:
		kernel.Convert(par, dst, tensor.Data[uint32](src))
	case tensor.Uint64:
		kernel.Convert(par, dst, tensor.Data[uint64](src))
	case tensor.Bool:
		kernel.FromBool(dst, tensor.Data[bool](src))
	case tensor.String:
		return parseNumbers(dst, tensor.Data[string](src))
	default:
		return fmt.Errorf("%v cannot be converted to %v", src, to.DType)
	}
	return nil
}

// parseNumbers reads decimal numbers, "NaN" and "INF" in any case with or
// without sign among them.
func parseNumbers[D number](dst []D, src []string) error {
	for i, s := range src {
		s = strings.TrimSpace(s)
		if n, err := strconv.ParseInt(s, 10, 64); err == nil { // exact beyond 2^53
			kernel.Convert(nil, dst[i:i+1], []int64{n})
			continue
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(f, 0) {
			return fmt.Errorf("element %d: %q is not a number", i, s)
		}
		kernel.Convert(nil, dst[i:i+1], []float64{f})
	}
	return nil
}

func convertToBool(dst []bool, src *tensor.Tensor) error {
	switch src.DType {
	case tensor.Float32:
		kernel.ToBool(dst, tensor.Data[float32](src))
	case tensor.Float64:
		kernel.ToBool(dst, tensor.Data[float64](src))
	case tensor.Int8, tensor.Uint8:
		kernel.ToBool(dst, raw[uint8](src))
	case tensor.Int16, tensor.Uint16:
		kernel.ToBool(dst, raw[uint16](src))
	case tensor.Int32, tensor.Uint32:
		kernel.ToBool(dst, raw[uint32](src))
	case tensor.Int64, tensor.Uint64:
		kernel.ToBool(dst, raw[uint64](src))
	case tensor.String:
		for i, s := range tensor.Data[string](src) {
			b, err := strconv.ParseBool(strings.TrimSpace(s))
			if err != nil {
				return fmt.Errorf("element %d: %q is neither true nor false", i, s)
			}
			dst[i] = b
		}
	default:
		return fmt.Errorf("%v cannot be converted to bool", src)
	}
	return nil
}

func convertToString(dst []string, src *tensor.Tensor) error {
	switch src.DType {
	case tensor.Float32:
		formatFloats(dst, tensor.Data[float32](src), 32)
	case tensor.Float64:
		formatFloats(dst, tensor.Data[float64](src), 64)
	case tensor.Int8:
		formatInts(dst, tensor.Data[int8](src))
	case tensor.Int16:
		formatInts(dst, tensor.Data[int16](src))
	case tensor.Int32:
		formatInts(dst, tensor.Data[int32](src))
	case tensor.Int64:
		formatInts(dst, tensor.Data[int64](src))
	case tensor.Uint8:
		formatInts(dst, tensor.Data[uint8](src))
	case tensor.Uint16:
		formatInts(dst, tensor.Data[uint16](src))
	case tensor.Uint32:
		formatInts(dst, tensor.Data[uint32](src))
	case tensor.Uint64:
		for i, v := range tensor.Data[uint64](src) {
			dst[i] = strconv.FormatUint(v, 10)
		}
	case tensor.Bool:
		for i, v := range tensor.Data[bool](src) {
			dst[i] = strconv.FormatBool(v)
		}
	default:
		return fmt.Errorf("%v cannot be converted to string", src)
	}
	return nil
}

// formatFloats writes the shortest decimal that reads back the same; NaN, INF
// and -INF as the schema asks.
func formatFloats[T float32 | float64](dst []string, src []T, bits int) {
	for i, v := range src {
		switch f := float64(v); {
		case math.IsInf(f, 1):
			dst[i] = "INF"
		case math.IsInf(f, -1):
			dst[i] = "-INF"
		default:
			dst[i] = strconv.FormatFloat(f, 'g', -1, bits)
		}
	}
}

func formatInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](dst []string, src []T) {
	for i, v := range src {
		dst[i] = strconv.FormatInt(int64(v), 10)
	}
}

// Cast is x with element type d; x itself if that is its type.
func Cast(x *graph.Value, d tensor.DType) *graph.Value {
	if x != nil && x.Type.DType == d {
		return x
	}
	return apply("Cast", []*graph.Attr{graph.Int("to", int64(d))}, x)
}
