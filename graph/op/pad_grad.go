package op

import (
	"errors"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradPad takes away what was added. In the modes that copy x, what was added
// belongs to the elements that it was copied from: along each padded axis the
// adjoint is multiplied by the matrix that says which.
func gradPad(c *Grad) error {
	n, dx := c.Node, c.Dy[0]
	opset := n.Graph().Opset("")
	mode := n.Str("mode", "constant")
	if mode == "constant" && opset >= 11 {
		in := []*graph.Value{dx, Neg(c.In(1)), Like(dx, 0)}
		if c.In(3) != nil {
			in = append(in, c.In(3))
		}
		dx = apply("Pad", nil, in...)
		c.Set(0, dx)
		if c.Needs(2) {
			c.Set(2, Sub(ReduceSum(c.Dy[0], nil, false), ReduceSum(dx, nil, false)))
		}
		return nil
	}
	x := c.In(0)
	if x.Shape() == nil {
		return InputError(n, 0, "its rank is not known, which the gradient needs")
	}
	p, err := constantPads(n, len(x.Shape()), opset)
	if err != nil {
		return err
	}
	if mode == "constant" {
		var back []int64
		for _, b := range append(p.begin, p.end...) {
			back = append(back, -int64(b))
		}
		c.Set(0, Pad(dx, back...))
		return nil
	}
	for i, d := range x.Shape() {
		if p.begin[i] == 0 && p.end[i] == 0 {
			continue
		}
		if !d.IsKnown() || d.Value > MaxFold {
			return InputError(n, 0, "the size of axis %d is not known, or large, and the gradient of mode %s needs it", i, mode)
		}
		size, b, e := int(d.Value), p.begin[i], p.end[i]
		if err := p.check(i, size, mode); err != nil {
			return err
		}
		dx = gatherBack(dx, i, padTable(size+b+e, size, b, e, mode), size)
	}
	c.Set(0, dx)
	return nil
}

func constantPads(n *graph.Node, rank int, opset int64) (pads, error) {
	if opset < 11 {
		return spreadPads(attrInts(n, "pads"), nil, false, rank)
	}
	var lists [2][]int
	for i, at := range []int{1, 3} {
		v := n.Input(at)
		if v == nil {
			continue
		}
		t, err := ConstantOf(v)
		if err != nil {
			return pads{}, InputError(n, at, "%v", err)
		}
		if lists[i], err = Ints(t); err != nil {
			return pads{}, InputError(n, at, "%v", err)
		}
	}
	return spreadPads(lists[0], lists[1], n.Input(3) != nil, rank)
}

// gatherBack is the adjoint of reading an axis of the given size by a table:
// dx[k] = Σ dy[i] over the i with table[i] = k.
func gatherBack(dy *graph.Value, axis int, table []int, size int) *graph.Value {
	if dy == nil {
		return nil
	}
	if len(table)*size > MaxFold*MaxFold {
		dy.Graph().Fail(errors.New("an axis is too large for the gradient of Pad"))
		return nil
	}
	m := make([]float32, len(table)*size)
	for i, k := range table {
		if k >= 0 {
			m[i*size+k] = 1
		}
	}
	perm := make([]int64, len(dy.Shape()))
	for i := range perm {
		perm[i] = int64(i)
	}
	last := len(perm) - 1
	perm[axis], perm[last] = perm[last], perm[axis]
	which := Cast(Const(dy.Graph(), "copies", tensor.Of([]int{len(table), size}, m)), dy.Type.DType)
	return Transpose(apply("MatMul", nil, Transpose(dy, perm...), which), perm...)
}

// padValues is Pad by values of shape [1] (int64), constants or not.
func padValues(x *graph.Value, pads []*graph.Value) *graph.Value {
	if x == nil {
		return nil
	}
	known := make([]int64, 0, len(pads))
	for _, p := range pads {
		if p == nil {
			return nil
		}
		if t, err := ConstantOf(p); err == nil {
			if v, err := Ints(t); err == nil && len(v) == 1 {
				known = append(known, int64(v[0]))
			}
		}
	}
	if len(known) == len(pads) {
		return Pad(x, known...)
	}
	return apply("Pad", nil, x, Concat(0, pads...))
}
