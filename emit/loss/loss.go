package loss

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
)

// Loss is one row of the table: the properties common to all kinds of losses, and the
// formula.
type Loss struct {
	Name string
	// Golden is the loss's name in the golden values; with the prefix "seed_" it names the
	// form with ε.
	Golden   string
	Kind     Kind
	Equation string
	// Source is the publication of the equation, with the equation's number.
	Source string
	// When describes the heads and data the loss is meant for, in a sentence for users.
	When   string
	Params []Param
	// Reduction is the loss's default; "" means Mean.
	Reduction string
	// Logits is the formula of a loss of logits.
	*Logits
}

// Logits is the formula of a loss of logits [N, A, C], one row per anchor or box side: the
// loss of every class, which is summed per anchor. The engine uses it for graphs (Emit) and
// for the oracle (Eval). Weights, ignored anchors and the reduction do not depend on it. (A
// loss of coordinates [N, A, 4] would have another formula, and share the rest.)
type Logits struct {
	Activation Activation
	// Targets is the meaning of the targets.
	Targets Meaning
	// Eps is set if the loss has a form with ε inside the logarithms.
	Eps bool
	// Instead is the sigmoid loss to use if a softmax has only one class.
	Instead string
	// Base is the loss of which this one is the focal modulation by alpha and gamma; "" for
	// none.
	Base string
	// Background is set if the loss needs Options.Background.
	Background bool
	// Counts is set if the loss needs Options.ClassCounts.
	Counts bool
	// Weighted is set if Mean divides by the sum of the anchors' class weights, like
	// PyTorch's cross-entropy with weights.
	Weighted bool
	// Adjust adjusts the logits before the activation, depending on class counts and
	// parameters; nil for none. Only softmax losses have it.
	Adjust func(counts []float64, params map[string]float64) Adjustment
	// LabelWeights is a factor for the whole loss of an anchor by its class, depending on
	// the same; nil for none. Anchors with several classes get the mean weighted by target;
	// if the targets sum to less than 1, the rest counts with a factor of 1.
	LabelWeights func(counts []float64, params map[string]float64) []float64
	// ClassFactors is a factor per class in addition to class weights, depending on
	// parameters and the background class; nil for none.
	ClassFactors func(o Options, classes int) []float64
	// Statistics are the loss's batch statistics; nil if anchors are independent.
	Statistics *Statistics
	// Terms are the positive and the negative term, for modulations; nil unless targets are
	// labels.
	Terms *Terms
	// Build builds the loss of every class, [N, A, C], before class weights.
	Build func(b *Build) *graph.Value
	// Gradient builds the derivative of Build's value with respect to the logits,
	// [N, A, C], for a loss without ε: for a sigmoid, of each class with respect to its own
	// logit; for a softmax, of their sum, by SoftmaxGradient, with the class weights. It
	// serves to make graphs shorter than the operators' gradient rules would, which are
	// used if Gradient is nil or returns nil.
	Gradient func(b *Build) *graph.Value
	// Closed is the loss of one class of one anchor, in float64, and its
	// derivatives.
	Closed func(x *Point) Dual
}

// Kind is the kind of output that a loss applies to.
type Kind uint8

// The kinds of losses.
const (
	Classification Kind = iota // class logits
	Confidence                 // the objectness or confidence logit
	Box                        // the logits of one side of a box, one per bin of its distance
)

// Kinds are all kinds of losses.
var Kinds = []Kind{Classification, Confidence, Box}

func (k Kind) String() string {
	return [...]string{"classification", "confidence", "box"}[k]
}

// Activation is the function that maps logits to p.
type Activation uint8

// The activations.
const (
	Sigmoid Activation = iota // p = 1/(1+exp(−z)), each class alone
	Softmax                   // p = exp(z)/Σ exp(z), over the classes of an anchor
)

func (a Activation) String() string {
	if a == Softmax {
		return "softmax"
	}
	return "sigmoid"
}

// Meaning is the meaning of a loss's targets.
type Meaning uint8

