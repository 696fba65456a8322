package loss

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Input is a graph input that Emit adds.
type Input struct {
	Value *graph.Value
	Role  string // RoleTarget, RoleTargetWeight, RoleNormalizer or RoleState
	// Initial is what each element of a state is before the first step.
	Initial float64
	// Read is the input as the loss reads it: itself, or cast to what it computes
	// in.
	Read *graph.Value
}

// The roles of inputs.
const (
	RoleTarget       = "target"        // Dense: float [N, A, C]; Index: int64 [N, A]; Bins: float [N, A]
	RoleTargetWeight = "target_weight" // float [N, A]
	RoleNormalizer   = "normalizer"    // float, a scalar
	RoleState        = "state"         // float, of the shape that the loss gives it
)

// Result is what Emit adds to a graph.
type Result struct {
	// Options are those given, resolved.
	Options Options
	// PerAnchor is the loss of every anchor, [N, A]: summed over the classes,
	// weighted, 0 where ignored.
	PerAnchor *graph.Value
	// Loss is the reduced loss, a scalar; nil if the reduction is None.
	Loss   *graph.Value
	Inputs []Input
	// Check says of the targets what RoleTargetCheck does; nil unless the options
	// ask for it.
	Check *graph.Value
	// NewState is the loss's state after this batch, in the order in which Inputs
	// has the state before it.
	NewState []*graph.Value
	// Logits are the logits as the loss reads them: those given, or cast to what it
	// computes in. Finite is these with a finite number for each masked class; the
	// gradient is taken by it.
	Logits, Finite *graph.Value
	// Sum is the loss of every anchor, [N, A], before weights and marks.
	Sum *graph.Value

	gradient func() *graph.Value
	symbols  func() map[*graph.Value]string
}

// Symbols is what the equation calls the values that were added so far.
func (r *Result) Symbols() map[*graph.Value]string { return r.symbols() }

// Dual appends the derivative of every anchor's Sum by its logits, [N, A, C],
// by the loss's closed form; nil if it has none for its options, and is to be
// differentiated. Call it inside of a Graph.Scope.
func (r *Result) Gradient() *graph.Value {
	if r.gradient == nil {
		return nil
	}
	return r.gradient()
}

// Emit appends the loss of logits [N, A, C] to their graph, of which C must be
// known, and adds the inputs it needs. Each input is named prefix and its role,
// with a number behind it where that is taken; node names begin with "loss/".
// Dense targets have the element type of the logits; all other floats, and what
// is computed, are float64 if the logits are, else float32. Options that cannot be
// served are an *OptionError; the graph is then unchanged. Call it outside of
// any Graph.Scope.
func Emit(logits *graph.Value, k Kind, o Options, prefix string) (*Result, error) {
	shape := logits.Shape()
	switch {
	case logits.Type.Kind != graph.TensorKind || !logits.Type.DType.IsFloat():
		return nil, fmt.Errorf("logits %v: want a tensor of floats", logits)
	case len(shape) != 3 || !shape[2].IsKnown():
		return nil, fmt.Errorf("logits %v: want [N, A, C] with a known C", logits)
	}
	graphOpset := logits.Graph().Opset("")
	classes := int(shape[2].Value)
	o, err := o.Resolve(k, classes)
	if err != nil {
		return nil, err
	}
	l, err := Find(k, o.Name)
	if err != nil {
		return nil, err
	}
	if l.Statistics != nil && l.Statistics.Sorts && !shape[1].IsKnown() && graphOpset < 10 {
		return nil, &OptionError{"loss", fmt.Sprintf("%s sorts the anchors, which takes opset 10 where their number is dynamic; the model has opset %d", l.Name, graphOpset)}
	}
	e := &emission{g: logits.Graph(), opts: o, shape: shape, classes: classes, prefix: prefix, loss: l}
	e.dtype = tensor.Float32
	if logits.Type.DType == tensor.Float64 {
		e.dtype = tensor.Float64
	}
	if err := o.checkMark(logits.Type.DType); err != nil {
		return nil, err
	}
	e.addInputs(logits.Type.DType)
	leave := e.g.Scope("loss")
	defer leave()
	z := e.read(logits)
	for i, in := range e.inputs {
		e.inputs[i].Read = in.Value
		if in.Role == RoleTarget && o.Target != Index {
			e.target = e.read(in.Value)
			e.inputs[i].Read = e.target
		}
	}
	return e.run(z), e.g.Err()
}

