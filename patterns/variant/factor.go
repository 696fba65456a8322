package variant

import (
	"fmt"
	"slices"
	"strings"
)

// Factor is one way in which detection heads differ.
type Factor int

// The factors. Their levels are listed in factors.
const (
	Join    Factor = iota // how class, box and objectness layers share
	Logits                // what makes the class logits
	Shared                // whether levels have layers of their own
	Layout                // of the tensors that the activation reads
	Merge                 // whether and when levels are joined
	Anchors               // of one cell
	Act                   // what turns logits into scores
	Obj                   // the objectness and its use
	Back                  // the background class
	Levels                // feature levels
	Decode                // what makes boxes
	Post                  // what follows scores and boxes
	Output                // boxes and scores in one tensor or in several
	Classes               // channels of one anchor's classes, background included
	Extra                 // what stands beside classes and boxes
	Consts                // how constants are written
	Bias                  // how layers add
	Quant                 // quantization
	Maker                 // the exporter's order of axes
	Copies                // operators without effect
	Wrap                  // what is put into a function
	Cut                   // how channels are taken apart
	Order                 // of nodes and outputs
	Dims                  // what is known of the input's size
	Opset
	numFactors
)

// factors names the factors and their levels.
var factors = [numFactors]struct {
	name   string
	levels []string
}{
	Join:    {"join", []string{"split", "towers", "fused", "late"}},
	Logits:  {"logits", []string{"plain", "norm", "scale", "temper", "sum", "cosine", "open", "each", "depthwise"}},
	Shared:  {"shared", []string{"own", "shared"}},
	Layout:  {"layout", []string{"nchw", "nhwc", "five", "nac", "nca"}},
	Merge:   {"merge", []string{"apart", "early", "late"}},
	Anchors: {"anchors", []string{"1", "3", "mixed"}},
	Act:     {"act", []string{"none", "sigmoid", "softmax", "logsoftmax"}},
	Obj:     {"obj", []string{"none", "product", "root", "power", "beside", "centerness", "spread"}},
	Back:    {"back", []string{"none", "first", "last", "firstcut", "lastcut"}},
	Levels:  {"levels", []string{"1", "3", "5"}},
	Decode:  {"decode", []string{"raw", "expwh", "grid", "bins", "cxcywh", "ltrb", "rotated", "cell", "limits"}},
	Post:    {"post", []string{"none", "argmax", "topk", "nms", "efficient", "batched", "loops", "threshold", "offset"}},
	Output:  {"output", []string{"joined", "apart"}},
	Classes: {"classes", []string{"1", "2", "4", "16", "20", "64", "80", "91", "365", "1203"}},
	Extra:   {"extra", []string{"none", "points", "masks", "angle", "embed", "aux", "segmap", "attributes", "direction", "quality", "pose", "depth"}},
	Consts:  {"consts", []string{"folded", "literal", "computed"}},
	Bias:    {"bias", []string{"fused", "added", "norm", "group"}},
	Quant:   {"quant", []string{"float", "qdq", "qlinear"}},
	Maker:   {"maker", []string{"first", "sandwich"}},
	Copies:  {"copies", []string{"none", "some"}},
	Wrap:    {"wrap", []string{"none", "layers", "rest"}},
	Cut:     {"cut", []string{"split", "slice", "gather"}},
	Order:   {"order", []string{"kept", "shuffled"}},
	Dims:    {"dims", []string{"static", "batch", "dynamic"}},
	Opset:   {"opset", []string{"11", "13", "17"}},
}

func (f Factor) String() string { return factors[f].name }

// Values are the names of f's levels.
func (f Factor) Values() []string { return slices.Clone(factors[f].levels) }

// Factors are all factors.
func Factors() []Factor {
	fs := make([]Factor, numFactors)
	for i := range fs {
		fs[i] = Factor(i)
	}
	return fs
}

// unset is the level of a factor that is not decided.
const unset = 0xff

// Choice is a level of each factor.
type Choice [numFactors]uint8

// Of is the name of the level of f.
func (c *Choice) Of(f Factor) string {
	if c[f] == unset {
		return "?"
	}
	return factors[f].levels[c[f]]
}

// Is reports whether the level of f is one of names.
func (c *Choice) Is(f Factor, names ...string) bool {
	return slices.Contains(names, c.Of(f))
}

// String lists the levels: "join=split layout=nchw …".
func (c *Choice) String() string {
	var s []string
	for f := range numFactors {
		s = append(s, fmt.Sprintf("%v=%s", f, c.Of(f)))
	}
	return strings.Join(s, " ")
}

// is is a condition on one factor: its level is among those named, or with
// "not" in front none of them.
type is struct {
	factor Factor
	levels string // names between spaces
}

