package variant

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// decode makes boxes of the numbers b. at gives what differs from cell to
// cell, laid out as b; active says that b went through a sigmoid.
func (d *detector) decode(b block, at func(string) *graph.Value, active bool) block {
	num := func(x float64) *graph.Value { return d.scalar(x) }
	switch d.c.Of(Decode) {
	case "expwh":
		p := d.cut(b.v, b.axis(), 2, 2)
		anchor := at("anchor")
		xy := op.Add(op.Mul(op.Mul(p[0], num(0.1)), anchor), at("centre"))
		wh := op.Mul(op.Exp(op.Mul(p[1], num(0.2))), anchor)
		b.v = d.corners(xy, wh, b.axis())
	case "limits":
		b.v = op.Mul(op.Clip(b.v, 0, 1), num(64))
	case "cell":
		p := d.cut(b.v, b.axis(), 2, 2)
		xy := op.Mul(op.Add(op.Sigmoid(p[0]), at("cell")), at("stride"))
		b.v = d.corners(xy, op.Mul(op.Exp(p[1]), at("anchor")), b.axis())
	case "rotated":
		p := d.cut(b.v, b.axis(), 4, 1)
		anchor := at("anchor")
		q := d.cut(p[0], b.axis(), 2, 2)
		xy := op.Add(op.Mul(op.Mul(q[0], num(0.1)), anchor), at("centre"))
		wh := op.Mul(op.Exp(op.Mul(q[1], num(0.2))), anchor)
		b.v = op.Concat(int64(b.axis()), xy, wh, op.Mul(op.Tanh(p[1]), num(1.57)))
	case "grid":
		if !active {
			b.v = op.Sigmoid(b.v)
		}
		p := d.cut(b.v, b.axis(), 2, 2)
		xy := op.Mul(op.Add(op.Sub(op.Mul(p[0], num(2)), num(0.5)), at("cell")), at("stride"))
		wh := op.Mul(op.Pow(op.Mul(p[1], num(2)), num(2)), at("anchor"))
		b.v = d.corners(xy, wh, b.axis())
	case "cxcywh":
		if !active {
			b.v = op.Sigmoid(b.v)
		}
		shape := []int{}
		for i := range b.layout {
			shape = append(shape, 1)
			if i == b.axis() {
				shape[i] = 4
			}
		}
		b.v = op.Mul(b.v, d.floats(shape, []float32{64, 48, 64, 48}))
		if !d.c.Is(Post, "none") {
			p := d.cut(b.v, b.axis(), 2, 2)
			b.v = d.corners(p[0], p[1], b.axis())
		}
	case "bins":
		b.v = d.expected(b)
		b.k = 4
		b.v = d.sides(op.Mul(b.v, at("stride")), b.axis(), at("centre"))
	case "ltrb":
		x := op.Mul(b.v, d.floats([]int{1}, []float32{0.5 + d.rng.Float32()})) // a scale that the level learns
		if d.exp {
			x = op.Exp(x)
		} else {
			x = op.Relu(x)
		}
		b.v = d.sides(op.Mul(x, at("stride")), b.axis(), at("centre"))
	}
	return b
}

// corners is a box of its centre and size: as they are, or its corners.
func (d *detector) corners(xy, wh *graph.Value, axis int) *graph.Value {
	if d.c.Is(Post, "none") && d.c.Is(Cut, "slice", "gather") {
		return op.Concat(int64(axis), xy, wh)
	}
	half := op.Mul(wh, d.scalar(0.5))
	return op.Concat(int64(axis), op.Sub(xy, half), op.Add(xy, half))
}

// sides is a box of its distances from a point.
func (d *detector) sides(x *graph.Value, axis int, centre *graph.Value) *graph.Value {
	p := d.cut(x, axis, 2, 2)
	return op.Concat(int64(axis), op.Sub(centre, p[0]), op.Add(centre, p[1]))
}

// expected is the mean of four distributions.
func (d *detector) expected(b block) *graph.Value {
	ramp := make([]float32, d.bins)
	for i := range ramp {
		ramp[i] = float32(i)
	}
	switch b.layout {
	case "NCHW":
		x := op.Softmax(d.reshape(b.v, of(0), 4, int64(d.bins), of(2), of(3)), 2)
		return op.ReduceSum(op.Mul(x, d.floats([]int{1, 1, d.bins, 1, 1}, ramp)), []int64{2}, false)
	case "NCR":
		x := op.Transpose(d.reshape(b.v, of(0), 4, int64(d.bins), of(2)), 0, 2, 1, 3)
		y := op.Conv(op.Softmax(x, 1), d.floats([]int{1, d.bins, 1, 1}, ramp), op.Omit)
		return d.reshape(y, of(0), 4, of(3))
	}
	dims := []int64{}
	for i := range strings.TrimSuffix(b.layout, "C") {
		dims = append(dims, of(int64(i)))
	}
	x := op.Softmax(d.reshape(b.v, append(dims, 4, int64(d.bins))...), int64(len(dims)+1))
	return op.MatMul(x, d.constant(tensor.Vector(ramp...)))
}
