package variant

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns"
)

// beside adds what stands beside classes and boxes.
func (d *detector) beside() {
	switch d.c.Of(Extra) {
	case "points":
		for i, b := range d.extra(10) {
			o := op.Add(op.Mul(b.v, d.extraPlace(i, "stride")), d.extraPlace(i, "points"))
			d.output(o)
		}
	case "masks":
		for _, b := range d.extra(32) {
			d.output(op.Tanh(b.v))
		}
		d.output(op.Relu(d.conv(d.double(d.layer(d.levels[0].v, width, 1)), width, 32, 1, 1)))
	case "angle":
		for _, b := range d.extra(1) {
			d.output(op.Mul(op.Sub(op.Sigmoid(b.v), d.scalar(0.25)), d.scalar(math.Pi)))
		}
	case "embed":
		for _, b := range d.extra(32) {
			norm := op.Sqrt(op.ReduceSum(op.Mul(b.v, b.v), []int64{int64(b.axis())}, true))
			d.output(op.Div(b.v, op.Add(norm, d.scalar(1e-6))))
		}
	case "aux":
		d.second()
	case "direction":
		for _, b := range d.extra(2) {
			d.output(op.Softmax(b.v, int64(b.axis())))
		}
	case "quality":
		for _, b := range d.extra(1) {
			d.output(op.Sigmoid(b.v))
		}
	case "pose":
		for i, b := range d.extra(9) {
			d.output(d.pose(b, i))
		}
	case "depth":
		for _, b := range d.extra(1) {
			d.output(op.Sub(op.Reciprocal(op.Add(op.Sigmoid(b.v), d.scalar(1e-6))), d.scalar(1)))
		}
	case "attributes":
		for _, b := range d.extra(6) {
			d.output(op.Sigmoid(b.v))
		}
	case "segmap":
		d.output(op.Softmax(d.conv(d.double(d.layer(d.levels[0].v, width, 1)), width, 21, 1, 1), 1))
	}
}

// pose is three joints of block i of what stands beside: their places, and
// whether they are seen.
func (d *detector) pose(b block, i int) *graph.Value {
	axis := int64(b.axis())
	var all []*graph.Value
	for k := range 3 {
		xy := d.channels(b.v, b.axis(), 3*k, 3*k+2)
		seen := d.channels(b.v, b.axis(), 3*k+2, 3*k+3)
		xy = op.Add(op.Mul(op.Mul(xy, d.scalar(2)), d.extraPlace(i, "stride")), d.extraPlace(i, "centre"))
		all = append(all, xy, op.Sigmoid(seen))
	}
	return op.Concat(axis, all...)
}

// extraLayout is the layout of what stands beside.
func (d *detector) extraLayout() string {
	if l := d.c.Of(Layout); l != "nchw" || d.anchors == 1 {
		return l
	}
	return "nac"
}

// extra is k more channels for each anchor of each level, merged as the
// classes are.
func (d *detector) extra(k int) []block {
	var bs []block
	for _, l := range d.levels {
		bs = append(bs, d.arrange(d.conv(l.v, width, l.anchors*k, 1, 1), k, l.anchors, d.extraLayout()))
	}
	if !d.c.Is(Merge, "apart") {
		return d.merge(bs)
	}
	return bs
}

// extraPlace is place for block i of extra.
func (d *detector) extraPlace(i int, what string) *graph.Value {
	levels := d.levels
	if d.c.Is(Merge, "apart") {
		levels = levels[i : i+1]
	}
	var bs []block
	for _, l := range levels {
		x, k := d.net.place(l, what, l.anchors)
		bs = append(bs, d.arrange(x, k, l.anchors, d.extraLayout()))
	}
	return d.merge(bs)[0].v
}

// second is a second head of the same form, as one for training beside one
// for inference; its classes are as right.
func (d *detector) second() {
	var parts []patterns.Part
	cls, box := d.extra(d.classes), d.extra(4)
	for i, b := range cls {
		parts = append(parts, part(b, whole(d.classes)))
		b = d.activate(b)
		d.dropBackground(&b)
		d.output(b.v)
		x := op.Exp(op.Mul(box[i].v, d.scalar(0.5)))
		d.output(d.sides(op.Mul(x, d.extraPlace(i, "stride")), b.axis(), d.extraPlace(i, "centre")))
	}
	d.key.Answers = append(d.key.Answers, parts)
}
