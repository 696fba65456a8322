package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Clip", Equation: "y = min(max(x, lo), hi)", Versions: []int64{1, 6, 11, 12, 13}, Upgrades: Upgrades{11: upgradeClip}, In: Arity{1, 3}, Out: Arity{1, 1}, Half: true,
		Flow:  flow.Flow{Pass: flow.Mapped, Effect: flow.Limits},
		Infer: SameAsInput, Kernel: makeClip, Piece: clipPiece, Grad: gradClip,
		Check: Check{Lo: -2, Hi: 2, Avoid: []float64{-1, 1}},
	})
}

// clipPiece is there if the bounds are constant.
func clipPiece(s *Spec) *Piece {
	lo, hi := float32(math.Inf(-1)), float32(math.Inf(1))
	if s.Since < 11 {
		lo, hi = s.Node.Float("min", -math.MaxFloat32), s.Node.Float("max", math.MaxFloat32)
	}
	for i, bound := range []*float32{&lo, &hi} {
		if s.Node.Input(i+1) == nil {
			continue
		}
		t := s.Const[i+1]
		if t == nil || t.DType != tensor.Float32 || t.Len() != 1 {
			return nil
		}
		*bound = tensor.Data[float32](t)[0]
	}
	return &Piece{Map: func(dst, x []float32) { kernel.Clip(dst, x, lo, hi) }, Act: kernel.ClipActivation(lo, hi)}
}

func makeClip(s *Spec) (Kernel, error) {
	if s.Since < 11 {
		lo, hi := s.Float("min", -math.MaxFloat32), s.Float("max", math.MaxFloat32)
		return elementwise(
			func(dst, x []float32) { kernel.Clip(dst, x, float32(lo), float32(hi)) },
			func(dst, x []float64) { kernel.Clip(dst, x, lo, hi) }), nil
	}
	return func(x *Call) error {
		for i := 1; i < len(x.In); i++ {
			if t := x.In[i]; t != nil && (t.DType != x.In[0].DType || t.Len() != 1) {
				return x.InputError(i, "%v, want one element of type %v", t, x.In[0].DType)
			}
		}
		switch x.In[0].DType {
		case tensor.Float32:
			return clip[float32](x, float32(math.Inf(-1)), float32(math.Inf(1)))
		case tensor.Float64:
			return clip(x, math.Inf(-1), math.Inf(1))
		case tensor.Int8:
			return clip[int8](x, math.MinInt8, math.MaxInt8)
		case tensor.Int16:
			return clip[int16](x, math.MinInt16, math.MaxInt16)
		case tensor.Int32:
			return clip[int32](x, math.MinInt32, math.MaxInt32)
		case tensor.Int64:
			return clip[int64](x, math.MinInt64, math.MaxInt64)
		case tensor.Uint8:
			return clip[uint8](x, 0, math.MaxUint8)
		case tensor.Uint16:
			return clip[uint16](x, 0, math.MaxUint16)
		case tensor.Uint32:
			return clip[uint32](x, 0, math.MaxUint32)
		case tensor.Uint64:
			return clip[uint64](x, 0, math.MaxUint64)
		}
		return x.InputError(0, "%v, want numbers", x.In[0])
	}, nil
}

// clip bounds input 0 by inputs 1 and 2, or by lo and hi where they are left
// out.
func clip[T number](x *Call, lo, hi T) error {
	if x.Has(1) {
		lo = tensor.Data[T](x.In[1])[0]
	}
	if x.Has(2) {
		hi = tensor.Data[T](x.In[2])[0]
	}
	return mapTo(x, func(dst, x []T) { kernel.Clip(dst, x, lo, hi) })
}

// gradClip passes the adjoint on where x lies between the bounds, and to a
// bound where x lies beyond it.
func gradClip(c *Grad) error {
	x, dy := c.In(0), c.Dy[0]
	lo, hi := c.In(1), c.In(2)
	if x.Graph().Opset("") < 11 {
		lo, hi = nil, nil
		if c.Node.Attr("min") != nil {
			lo = Like(x, float64(c.Node.Float("min", 0)))
		}
		if c.Node.Attr("max") != nil {
			hi = Like(x, float64(c.Node.Float("max", 0)))
		}
	}
	dx := dy
	if lo != nil {
		under := castLike(Less(x, lo), x)
		if c.Needs(1) {
			c.Set(1, Mul(dy, under))
		}
		dx = Mul(dx, Sub(Like(x, 1), under))
	}
	if hi != nil {
		over := castLike(Greater(x, hi), x)
		if c.Needs(2) {
			c.Set(2, Mul(dy, over))
		}
		dx = Mul(dx, Sub(Like(x, 1), over))
	}
	c.Set(0, dx)
	return nil
}

// Clip is min(max(x, lo), hi), element by element.
func Clip(x *graph.Value, lo, hi float64) *graph.Value {
	if x != nil && x.Graph().Opset("") < 11 {
		return apply("Clip", []*graph.Attr{graph.Float("min", float32(lo)), graph.Float("max", float32(hi))}, x)
	}
	return apply("Clip", nil, x, Like(x, lo), Like(x, hi))
}

// upgradeClip: the bounds become inputs.
func upgradeClip(u *Upgrade) error {
	if err := floatToInput(u, "min", 1); err != nil {
		return err
	}
	return floatToInput(u, "max", 2)
}