// mask has a bit for each level that meets x.
func (x is) mask() (m uint16) {
	names := strings.Fields(x.levels)
	not := names[0] == "not"
	if not {
		names = names[1:]
	}
	for i, l := range factors[x.factor].levels {
		if slices.Contains(names, l) != not {
			m |= 1 << i
		}
	}
	return m
}

// never lists what does not meet: combinations that no network has, or that
// make no sense.
var never = [][]is{
	// Levels are joined before the activation as rows, and not by one level.
	{{Layout, "nchw nhwc five"}, {Merge, "early"}},
	{{Levels, "1"}, {Merge, "early late"}},
	{{Levels, "3 5"}, {Merge, "apart"}, {Post, "not none"}},
	{{Output, "joined"}, {Post, "not none"}},
	// Activations.
	{{Act, "softmax logsoftmax"}, {Classes, "1"}},
	{{Act, "softmax logsoftmax"}, {Layout, "nchw"}, {Anchors, "3"}},
	{{Act, "none sigmoid"}, {Back, "not none"}},
	{{Act, "softmax logsoftmax"}, {Back, "none"}, {Obj, "none root power spread"}},
	{{Act, "softmax logsoftmax none"}, {Obj, "root power spread"}},
	{{Act, "logsoftmax none"}, {Obj, "product"}},
	{{Act, "logsoftmax"}, {Post, "nms efficient batched loops threshold offset"}},
	{{Act, "none"}, {Post, "nms batched loops threshold offset"}},
	{{Back, "not none"}, {Obj, "not none"}},
	{{Obj, "beside centerness"}, {Post, "not none"}},
	{{Obj, "centerness"}, {Join, "not towers"}},
	// Boxes.
	{{Decode, "bins"}, {Anchors, "not 1"}},
	{{Decode, "raw"}, {Post, "nms batched loops threshold offset"}},
	{{Decode, "rotated"}, {Post, "not none"}},
	{{Layout, "nchw"}, {Anchors, "3"}, {Decode, "not raw"}},
	{{Join, "late"}, {Anchors, "not 1"}},
	// Anchors that differ from level to level are rows before levels meet.
	{{Anchors, "mixed"}, {Layout, "not nac"}},
	{{Anchors, "mixed"}, {Merge, "apart"}},
	{{Anchors, "mixed"}, {Shared, "shared"}},
	// What makes the logits alone needs a layer that makes nothing else.
	{{Join, "fused"}, {Logits, "not plain"}},
	{{Logits, "open cosine"}, {Anchors, "not 1"}},
	{{Logits, "open"}, {Classes, "1"}},
	{{Logits, "each"}, {Classes, "not 4 16 20"}},
	{{Logits, "each"}, {Anchors, "not 1"}},
	// Which levels belong to which of two heads, something must tell.
	{{Extra, "aux"}, {Merge, "apart"}, {Levels, "3 5"}},
	// Groups of channels that nothing takes apart leave raw.
	{{Layout, "nchw"}, {Anchors, "3"}, {Join, "fused"}, {Act, "not none"}},
	{{Layout, "nchw"}, {Anchors, "3"}, {Join, "fused"}, {Post, "not none"}},
	{{Layout, "nchw"}, {Anchors, "3"}, {Join, "fused"}, {Output, "apart"}},
	{{Layout, "nchw"}, {Anchors, "3"}, {Join, "fused"}, {Merge, "not apart"}},
	{{Layout, "nchw"}, {Anchors, "3"}, {Join, "not fused"}, {Output, "joined"}, {Merge, "apart"}},
	// Scores beside each other leave in one form.
	{{Extra, "attributes direction quality pose"}, {Act, "none"}},
	// A quality is worked out of distributions before the levels meet.
	{{Obj, "spread"}, {Decode, "not bins"}},
	{{Obj, "spread"}, {Layout, "not nchw"}},
	{{Obj, "spread"}, {Join, "fused late"}},
	// Maps of thousands of classes are small ones.
	{{Classes, "365 1203"}, {Levels, "5"}},
	// Sizes that are not known are computed.
	{{Dims, "dynamic"}, {Consts, "not computed"}},
}

// rules is never with a mask for each condition.
var rules = func() (r [][]rule) {
	for _, conds := range never {
		var all []rule
		for _, x := range conds {
			all = append(all, rule{x.factor, x.mask()})
		}
		r = append(r, all)
	}
	return r
}()

type rule struct {
	factor Factor
	mask   uint16
}

// allowed reports whether c breaks no rule as far as it is decided.
func (c *Choice) allowed() bool {
	for _, all := range rules {
		if !slices.ContainsFunc(all, func(r rule) bool { return c[r.factor] == unset || r.mask>>c[r.factor]&1 == 0 }) {
			return false
		}
	}
	return true
}
