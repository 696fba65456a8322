package patterns

import (
	"fmt"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns/match"
	"github.com/onnxloss/onnxloss/patterns/rule"
)

// likeness is a kind of model that is no detector: how it shows and in which
// words. The words are of the model's first output.
type likeness struct {
	shows func(x *seen) bool
	words func(x *seen) string
}

// seen is what a model shows to one who looks at its ends alone.
type seen struct {
	*site
	image   bool // an input has four axes
	tokens  bool // inputs are integers of at most two axes
	outputs []*graph.Value
	shape   graph.Shape  // of the first output
	field   *match.Field // what the first output shows; nil if several or none
	stride  float64      // of the first output's map in pixels of the input; 0 if unknown
	marks   match.Marks  // what is done with the channels of the first output
}

// likenesses are tried in this order: from what inputs say to what is said by
// the form of outputs alone.
var likenesses = []likeness{
	{func(x *seen) bool { return x.tokens && len(x.shape) == 3 }, func(x *seen) string {
		return fmt.Sprintf("a language model: it reads indices, and gives %s numbers for each position", x.shape[2])
	}},
	{func(x *seen) bool { return x.tokens }, func(x *seen) string { return "a model of language: it reads indices, not images" }},
	{func(x *seen) bool { return !x.image && len(x.shape) == 3 }, func(x *seen) string {
		return "a model of sequences: no input is an image, and outputs have a row for each step"
	}},
	{(*seen).pyramid, func(x *seen) string {
		return fmt.Sprintf("a backbone alone: %d maps of features and no head; were they raw predictions, --classes N would divide them", len(x.outputs))
	}},
	{(*seen).trunk, func(x *seen) string {
		return fmt.Sprintf("a backbone alone: one map of %s features, a step of which is %g pixels", x.shape[1], x.stride)
	}},
	{func(x *seen) bool { return len(x.shape) == 2 && x.marks.Has(match.Norm|match.Root) }, func(x *seen) string {
		return fmt.Sprintf("an embedding: one normalized row of %s numbers per image", x.shape[1])
	}},
	{func(x *seen) bool { return len(x.shape) == 2 && x.shape[1].Value == 1 }, func(x *seen) string {
		return "a regression: one number per image"
	}},
	{func(x *seen) bool { return x.pixels() && isInteger(x.outputs[0]) }, func(x *seen) string { return "a segmenter: a class for each pixel" }},
	{func(x *seen) bool { return x.pixels() && x.channels() == 1 }, func(x *seen) string {
		return "a mask or a depth map: one number for each pixel"
	}},
	{func(x *seen) bool { return x.pixels() && x.channels() == 3 }, func(x *seen) string {
		return "a network from image to image: three numbers for each pixel"
	}},
	{(*seen).pixels, func(x *seen) string {
		return fmt.Sprintf("a segmenter: %s numbers for each pixel, which one class of each pixel wins", x.shape[1])
	}},
	{func(x *seen) bool { return len(x.shape) == 4 && x.stride >= 2 && x.stride <= 8 && len(x.outputs) == 1 }, func(x *seen) string {
		return fmt.Sprintf("a pose estimator: %s heat maps, a step of which is %g pixels", x.shape[1], x.stride)
	}},
}

// like says what kind of model this looks like; empty if like none that is
// known.
func (s *site) like() string {
	x := &seen{site: s, outputs: s.Model.Graph.Outputs, image: s.ReadsImages()}
	if len(x.outputs) == 0 {
		return ""
	}
	tokens, inputs := 0, 0
	for _, v := range s.Model.Graph.Inputs {
		if v.Init != nil {
			continue
		}
		inputs++
		if isInteger(v) && len(v.Shape()) <= 2 {
			tokens++
		}
	}
	x.tokens = tokens > 0 && tokens == inputs
	out := x.outputs[0]
	x.shape = s.Shape(out)
	if w := s.View(out); w != nil && len(w.Pieces) == 1 {
		f := w.Pieces[0].Field
		x.field, x.stride = f, f.Stride
		for _, p := range s.Parts {
			if slices.ContainsFunc(p.Roots, func(r rule.Root) bool { return r.Field == f.Root }) {
				x.marks |= p.Marks
			}
		}
	}
	for _, l := range likenesses {
		if l.shows(x) {
			return l.words(x)
		}
	}
	return ""
}

func isInteger(v *graph.Value) bool {
	return v.Type.DType == tensor.Int64 || v.Type.DType == tensor.Int32 || v.Type.DType == tensor.Uint8
}

// channels is the number of channels of the first output's map: 1 where it has
// no axis of channels; -1 if unknown.
func (x *seen) channels() int64 {
	if len(x.shape) == 3 {
		return 1
	}
	return x.shape[1].Value
}

// pixels reports whether the first output has a row for each pixel of the
// input, or more.
func (x *seen) pixels() bool {
	if !x.image || len(x.shape) != 4 && len(x.shape) != 3 || len(x.outputs) > 3 {
		return false
	}
	if x.stride > 0 && x.stride <= 1 && len(x.shape) == 4 {
		return true
	}
	for _, v := range x.Model.Graph.Inputs {
		s := v.Shape()
		n, k := len(s), len(x.shape)
		if n == 4 && s[n-1].IsKnown() && s[n-2].IsKnown() && x.shape[k-1].Value >= s[n-1].Value && x.shape[k-2].Value >= s[n-2].Value {
			return true
		}
	}
	return false
}

// pyramid reports whether all outputs are maps, two or more, each smaller than
// the one before or larger, of 16 channels or more, that no activation follows.
func (x *seen) pyramid() bool {
	if len(x.outputs) < 2 || !x.image {
		return false
	}
	sizes := map[int64]bool{}
	for _, v := range x.outputs {
		t := x.Shape(v)
		f := x.Field(v)
		if len(t) != 4 || !t[3].IsKnown() || t[1].Value < 16 || f != nil && (f.Kind == match.Gate || f.Kind == match.Pick) {
			return false
		}
		sizes[t[3].Value] = true
	}
	return len(sizes) == len(x.outputs)
}

// trunk reports whether the one output is a map of many channels behind a
// rectifier or a pooling.
func (x *seen) trunk() bool {
	if len(x.outputs) != 1 || len(x.shape) != 4 || x.field == nil || x.field.Node == nil || x.stride < 8 || x.shape[1].Value < 32 {
		return false
	}
	switch x.field.Node.Op {
	case "Relu", "LeakyRelu", "HardSwish", "Clip", "PRelu", "Mul", "MaxPool", "Add", "BatchNormalization":
		return true
	}
	return false
}
