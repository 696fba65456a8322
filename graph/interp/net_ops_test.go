package interp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// step draws a node, or a few that belong together.
func (g *netGen) step() {
	v := g.pick()
	switch g.n(36) {
	case 0, 1, 2, 3:
		g.conv(v)
	case 4:
		g.unary(v)
	case 5:
		g.binary(v)
	case 6, 28:
		g.product(g.conv(v))
	case 7, 29, 31:
		g.epilogue(g.conv(v))
	case 30:
		g.braid(g.conv(v))
	case 8:
		g.constant(v)
	case 9:
		g.pool(v)
	case 10, 32, 33:
		g.concat(v)
	case 11:
		g.split(v)
	case 12:
		g.slice(v)
	case 13:
		g.transpose(v)
	case 14, 34, 35:
		g.shuffle(v)
	case 15:
		g.reshape(v)
	case 16:
		g.pad(v)
	case 17:
		g.resize(v)
	case 18:
		g.convTranspose(v)
	case 19, 20:
		g.rows(v)
	case 21:
		g.reduce(v)
	case 22:
		g.matMul(v)
	case 23:
		g.branch(v)
	case 24:
		g.loop(v)
	case 25:
		g.scan(v)
	case 26:
		g.call(v)
	case 27:
		g.invertedResidual(v)
	}
}

var unaries = []string{"Relu", "Sigmoid", "HardSwish", "Tanh", "Exp", "Softplus", "Neg", "Abs", "Sqrt", "Erf", "HardSigmoid", "LeakyRelu <alpha = 0.1>",
	"HardSigmoid <alpha = 0.16666667>", "Elu", "Selu", "Identity", "Floor", "Reciprocal", "Log", "Softsign", "Clip", "Sign", "Dropout"}

func (g *netGen) unary(v netVal) netVal {
	return g.add(v.shape, "%s (%s)", oneOf(g, unaries...), v.name)
}

var binaries = []string{"Mul", "Add", "Sub", "Div", "Mul", "Add", "Sub", "PRelu", "Max", "Min", "Pow"}

// binary has a value on either side, which may be the same.
func (g *netGen) binary(v netVal) netVal {
	o, s := g.pickLike(v)
	if g.oneIn(4) {
		o, s = v, v.shape
	}
	return g.either(s, oneOf(g, binaries...), v.name, o.name)
}

// either puts the operands in one order or the other.
func (g *netGen) either(shape []int, op, a, b string) netVal {
	if g.n(2) == 1 {
		a, b = b, a
	}
	return g.add(shape, "%s (%s, %s)", op, a, b)
}

// product multiplies a value, what a sigmoid makes of it, and others.
func (g *netGen) product(v netVal) netVal {
	s := g.add(v.shape, "%s (%s)", oneOf(g, "Sigmoid", "HardSigmoid", "HardSigmoid <alpha = 0.16666667>", "Relu"), v.name)
	switch g.n(4) {
	case 0:
		return g.either(v.shape, "Mul", s.name, s.name)
	case 1:
		o, shape := g.pickLike(v)
		return g.either(shape, "Mul", s.name, o.name)
	}
	return g.either(v.shape, "Mul", v.name, s.name)
}

// epilogue is a few elementwise nodes on a value, and on each other.
func (g *netGen) epilogue(v netVal) netVal {
	list := []netVal{v}
	for range 1 + g.n(6) {
		if v = list[len(list)-1]; g.oneIn(3) {
			v = list[g.n(len(list))]
		}
		switch g.n(8) {
		case 0, 1:
			v = g.unary(v)
		case 2:
			o := list[g.n(len(list))]
			if s := broadcastOf(v.shape, o.shape); s != nil {
				v = g.either(s, oneOf(g, binaries...), v.name, o.name)
			}
		case 3:
			v = g.binary(v)
		case 4, 5, 6:
			v = g.constant(v)
		case 7:
			v = g.product(v)
		}
		list = append(list, v)
	}
	return v
}

// braid is elementwise nodes on a value that come together in one, so that a few values
// are alive at once and none is read elsewhere.
func (g *netGen) braid(v netVal) netVal {
	strands := []netVal{v}
	for range 2 + g.n(3) {
		strands = append(strands, g.unary(strands[g.n(len(strands))]))
	}
	for len(strands) > 1 {
		last := len(strands) - 1
		k := g.n(last)
		strands[k] = g.either(v.shape, oneOf(g, "Mul", "Add", "Sub", "Div"), strands[k].name, strands[last].name)
		strands = strands[:last]
	}
	return strands[0]
}

