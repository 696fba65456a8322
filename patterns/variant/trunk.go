package variant

import (
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
)

// level is one feature map.
type level struct {
	v      *graph.Value // [N, width, h, w]
	h, w   int
	stride int
	// anchors of a cell; 0 in networks of other families.
	anchors int
}

// mapSizes are the greatest map, by the number of levels.
var mapSizes = map[int][2]int{1: {8, 12}, 3: {12, 16}, 5: {20, 28}}

// trunk is an image's network down to levels maps, each half as large as the
// one before, with a way back up.
func (n *net) trunk(levels int) []level {
	s := mapSizes[levels]
	if n.small {
		s = [2]int{s[0] / 2, s[1] / 2}
	}
	x := n.layer(n.image(2*s[0], 2*s[1]), 3, 2)
	if n.rng.IntN(2) == 0 {
		x = n.gate(x)
	}
	x = op.Add(x, n.layer(x, width, 1))
	out := []level{{v: x, h: s[0], w: s[1], stride: 2}}
	for len(out) < levels {
		l := out[len(out)-1]
		out = append(out, level{v: n.layer(l.v, width, 2), h: (l.h + 1) / 2, w: (l.w + 1) / 2, stride: l.stride * 2})
	}
	if levels > 1 && n.rng.IntN(2) == 0 {
		out[levels-1].v = n.layer(out[levels-1].v, width, 1)
	}
	return out
}

// block is a tensor with k channels for each anchor.
type block struct {
	v      *graph.Value
	layout string // one letter for each axis, as in patterns.Layout
	k      int
}

// axis is the channels' axis.
func (b block) axis() int { return strings.IndexByte(b.layout, 'C') }

// arrange lays the map x [N, anchors·k, H, W] out.
func (n *net) arrange(x *graph.Value, k, anchors int, layout string) block {
	ka, c := int64(anchors), int64(k)
	switch layout {
	case "nchw":
		return block{x, "NCHW", k}
	case "nhwc":
		y := op.Transpose(x, 0, 2, 3, 1)
		if anchors == 1 {
			return block{y, "NHWC", k}
		}
		return block{n.reshape(y, of(0), of(1), of(2), ka, c), "NHWAC", k}
	case "five":
		y := n.reshape(x, of(0), ka, c, of(2), of(3))
		return block{op.Transpose(y, 0, 1, 3, 4, 2), "NAHWC", k}
	case "nca":
		if anchors == 1 {
			return block{n.reshape(x, of(0), c, -1), "NCR", k}
		}
		y := op.Transpose(n.reshape(x, of(0), ka, c, -1), 0, 2, 1, 3)
		return block{n.reshape(y, of(0), c, -1), "NCR", k}
	}
	return block{n.reshape(op.Transpose(x, 0, 2, 3, 1), of(0), -1, c), "NRC", k}
}

// flat has the positions of b on one axis.
func (n *net) flat(b block) block {
	switch b.layout {
	case "NRC", "NCR":
		return b
	case "NCHW":
		b.v = op.Transpose(b.v, 0, 2, 3, 1)
	}
	return block{n.reshape(b.v, of(0), -1, int64(b.k)), "NRC", b.k}
}

// merge joins levels along their rows.
func (n *net) merge(bs []block) []block {
	if len(bs) < 2 {
		return bs
	}
	vs := make([]*graph.Value, len(bs))
	for i := range bs {
		bs[i] = n.flat(bs[i])
		vs[i] = bs[i].v
	}
	return []block{{op.Concat(int64(strings.IndexByte(bs[0].layout, 'R')), vs...), bs[0].layout, bs[0].k}}
}

// channelsLast is b, which has rows, as [N, R, C].
func (n *net) channelsLast(b block) block {
	if b = n.flat(b); b.layout == "NCR" {
		return block{op.Transpose(b.v, 0, 2, 1), "NRC", b.k}
	}
	return b
}
