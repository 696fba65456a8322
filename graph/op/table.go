package op

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

// Op is one row of the table.
type Op struct {
	Name   string
	Domain string // "" for ONNX's own
	// Equation says in one line what the operator computes.
	Equation string
	// Versions are the opset versions at which the schema changed, ascending;
	// the row serves every version from the first on.
	Versions []int64
	// Upgrades rewrites a node where the schema changed in more than what it allows.
	Upgrades Upgrades
	In, Out  Arity
	// Infer derives the facts of the outputs; see Infer.
	Infer func(c *Infer) error
	// Flow is what becomes of channels: see package flow.
	Flow flow.Flow
	// Kernel makes the closure that runs a node.
	Kernel func(s *Spec) (Kernel, error)
	// Piece is the work of an elementwise operator of float32, piece by
	// piece; it is nil, or gives nil, where there is none.
	Piece func(s *Spec) *Piece
	// Work counts the multiplications and additions of a run that is done,
	// where they are what its time goes into; nil elsewhere.
	Work func(x *Call) int64
	// Half is set where the kernel knows float32 and float64 only: 16-bit
	// floats are then computed in float32 and the results rounded.
	Half bool
	// Containers is set where inputs may be sequences or empty optionals.
	Containers bool
	// Composed is set where the kernel runs a graph of other operators.
	Composed bool
	// Grad builds the adjoints of the inputs; NoGrad is why there is none.
	// Exactly one of the two is set.
	Grad   func(c *Grad) error
	NoGrad string
	// Domain of the inputs on which Grad is checked against differences, and
	// the relative tolerance in float64. See Check.
	Check Check
}

// Arity is the least and the greatest number of inputs or outputs; Max -1 is
// unbounded.
type Arity struct{ Min, Max int }

// Check says where a row's gradient is compared with central differences.
type Check struct {
	Lo, Hi float64 // inputs are drawn from here, away from Avoid
	Avoid  []float64
	Tol    float64 // relative; 0 stands for 1e-6
}

type key struct{ domain, name string }

var table = map[key]*Op{}

// Register adds rows to the table. It panics if one is there already, since
// that is a defect of the program.
func Register(ops ...*Op) {
	for _, o := range ops {
		k := key{o.Domain, o.Name}
		if table[k] != nil {
			panic("op: " + o.Name + " is registered twice")
		}
		table[k] = o
	}
}

// Lookup finds the row of an operator; nil if the table has none.
func Lookup(domain, name string) *Op {
	return table[key{graph.CanonicalDomain(domain), name}]
}

// All is every row, by domain and name.
var All = sync.OnceValue(func() []*Op {
	return slices.SortedFunc(maps.Values(table), func(a, b *Op) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Name, b.Name))
	})
})

// Since is the version of the schema that is in force at opset: the greatest
// of o.Versions that is not above it, or 0.
func (o *Op) Since(opset int64) int64 {
	var v int64
	for _, x := range o.Versions {
		if x <= opset {
			v = x
		}
	}
	return v
}

// CheckArity reports a node with too few or too many inputs or outputs.
func (o *Op) CheckArity(n *graph.Node) error {
	if err := o.In.check(len(n.Inputs), "inputs"); err != nil {
		return err
	}
	for i := range o.In.Min {
		if n.Inputs[i] == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	return o.Out.check(len(n.Outputs), "outputs")
}

func (a Arity) check(n int, what string) error {
	switch {
	case n < a.Min:
		return fmt.Errorf("%d %s, want at least %d", n, what, a.Min)
	case a.Max >= 0 && n > a.Max:
		return fmt.Errorf("%d %s, want at most %d", n, what, a.Max)
	}
	return nil
}

// UnsupportedError is the error for operators that the table has no row for, or uses of
// them that the row leaves out, all at once: the model may be right all the same.
type UnsupportedError struct{ Ops []string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("unsupported operators: %v", e.Ops)
}
