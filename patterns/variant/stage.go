package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// regions is a detector of two stages: proposals, and a head on what is pooled
// from each. The proposals' objectness is no answer.
func (n *net) regions(p pick) Key {
	k, act, post := p.count("classes"), p["act"], p["post"]
	n.dims = "static"
	l := n.trunk(1)[0]
	const anchors, kept, pool = 3, 6, 3
	hidden := n.layer(l.v, width, 1)
	obj := n.arrange(n.conv(hidden, width, anchors, 1, 1), 1, anchors, "nac")
	deltas := n.arrange(n.conv(hidden, width, anchors*4, 1, 1), 4, anchors, "nac")
	at := func(what string) *graph.Value {
		x, c := n.place(l, what, anchors)
		return n.arrange(x, c, anchors, "nac").v
	}
	boxes := n.refine(deltas.v, at("centre"), at("anchor"), 2)
	score := op.Sigmoid(obj.v)
	var rois *graph.Value
	if n.rng.IntN(2) == 0 {
		_, best := op.TopK(op.Squeeze(score, 2), n.ints(kept), 1)
		rois = op.Squeeze(n.take(boxes, best), 0)
	} else {
		chosen := n.do("NonMaxSuppression", nil, boxes, op.Transpose(score, 0, 2, 1), n.ints(kept), n.constant(tensor.Vector[float32](0.9)))
		rois = op.GatherND(boxes, op.Gather(chosen, n.ints(0, 2), 1))
	}
	batch := op.Cast(op.Mul(op.Squeeze(n.channels(rois, 1, 0, 1), 1), n.scalar(0)), tensor.Int64)
	attrs := []*graph.Attr{graph.Int("output_height", pool), graph.Int("output_width", pool), graph.Int("sampling_ratio", 2), graph.Float("spatial_scale", 0.5)}
	if p["stages"] == "two" {
		// The first stage moves the regions, and has classes for training only.
		y := op.Relu(n.dense(op.Flatten(n.do("RoiAlign", attrs, l.v, rois, batch), 1), width*pool*pool, 16))
		c := n.cut(rois, 1, 2, 2)
		size := op.Sub(c[1], c[0])
		rois = n.refine(n.dense(y, 16, 4), op.Add(c[0], op.Mul(size, n.scalar(0.5))), size, 1)
	}
	x := op.Flatten(n.do("RoiAlign", attrs, l.v, rois, batch), 1)
	x = op.Relu(n.dense(x, width*pool*pool, 16))
	cls := n.dense(x, 16, k)
	b := block{cls, "RC", k}
	answer, from := key(b, act), 0
	if act == "softmax" && post == "loops" {
		answer.Background, from = 0, 1
	}
	per := k
	if p["boxes"] == "one" {
		per = 1
	}
	if act == "none" && k == 4 {
		answer.Expect, answer.Why = Unsure, "four raw numbers a region beside four, or four times four, for the box"
	}
	if act == "none" && per == 1 && k == 16 {
		answer.Expect, answer.Why = Unsure, "sixteen raw numbers a region beside four may be the boxes of four classes"
	}
	s := scores(act, cls, 1)
	d := n.dense(x, 16, 4*per)
	if p["beside"] == "masks" {
		grid := []*graph.Attr{graph.Int("output_height", 4), graph.Int("output_width", 4), graph.Int("sampling_ratio", 2), graph.Float("spatial_scale", 0.5)}
		m := n.layer(n.do("RoiAlign", grid, l.v, rois, batch), width, 1)
		n.output(op.Sigmoid(n.conv(n.double(m), width, k, 1, 1)))
	}
	if p["proposals"] == "out" {
		n.output(score, boxes)
	}
	if post == "none" {
		n.output(d, s, rois)
		return answer
	}
	n.second(rois, d, block{s, "RC", k}, per, from, post)
	return answer
}

// second ends a detector of two stages: the regions' boxes and what follows.
func (n *net) second(rois, deltas *graph.Value, s block, per, from int, post string) {
	p := n.cut(rois, 1, 2, 2)
	size := op.Unsqueeze(op.Sub(p[1], p[0]), 1)
	centre := op.Add(op.Unsqueeze(p[0], 1), op.Mul(size, n.scalar(0.5)))
	boxes := n.refine(op.Reshape(deltas, -1, int64(per), 4), centre, size, 2) // [R, per, 4]
	first := op.Squeeze(n.channels(boxes, 1, per-1, per), 1)
	if post == "argmax" {
		n.output(boxes, op.ReduceMax(s.v, []int64{1}, false), op.ArgMax(s.v, 1, false))
		return
	}
	b := block{op.Unsqueeze(first, 0), "NRC", 4}
	n.post(post, b, block{op.Unsqueeze(s.v, 0), "NRC", s.k}, from, s.k, false)
}

