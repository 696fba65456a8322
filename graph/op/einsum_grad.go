package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradEinsum: the adjoint of an operand is the sum of products of dy and the
// other operands, over the labels that it does not have itself.
func gradEinsum(c *Grad) error {
	text := strings.ReplaceAll(c.Node.Str("equation", ""), " ", "")
	if strings.Contains(text, "...") {
		return attrError("equation", text, "no ellipsis for a gradient")
	}
	ranks := make([]int, len(c.Node.Inputs))
	for i := range ranks {
		var err error
		if ranks[i], err = c.rank(i); err != nil {
			return err
		}
	}
	e, err := parseEquation(text, ranks)
	if err != nil {
		return err
	}
	for i, own := range e.in {
		if !c.Needs(i) {
			continue
		}
		terms, operands := []string{subscripts(e.out)}, []*graph.Value{c.Dy[0]}
		others := slices.Clone(e.out)
		for k, labels := range e.in {
			if k != i {
				terms, operands = append(terms, subscripts(labels)), append(operands, c.In(k))
				others = append(others, labels...)
			}
		}
		for k, l := range own {
			if slices.Contains(own[:k], l) {
				return attrError("equation", text, fmt.Sprintf("%q once in each operand for a gradient", rune(l)))
			}
			if !slices.Contains(others, l) { // summed over in this operand alone
				terms = append(terms, string(rune(l)))
				size := dims(c.In(i), k, k+1)
				operands = append(operands, ConstantOfShape(size, c.In(i).Type.DType, 1))
			}
		}
		back := strings.Join(terms, ",") + "->" + subscripts(own)
		c.Set(i, apply("Einsum", []*graph.Attr{graph.String("equation", back)}, operands...))
	}
	return nil
}

func subscripts(labels []label) string {
	s := ""
	for _, l := range labels {
		s += string(rune(l))
	}
	return s
}

// gradAffineGrid: dtheta[n] = Σ_o dgrid[n,o]·(o, 1)ᵀ.
func gradAffineGrid(c *Grad) error {
	if _, err := c.rank(0); err != nil {
		return err
	}
	size, err := ConstantOf(c.In(1))
	if err != nil {
		return InputError(c.Node, 1, "%v", err)
	}
	list, err := Ints(size)
	if err != nil || len(list) < 4 || len(list) > 5 {
		return InputError(c.Node, 1, "%v, want 4 or 5 sizes", size)
	}
	rank := len(list) - 2
	g, theta := c.In(0).Graph(), c.In(0)
	eye := make([]float32, rank*(rank+1))
	for i := range rank {
		eye[i*(rank+1)+i] = 1
	}
	unit := Cast(Const(g, "const", tensor.Of([]int{1, rank, rank + 1}, eye)), theta.Type.DType)
	one := append([]int64{1, 1}, wideInts(list[2:])...)
	attrs := []*graph.Attr{graph.Int("align_corners", c.Node.Int("align_corners", 0))}
	points := Reshape(apply("AffineGrid", attrs, unit, int64Const(g, one...)), -1, int64(rank))
	dgrid := Reshape(c.Dy[0], int64(list[0]), -1, int64(rank))
	linear := MatMul(Transpose(dgrid, 0, 2, 1), points)
	offset := Unsqueeze(ReduceSum(dgrid, []int64{1}, false), 2)
	c.Set(0, Concat(2, linear, offset))
	return nil
}
