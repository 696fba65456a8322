package op

import "github.com/onnxloss/onnxloss/graph"

// gradMatMul: dx = dz·yᵀ, dy = xᵀ·dz; a vector is a row or a column.
func gradMatMul(c *Grad) error {
	ra, err := c.rank(0)
	if err != nil {
		return err
	}
	rb, err := c.rank(1)
	if err != nil {
		return err
	}
	a, b, dz := c.In(0), c.In(1), c.Dy[0]
	rz := max(ra, rb)
	switch {
	case ra == 1 && rb == 1:
		c.Set(0, Mul(dz, b))
		c.Set(1, Mul(dz, a))
	case ra == 1:
		if c.Needs(0) {
			c.Set(0, Squeeze(MatMul(b, Unsqueeze(dz, int64(rz-1))), int64(rz-1)))
		}
		if c.Needs(1) {
			c.Set(1, Mul(Unsqueeze(a, 1), Unsqueeze(dz, int64(rz-2))))
		}
	case rb == 1:
		column := Unsqueeze(dz, int64(rz-1))
		if c.Needs(0) {
			c.Set(0, Mul(column, b))
		}
		if c.Needs(1) {
			c.Set(1, Squeeze(MatMul(swapLast(a), column), int64(rz-1)))
		}
	default:
		if c.Needs(0) {
			c.Set(0, MatMul(dz, swapLast(b)))
		}
		if c.Needs(1) {
			c.Set(1, rightAdjoint(a, dz, ra, rb))
		}
	}
	return nil
}

// rightAdjoint is aᵀ·dz. A matrix on the right of a batch gets the sum over
// the batch in one product.
func rightAdjoint(a, dz *graph.Value, ra, rb int) *graph.Value {
	if rb == 2 && ra > 2 {
		return MatMul(swapLast(Flatten(a, int64(ra-1))), Flatten(dz, int64(ra-1)))
	}
	return MatMul(swapLast(a), dz)
}

// gradGemm: with A' and B' transposed as the node says, dA' = alpha·dy·B'ᵀ and
// dB' = alpha·A'ᵀ·dy, transposed back where need be; dC = beta·dy.
func gradGemm(c *Grad) error {
	n := c.Node
	ta, tb := n.Int("transA", 0) != 0, n.Int("transB", 0) != 0
	alpha, beta := float64(n.Float("alpha", 1)), float64(n.Float("beta", 1))
	a, b, dy := c.In(0), c.In(1), c.Dy[0]
	mul := func(x, y *graph.Value, tx, ty bool) *graph.Value {
		none := Omit
		if dy.Graph().Opset("") < 11 {
			none = Like(dy, 0)
		}
		return Gemm(x, y, none, tx, ty, alpha, 0)
	}
	if c.Needs(0) {
		if ta {
			c.Set(0, mul(b, dy, tb, true))
		} else {
			c.Set(0, mul(dy, b, false, !tb))
		}
	}
	if c.Needs(1) {
		if tb {
			c.Set(1, mul(dy, a, true, ta))
		} else {
			c.Set(1, mul(a, dy, !ta, false))
		}
	}
	if c.Needs(2) {
		if beta == 1 {
			c.Set(2, dy)
		} else {
			c.Set(2, Mul(dy, Like(dy, beta)))
		}
	}
	return nil
}
