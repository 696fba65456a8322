package op

import (
	"errors"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "DepthToSpace", Equation: "y[n, c, h·b+i, w·b+j] = x[n, (i·b+j)·C+c, h, w], or in mode CRD x[n, (c·b+i)·b+j, h, w]",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Resampling, Places: flow.Unblocked},
			Versions: []int64{1, 11, 13}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				return inferBlocks(c, func(s graph.Shape, b symbol.Num) []symbol.Num {
					n := nums(s)
					return []symbol.Num{n[0], exactly(n[1], b.Times(b)), n[2].Times(b), n[3].Times(b)}
				})
			},
			Kernel: func(s *Spec) (Kernel, error) {
				b, err := blockSize(s.Node)
				crd := s.Str("mode", "DCR") == "CRD"
				return func(x *Call) error { return depthToSpace(x, b, crd) }, err
			},
			Grad: gradDepthToSpace, Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "SpaceToDepth", Equation: "y[n, (i·b+j)·C+c, h, w] = x[n, c, h·b+i, w·b+j]",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Resampling, Places: flow.Blocked},
			Versions: []int64{1, 13}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				return inferBlocks(c, func(s graph.Shape, b symbol.Num) []symbol.Num {
					n := nums(s)
					return []symbol.Num{n[0], n[1].Times(b.Times(b)), exactly(n[2], b), exactly(n[3], b)}
				})
			},
			Kernel: func(s *Spec) (Kernel, error) {
				b, err := blockSize(s.Node)
				return func(x *Call) error { return spaceToDepth(x, b) }, err
			},
			Grad: func(c *Grad) error {
				c.Set(0, apply("DepthToSpace", []*graph.Attr{graph.Int("blocksize", c.Node.Int("blocksize", 0))}, c.Dy[0]))
				return nil
			},
			Check: Check{Lo: -2, Hi: 2}},
	)
}

func blockSize(n *graph.Node) (int, error) {
	b := n.Int("blocksize", 0)
	if b < 1 || b > 1<<15 {
		return 1, attrError("blocksize", b, "a small positive number")
	}
	return int(b), nil
}

// exactly is a / b if that is exact, else unknown.
func exactly(a, b symbol.Num) symbol.Num {
	q, _ := symbol.Quotient([]symbol.Num{a}, []symbol.Num{b})
	return q
}

func inferBlocks(c *Infer, f func(s graph.Shape, b symbol.Num) []symbol.Num) error {
	b, err := blockSize(c.Node)
	if err != nil {
		return err
	}
	s := c.Input(0).Shape
	if s == nil {
		c.Set(0, c.Input(0).DType, unknownShape(4))
		return nil
	}
	if len(s) != 4 {
		return c.InputError(0, "rank %d, want 4", len(s))
	}
	out := make(graph.Shape, 4)
	for i, n := range f(s, symbol.Int(int64(b))) {
		out[i] = n.Dim()
	}
	c.Set(0, c.Input(0).DType, out)
	return nil
}

func depthToSpace(x *Call, b int, crd bool) error {
	in := x.In[0]
	if in.Rank() != 4 || in.Shape[1]%(b*b) != 0 {
		return x.InputError(0, "shape %v, want four dimensions, the second a multiple of %d", in.Shape, b*b)
	}
	n, c, h, w := in.Shape[0], in.Shape[1]/(b*b), in.Shape[2], in.Shape[3]
	out, err := x.New(0, in.DType, n, c, h*b, w*b)
	if err != nil {
		return err
	}
	// Both are seen as (n, c, h, i, w, j).
	shape := []int{n, c, h, b, w, b}
	hw := h * w
	stride := []int{c * b * b * hw, hw, w, b * c * hw, 1, c * hw}
	if crd {
		stride = []int{c * b * b * hw, b * b * hw, w, b * hw, 1, hw}
	}
	copyStrided(x, shape, out, 0, tensor.Strides(shape), in, 0, stride)
	return nil
}

func spaceToDepth(x *Call, b int) error {
	in := x.In[0]
	if in.Rank() != 4 || in.Shape[2]%b != 0 || in.Shape[3]%b != 0 {
		return x.InputError(0, "shape %v, want four dimensions, the last two multiples of %d", in.Shape, b)
	}
	n, c, h, w := in.Shape[0], in.Shape[1], in.Shape[2]/b, in.Shape[3]/b
	if c > 0 && c > tensor.MaxElems/(b*b) {
		return errors.New("too many channels")
	}
	out, err := x.New(0, in.DType, n, c*b*b, h, w)
	if err != nil {
		return err
	}
	shape := []int{n, c, h, b, w, b}
	hw := h * w
	stride := []int{c * b * b * hw, hw, w, b * c * hw, 1, c * hw}
	copyStrided(x, shape, out, 0, stride, in, 0, tensor.Strides(shape))
	return nil
}

// gradDepthToSpace is SpaceToDepth, whose channels come in the order of mode
// DCR and for mode CRD are put in its own.
func gradDepthToSpace(c *Grad) error {
	b := c.Node.Int("blocksize", 0)
	dx := apply("SpaceToDepth", []*graph.Attr{graph.Int("blocksize", b)}, c.Dy[0])
	if c.Node.Str("mode", "DCR") != "CRD" {
		c.Set(0, dx)
		return nil
	}
	s := c.In(0).Shape()
	if len(s) != 4 || !s[1].IsKnown() {
		return fmt.Errorf("the gradient of mode CRD needs the number of channels, which is not known")
	}
	parts := Transpose(Reshape(dx, 0, b*b, s[1].Value/(b*b), -1), 0, 2, 1, 3)
	c.Set(0, ReshapeTo(parts, shapeOf(c.In(0))))
	return nil
}
