package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "RotaryEmbedding", Equation: "(y₁, y₂) = (x₁·cos − x₂·sin, x₁·sin + x₂·cos) for each pair of elements, angles by position",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{23}, In: Arity{3, 4}, Out: Arity{1, 1}, Half: true, Infer: SameAsInput, Kernel: makeRotary,
		Grad: gradRotary, Check: Check{Lo: -1, Hi: 1},
	})
}

// gradRotary turns the adjoint back: by the same angles with the other sign.
func gradRotary(c *Grad) error {
	if c.Needs(1) || c.Needs(2) {
		return fmt.Errorf("RotaryEmbedding has no gradient rule for its caches")
	}
	in := append([]*graph.Value{c.Dy[0], c.In(1), Neg(c.In(2))}, c.Node.Inputs[3:]...)
	c.Set(0, apply("RotaryEmbedding", c.Node.Attrs, in...))
	return nil
}

// rotary is a RotaryEmbedding node at plan time.
type rotary struct {
	interleaved   bool
	heads, rotate int64
}

func makeRotary(s *Spec) (Kernel, error) {
	r := rotary{s.Int("interleaved", 0) != 0, s.Int("num_heads", 0), s.Int("rotary_embedding_dim", 0)}
	return byFloat(
		func(x *Call) error { return runRotary[float32](x, r) },
		func(x *Call) error { return runRotary[float64](x, r) }), nil
}

// layout is where head h of position s of batch entry b begins: b·batch +
// s·step + h·head.
type layout struct{ batch, step, head, positions, heads, size int }

func (r rotary) layout(x *Call) (layout, error) {
	in := x.In[0].Shape
	switch len(in) {
	case 4:
		return layout{in[1] * in[2] * in[3], in[3], in[2] * in[3], in[2], in[1], in[3]}, nil
	case 3:
		if r.heads < 1 || int64(in[2])%r.heads != 0 {
			return layout{}, attrError("num_heads", r.heads, "a divisor of the last axis")
		}
		size := in[2] / int(r.heads)
		return layout{in[1] * in[2], in[2], size, in[1], int(r.heads), size}, nil
	}
	return layout{}, x.InputError(0, "rank %d, want 3 or 4", len(in))
}

func runRotary[T float32 | float64](x *Call, r rotary) error {
	if err := sameType(x, 1, 2); err != nil {
		return err
	}
	in := x.In[0]
	l, err := r.layout(x)
	if err != nil {
		return err
	}
	n := int64(l.size)
	if r.rotate != 0 {
		n = r.rotate
	}
	if n < 0 || n > int64(l.size) || n%2 != 0 {
		return attrError("rotary_embedding_dim", n, "an even number up to the size of a head")
	}
	half := int(n / 2)
	at, err := cachePositions(x, in.Shape[0], l.positions, half)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil {
		return err
	}
	dst, src := tensor.Data[T](out), tensor.Data[T](in)
	cos, sin := tensor.Data[T](x.In[1]), tensor.Data[T](x.In[2])
	copy(dst, src)
	x.Parallel(in.Shape[0]*l.positions, max(1, 1<<13/max(1, l.heads*l.size)), func(lo, hi int) {
		for p := lo; p < hi; p++ {
			c, s := cos[at[p]*half:][:half], sin[at[p]*half:][:half]
			for h := range l.heads {
				first := p/l.positions*l.batch + p%l.positions*l.step + h*l.head
				for k := range half {
					i, j := first+k, first+half+k
					if r.interleaved {
						i, j = first+2*k, first+2*k+1
					}
					a, b := src[i], src[j]
					dst[i], dst[j] = c[k]*a-s[k]*b, s[k]*a+c[k]*b
				}
			}
		}
	})
	return nil
}

// cachePositions is the row of the caches for each batch entry and position:
// by position_ids, or one row each.
func cachePositions(x *Call, batch, positions, half int) ([]int, error) {
	cos, sin := x.In[1], x.In[2]
	if !sameShape(cos.Shape, sin.Shape) {
		return nil, x.InputError(2, "shape %v, want %v as the cosines have", sin.Shape, cos.Shape)
	}
	at := make([]int, batch*positions)
	if !x.Has(3) {
		if !sameShape(cos.Shape, []int{batch, positions, half}) {
			return nil, x.InputError(1, "shape %v, want [%d %d %d]", cos.Shape, batch, positions, half)
		}
		for i := range at {
			at[i] = i
		}
		return at, nil
	}
	if cos.Rank() != 2 || cos.Shape[1] != half {
		return nil, x.InputError(1, "shape %v, want [positions %d]", cos.Shape, half)
	}
	if !sameShape(x.In[3].Shape, []int{batch, positions}) {
		return nil, x.InputError(3, "shape %v, want [%d %d]", x.In[3].Shape, batch, positions)
	}
	ids, err := int64s(x, 3)
	if err != nil {
		return nil, err
	}
	for i, p := range ids {
		if p < 0 || p >= int64(cos.Shape[0]) {
			return nil, x.InputError(3, "position %d is outside of the %d cached", p, cos.Shape[0])
		}
		at[i] = int(p)
	}
	return at, nil
}
