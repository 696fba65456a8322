package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Options say which loss is built and how it is joined to targets, weights and
// a reduction. They are all that Eval needs beside the tensors, and go into the
// manifest as they are.
type Options struct {
	// Name is a loss of the table; Params overrides its defaults.
	Name   string             `json:"name"`
	Params map[string]float64 `json:"params"`
	// PerClass overrides parameters by numbers for each class, where the loss has
	// such: "alpha" and "gamma" of focal losses.
	PerClass map[string][]float64 `json:"perClass,omitempty"`
	// Modulate is a focal modulation of the loss; nil for none.
	Modulate *Modulation `json:"modulate,omitempty"`
	// Eps > 0 asks for log(p + ε) in place of log p.
	Eps float64 `json:"eps"`
	// Target is what the trainer feeds: Dense (the default) or Index.
	Target string `json:"target"`
	// Reduction is one of Reductions; "" is what the loss has
	// as its own, which is Mean for most.
	Reduction string `json:"reduction"`
	// LabelSmoothing s makes targets q(1−s) + s/C under a softmax (Szegedy et
	// al., arXiv 1512.00567, section 7; PyTorch's CrossEntropyLoss), and
	// q(1−s) + s/2 under a sigmoid, where each class is a choice of two (the
	// YOLOv5 family). Only labels can be smoothed: of a quality or a heat map,
	// which are measured, it would make another measurement.
	LabelSmoothing float64 `json:"labelSmoothing,omitempty"`
	// IgnoreIndex takes anchors out of the loss and of the counts: those whose
	// target index it is, or whose dense targets all are that number.
	IgnoreIndex *int64 `json:"ignoreIndex,omitempty"`
	// ClassWeights has a factor for each class's terms, both positive and
	// negative.
	ClassWeights []float64 `json:"classWeights,omitempty"`
	// ClassCounts is how many objects of each class the training data has, for
	// losses that make up for unequal numbers. Only their ratios matter, unless
	// the loss says otherwise.
	ClassCounts []float64 `json:"classCounts,omitempty"`
	// AnchorWeights asks for an input with a factor for each anchor's loss.
	AnchorWeights bool `json:"anchorWeights,omitempty"`
	// CheckTargets asks for an output that tells of targets that are none; see
	// RoleTargetCheck.
	CheckTargets bool `json:"checkTargets,omitempty"`
	// Background is the class that is no object: an anchor with only that one
	// is not a positive. Nil if no class is.
	Background *int `json:"background,omitempty"`
}

// The forms of targets.
const (
	// Dense targets are q itself, a float [N, A, C]; each in [0, 1].
	Dense = "dense"
	// Index targets are the class, int64 [N, A]. Any index outside of [0, C) is
	// an anchor without a class, q being 0 for all: so both −1 (torchvision's
	// detectors) and C (mmdetection) are background for a sigmoid head. A head
	// with a background class takes that class's index.
	Index = "index"
	// Bins targets are positions among the bins of a distribution, float [N, A]:
	// from 0, the first bin, to C−1, the last, and between bins as they lie; each
	// neighbour's q is what the position is nearer to it than to the other (a
	// distance of 2.75 bins is 0.25 of bin 2 and 0.75 of bin 3). What lies behind
	// the last bin is taken for the last; see RoleTargetCheck. A row whose target is below 0 has no
	// distance and is ignored. Losses of boxes take these alone.
	Bins = "bins"
)

// The reductions of the losses of the anchors, [N, A], each the sum over its
// classes.
const (
	// None leaves the loss of every anchor.
	None = "none"
	// Sum is the sum over all anchors.
	Sum = "sum"
	// Mean is the sum divided by the number of anchors that are not ignored (at
	// least 1), whatever their weights: PyTorch's mean for cross-entropy without
	// class weights, and C times its mean for binary cross-entropy. Losses with
	// weights of their own (Loss.Weighted) divide by the weights of the anchors'
	// classes, or by 1 where these are all 0.
	Mean = "mean"
	// WeightedMean is the sum divided by the weights of the anchors: of each that is
	// not ignored, its targets before smoothing, each times its class weight, added up,
	// times the other factors that the anchor's loss has (Options.AnchorWeights,
	// Loss.LabelWeights, whether it is selected); or by 1 where these are all 0, where
	// PyTorch has NaN. For index targets it is the mean of PyTorch's cross_entropy with
	// weight, ignore_index and label_smoothing; for dense targets, where that divides
	// by the number of anchors as Mean does, it is the same for the same labels. Without
	// weights it divides by the sum of the targets.
	WeightedMean = "weighted-mean"
	// Positives is the sum divided by the number of positives (at least 1): the
	// anchors that are not ignored and have a target above 0, before smoothing,
	// for a class other than the background; in heat maps, a target of 1.
	Positives = "positives"
	// Fed is the sum divided by an input, or by 1 where that is not above 0: the
	// number of positives or the sum of target scores of a batch without any.
	Fed = "fed"
)

var reductions = []string{Mean, Sum, None, WeightedMean, Positives, Fed}

// Reductions are all reductions.
func Reductions() []string { return slices.Clone(reductions) }

// OptionError is an option that cannot be served.
type OptionError struct{ Option, Reason string }

func (e *OptionError) Error() string {
	return strings.ReplaceAll(e.Option, "_", "-") + ": " + e.Reason
}

