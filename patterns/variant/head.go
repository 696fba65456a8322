package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns"
)

// finish goes from the parts of the head to the outputs. active says that the
// activation lies behind already.
func (d *detector) finish(active bool) {
	for i := range d.cls {
		d.score(i, active)
		at := func(what string) *graph.Value { return d.place(i, what) }
		d.box[i] = d.decode(d.box[i], at, active)
	}
	if d.c.Is(Merge, "late") {
		if d.c.Is(Act, "none") {
			d.key.Answers = nil
		}
		d.box, d.cls, d.obj = d.merge(d.box), d.merge(d.cls), d.merge(d.obj)
		if d.c.Is(Act, "none") {
			d.answer(d.cls[0], d.own(d.cls[0]))
		}
	}
	for i := range d.cls {
		d.dropBackground(&d.cls[i])
	}
	if d.c.Is(Post, "none") {
		d.outputs()
		return
	}
	scores := d.flat(d.cls[0])
	if d.c.Is(Act, "none") {
		d.key.Answers = nil
		d.answer(scores, whole(d.classes))
	}
	d.post(d.flat(d.box[0]), scores)
}

// score makes scores of the logits i, and joins them with the objectness.
func (d *detector) score(i int, active bool) {
	b := d.cls[i]
	if !active {
		d.answer(b, d.own(b))
		b = d.activate(b)
	}
	if d.obj == nil {
		d.cls[i] = b
		return
	}
	o := d.obj[i]
	if !active && !d.c.Is(Act, "none") {
		o.v = op.Sigmoid(o.v)
	}
	if d.c.Is(Obj, "product", "root", "power", "spread") {
		if d.anchors > 1 && b.layout == "NCHW" {
			b, o = d.flat(b), d.flat(o)
		}
		if d.c.Is(Obj, "power") {
			b.v, o.v = op.Pow(b.v, d.scalar(0.4)), op.Pow(o.v, d.scalar(0.6))
		}
		b.v = op.Mul(b.v, o.v)
		if d.c.Is(Obj, "root") {
			b.v = op.Sqrt(b.v)
		}
	}
	d.cls[i], d.obj[i] = b, o
}

// own is where the classes lie in b, behind the objectness if that is in it.
func (d *detector) own(b block) patterns.Slice {
	return patterns.Slice{Start: b.k - d.classes, Stop: b.k, Stride: b.k}
}

// activate is scores of the logits b.
func (d *detector) activate(b block) block {
	switch d.c.Of(Act) {
	case "sigmoid":
		b.v = op.Sigmoid(b.v)
	case "softmax":
		b.v = op.Softmax(b.v, int64(b.axis()))
	case "logsoftmax":
		b.v = op.LogSoftmax(b.v, int64(b.axis()))
	}
	return b
}

// place is what differs from cell to cell, laid out as block i of the boxes.
func (d *detector) place(i int, what string) *graph.Value {
	levels := d.levels[i : i+1]
	if d.c.Is(Merge, "early") {
		levels = d.levels
	}
	var bs []block
	for _, l := range levels {
		x, k := d.net.place(l, what, l.anchors)
		bs = append(bs, d.arrange(x, k, l.anchors, d.c.Of(Layout)))
	}
	return d.merge(bs)[0].v
}

// dropBackground takes the background class out of the scores.
func (d *detector) dropBackground(b *block) {
	from, to := 0, d.classes
	switch d.c.Of(Back) {
	case "firstcut":
		from++
	case "lastcut":
		to--
	default:
		return
	}
	if d.c.Is(Post, "loops") {
		return // the loop leaves it out
	}
	b.v, b.k = d.channels(b.v, b.axis(), from, to), to-from
}

// outputs gives boxes, objectness and scores out.
func (d *detector) outputs() {
	factor := d.c.Is(Obj, "product", "root", "power", "spread")
	var mixed []patterns.Part
	for i := range d.cls {
		parts := []block{d.box[i]}
		if d.obj != nil && !factor {
			parts = append(parts, d.obj[i])
		}
		parts = append(parts, d.cls[i])
		if d.c.Is(Output, "apart") {
			for _, b := range parts {
				d.output(b.v)
			}
			continue
		}
		var vs []*graph.Value
		for _, b := range parts {
			if b.layout != parts[0].layout || d.anchors > 1 && b.layout == "NCHW" {
				b = d.flat(b)
				parts[0] = d.flat(parts[0])
			}
			vs = append(vs, b.v)
		}
		vs[0] = parts[0].v
		k := 0
		for _, b := range parts {
			k += b.k
		}
		all := block{op.Concat(int64(parts[0].axis()), vs...), parts[0].layout, k}
		d.output(all.v)
		mixed = append(mixed, part(all, patterns.Slice{Start: k - d.classes, Stop: k, Stride: k}))
	}
	if mixed != nil && d.c.Is(Act, "none") {
		d.key.Answers = append(d.key.Answers, mixed)
	}
}
