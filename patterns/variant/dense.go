package variant

import (
	"fmt"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns"
)

// detector is a dense detector being built: a head on each cell of each level.
type detector struct {
	*net
	c       *Choice
	anchors int
	classes int
	levels  []level
	key     Key
	// The parts of the head, by level; all is what holds them together.
	box, obj, cls, all []block
	order              []string     // of the parts in all
	exp                bool         // distances are exponentials, not rectified
	bins               int          // of a distribution
	text               *graph.Value // vectors of the classes' names [classes, width]
	uncut              bool         // objectness and classes of all are taken out as one
}

// dense builds the detector of a choice.
func dense(c *Choice, rng *rand.Rand) (*net, Key, error) {
	d := &detector{net: newNet(c.habits(), rng), c: c, exp: rng.IntN(2) == 0, bins: []int{16, 16, 8, 17}[rng.IntN(4)]}
	d.sequence()
	fmt.Sscan(c.Of(Anchors), &d.anchors)
	fmt.Sscan(c.Of(Classes), &d.classes)
	var levels int
	fmt.Sscan(c.Of(Levels), &levels)
	d.small = d.classes > 100
	d.levels = d.trunk(levels)
	d.share = c.Is(Shared, "shared")
	for i := range d.levels {
		d.levels[i].anchors = d.anchors
		if c.Is(Anchors, "mixed") {
			d.anchors = 2
			d.levels[i].anchors = 2 + i%2
		}
	}
	d.key = Key{Expect: Found, Ordered: c.Of(Merge) != "apart" || levels == 1, Classes: d.classes, Background: d.background()}
	d.key.Activations = []patterns.Activation{activation(c.Of(Act))}
	if d.quant != "float" {
		d.key.Tolerance = step
	}
	if why := unsure(c); why != "" {
		d.key.Expect, d.key.Why = Unsure, why
	}
	d.layers()
	if c.Is(Merge, "early") {
		d.box, d.obj, d.cls, d.all = d.merge(d.box), d.merge(d.obj), d.merge(d.cls), d.merge(d.all)
	}
	d.head()
	d.beside()
	return d.net, d.key, d.g.Err()
}

func activation(name string) patterns.Activation {
	switch name {
	case "sigmoid":
		return patterns.Sigmoid
	case "softmax", "logsoftmax":
		return patterns.Softmax
	}
	return patterns.None
}

// background is the class that stands for nothing, as the graph tells it.
func (d *detector) background() int {
	switch {
	case d.c.Is(Extra, "aux") && d.c.Is(Post, "loops") && !d.c.Is(Back, "none"):
		return Any // of the second head nothing tells it
	case d.c.Is(Back, "firstcut"):
		return 0
	case d.c.Is(Back, "lastcut"):
		return d.classes - 1
	case d.c.Is(Act, "none"), d.c.Is(Back, "first", "last"):
		return Any
	}
	return -1
}

// boxes is the number of channels of one anchor's box.
func (d *detector) boxes() int {
	if d.c.Is(Decode, "bins") {
		return 4 * d.bins
	}
	if d.c.Is(Decode, "rotated") {
		return 5
	}
	return 4
}

// sequence draws the order of box, objectness and class in one tensor. A layer
// without objectness has the classes first, as those networks do that have
// such a layer.
func (d *detector) sequence() {
	d.order = []string{"box", "obj", "cls"}
	switch d.uncut = d.c.Is(Obj, "beside") && d.c.Is(Act, "none", "sigmoid") && d.c.Is(Output, "joined") && d.rng.IntN(2) == 0; {
	case d.c.Is(Obj, "none") && d.c.Is(Join, "fused"):
		d.order = []string{"cls", "box"}
	case d.c.Is(Obj, "none"):
		d.order = []string{"box", "cls"}
	case d.c.Is(Join, "fused") && !d.uncut && d.rng.IntN(4) == 0:
		d.order = []string{"obj", "box", "cls"}
	}
}

// width is the number of channels of one anchor's part.
func (d *detector) width(what string) int {
	switch what {
	case "box":
		return d.boxes()
	case "cls":
		return d.classes
	}
	return 1
}

// layers makes the head's layers for each level and lays them out.
func (d *detector) layers() {
	layout := d.c.Of(Layout)
	for _, l := range d.levels {
		put := func(x *graph.Value, k int) block { return d.arrange(x, k, l.anchors, layout) }
		d.rewind()
		cx, bx := l.v, l.v
		if d.c.Is(Join, "towers") {
			cx, bx = d.layer(d.layer(cx, width, 1), width, 1), d.layer(d.layer(bx, width, 1), width, 1)
		}
		switch d.c.Of(Join) {
		case "fused":
			k := 0
			for _, what := range d.order {
				k += d.width(what)
			}
			d.all = append(d.all, put(d.conv(l.v, width, l.anchors*k, 1, 1), k))
		case "late":
			d.late(l, put)
		default:
			d.cls = append(d.cls, put(d.logits(cx, l), d.classes))
			d.box = append(d.box, put(d.conv(bx, width, l.anchors*d.boxes(), 3, 1), d.boxes()))
			switch {
			case d.c.Is(Obj, "spread"):
				d.obj = append(d.obj, put(d.spread(d.box[len(d.box)-1]), 1))
			case !d.c.Is(Obj, "none"):
				d.obj = append(d.obj, put(d.conv(bx, width, l.anchors, 3, 1), 1))
			}
		}
	}
	d.share = false
}