// refine moves and scales boxes of a centre and a size by numbers x, four on
// axis.
func (n *net) refine(x, centre, size *graph.Value, axis int) *graph.Value {
	p := n.cut(x, axis, 2, 2)
	xy := op.Add(op.Mul(op.Mul(p[0], n.scalar(0.1)), size), centre)
	half := op.Mul(op.Mul(op.Exp(op.Clip(op.Mul(p[1], n.scalar(0.2)), -4, 4)), size), n.scalar(0.5))
	return op.Concat(int64(axis), op.Sub(xy, half), op.Add(xy, half))
}

// queries is a set predictor: learned queries read the map by attention, and
// each gives a class and a box.
func (n *net) queries(p pick) Key {
	k, act, post := p.count("classes"), p["act"], p["post"]
	l := n.trunk(1)[0]
	const count = 7
	memory := op.Transpose(n.reshape(n.layer(l.v, width, 1), of(0), width, -1), 0, 2, 1)
	x := n.random(1, 1, count, width)
	if p["start"] == "chosen" {
		x = n.choose(memory, k, count)
	}
	var earlier []*graph.Value
	for i := range 2 {
		if i > 0 && p["decoder"] == "all" {
			earlier = append(earlier, x)
		}
		q, keys := n.dense(x, width, width), n.dense(memory, width, width)
		w := op.Softmax(op.MatMul(q, op.Transpose(keys, 0, 2, 1)), 2)
		x = op.Add(x, n.dense(op.MatMul(w, n.dense(memory, width, width)), width, width))
		x = n.normal(x)
	}
	cls := n.dense(x, width, k)
	b := block{cls, "NRC", k}
	box := op.Sigmoid(n.dense(op.Relu(n.dense(x, width, width)), width, 4))
	answer := key(b, act)
	for _, y := range earlier {
		c := n.dense(y, width, k)
		n.output(scores(act, c, 2), op.Sigmoid(n.dense(y, width, 4)))
		answer.Answers = append(answer.Answers, []patterns.Part{part(block{c, "NRC", k}, whole(k))})
	}
	if act == "sigmoid" && k == 4 && post == "none" {
		answer.Expect, answer.Why = Unsure, "classes and boxes are four numbers behind a sigmoid each"
	}
	if k == 4 && act == "none" && post == "none" {
		answer.Expect, answer.Why = Unsure, "four raw numbers beside four between bounds"
	}
	s := block{scores(act, cls, 2), "NRC", k}
	if post == "none" {
		n.output(s.v, box)
		return answer
	}
	c := n.cut(box, 2, 2, 2)
	half := op.Mul(c[1], n.scalar(0.5))
	corners := op.Concat(2, op.Sub(c[0], half), op.Add(c[0], half))
	if act == "softmax" {
		s = block{n.channels(s.v, 2, 0, k-1), "NRC", k - 1}
		answer.Background = k - 1
	}
	n.post(post, block{corners, "NRC", 4}, s, 0, s.k, false)
	return answer
}

// choose is the places of memory with the best class, of k, as queries.
func (n *net) choose(memory *graph.Value, k, count int) *graph.Value {
	best := op.ReduceMax(n.dense(memory, width, k), []int64{2}, false)
	_, at := op.TopK(best, n.ints(int64(count)), 1)
	return op.GatherElements(memory, op.Expand(op.Unsqueeze(at, 2), n.ints(1, 1, width)), 1)
}

// normal is a layer's normalization over the last axis, written out.
func (n *net) normal(x *graph.Value) *graph.Value {
	y := op.Sub(x, op.ReduceMean(x, []int64{-1}, true))
	dev := op.Sqrt(op.Add(op.ReduceMean(op.Mul(y, y), []int64{-1}, true), n.scalar(1e-5)))
	return op.Add(op.Mul(op.Div(y, dev), n.random(1, width)), n.random(0.1, width))
}