// Resolve checks o for a loss of kind k over logits of the given number of
// classes, and fills in defaults. Errors are of type *OptionError.
func (o Options) Resolve(k Kind, classes int) (Options, error) {
	l, err := Find(k, o.Name)
	if err != nil {
		return o, err
	}
	if classes < 1 {
		return o, &OptionError{"loss", fmt.Sprintf("%d classes", classes)}
	}
	if l.Activation == Softmax && classes == 1 {
		reason := l.Name + " needs two classes or more, since a softmax over one is always 1"
		if l.Instead != "" {
			reason += "; use " + l.Instead
		}
		return o, &OptionError{"loss", reason}
	}
	o.Name = l.Name
	if o.Params, err = l.resolve(o.Params); err != nil {
		return o, err
	}
	if o.Target == "" {
		o.Target = l.targetForms()[0]
	}
	if o.Reduction == "" {
		o.Reduction = l.DefaultReduction()
	}
	for _, check := range []func(*Loss, int) error{o.checkForm, o.checkTarget, o.checkBackground, o.checkEach, o.checkWeights, o.checkCounts} {
		if err := check(l, classes); err != nil {
			return o, err
		}
	}
	return o, nil
}

// resolve is the value of every parameter of l.
func (l *Loss) resolve(given map[string]float64) (map[string]float64, error) {
	params := map[string]float64{}
	for _, p := range l.Params {
		params[p.Name] = p.Default
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, ok := l.Param(name)
		if !ok {
			has := "it has none"
			if len(l.Params) > 0 {
				has = "it has " + strings.Join(slices.Sorted(maps.Keys(params)), ", ")
			}
			return nil, &OptionError{name, fmt.Sprintf("%s has no such parameter; %s", l.Name, has)}
		}
		if err := p.check(given[name]); err != nil {
			return nil, err
		}
		params[name] = given[name]
	}
	return params, nil
}

// MinEps is the least ε whose float32 is a normal number well above 0.
const MinEps = 1e-30

func (o Options) checkForm(l *Loss, _ int) error {
	switch {
	case o.Eps != 0 && !(o.Eps >= MinEps && o.Eps < 1):
		return &OptionError{"eps", fmt.Sprintf("%s is outside of [%s, 1)", number(o.Eps), number(MinEps))}
	case o.Eps != 0 && !l.Eps:
		return &OptionError{"eps", l.Name + " has no form with ε in a logarithm"}
	case !slices.Contains(reductions, o.Reduction):
		return &OptionError{"reduction", fmt.Sprintf("%q, want one of %s", o.Reduction, strings.Join(reductions, ", "))}
	case !(o.LabelSmoothing >= 0 && o.LabelSmoothing < 1):
		return &OptionError{"label_smoothing", number(o.LabelSmoothing) + " is outside of [0, 1)"}
	case o.LabelSmoothing != 0 && l.Targets != Labels:
		return &OptionError{"label_smoothing", fmt.Sprintf("the targets of %s are %v, which are measured; only labels are smoothed", l.Name, l.Targets)}
	}
	return nil
}

func (o Options) checkTarget(l *Loss, _ int) error {
	switch {
	case o.Target == Index && l.Kind == Confidence:
		return &OptionError{"target", "a confidence is a number, not a class index; use " + Dense}
	case !slices.Contains(l.targetForms(), o.Target):
		return &OptionError{"target", fmt.Sprintf("%q, want %s", o.Target, strings.Join(l.targetForms(), " or "))}
	case o.Target == Bins && o.IgnoreIndex != nil:
		return &OptionError{"ignore_index", "rows whose position is below 0 are left out as they are"}
	case o.Target == Dense && o.IgnoreIndex != nil && (*o.IgnoreIndex == 0 || *o.IgnoreIndex == 1):
		return &OptionError{"ignore_index", fmt.Sprintf("%d is a valid dense target; take a number outside of [0, 1]", *o.IgnoreIndex)}
	case o.Target == Dense && o.IgnoreIndex != nil && (*o.IgnoreIndex < -maxDense || *o.IgnoreIndex > maxDense):
		return &OptionError{"ignore_index", fmt.Sprintf("%d is not exact as a float", *o.IgnoreIndex)}
	}
	return nil
}

// targetForms are the forms of targets that l takes, its default first.
func (l *Loss) targetForms() []string {
	switch l.Kind {
	case Confidence:
		return []string{Dense}
	case Box:
		return []string{Bins}
	}
	return []string{Dense, Index}
}

func (o Options) checkBackground(l *Loss, classes int) error {
	switch {
	case o.Background == nil && l.Background:
		return &OptionError{"background", l.Name + " needs the class that stands for no object, which this head is not known to have"}
	case o.Background != nil && (*o.Background < 0 || *o.Background >= classes):
		return &OptionError{"background", fmt.Sprintf("class %d is outside of [0, %d)", *o.Background, classes)}
	}
	return nil
}

// checkMark holds the number that marks ignored anchors in dense targets to what
// their element type holds.
func (o Options) checkMark(d tensor.DType) error {
	most := map[tensor.DType]int64{tensor.Float16: 1 << 11, tensor.BFloat16: 1 << 8}[d]
	if k := o.IgnoreIndex; k == nil || o.Target != Dense || most == 0 || -most <= *k && *k <= most {
		return nil
	}
	return &OptionError{"ignore_index", fmt.Sprintf("%d is not exact in %v targets; take one of at most %d", *o.IgnoreIndex, d, most)}
}

// maxDense bounds the numbers that mark ignored anchors in dense targets: all
// integers up to it are exact in float32.
const maxDense = 1 << 20

func (o Options) checkWeights(_ *Loss, classes int) error {
	if o.ClassWeights == nil {
		return nil
	}
	if len(o.ClassWeights) != classes {
		return &OptionError{"class_weights", fmt.Sprintf("%d weights for %d classes", len(o.ClassWeights), classes)}
	}
	for i, w := range o.ClassWeights {
		if !(w >= 0 && w <= math.MaxFloat32) {
			return &OptionError{"class_weights", fmt.Sprintf("weight %d is %s, want a finite number of at least 0", i, number(w))}
		}
	}
	return nil
}
