package fuse

import (
	"context"
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Pass is one pass over a program.
type Pass struct {
	Name string
	// Why says what the pass is for, in one line.
	Why string
	// After and Before are the passes that must run earlier and later, by name, and why
	// that is so.
	After, Before []Order
	// step looks at a step when it has been made, before the weights that its kernel has
	// taken are dropped; program looks at all steps. One of them is nil.
	step    func(f *Fusion, s *plan.Step)
	program func(f *Fusion)
}

// Order is a constraint on the order of passes.
type Order struct{ Pass, Why string }

// passes is all passes, in the order in which they run.
var passes = []*Pass{&spaceToDepth, &unread, &views, &epilogues, &convStripes, &rows, &places}

func init() {
	if err := checkOrder(passes); err != nil {
		panic("fuse: " + err.Error())
	}
}

// Passes is all passes, in order.
func Passes() []Pass {
	list := make([]Pass, len(passes))
	for i, p := range passes {
		list[i] = *p
	}
	return list
}

// checkOrder reports a list of passes that breaks a constraint of one of them.
func checkOrder(list []*Pass) error {
	at := map[string]int{}
	for i, p := range list {
		if _, twice := at[p.Name]; twice || p.Name == "" || p.Why == "" {
			return fmt.Errorf("pass %d %q: listed twice, or without a name or a reason", i, p.Name)
		}
		if (p.step == nil) == (p.program == nil) {
			return fmt.Errorf("pass %q works on neither steps nor programs, or on both", p.Name)
		}
		if p.step != nil && i > 0 && list[i-1].step == nil {
			return fmt.Errorf("pass %q works on steps as they are made and is listed behind one of programs", p.Name)
		}
		at[p.Name] = i
	}
	for i, p := range list {
		for _, o := range p.After {
			if k, ok := at[o.Pass]; !ok || k > i {
				return fmt.Errorf("pass %q must come after %q: %s", p.Name, o.Pass, o.Why)
			}
		}
		for _, o := range p.Before {
			if k, ok := at[o.Pass]; !ok || k < i {
				return fmt.Errorf("pass %q must come before %q: %s", p.Name, o.Pass, o.Why)
			}
		}
	}
	return nil
}

// Fusion is the passes at work on one program.
type Fusion struct {
	*plan.Program
	ctx    context.Context
	facts  *op.Facts
	double bool
	makers map[int]int // by slot: the step that makes it
}

// New is the fusion of p, which has no steps yet. Double is set where float32 is computed
// as float64.
func New(ctx context.Context, p *plan.Program, facts *op.Facts, double bool) *Fusion {
	return &Fusion{Program: p, ctx: ctx, facts: facts, double: double, makers: map[int]int{}}
}

// Step runs the passes that look at single steps on s, the next step of the program, which
// is not among its steps yet.
func (f *Fusion) Step(s *plan.Step) {
	for _, p := range passes {
		if p.step != nil {
			p.step(f, s)
		}
	}
	for _, o := range s.Out {
		if o >= 0 {
			f.makers[o] = len(f.Steps)
		}
	}
}

// Run runs the passes that look at all steps, and calls after, which may be nil, for every
// pass with its name. It ends with the context's error when that is done.
func (f *Fusion) Run(after func(pass string)) error {
	for _, p := range passes {
		if p.program != nil {
			p.program(f)
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
		if after != nil {
			after(p.Name)
		}
	}
	return nil
}

// typeOf is what is known of the type of v.
func (f *Fusion) typeOf(v *graph.Value) graph.Type { return f.facts.Of(v).Type }

// dtype is the element type that values of type d have in a run.
func (f *Fusion) dtype(d tensor.DType) tensor.DType {
	if f.double && d == tensor.Float32 {
		return tensor.Float64
	}
	return d
}

// staticShape is the shape that v is known to have; nil if it is not.
func (f *Fusion) staticShape(v *graph.Value) []int {
	s := f.typeOf(v).Shape
	if s == nil || !s.IsStatic() {
		return nil
	}
	n := s.Ints()
	if _, err := tensor.Count(n); err != nil {
		return nil
	}
	return n
}

// operands is what the piece of a step works on: further inputs are constants that it
// knows.
func operands(s *plan.Step, p *op.Piece) []plan.Ref {
	if p.Pair == nil {
		return s.In[:1]
	}
	return s.In[:2]
}

// pieceOf is the step's loop over pieces of its elements; nil if it has none, or what it
// is made of is not known.
func (f *Fusion) pieceOf(s *plan.Step) *op.Piece {
	if s.Spec == nil || s.Op == nil || s.Op.Piece == nil || f.double {
		return nil
	}
	return s.Op.Piece(s.Spec)
}

// concatAxis is the axis along which the step puts its inputs one behind the other, if
// that is all it does; rank is that of its output.
func concatAxis(s *plan.Step, rank int) (axis int, ok bool) {
	if !s.Is("Concat") || s.Label != "" {
		return 0, false
	}
	axis, err := op.Axis(s.Node.Int("axis", 1), rank)
	return axis, err == nil
}

// snapshot is the steps as they are now.
func snapshot(steps ...*plan.Step) []plan.Step {
	list := make([]plan.Step, len(steps))
	for i, s := range steps {
		list[i] = *s
	}
	return list
}