// emission is one Emit under way.
type emission struct {
	g       *graph.Graph
	opts    Options
	shape   graph.Shape // of the logits
	classes int
	prefix  string
	loss    *Loss
	dtype   tensor.DType
	inputs  []Input

	target, weight, normalizer *graph.Value
	state                      []*graph.Value
	factor                     *graph.Value   // by Statistics.Factor; nil for none
	factors                    []*graph.Value // of the anchors' losses, [N, A]
	valid                      *graph.Value   // 1 where not ignored, else 0; nil if none is ever ignored
}

// read is v in the element type that the loss computes in.
func (e *emission) read(v *graph.Value) *graph.Value {
	if v == nil || v.Type.DType == e.dtype {
		return v
	}
	return op.Cast(v, e.dtype)
}

// addInputs adds the inputs, dense targets with the element type of the logits.
func (e *emission) addInputs(logits tensor.DType) {
	anchors := e.shape[:2:2]
	switch e.opts.Target {
	case Index:
		e.target = e.input(RoleTarget, tensor.Int64, anchors)
	case Bins:
		e.target = e.input(RoleTarget, logits, anchors)
	default:
		e.target = e.input(RoleTarget, logits, e.shape)
	}
	if e.opts.AnchorWeights {
		e.weight = e.input(RoleTargetWeight, e.dtype, anchors)
	}
	for _, s := range e.loss.states(e.opts, e.classes) {
		v := e.namedInput(s.Name, Input{Role: RoleState, Initial: s.Initial}, e.dtype, graph.Static(s.Len))
		e.state = append(e.state, v)
	}
	if e.opts.Reduction == Fed {
		e.normalizer = e.input(RoleNormalizer, e.dtype, graph.Shape{})
	}
}

func (e *emission) input(role string, d tensor.DType, s graph.Shape) *graph.Value {
	return e.namedInput(role, Input{Role: role}, d, s)
}

func (e *emission) namedInput(name string, in Input, d tensor.DType, s graph.Shape) *graph.Value {
	v, err := e.g.AddInput(e.g.Fresh(e.prefix+name), graph.TensorOf(d, s.Clone()))
	if err != nil {
		e.g.Fail(err)
		return nil
	}
	in.Value = v
	e.inputs = append(e.inputs, in)
	return v
}

func (e *emission) run(z *graph.Value) *Result {
	b := newBuild(finite(z), e.loss.Activation, e.classes, e.opts)
	e.valid = e.notIgnored(b)
	q := e.dense(b)
	b.Q = e.smooth(b, q)
	whole := &Statistics{}
	if e.loss.Statistics != nil {
		whole = e.loss.Statistics
		e.statistics(b, q)
	}
	b.z = e.adjusted(b)
	if whole.Shift != nil {
		b.z = op.Add(b.lowered(), whole.Shift(b))
	}
	terms := e.terms(b)
	if whole.Factor != nil {
		e.factor = whole.Factor(b)
		terms = op.Mul(terms, e.factor)
	}
	if w := e.loss.classWeights(e.opts, e.classes); w != nil {
		terms = op.Mul(terms, e.perClass("class_weights", w))
	}
	res := &Result{Options: e.opts, Inputs: e.inputs, Logits: z, Finite: b.raw, Sum: op.ReduceSum(terms, []int64{2}, false)}
	if e.loss.Gradient != nil && e.opts.Eps == 0 && e.opts.PerClass == nil && e.opts.Modulate == nil {
		res.gradient = func() *graph.Value { return e.gradient(b) }
	}
	if e.loss.LabelWeights != nil {
		e.factors = append(e.factors, e.byLabel(b, q))
	}
	if e.weight != nil {
		e.factors = append(e.factors, e.weight)
	}
	if e.valid != nil {
		e.factors = append(e.factors, e.valid)
	}
	per := product(res.Sum, e.factors)
	if whole.Select != nil {
		chosen := whole.Select(b, per)
		e.factors = append(e.factors, chosen)
		per = op.Mul(per, chosen)
	}
	if e.opts.Eps == 0 {
		per = b.unbounded(per)
	}
	res.PerAnchor, res.Loss = per, e.reduce(b, per, q)
	res.NewState = b.NewState
	if e.opts.CheckTargets {
		res.Check = e.check(b)
	}
	res.symbols = func() map[*graph.Value]string { return e.symbols(b, z, res) }
	return res
}