// Meanings of targets.
const (
	Labels    Meaning = iota // to what degree the anchor belongs to each class
	Qualities                // measured, such as the overlap of a box with its object; 0 for every other class
	Heat                     // a map that is 1 only at the centres of objects and decays around them
	Positions                // a position among bins
)

func (m Meaning) String() string {
	return [...]string{"labels", "qualities", "heat maps", "positions"}[m]
}

// Param is a parameter of a loss: a number that is fixed when the graph is
// built.
type Param struct {
	Name    string
	Default float64
	Lo, Hi  float64 // inclusive
	Doc     string
	Zero    bool // 0 is allowed too, though outside of [Lo, Hi]
	Integer bool // whole numbers only
	// PerClass is set if Options.PerClass may override it per class.
	PerClass bool
}

// Range is the allowed values, as in "[0, 1]" or "0 and [1, 100]".
func (p Param) Range() string {
	zero := ""
	if p.Zero {
		zero = "0 and "
	}
	if p.Integer {
		zero += "whole numbers in "
	}
	return fmt.Sprintf("%s[%s, %s]", zero, number(p.Lo), number(p.Hi))
}

func (p Param) check(x float64) error {
	if p.Zero && x == 0 {
		return nil
	}
	if math.IsNaN(x) || x < p.Lo || x > p.Hi || p.Integer && x != math.Trunc(x) {
		return &OptionError{p.Name, fmt.Sprintf("%s is outside %s", number(x), p.Range())}
	}
	return nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// Parameters shared by several losses. With γ ≤ 100 no exponent overflows for
// logits up to 1e30.
func Alpha(def float64) Param {
	return Param{Name: "alpha", Default: def, Hi: 1, Doc: "weight of the positive term; the negative term has 1 − alpha"}
}

func Gamma(def float64) Param {
	return Param{Name: "gamma", Default: def, Hi: 100, Doc: "exponent of the focal modulation; 0 turns it off"}
}

// EachClass is p, allowed to differ per class.
func (p Param) EachClass() Param {
	p.PerClass = true
	return p
}

var table = map[string]*Loss{}

// Register adds a loss to the table. It panics if the name is taken, which is a bug.
func Register(l *Loss) {
	if table[l.Name] != nil {
		panic("loss: " + l.Name + " is registered twice")
	}
	table[l.Name] = l
}

// All is the table: classification first, then by name.
var All = sync.OnceValue(func() []*Loss {
	return slices.SortedFunc(maps.Values(table), func(a, b *Loss) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return strings.Compare(a.Name, b.Name)
	})
})

// Names is the names of the losses of one kind; those of confidence losses
// without their prefix "conf-".
func Names(k Kind) []string {
	var names []string
	for _, l := range All() {
		if l.Kind == k {
			names = append(names, strings.TrimPrefix(l.Name, confPrefix))
		}
	}
	return names
}

const confPrefix = "conf-"

// Find is the loss of a kind called name; the prefix "conf-" of confidence losses is
// optional. The error lists the available losses.
func Find(k Kind, name string) (*Loss, error) {
	l := table[name]
	if k == Confidence && (l == nil || l.Kind != k) {
		l = table[confPrefix+name]
	}
	if l == nil || l.Kind != k {
		there := "available: " + strings.Join(Names(k), ", ")
		if len(table) == 0 {
			there = "none is registered; import emit/loss/all"
		}
		return nil, &OptionError{"loss", fmt.Sprintf("no %v loss is called %q; %s", k, name, there)}
	}
	return l, nil
}

// Param finds a parameter of l by name.
func (l *Loss) Param(name string) (Param, bool) {
	for _, p := range l.Params {
		if p.Name == name {
			return p, true
		}
	}
	return Param{}, false
}

// DefaultReduction is l's reduction if none is given.
func (l *Loss) DefaultReduction() string {
	if l.Reduction != "" {
		return l.Reduction
	}
	return Mean
}

// classWeights is the factor of each class's terms, from the options and from the loss
// itself; nil for none.
func (l *Loss) classWeights(o Options, classes int) []float64 {
	if l.ClassFactors == nil {
		return o.ClassWeights
	}
	w := l.ClassFactors(o, classes)
	for i, x := range o.ClassWeights {
		w[i] *= x
	}
	return w
}
