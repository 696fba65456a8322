package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Options select the loss, its targets, weights and reduction. Together with the tensors
// they are all that Eval needs, and the manifest stores them as they are.
type Options struct {
	// Name is the name of a loss; Params overrides its defaults.
	Name   string             `json:"name"`
	Params map[string]float64 `json:"params"`
	// PerClass overrides parameters by one number per class, for parameters that allow it:
	// "alpha" and "gamma" of focal losses.
	PerClass map[string][]float64 `json:"perClass,omitempty"`
	// Modulate is a focal modulation of the loss; nil for none.
	Modulate *Modulation `json:"modulate,omitempty"`
	// Eps > 0 selects log(p + ε) instead of log p.
	Eps float64 `json:"eps"`
	// Target is the form of the targets that the trainer feeds: Dense (the default) or Index.
	Target string `json:"target"`
	// Reduction is one of Reductions; "" is the loss's default, Mean for most.
	Reduction string `json:"reduction"`
	// LabelSmoothing s makes targets q(1−s) + s/C under a softmax (Szegedy et
	// al., arXiv 1512.00567, section 7; PyTorch's CrossEntropyLoss), and
	// q(1−s) + s/2 under a sigmoid, where each class is a binary decision (the
	// YOLOv5 family). Only labels can be smoothed, not measurements such as
	// qualities and heat maps.
	LabelSmoothing float64 `json:"labelSmoothing,omitempty"`
	// IgnoreIndex excludes anchors from the loss and from counts: those with this target
	// index, or whose dense targets all equal this number.
	IgnoreIndex *int64 `json:"ignoreIndex,omitempty"`
	// ClassWeights has one factor per class, for its positive and negative terms.
	ClassWeights []float64 `json:"classWeights,omitempty"`
	// ClassCounts is the number of training objects per class, for losses that correct for
	// unequal class frequencies. Only their ratios matter, unless the loss says otherwise.
	ClassCounts []float64 `json:"classCounts,omitempty"`
	// AnchorWeights adds an input with one factor per anchor.
	AnchorWeights bool `json:"anchorWeights,omitempty"`
	// CheckTargets adds an output that reports invalid targets; see RoleTargetCheck.
	CheckTargets bool `json:"checkTargets,omitempty"`
	// Background is the no-object class: an anchor with only that class is not a positive.
	// Nil if there is none.
	Background *int `json:"background,omitempty"`
}

// Forms of targets.
const (
	// Dense targets are q itself, a float [N, A, C]; each in [0, 1].
	Dense = "dense"
	// Index targets are classes, int64 [N, A]. Any index outside [0, C) means an anchor
	// without a class, with q = 0 for all: so both −1 (torchvision's detectors) and C
	// (mmdetection) are background for a sigmoid head. A head with a background class
	// takes that class's index.
	Index = "index"
	// Bins targets are positions among the bins of a distribution, float [N, A]: from 0,
	// the first bin, to C−1, the last. A fractional position is shared by its two
	// neighbours in proportion to proximity (2.75 is 0.25 of bin 2 and 0.75 of bin 3).
	// Positions beyond the last bin are clamped to it; see RoleTargetCheck. A row with a
	// target below 0 has no distance and is ignored. Box losses take only these.
	Bins = "bins"
)

