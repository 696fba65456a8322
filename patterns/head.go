package patterns

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// Axis is what one axis of a tensor stands for.
type Axis byte

// The axes. A tensor's batch axis may be absent (two-stage heads); Rows is
// positions and anchors merged, in the canonical order: rows of the map, then
// columns, then anchors. One is an axis of length 1 without a meaning.
const (
	Batch   Axis = 'N'
	Channel Axis = 'C' // class channels, possibly mixed with others and several anchors
	Anchor  Axis = 'A'
	Row     Axis = 'H'
	Column  Axis = 'W'
	Rows    Axis = 'R'
	One     Axis = '1'
)

// Layout has one Axis for each axis of a tensor; exactly one is Channel. Of
// axes that stand for the same thing the first is the slowest.
// Examples: NCHW (a map), NAHWC (a permuted anchor head), NRC (merged levels),
// NCR (merged levels, classes first), RC (regions).
type Layout string

// ChannelAxis is the index of the channel axis; -1 if there is none.
func (l Layout) ChannelAxis() int { return l.Index(Channel) }

// Index is the index of axis a; -1 if l does not have it.
func (l Layout) Index(a Axis) int {
	for i := range len(l) {
		if Axis(l[i]) == a {
			return i
		}
	}
	return -1
}

// Slice selects the channels [Start, Stop) of each group of Stride channels
// along the channel axis; groups are anchors. Where the whole axis is meant,
// Start is 0 and Stop and Stride are its length.
type Slice struct{ Start, Stop, Stride int }

// String is s as START:STOP, with :STRIDE where there are groups.
func (s Slice) String() string {
	if s.Stride == 0 {
		return fmt.Sprintf("%d:%d", s.Start, s.Stop)
	}
	return fmt.Sprintf("%d:%d:%d", s.Start, s.Stop, s.Stride)
}

// Len is the number of channels of one group that are selected.
func (s Slice) Len() int { return s.Stop - s.Start }

// Part is some channels of a tensor.
type Part struct {
	Source *graph.Value
	Layout Layout
	Slice  Slice
}

// Level is one feature level's class logits.
type Level struct {
	Part
	// Anchors is how many rows of the canonical logits the level gives:
	// positions times anchors, or regions, or queries.
	Anchors graph.Dim
}

// Head is one classification head: everything that one loss is put on.
type Head struct {
	// Levels are in the order of the Concat that joins them, else the largest
	// map first, or where sizes are dynamic that of the smallest stride: an
	// order that neither nodes nor outputs change.
	Levels  []Level
	Classes int // background included; -1 where the graph leaves it open
	// Activation is what the graph does with the logits.
	Activation Activation
	// Background is the class index that stands for "nothing here"; -1 if
	// there is none.
	Background int
	// Objectness has, for each level, the one-channel logits that say how
	// likely anything is there; nil if the head has none.
	Objectness []Part
	// Box is a tensor of the box regression; nil if none was found.
	Box *graph.Value
	// Distributions has, for each layer of class logits, the channels that are its
	// boxes as distributions, 4 sides over some bins each; nil if they are none.
	Distributions []Part
	// Quantized says why training cannot reach the head's weights, where they
	// or its logits are integers; empty for a head of floating point.
	Quantized string
	// Confidence is the calibrated probability that this is the head.
	Confidence float64
	// Evidence is why, a sentence each.
	Evidence []string

	parts []*rule.Part // what it was made of
	site  *site
	boxes *Regression // once they were asked for
	notes []rule.Note // the evidence that has a weight of its own
}

// OpenClasses is the name of the number of classes where the graph leaves it open, as of
// classes whose embeddings are fed, though the user may have fixed it; "?" for one without a
// name, empty where the graph fixes it.
func (h *Head) OpenClasses() string {
	l := h.Levels[0]
	c := l.Layout.ChannelAxis()
	if c < 0 || c >= len(l.Source.Shape()) || l.Source.Shape()[c].IsKnown() {
		return ""
	}
	return l.Source.Shape()[c].String()
}

// PerImage reports whether h is a classifier's: one row for each image, or
// whatever else the model reads.
func (h *Head) PerImage() bool {
	return len(h.Levels) == 1 && h.Box == nil && h.Levels[0].Layout.Index(Batch) >= 0 && h.Levels[0].Anchors == graph.Known(1)
}

// OfImages reports whether the model of h reads images.
func (h *Head) OfImages() bool { return rule.Images(h.Levels[0].Source.Graph()) }