// constant has a constant for one operand: one element, or one for each channel, or
// column, or all.
func (g *netGen) constant(v netVal) netVal {
	rank := len(v.shape)
	shape := slices.Repeat([]int{1}, rank)
	switch g.n(8) {
	case 0, 1, 6:
		if rank > 1 {
			shape[1] = v.shape[1]
			shape = shape[1:]
		}
	case 2:
		shape = shape[:g.n(rank+1)]
	case 3:
		if rank > 0 {
			shape[rank-1] = v.shape[rank-1]
		}
	case 4, 7:
		return g.channels(v)
	case 5:
		if tensor.Elements(v.shape) <= netWeight {
			shape = v.shape
		}
	}
	if tensor.Elements(shape) > netWeight {
		return v
	}
	return g.either(v.shape, oneOf(g, binaries...), v.name, g.weight(shape...))
}

// channels is a node that knows the channels by itself.
func (g *netGen) channels(v netVal) netVal {
	if len(v.shape) < 2 || v.shape[1] > netWeight {
		return v
	}
	c := v.shape[1]
	if g.n(2) == 0 {
		return g.add(v.shape, "Clip (%s, %s, %s)", v.name, g.weight(), g.weight())
	}
	s := g.add([]int{c}, "Abs (%s)", g.weight(c))
	return g.add(v.shape, "BatchNormalization (%s, %s, %s, %s, %s)", v.name, g.weight(c), g.weight(c), g.weight(c), s.name)
}

// conv is a convolution of any kind, of as many spatial axes as v has.
func (g *netGen) conv(v netVal) netVal {
	rank := len(v.shape) - 2
	if rank < 1 || rank > 3 {
		return g.unary(v)
	}
	groups := 1
	if g.oneIn(3) {
		groups = v.shape[1]
	}
	m := groups * (1 + g.n(3))
	if groups == 1 {
		m = 1 + g.n(20)
	}
	kernel, stride, dilation, pads := g.window(v, rank)
	w := append([]int{m, v.shape[1] / groups}, kernel...)
	shape := []int{v.shape[0], m}
	for d := range rank {
		n := (v.shape[2+d]+pads[d]+pads[rank+d]-(kernel[d]-1)*dilation[d]-1)/stride[d] + 1
		if n < 1 || v.shape[2+d]+pads[d]+pads[rank+d] < (kernel[d]-1)*dilation[d]+1 {
			return g.unary(v)
		}
		shape = append(shape, n)
	}
	if tensor.Elements(w) > netWeight || tensor.Elements(shape) > netElems {
		return g.unary(v)
	}
	bias := ""
	if g.n(2) == 0 {
		bias = ", " + g.weight(m)
	}
	weight := g.weight(w...)
	if g.oneIn(12) && tensor.Elements(w) < 100 { // one that is not known before the run
		least := g.add(nil, "ReduceMin <keepdims = 0> (x)")
		weight = g.add(w, "Add (%s, %s)", weight, least.name).name
	}
	return g.add(shape, "Conv <kernel_shape = %s, strides = %s, dilations = %s, group = %d, pads = %s> (%s, %s%s)",
		list(kernel), list(stride), list(dilation), groups, list(pads), v.name, weight, bias)
}

// window is that of a convolution; most are of 3 or 1 and centred.
func (g *netGen) window(v netVal, rank int) (kernel, stride, dilation, pads []int) {
	k, s, d := oneOf(g, 3, 3, 1, 2, 5), oneOf(g, 1, 1, 2, 3), oneOf(g, 1, 1, 1, 2)
	odd := g.oneIn(4)
	for range rank {
		if odd {
			k, s, d = 1+g.n(5), 1+g.n(3), 1+g.n(2)
		}
		kernel, stride, dilation, pads = append(kernel, k), append(stride, s), append(dilation, d), append(pads, k/2*d)
	}
	pads = append(pads, pads...)
	if odd {
		for i := range pads {
			pads[i] = g.n(kernel[i%rank] + 1)
		}
	}
	return kernel, stride, dilation, pads
}