// Reductions of the anchors' losses, [N, A], each of which is a sum over classes.
const (
	// None keeps the loss of every anchor.
	None = "none"
	// Sum is the sum over all anchors.
	Sum = "sum"
	// Mean is the sum divided by the number of anchors that are not ignored (at least 1),
	// regardless of weights: PyTorch's mean for cross-entropy without class weights, and C
	// times its mean for binary cross-entropy. Losses with weights of their own
	// (Loss.Weighted) divide by the sum of the anchors' class weights, or by 1 if that is 0.
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

// Reductions lists all reductions.
func Reductions() []string { return slices.Clone(reductions) }

// OptionError is the error of an option that the loss or the head does not allow.
type OptionError struct{ Option, Reason string }

func (e *OptionError) Error() string {
	return strings.ReplaceAll(e.Option, "_", "-") + ": " + e.Reason
}

// Resolve checks o for a loss of kind k with the given number of classes, and fills in
// defaults. Errors are of type *OptionError.
func (o Options) Resolve(k Kind, classes int) (Options, error) {
	l, err := Find(k, o.Name)
	if err != nil {
		return o, err
	}
	if classes < 1 {
		return o, &OptionError{"loss", fmt.Sprintf("%d classes", classes)}
	}
	if l.Activation == Softmax && classes == 1 {
		reason := l.Name + " needs at least two classes, because a softmax over one is always 1"
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

// MinEps is the least ε allowed, well above the smallest normal float32.
const MinEps = 1e-30

func (o Options) checkForm(l *Loss, _ int) error {
	switch {
	case o.Eps != 0 && !(o.Eps >= MinEps && o.Eps < 1):
		return &OptionError{"eps", fmt.Sprintf("%s is outside [%s, 1)", number(o.Eps), number(MinEps))}
	case o.Eps != 0 && !l.Eps:
		return &OptionError{"eps", l.Name + " has no logarithm to add ε to"}
	case !slices.Contains(reductions, o.Reduction):
		return &OptionError{"reduction", fmt.Sprintf("%q, expected one of %s", o.Reduction, strings.Join(reductions, ", "))}
	case !(o.LabelSmoothing >= 0 && o.LabelSmoothing < 1):
		return &OptionError{"label_smoothing", number(o.LabelSmoothing) + " is outside [0, 1)"}
	case o.LabelSmoothing != 0 && l.Targets != Labels:
		return &OptionError{"label_smoothing", fmt.Sprintf("only labels can be smoothed, and the targets of %s are measured %v", l.Name, l.Targets)}
	}
	return nil
}

func (o Options) checkTarget(l *Loss, _ int) error {
	switch {
	case o.Target == Index && l.Kind == Confidence:
		return &OptionError{"target", "a confidence target is a number, not a class index; use " + Dense}
	case !slices.Contains(l.targetForms(), o.Target):
		return &OptionError{"target", fmt.Sprintf("%q, expected %s", o.Target, strings.Join(l.targetForms(), " or "))}
	case o.Target == Bins && o.IgnoreIndex != nil:
		return &OptionError{"ignore_index", "rows with a position below 0 are already ignored"}
	case o.Target == Dense && o.IgnoreIndex != nil && (*o.IgnoreIndex == 0 || *o.IgnoreIndex == 1):
		return &OptionError{"ignore_index", fmt.Sprintf("%d is a valid dense target; choose a number outside [0, 1]", *o.IgnoreIndex)}
	case o.Target == Dense && o.IgnoreIndex != nil && (*o.IgnoreIndex < -maxDense || *o.IgnoreIndex > maxDense):
		return &OptionError{"ignore_index", fmt.Sprintf("%d is not exactly representable as a float", *o.IgnoreIndex)}
	}
	return nil
}

// targetForms are the forms of targets that l accepts, its default first.
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
		return &OptionError{"background", l.Name + " needs a no-object class, and this head is not known to have one"}
	case o.Background != nil && (*o.Background < 0 || *o.Background >= classes):
		return &OptionError{"background", fmt.Sprintf("class %d is outside [0, %d)", *o.Background, classes)}
	}
	return nil
}

// checkMark checks that the number that marks ignored anchors is representable in the
// element type of dense targets.
func (o Options) checkMark(d tensor.DType) error {
	most := map[tensor.DType]int64{tensor.Float16: 1 << 11, tensor.BFloat16: 1 << 8}[d]
	if k := o.IgnoreIndex; k == nil || o.Target != Dense || most == 0 || -most <= *k && *k <= most {
		return nil
	}
	return &OptionError{"ignore_index", fmt.Sprintf("%d is not exactly representable in %v targets; choose one of at most %d", *o.IgnoreIndex, d, most)}
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
			return &OptionError{"class_weights", fmt.Sprintf("weight %d is %s, expected a finite number of at least 0", i, number(w))}
		}
	}
	return nil
}