// heat is a detector by the peaks of a heat map for each class, with sizes and
// offsets beside.
func (n *net) heat(p pick) Key {
	k, post := p.count("classes"), p["post"]
	l := n.trunk(1)[0]
	head := func(c int) *graph.Value { return n.conv(n.layer(l.v, width, 1), width, c, 1, 1) }
	logits, size, shift := head(k), head(p.count("sizes")), head(2)
	act := "sigmoid"
	if post == "raw" {
		act = "none"
	}
	answer := key(block{logits, "NCHW", k}, act)
	if post == "raw" && k == 16 {
		answer.Expect, answer.Why = Unsure, "sixteen raw numbers may be boxes with their points"
	}
	if post == "raw" && k == 1 && p["sizes"] == "4" {
		answer.Expect, answer.Why = Unsure, "one, two and four raw numbers a cell: either of the first two may be the classes"
	}
	heat := scores(act, logits, 1)
	if post == "raw" || post == "sigmoid" {
		n.output(heat, size, shift)
		return answer
	}
	peaks := n.do("MaxPool", []*graph.Attr{graph.Ints("kernel_shape", 3, 3), graph.Ints("pads", 1, 1, 1, 1), graph.Ints("strides", 1, 1)}, heat)
	heat = op.Mul(heat, op.Cast(op.Equal(peaks, heat), tensor.Float32))
	if post == "peaks" {
		n.output(heat, size, shift)
		return answer
	}
	top, i := op.TopK(n.reshape(heat, of(0), -1), n.ints(5), 1)
	cells := n.constant(tensor.Scalar(int64(l.h * l.w)))
	cell := n.do("Mod", nil, i, cells)
	rows := func(v *graph.Value, k int64) *graph.Value {
		v = op.Transpose(n.reshape(v, of(0), k, -1), 0, 2, 1)
		return op.GatherElements(v, op.Expand(op.Unsqueeze(cell, 2), n.ints(1, 1, k)), 1)
	}
	w := n.constant(tensor.Scalar(int64(l.w)))
	xs, ys := op.Cast(n.do("Mod", nil, cell, w), tensor.Float32), op.Cast(op.Div(cell, w), tensor.Float32)
	centre := op.Add(op.Concat(2, op.Unsqueeze(xs, 2), op.Unsqueeze(ys, 2)), rows(shift, 2))
	if p["sizes"] == "4" {
		far := n.cut(rows(size, 4), 2, 2, 2)
		n.output(op.Concat(2, op.Sub(centre, far[0]), op.Add(centre, far[1])), top, op.Div(i, cells))
		return answer
	}
	half := op.Mul(rows(size, 2), n.scalar(0.5))
	n.output(op.Concat(2, op.Sub(centre, half), op.Add(centre, half)), top, op.Div(i, cells))
	return answer
}

// text is a detector of words: a score for each cell, distances to the sides
// of the word and its angle.
func (n *net) text(p pick) Key {
	l := n.trunk(1)[0]
	x := n.layer(l.v, width, 1)
	logits := n.conv(x, width, 1, 1, 1)
	answer := key(block{logits, "NCHW", 1}, p["act"])
	sides := op.Mul(op.Sigmoid(n.conv(x, width, 4, 1, 1)), n.scalar(512))
	angle := n.conv(x, width, 1, 1, 1)
	if p["angle"] == "bounded" {
		angle = op.Mul(op.Sub(op.Sigmoid(angle), n.scalar(0.5)), n.scalar(1.57))
	} else if p["act"] == "none" {
		answer.Expect, answer.Why = Unsure, "a score and an angle of one raw number each"
	}
	n.output(scores(p["act"], logits, 1))
	if p["sizes"] == "joined" {
		n.output(op.Concat(1, sides, angle))
	} else {
		n.output(sides, angle)
	}
	return answer
}

// track is a tracker: anchors of a cell are the object that is followed or not,
// by a template that is an input too.
func (n *net) track(p pick) Key {
	a := p.count("anchors")
	n.dims = "static"
	x := n.trunk(1)[0].v
	template := n.signal("template", 1, width, 1, 1)
	x = op.Mul(x, op.Relu(n.conv(template, width, width, 1, 1)))
	cls, box := n.conv(n.layer(x, width, 1), width, 2*a, 1, 1), n.conv(n.layer(x, width, 1), width, 4*a, 1, 1)
	answer := Key{Expect: Unsure, Why: "so many raw channels divide into anchors in several ways"}
	if p["post"] == "softmax" {
		b := block{op.Transpose(op.Reshape(cls, 0, int64(a), 2, -1), 0, 1, 3, 2), "NARC", 2}
		b.v = op.Reshape(b.v, 0, -1, 2)
		answer = key(block{b.v, "NRC", 2}, "softmax")
		answer.Ordered = false
		n.output(op.Softmax(b.v, 2), op.Reshape(op.Transpose(op.Reshape(box, 0, int64(a), 4, -1), 0, 1, 3, 2), 0, -1, 4))
		return answer
	}
	answer.Answers = [][]patterns.Part{{part(block{cls, "NCHW", 2}, whole(2))}}
	answer.Classes, answer.Background, answer.Activations, answer.Tolerance = 2, Any, []patterns.Activation{activation("none")}, step
	n.output(cls, box)
	return answer
}