func (g *netGen) pool(v netVal) netVal {
	rank := len(v.shape) - 2
	if rank < 1 {
		return g.unary(v)
	}
	if g.oneIn(4) {
		return g.add(append(slices.Clone(v.shape[:2]), slices.Repeat([]int{1}, rank)...), "%s (%s)", oneOf(g, "GlobalAveragePool", "GlobalMaxPool"), v.name)
	}
	k, s, p, ceil := 1+g.n(4), 1+g.n(3), g.n(2), g.n(2)
	shape := slices.Clone(v.shape[:2])
	if p >= k {
		p = 0
	}
	for _, n := range v.shape[2:] {
		if n+2*p < k {
			return g.unary(v)
		}
		out := (n + 2*p - k + ceil*(s-1)) / s
		if ceil == 1 && out*s >= n+p {
			out--
		}
		shape = append(shape, out+1)
	}
	each := func(n, times int) string { return list(slices.Repeat([]int{n}, rank*times)) }
	count := ""
	kind := oneOf(g, "MaxPool", "AveragePool")
	if kind == "AveragePool" {
		count = fmt.Sprintf(", count_include_pad = %d", g.n(2))
	}
	return g.add(shape, "%s <kernel_shape = %s, strides = %s, pads = %s, ceil_mode = %d%s> (%s)", kind, each(k, 1), each(s, 1), each(p, 2), ceil, count, v.name)
}

func (g *netGen) pad(v netVal) netVal {
	shape, pads := slices.Clone(v.shape), make([]int, 2*len(v.shape))
	for d := range shape {
		if d >= len(shape)-2 {
			pads[d], pads[len(shape)+d] = g.n(3), g.n(3)
			shape[d] += pads[d] + pads[len(shape)+d]
		}
	}
	return g.add(shape, "Pad <mode = \"%s\"> (%s, %s)", oneOf(g, "constant", "reflect", "edge"), v.name, g.ints(pads...))
}

func (g *netGen) resize(v netVal) netVal {
	if len(v.shape) != 4 {
		return g.unary(v)
	}
	a, b := 1+g.n(3), 1+g.n(3)
	shape := []int{v.shape[0], v.shape[1], v.shape[2] * a, v.shape[3] * b}
	if tensor.Elements(shape) > netElems {
		return v
	}
	name := fmt.Sprintf("i%d", g.made)
	g.made++
	fmt.Fprintf(&g.scope.inits, ", float[4] %s = {1,1,%d,%d}", name, a, b)
	return g.add(shape, "Resize <mode = \"%s\", coordinate_transformation_mode = \"%s\", nearest_mode = \"floor\"> (%s, none, %s)",
		oneOf(g, "nearest", "linear", "cubic"), oneOf(g, "asymmetric", "half_pixel", "align_corners"), v.name, name)
}

func (g *netGen) convTranspose(v netVal) netVal {
	rank := len(v.shape) - 2
	if rank < 1 || rank > 2 {
		return g.unary(v)
	}
	m, k, s := 1+g.n(6), 1+g.n(4), 1+g.n(3)
	w := append([]int{v.shape[1], m}, slices.Repeat([]int{k}, rank)...)
	shape := []int{v.shape[0], m}
	for _, n := range v.shape[2:] {
		shape = append(shape, (n-1)*s+k)
	}
	if tensor.Elements(w) > netWeight || tensor.Elements(shape) > netElems {
		return g.unary(v)
	}
	strides := strings.Repeat(fmt.Sprintf(",%d", s), rank)[1:]
	return g.add(shape, "ConvTranspose <strides = [%s]> (%s, %s)", strides, v.name, g.weight(w...))
}

func (g *netGen) matMul(v netVal) netVal {
	rank := len(v.shape)
	if rank < 2 {
		return g.unary(v)
	}
	k, m := v.shape[rank-1], 1+g.n(20)
	if k*m > netWeight {
		return g.unary(v)
	}
	shape := append(slices.Clone(v.shape[:rank-1]), m)
	if rank == 2 && g.n(2) == 0 {
		return g.epilogue(g.add(shape, "Gemm <alpha = 0.5> (%s, %s, %s)", v.name, g.weight(k, m), g.weight(m)))
	}
	return g.epilogue(g.add(shape, "MatMul (%s, %s)", v.name, g.weight(k, m)))
}
