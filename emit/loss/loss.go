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

// Loss is one row of the table: what losses of every kind have, and the formula, in
// the form of what it is computed from.
type Loss struct {
	Name string
	// Golden is the loss's name in the golden values; "seed_" and that is the
	// form with ε.
	Golden   string
	Kind     Kind
	Equation string
	// Source says where the equation stands, with its number.
	Source string
	// When says for what heads and data the loss is, in a sentence for users.
	When   string
	Params []Param
	// Reduction is the loss's own default; "" is Mean.
	Reduction string
	// Logits is the formula of a loss of logits.
	*Logits
}

// Logits is the formula of a loss of logits [N, A, C], one row for each anchor or side
// of a box, by which the engine makes the graph (Emit) and the oracle (Eval): the loss of
// every class, summed for each anchor. What follows, weights, marks and the reduction,
// does not depend on it. (A loss of coordinates [N, A, 4] has another formula, and the
// same of what follows.)
type Logits struct {
	Activation Activation
	// Targets says what the targets mean.
	Targets Meaning
	// Eps is set where the loss has a form with ε inside the logarithms.
	Eps bool
	// Instead is the sigmoid loss to use where a softmax has one class only.
	Instead string
	// Base is the loss of which this is the focal modulation by alpha and gamma; ""
	// if it is none.
	Base string
	// Background is set where the loss needs Options.Background.
	Background bool
	// Counts is set where the loss needs Options.ClassCounts.
	Counts bool
	// Weighted is set where Mean divides by the sum, over the anchors, of the
	// weights of their classes, as PyTorch's cross-entropy with weights does.
	Weighted bool
	// Adjust is what the loss makes of the logits before its activation, from the
	// counts of the classes and its parameters; nil if nothing. Only a softmax's
	// logits are adjusted.
	Adjust func(counts []float64, params map[string]float64) Adjustment
	// LabelWeights is a factor for the whole loss of an anchor by its class, from
	// the same; nil for none. An anchor of several classes has their mean, by
	// targets; what targets lack of 1 in sum counts with a factor of 1.
	LabelWeights func(counts []float64, params map[string]float64) []float64
	// ClassFactors is a factor for each class's terms beside the class weights,
	// from the parameters and the background; nil for none.
	ClassFactors func(o Options, classes int) []float64
	// Statistics is what the loss takes from the batch as a whole; nil if its anchors
	// have nothing to do with one another.
	Statistics *Statistics
	// Terms are the positive and the negative term, for modulations; nil for losses
	// of targets that are no labels.
	Terms *Terms
	// Build makes the loss of every class, [N, A, C], before class weights.
	Build func(b *Build) *graph.Value
	// Gradient makes the derivative of Build's value by the logits, [N, A, C], of a
	// loss without ε: under a sigmoid, of each class by its own; under a softmax, of
	// their sum, by SoftmaxGradient, with the weights of the classes. It is there for
	// what is shorter than the derivative by the operators' rules, which is taken
	// where Gradient is nil or gives nil.
	Gradient func(b *Build) *graph.Value
	// Closed is the loss of one class of one anchor, in float64, and its
	// derivatives.
	Closed func(x *Point) Dual
}

// Kind is what a loss is a loss of.
type Kind uint8

// The kinds of losses.
const (
	Classification Kind = iota // class logits
	Confidence                 // the objectness or confidence logit
	Box                        // the logits of one side of a box, one for each bin of its distance
)

// Kinds are all kinds of losses.
var Kinds = []Kind{Classification, Confidence, Box}

func (k Kind) String() string {
	return [...]string{"classification", "confidence", "box"}[k]
}

// Activation is the function that makes p of the logits.
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

// Meaning is what the targets of a loss are.
type Meaning uint8

// The meanings of targets.
const (
	Labels    Meaning = iota // how far each class is the anchor's
	Qualities                // measured, as the overlap of a box with its object; 0 for every other class
	Heat                     // a map that is 1 at the centres of objects alone, and falls off around them
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
	Lo, Hi  float64 // both allowed
	Doc     string
	Zero    bool // 0 is allowed too, though outside of [Lo, Hi]
	Integer bool // whole numbers only
	// PerClass is set where Options.PerClass may have one for each class.
	PerClass bool
}

// Range is the values allowed, as in "[0, 1]" or "0 and [1, 100]".
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
		return &OptionError{p.Name, fmt.Sprintf("%s is outside of %s", number(x), p.Range())}
	}
	return nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// The parameters that several losses have. With γ ≤ 100 no exponent overflows
// for logits up to 1e30.
func Alpha(def float64) Param {
	return Param{Name: "alpha", Default: def, Hi: 1, Doc: "weight of the positive term; the negative term has 1 − alpha"}
}

func Gamma(def float64) Param {
	return Param{Name: "gamma", Default: def, Hi: 100, Doc: "exponent of the focal modulation; 0 turns it off"}
}

// EachClass is p, of which there may be one for each class.
func (p Param) EachClass() Param {
	p.PerClass = true
	return p
}

var table = map[string]*Loss{}

// Register adds a loss to the table. It panics if the name is taken, since that
// is a defect of the program.
func Register(l *Loss) {
	if table[l.Name] != nil {
		panic("loss: " + l.Name + " is registered twice")
	}
	table[l.Name] = l
}

// All is the whole table: classification first, then by name.
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

// Find is the loss of a kind by name; a confidence loss's prefix "conf-" may
// be left out. The error lists what there is.
func Find(k Kind, name string) (*Loss, error) {
	l := table[name]
	if k == Confidence && (l == nil || l.Kind != k) {
		l = table[confPrefix+name]
	}
	if l == nil || l.Kind != k {
		there := "there are " + strings.Join(Names(k), ", ")
		if len(table) == 0 {
			there = "none is registered: import emit/loss/all"
		}
		return nil, &OptionError{"loss", fmt.Sprintf("there is no %v loss %q; %s", k, name, there)}
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

// DefaultReduction is the reduction of l where none is asked for.
func (l *Loss) DefaultReduction() string {
	if l.Reduction != "" {
		return l.Reduction
	}
	return Mean
}

// classWeights is the factor of each class's terms, by the options and by the
// loss itself; nil for none.
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