// terms is the loss of every class, before all weights.
func (e *emission) terms(b *Build) *graph.Value {
	if t, m := e.loss.modulation(e.opts); m != nil {
		return b.Modulated(t, m)
	}
	return e.loss.Build(b)
}

// gradient is the closed form of the derivative of the anchors' sums.
func (e *emission) gradient(b *Build) *graph.Value {
	if e.factor != nil {
		b.weights = append(b.weights, e.factor)
	}
	if w := e.loss.classWeights(e.opts, e.classes); w != nil {
		b.weights = append(b.weights, e.perClass("class_weights", w))
	}
	dz := e.loss.Gradient(b)
	if dz == nil || e.loss.Activation == Softmax { // whose classes act on each other
		return dz
	}
	return b.weighted(dz)
}

// byLabel is the weight of every anchor by its targets q, [N, A]; see
// Loss.LabelWeights.
func (e *emission) byLabel(b *Build, q *graph.Value) *graph.Value {
	w := e.loss.LabelWeights(e.opts.ClassCounts, e.opts.Params)
	sum := op.ReduceSum(q, []int64{2}, false)
	several := op.Cast(op.Greater(sum, b.Const(1)), e.dtype)
	total := op.Add(b.Const(1), op.Mul(several, op.Sub(sum, b.Const(1)))) // at least 1
	weighed := op.ReduceSum(op.Mul(q, e.perClass("label_weights", w)), []int64{2}, false)
	return op.Div(op.Add(weighed, op.Sub(total, sum)), total)
}

// dense is the targets as q [N, A, C], 0 where a mark in dense targets says that
// the anchor is ignored: a loss need not hold for targets outside of [0, 1].
func (e *emission) dense(b *Build) *graph.Value {
	switch {
	case e.opts.Target == Bins:
		return e.between(b)
	case e.opts.Target == Dense && e.valid == nil:
		return e.target
	case e.opts.Target == Dense:
		return op.Mul(e.target, op.Unsqueeze(e.valid, 2))
	}
	return op.Cast(op.Equal(op.Unsqueeze(e.target, 2), b.ClassIndices()), e.dtype)
}

// between is the targets of positions among bins: 1 − |y − i| of the bins around
// each.
func (e *emission) between(b *Build) *graph.Value {
	y := op.Unsqueeze(op.Clip(e.target, 0, float64(e.classes-1)), 2)
	return op.Relu(op.Sub(b.Const(1), op.Abs(op.Sub(y, op.Cast(b.ClassIndices(), e.dtype)))))
}

// labels is q, 0 where an anchor is ignored.
func (e *emission) labels(q *graph.Value) *graph.Value {
	if e.opts.Target == Index && e.valid != nil {
		return op.Mul(q, op.Unsqueeze(e.valid, 2))
	}
	return q
}

// notIgnored is 1 for each anchor that takes part and 0 for those ignored,
// [N, A]; nil if there is no ignore index.
func (e *emission) notIgnored(b *Build) *graph.Value {
	switch {
	case e.opts.Target == Bins:
		return op.Cast(op.Not(op.Less(e.target, b.Const(0))), e.dtype)
	case e.opts.IgnoreIndex == nil:
		return nil
	}
	k := float64(*e.opts.IgnoreIndex)
	if e.opts.Target == Index {
		mark := op.Const(e.g, "ignore_index", tensor.Scalar(*e.opts.IgnoreIndex))
		return op.Cast(op.Not(op.Equal(e.target, mark)), e.dtype)
	}
	off := op.ReduceMax(op.Abs(op.Sub(e.target, b.Const(k))), []int64{2}, false)
	return op.Cast(op.Greater(off, b.Const(0.5)), e.dtype)
}

// smooth is the targets after label smoothing; see Options.
func (e *emission) smooth(b *Build, q *graph.Value) *graph.Value {
	s := e.opts.LabelSmoothing
	if s == 0 {
		return q
	}
	even := 0.5
	if e.loss.Activation == Softmax {
		even = 1 / float64(e.classes)
	}
	return op.Add(b.Scale(q, 1-s), b.Const(s*even))
}

// perClass is a constant with a number for each class, [1, 1, C].
func (e *emission) perClass(name string, x []float64) *graph.Value {
	return exactly(e.g, e.dtype, name, []int{1, 1, e.classes}, x)
}
