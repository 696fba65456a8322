package interp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// focus is a convolution of an image's four slices, joined. What it gives is the cut.
func (g *netGen) focus(v netVal) netVal {
	n, c, h, w := v.shape[0], v.shape[1], v.shape[2], v.shape[3]
	end := h + w
	first, second, step := g.ints(0), g.ints(1), g.ints(2)
	ends, rows, columns := g.ints(end), g.ints(2), g.ints(3)
	var parts []string
	for i := range 4 {
		a := g.add([]int{n, c, h / 2, w}, "Slice (%s, %s, %s, %s, %s)", v.name, []string{first, second}[i%2], ends, rows, step)
		b := g.add([]int{n, c, h / 2, w / 2}, "Slice (%s, %s, %s, %s, %s)", a.name, []string{first, second}[i/2], ends, columns, step)
		parts = append(parts, b.name)
	}
	g.vals = g.vals[:len(g.inputs)] // so that few read the slices
	joined := g.add([]int{n, 4 * c, h / 2, w / 2}, "Concat <axis = 1> (%s)", strings.Join(parts, ", "))
	if g.n(4) > 0 {
		g.vals = g.vals[:len(g.inputs)]
	}
	m := 1 + g.n(12)
	y := g.add([]int{n, m, h / 2, w / 2}, "Conv <pads = [1,1,1,1]> (%s, %s)", joined.name, g.weight(m, 4*c, 3, 3))
	g.slices, g.cut, g.near = joined.name, y.name, y.name
	if g.n(2) == 0 {
		y = g.product(y)
		g.near = y.name
	}
	return y
}

// invertedResidual is an expansion, a convolution of each channel and a projection,
// with activations: a group that runs by stripes, if the image is large.
func (g *netGen) invertedResidual(v netVal) netVal {
	if len(v.shape) != 4 || v.shape[1] > 32 {
		return g.unary(v)
	}
	n, c, h, w := v.shape[0], v.shape[1], v.shape[2], v.shape[3]
	m := 32
	if n*m*h*w > 16*netElems || h != chainSize && n*m*h*w > netElems {
		return g.unary(v)
	}
	y := g.add([]int{n, m, h, w}, "Conv (%s, %s)", v.name, g.weight(m, c, 1, 1))
	if g.n(4) > 0 {
		y = g.activation(y)
	}
	if g.oneIn(8) {
		y = g.epilogue(y)
	}
	y = g.add([]int{n, m, h, w}, "Conv <group = %d, pads = [1,1,1,1]> (%s, %s)", m, y.name, g.weight(m, 1, 3, 3))
	if g.n(4) > 0 {
		y = g.activation(y)
	}
	y = g.add([]int{n, c, h, w}, "Conv (%s, %s, %s)", y.name, g.weight(c, m, 1, 1), g.weight(c))
	if g.n(2) == 0 {
		y = g.add(v.shape, "Add (%s, %s)", v.name, y.name)
	}
	return y
}

// activation is one that a convolution can do by itself, if it follows one.
func (g *netGen) activation(v netVal) netVal {
	if g.n(3) == 0 {
		return g.product(v)
	}
	return g.add(v.shape, "%s (%s)", oneOf(g, "Relu", "Clip", "HardSwish", "LeakyRelu", "Sigmoid"), v.name)
}

// concat joins values, in any order and along any axis, one of them twice at times.
func (g *netGen) concat(v netVal) netVal {
	rank := len(v.shape)
	if rank == 0 {
		return g.unary(v)
	}
	axis := oneOf(g, min(1, rank-1), min(1, rank-1), 0, rank-1)
	shape, names := slices.Clone(v.shape), []string{v.name}
	for range 1 + g.n(3) {
		o := g.pick()
		if len(o.shape) != rank {
			o = v
		}
		like := slices.Clone(o.shape)
		if like[axis] = v.shape[axis]; !slices.Equal(like, v.shape) {
			o = g.unary(v)
		}
		names = append(names, o.name)
		shape[axis] += o.shape[axis]
	}
	if g.n(2) == 0 {
		slices.Reverse(names)
	}
	v = g.add(shape, "Concat <axis = %d> (%s)", axis, strings.Join(names, ", "))
	if g.oneIn(3) && tensor.Elements(shape) < netElems/4 {
		return g.concat(v)
	}
	return v
}

// split makes two values of one.
func (g *netGen) split(v netVal) netVal {
	rank := len(v.shape)
	if rank == 0 {
		return g.unary(v)
	}
	axis := oneOf(g, min(1, rank-1), 0, rank-1)
	if v.shape[axis] < 2 {
		return g.unary(v)
	}
	a, b := slices.Clone(v.shape), slices.Clone(v.shape)
	a[axis] = 1 + g.n(v.shape[axis]-1)
	b[axis] -= a[axis]
	x, y := netVal{fmt.Sprintf("v%d", g.made), a}, netVal{fmt.Sprintf("v%d", g.made+1), b}
	g.made += 2
	fmt.Fprintf(&g.scope.nodes, "  %s, %s = Split <axis = %d> (%s, %s)\n", x.name, y.name, axis, v.name, g.ints(a[axis], b[axis]))
	g.hold(x)
	g.hold(y)
	return y
}

func (g *netGen) slice(v netVal) netVal {
	rank := len(v.shape)
	if rank == 0 {
		return g.unary(v)
	}
	axis := g.n(rank)
	size := v.shape[axis]
	from, step := g.n(max(1, size)), 1+g.n(3)
	shape := slices.Clone(v.shape)
	if shape[axis] = (size - from + step - 1) / step; g.oneIn(4) {
		shape[axis] = from/step + 1
		step = -step
	}
	end := size
	if step < 0 {
		end = -size - 1
	}
	return g.add(shape, "Slice (%s, %s, %s, %s, %s)", v.name, g.ints(from), g.ints(end), g.ints(axis), g.ints(step))
}

