package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

func init() {
	Register(&Op{
		Name: "Transpose", Equation: "y = x with its axes in the order perm, reversed without it", Versions: []int64{1, 13, 21, 23, 24, 25},
		Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, 1}, Out: Arity{1, 1},
		Infer: func(c *Infer) error {
			s := c.Input(0).Shape
			if s == nil {
				if p := c.Node.Ints("perm"); p != nil && len(p) <= MaxElems {
					s = unknownShape(len(p))
				}
				c.Set(0, c.Input(0).DType, s)
				return nil
			}
			perm, err := permutation(c.Node.Ints("perm"), len(s))
			if err != nil {
				return err
			}
			out := make(graph.Shape, len(s))
			for i, p := range perm {
				out[i] = s[p]
			}
			c.Set(0, c.Input(0).DType, out)
			moveElems(c, 0)
			return nil
		},
		Kernel: func(s *Spec) (Kernel, error) { return viewed(TransposeView(s)), nil },
		Grad: func(c *Grad) error {
			p := c.Node.Ints("perm")
			if p == nil {
				c.Set(0, apply("Transpose", nil, c.Dy[0]))
				return nil
			}
			perm, err := permutation(p, len(p))
			if err != nil {
				return err
			}
			back := make([]int64, len(perm))
			for i, p := range perm {
				back[p] = int64(i)
			}
			c.Set(0, Transpose(c.Dy[0], back...))
			return nil
		},
		Check: Check{Lo: -2, Hi: 2},
	})
}

// TransposeView is what the Transpose in s does.
func TransposeView(s *Spec) View {
	want := s.Ints("perm")
	return func(l *Layout) error {
		perm, err := permutation(want, len(l.Shape))
		if err != nil {
			return err
		}
		from := *l
		l.Shape, l.Stride = make([]int, len(perm)), make([]int, len(perm))
		for i, p := range perm {
			l.Shape[i], l.Stride[i] = from.Shape[p], from.Stride[p]
		}
		return nil
	}
}

// permutation checks perm; nil reverses the axes.
func permutation(perm []int64, rank int) ([]int, error) {
	out := make([]int, rank)
	if perm == nil {
		for i := range out {
			out[i] = rank - 1 - i
		}
		return out, nil
	}
	if len(perm) != rank {
		return nil, fmt.Errorf("attribute \"perm\": %v is not a permutation of the axes of rank %d", perm, rank)
	}
	for i, p := range perm {
		out[i] = int(p)
	}
	if _, err := axisSet(out, rank); err != nil {
		return nil, fmt.Errorf("attribute \"perm\": %w", err)
	}
	for i := range out {
		if out[i] < 0 {
			out[i] += rank
		}
	}
	return out, nil
}

// Transpose is x with its axes in the order perm.
func Transpose(x *graph.Value, perm ...int64) *graph.Value {
	return apply("Transpose", []*graph.Attr{graph.Ints("perm", perm...)}, x)
}
