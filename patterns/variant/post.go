package variant

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// post ends the network behind boxes and scores, which have rows.
func (d *detector) post(boxes, scores block) {
	from := 0
	if d.c.Is(Back, "firstcut") {
		from = 1
	}
	to := d.classes
	if d.c.Is(Back, "lastcut") {
		to--
	}
	d.net.post(d.c.Of(Post), boxes, scores, from, to, d.c.Is(Act, "none"))
}

// post adds what follows boxes and scores. from and to bound the classes that
// a loop takes, raw says that the scores are logits.
func (n *net) post(what string, boxes, scores block, from, to int, raw bool) {
	b, s := n.channelsLast(boxes), scores
	switch what {
	case "argmax":
		n.output(b.v, op.ReduceMax(s.v, []int64{int64(s.axis())}, false), op.ArgMax(s.v, int64(s.axis()), n.rng.IntN(2) == 0))
	case "topk":
		if n.rng.IntN(2) == 0 {
			n.rankRows(b, s)
			return
		}
		n.rankAll(b, n.channelsLast(s))
	case "nms":
		n.suppress(b, s)
	case "threshold":
		n.threshold(b, s)
	case "offset":
		n.offset(b, s)
	case "efficient":
		domain := []string{"", "TRT"}[n.rng.IntN(2)]
		attrs := []*graph.Attr{graph.Int("background_class", -1), graph.Int("max_output_boxes", 5), graph.Float("iou_threshold", 0.5),
			graph.Float("score_threshold", 0.1), graph.Int("box_coding", 0), graph.Int("score_activation", flag(raw))}
		n.output(n.custom(domain, "EfficientNMS_TRT", 4, attrs, b.v, n.channelsLast(s).v)...)
	case "batched":
		attrs := []*graph.Attr{graph.Int("backgroundLabelId", -1), graph.Int("numClasses", int64(s.k)), graph.Int("topK", 10), graph.Int("keepTopK", 5),
			graph.Float("iouThreshold", 0.5), graph.Float("scoreThreshold", 0.1), graph.Int("shareLocation", 1)}
		name := []string{"BatchedNMSDynamic_TRT", "BatchedNMS_TRT"}[n.rng.IntN(2)]
		n.output(n.custom([]string{"", "TRT", "mmdeploy"}[n.rng.IntN(3)], name, 4, attrs, op.Unsqueeze(b.v, 2), n.channelsLast(s).v)...)
	case "loops":
		n.loop(b, s, from, to)
	}
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// rankRows gives the rows with the best classes.
func (n *net) rankRows(b, s block) {
	axis := int64(s.axis())
	best, label := op.ReduceMax(s.v, []int64{axis}, false), op.ArgMax(s.v, axis, false)
	top, at := op.TopK(best, n.ints(5), 1)
	n.output(n.take(b.v, at), top, op.GatherElements(label, at, 1))
}

// rankAll gives the best pairs of row and class.
func (n *net) rankAll(b, s block) {
	top, at := op.TopK(n.reshape(s.v, of(0), -1), n.ints(5), 1)
	k := n.constant(tensor.Scalar(int64(s.k)))
	n.output(n.take(b.v, op.Div(at, k)), top, n.do("Mod", nil, at, k))
}

// take is the rows at [N, K] of the boxes [N, R, 4].
func (n *net) take(boxes, at *graph.Value) *graph.Value {
	return op.GatherElements(boxes, op.Expand(op.Unsqueeze(at, 2), n.ints(1, 1, 4)), 1)
}

// channelsFirst is b as [N, C, R].
func (n *net) channelsFirst(b block) *graph.Value {
	if b.layout == "NCR" {
		return b.v
	}
	return op.Transpose(n.flat(b).v, 0, 2, 1)
}

// keep is ONNX's suppression of boxes [N, R, 4] by scores [N, C, R].
func (n *net) keep(boxes, scores *graph.Value) *graph.Value {
	return n.do("NonMaxSuppression", nil, boxes, scores, n.ints(5), n.constant(tensor.Vector[float32](0.5)), n.constant(tensor.Vector[float32](0.01)))
}

// suppress gives what the suppression keeps.
func (n *net) suppress(b, s block) {
	scores := n.channelsFirst(s)
	kept := n.keep(b.v, scores)
	if n.rng.IntN(2) == 0 {
		n.output(b.v, scores, kept)
		return
	}
	row := op.Gather(kept, n.ints(0, 2), 1)
	n.output(op.GatherND(b.v, row), op.GatherND(scores, kept), op.Gather(kept, n.constant(tensor.Scalar[int64](1)), 1))
}

// threshold gives the rows whose best class is good enough.
func (n *net) threshold(b, s block) {
	axis := int64(s.axis())
	best, label := op.ReduceMax(s.v, []int64{axis}, false), op.ArgMax(s.v, axis, false)
	rows := op.Transpose(n.do("NonZero", nil, op.Greater(best, n.scalar(0.3))), 1, 0)
	n.output(op.GatherND(b.v, rows), op.GatherND(best, rows), op.GatherND(label, rows))
}

// offset suppresses all classes at once, whose boxes are moved apart.
func (n *net) offset(b, s block) {
	axis := int64(s.axis())
	best, label := op.ReduceMax(s.v, []int64{axis}, false), op.ArgMax(s.v, axis, false)
	far := op.Mul(op.Unsqueeze(op.Cast(label, tensor.Float32), 2), n.scalar(4096))
	kept := n.keep(op.Add(b.v, far), op.Unsqueeze(best, 1))
	row := op.Gather(kept, n.ints(0, 2), 1)
	n.output(op.GatherND(b.v, row), op.GatherND(best, row), op.GatherND(label, row))
}

// loop suppresses class by class, as an unrolled loop does.
func (n *net) loop(b, s block, from, to int) {
	var kept, labels []*graph.Value
	for i := from; i < to; i++ {
		one := op.Gather(s.v, n.constant(tensor.Scalar(int64(i))), s.axis())
		k := n.keep(b.v, op.Unsqueeze(one, 1))
		row := op.Gather(k, n.ints(0, 2), 1)
		kept = append(kept, op.GatherND(one, row))
		labels = append(labels, op.GatherND(b.v, row))
	}
	if len(kept) == 1 {
		n.output(labels[0], kept[0])
		return
	}
	n.output(op.Concat(0, labels...), op.Concat(0, kept...))
}