// late joins the channels of layers of their own.
func (d *detector) late(l level, put func(*graph.Value, int) block) {
	var parts []*graph.Value
	k := 0
	for _, what := range d.order {
		if what == "cls" {
			parts = append(parts, d.logits(l.v, l))
		} else {
			parts = append(parts, d.conv(l.v, width, d.width(what), 1, 1))
		}
		k += d.width(what)
	}
	d.all = append(d.all, put(op.Concat(1, parts...), k))
}

// head takes the parts apart, if they are together, and goes on to the
// outputs.
func (d *detector) head() {
	switch {
	case d.all == nil:
	case d.leavesRaw():
		d.raw()
		return
	case d.c.Is(Act, "sigmoid") && d.c.Is(Decode, "grid", "cxcywh"):
		for i := range d.all {
			d.answer(d.all[i], d.classSlice())
			d.all[i].v = op.Sigmoid(d.all[i].v)
		}
		d.apart()
		d.finish(true)
		return
	default:
		d.apart()
	}
	d.finish(false)
}

// leavesRaw reports whether nothing takes the channels of one layer apart.
func (d *detector) leavesRaw() bool {
	grouped := d.all[0].layout == "NCHW" && d.anchors > 1
	return grouped || d.c.Is(Decode, "raw") && d.c.Is(Act, "none") && d.c.Is(Output, "joined")
}

// classSlice is where the classes of an anchor lie in all.
func (d *detector) classSlice() patterns.Slice {
	at := 0
	for _, what := range d.order {
		if what == "cls" {
			break
		}
		at += d.width(what)
	}
	return patterns.Slice{Start: at, Stop: at + d.classes, Stride: d.all[0].k}
}

// raw gives all out as it is.
func (d *detector) raw() {
	if d.c.Is(Merge, "late") {
		d.all = d.merge(d.all)
	}
	for _, b := range d.all {
		d.output(b.v)
		d.answer(b, d.classSlice())
	}
}

// apart splits all into box, objectness and class.
func (d *detector) apart() {
	for _, b := range d.all {
		if d.uncut {
			parts := d.cut(b.v, b.axis(), d.boxes(), 1+d.classes)
			d.box = append(d.box, block{parts[0], b.layout, d.boxes()})
			d.cls = append(d.cls, block{parts[1], b.layout, 1 + d.classes})
			continue
		}
		var sizes []int
		for _, what := range d.order {
			sizes = append(sizes, d.width(what))
		}
		for i, v := range d.cut(b.v, b.axis(), sizes...) {
			part := block{v, b.layout, sizes[i]}
			switch d.order[i] {
			case "box":
				d.box = append(d.box, part)
			case "obj":
				d.obj = append(d.obj, part)
			default:
				d.cls = append(d.cls, part)
			}
		}
	}
}

// answer adds b's channels s to the first answer of the key.
func (d *detector) answer(b block, s patterns.Slice) {
	if d.key.Answers == nil {
		d.key.Answers = make([][]patterns.Part, 1)
	}
	d.key.Answers[0] = append(d.key.Answers[0], part(b, s))
}

func part(b block, s patterns.Slice) patterns.Part {
	return patterns.Part{Source: b.v, Layout: patterns.Layout(b.layout), Slice: s}
}

// unsure says why nothing in the graph of c tells which channels are classes;
// "" if something does.
func unsure(c *Choice) string {
	raw := c.Is(Act, "none") && c.Is(Decode, "raw") && c.Is(Post, "none")
	together := c.Is(Join, "fused", "late") && c.Is(Output, "joined")
	switch {
	case c.Is(Join, "fused") && c.Is(Layout, "nchw") && c.Is(Anchors, "3"), raw && together:
		return "one raw tensor holds boxes and classes, and nothing reads it"
	case raw && c.Is(Classes, "2", "4", "16", "64"):
		return "raw channels, and the classes may as well be boxes"
	case c.Is(Extra, "attributes", "direction") && c.Is(Post, "none") && !c.Is(Obj, "product", "root", "power", "spread") && !c.Is(Back, "firstcut", "lastcut"):
		return "two sets of classes, and nothing chooses by either"
	case c.Is(Act, "none") && c.Is(Obj, "beside", "centerness") && !c.Is(Join, "fused") && c.Is(Classes, "2", "4", "16", "64"):
		return "one raw number beside several: an objectness and classes, or one class and points"
	case c.Is(Classes, "1") && c.Is(Obj, "spread"):
		return "class and quality are one channel each, and one is multiplied with the other"
	case c.Is(Classes, "1") && c.Is(Extra, "attributes", "direction") && c.Is(Post, "none"):
		return "one class beside several channels that may be classes"
	case c.Is(Classes, "1") && c.Is(Extra, "quality") && c.Is(Post, "none"):
		return "class and quality are one channel each, of one form"
	case c.Is(Classes, "1") && !c.Is(Obj, "none") && c.Is(Join, "late"):
		return "class and objectness are one channel each, and which is which only their order says"
	case c.Is(Classes, "1") && (!c.Is(Obj, "none") && (c.Is(Decode, "raw") || c.Is(Join, "split")) || c.Is(Extra, "aux") && c.Is(Post, "none")):
		return "class and objectness are one channel each, of one form"
	}
	return ""
}