func (g *netGen) transpose(v netVal) netVal {
	if len(v.shape) == 0 {
		return g.unary(v)
	}
	var perm, shape []int
	for i := range v.shape {
		perm = slices.Insert(perm, g.n(i+1), i)
	}
	for _, p := range perm {
		shape = append(shape, v.shape[p])
	}
	return g.add(shape, "Transpose <perm = %s> (%s)", list(perm), v.name)
}

// shuffle rearranges a value more than once.
func (g *netGen) shuffle(v netVal) netVal {
	for range 2 + g.n(2) {
		switch g.n(3) {
		case 0:
			v = g.slice(v)
		case 1:
			v = g.transpose(v)
		case 2:
			v = g.reshape(v)
		}
	}
	return v
}

func (g *netGen) reshape(v netVal) netVal {
	rank := len(v.shape)
	switch g.n(4) {
	case 0:
		if rank > 1 {
			axis := g.n(rank + 1)
			return g.add([]int{tensor.Elements(v.shape[:axis]), tensor.Elements(v.shape[axis:])}, "Flatten <axis = %d> (%s)", axis, v.name)
		}
	case 1:
		if rank < 5 {
			axis := oneOf(g, rank, g.n(rank+1))
			return g.add(slices.Insert(slices.Clone(v.shape), axis, 1), "Unsqueeze (%s, %s)", v.name, g.ints(axis))
		}
	case 2:
		if rank > 2 {
			shape := append([]int{v.shape[0] * v.shape[1]}, v.shape[2:]...)
			return g.add(shape, "Reshape (%s, %s)", v.name, g.ints(shape...))
		}
	}
	if rank < 2 {
		return g.unary(v)
	}
	shape := slices.Clone(v.shape)
	slices.Reverse(shape)
	return g.add(shape, "Reshape (%s, %s)", v.name, g.ints(shape...))
}

func (g *netGen) reduce(v netVal) netVal {
	rank := len(v.shape)
	if rank == 0 {
		return g.unary(v)
	}
	axis := oneOf(g, rank-1, rank-1, g.n(rank))
	shape, keep := slices.Clone(v.shape), g.n(2)
	if shape[axis] = 1; keep == 0 {
		shape = slices.Delete(shape, axis, axis+1)
	}
	if g.n(2) == 0 {
		return g.add(shape, "ReduceSum <keepdims = %d> (%s, %s)", keep, v.name, g.ints(axis))
	}
	kind := oneOf(g, "ArgMax", "ArgMin")
	if g.n(2) == 0 || g.elem != "float" {
		kind = "ArgMax"
	}
	y := fmt.Sprintf("a%d", g.made)
	g.made++
	fmt.Fprintf(&g.scope.nodes, "  %s = %s <axis = %d, keepdims = %d> (%s)\n", y, kind, axis, keep, v.name)
	return g.add(shape, "Cast <to = %d> (%s)", g.elemType(), y)
}

func (g *netGen) elemType() int {
	return map[string]int{"float": 1, "float16": 10, "double": 11}[g.elem]
}

// linked is two operations, the second on the first.
func (g *netGen) linked(v netVal) netVal {
	for range 2 {
		other, op := g.weight(), oneOf(g, "Add", "Sub", "Mul")
		if g.n(2) == 0 {
			if o, _ := g.pickLike(v); slices.Equal(o.shape, v.shape) {
				other = o.name
			}
		}
		v = g.either(v.shape, op, v.name, other)
	}
	if g.oneIn(3) {
		v = g.add(v.shape, "Abs (%s)", v.name)
	}
	return v
}

// rows is a few nodes that work on rows, as those of a loss do.
func (g *netGen) rows(v netVal) netVal {
	for range 2 + g.n(6) {
		rank := len(v.shape)
		if rank < 2 {
			return g.unary(v)
		}
		column := append(slices.Clone(v.shape[:rank-1]), 1)
		switch g.n(11) {
		case 0, 1:
			v = g.unary(v)
		case 8, 9, 10:
			v = g.linked(v)
		case 2:
			v = g.binary(v)
		case 3:
			v = g.constant(v)
		case 4:
			v = g.add(v.shape, "%s <axis = %d> (%s)", oneOf(g, "Softmax", "LogSoftmax"), oneOf(g, -1, rank-1, rank-1, g.n(rank)), v.name)
		case 5:
			s := g.add(column, "ReduceSum <keepdims = 1> (%s, %s)", v.name, g.ints(rank-1))
			v = g.either(v.shape, oneOf(g, "Mul", "Sub", "Div"), v.name, s.name)
		case 6:
			o, s := g.pickLike(v)
			c := fmt.Sprintf("c%d", g.made)
			g.made++
			fmt.Fprintf(&g.scope.nodes, "  %s = %s (%s, %s)\n", c, oneOf(g, "Greater", "Less", "Equal"), v.name, o.name)
			if g.n(2) == 0 {
				v = g.add(s, "Where (%s, %s, %s)", c, v.name, o.name)
			} else {
				v = g.add(s, "Cast <to = %d> (%s)", g.elemType(), c)
			}
		case 7:
			s := g.add(v.shape[:rank-1], "ReduceSum <keepdims = 0> (%s, %s)", v.name, g.ints(-1))
			if s = g.unary(s); g.n(2) == 0 {
				s = g.add(s.shape, "%s <axis = -1> (%s)", oneOf(g, "Softmax", "LogSoftmax"), s.name)
			}
			u := g.add(column, "Unsqueeze (%s, %s)", s.name, g.ints(oneOf(g, -1, rank-1)))
			v = g.either(v.shape, "Mul", u.name, v.name)
		}
	}
	return v
}
