package op

import (
	"errors"
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Slice", Equation: "y = the elements of x from start to end by step along axes", Versions: []int64{1, 10, 11, 13}, Upgrades: Upgrades{10: upgradeSlice},
		Flow: flow.Flow{Pass: flow.Moved}, In: Arity{1, 5}, Out: Arity{1, 1}, Infer: inferSlice,
		Kernel: func(s *Spec) (Kernel, error) {
			since := s.Since
			return func(x *Call) error { return viewed(sliceView(x.Node, since, x.In))(x) }, nil
		},
		Grad: gradSlice, Check: Check{Lo: -2, Hi: 2},
	})
}

// cut is what a node Slice takes of one axis.
type cut struct{ axis, start, end, step int }

// makeCuts joins the lists of a node Slice; nil axes are the first ones, nil
// steps are 1.
func makeCuts(starts, ends, axes, steps []int, rank int) ([]cut, error) {
	n := len(starts)
	if len(ends) != n || axes != nil && len(axes) != n || steps != nil && len(steps) != n {
		return nil, fmt.Errorf("%d starts, %d ends, %d axes and %d steps do not fit", n, len(ends), len(axes), len(steps))
	}
	cuts := make([]cut, n)
	seen := make([]bool, rank)
	for i := range cuts {
		a := i
		if axes != nil {
			a = axes[i]
		}
		k, err := Axis(int64(a), rank)
		if err != nil {
			return nil, err
		}
		if seen[k] {
			return nil, fmt.Errorf("axis %d is named twice", k)
		}
		seen[k] = true
		cuts[i] = cut{k, starts[i], ends[i], 1}
		if steps != nil {
			cuts[i].step = max(steps[i], -math.MaxInt)
		}
		if cuts[i].step == 0 {
			return nil, errors.New("step 0")
		}
	}
	return cuts, nil
}

// SliceView is what the Slice in s does; nil where that is not known before the run.
func SliceView(s *Spec) View {
	for i, v := range s.Node.Inputs {
		if i > 0 && v != nil && s.Const[i] == nil {
			return nil
		}
	}
	return sliceView(s.Node, s.Since, s.Const)
}

// sliceView is the View of a node Slice, whose inputs but the first are in.
func sliceView(n *graph.Node, since int64, in []*tensor.Tensor) View {
	return func(l *Layout) error {
		cuts, err := sliceCuts(n, since, in, len(l.Shape))
		if err != nil {
			return err
		}
		for _, c := range cuts {
			from, n := c.on(l.Shape[c.axis])
			l.At += from * l.Stride[c.axis]
			l.Shape[c.axis] = n
			if n > 1 { // else the step may be anything
				l.Stride[c.axis] *= c.step
			}
		}
		return nil
	}
}

func sliceCuts(n *graph.Node, since int64, in []*tensor.Tensor, rank int) ([]cut, error) {
	if since < 10 {
		return attrCuts(n, rank)
	}
	var lists [4][]int
	for i := range lists {
		if i+1 >= len(in) || in[i+1] == nil {
			if i < 2 {
				return nil, InputError(n, i+1, "is missing")
			}
			continue
		}
		v, err := Ints(in[i+1])
		if err != nil {
			return nil, InputError(n, i+1, "%v", err)
		}
		lists[i] = v
	}
	return makeCuts(lists[0], lists[1], lists[2], lists[3], rank)
}

func attrCuts(n *graph.Node, rank int) ([]cut, error) {
	list := func(name string) []int {
		v := n.Ints(name)
		if v == nil {
			return nil
		}
		out := make([]int, len(v))
		for i, a := range v {
			out[i] = int(a)
		}
		return out
	}
	return makeCuts(list("starts"), list("ends"), list("axes"), nil, rank)
}

// on is the first index and the number of elements that c takes of an axis of
// the given size. A start that lies outside is moved to the nearest element, as
// ONNX has it, for steps backwards, too.
func (c cut) on(size int) (from, n int) {
	within := func(i, lo, hi int) int {
		if i < 0 {
			i += size
		}
		return max(lo, min(i, hi))
	}
	if c.step > 0 {
		from, to := within(c.start, 0, size), within(c.end, 0, size)
		if to <= from {
			return from, 0
		}
		return from, (to-from-1)/c.step + 1
	}
	from, to := within(c.start, 0, size-1), within(c.end, -1, size-1)
	if size == 0 || from <= to {
		return from, 0
	}
	return from, (from-to-1)/-c.step + 1
}

func inferSlice(c *Infer) error {
	x := c.Input(0)
	if x.Shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	starts, ends, axes, steps, err := sliceNums(c)
	if err != nil {
		return err
	}
	if axes == nil { // which axes are cut is not known
		c.Set(0, x.DType, unknownShape(len(x.Shape)))
		return nil
	}
	s := x.Shape.Clone()
	for i, a := range axes {
		k, err := Axis(a, len(s))
		if err != nil {
			return err
		}
		s[k] = slicedDim(s[k], numAt(starts, i), numAt(ends, i), numAt(steps, i))
	}
	c.Set(0, x.DType, s)
	moveElems(c, 0)
	return nil
}

func numAt(e []symbol.Num, i int) symbol.Num {
	if i < len(e) {
		return e[i]
	}
	return symbol.Num{}
}

// sliceNums is what is known of the lists of a node Slice. axes is nil if they
// are not known.
func sliceNums(c *Infer) (starts, ends []symbol.Num, axes []int64, steps []symbol.Num, err error) {
	if c.Since < 10 {
		cuts, err := attrCuts(c.Node, len(c.Input(0).Shape))
		axes = []int64{}
		for _, q := range cuts {
			starts = append(starts, symbol.Int(int64(q.start)))
			ends = append(ends, symbol.Int(int64(q.end)))
			steps = append(steps, symbol.Int(1))
			axes = append(axes, int64(q.axis))
		}
		return starts, ends, axes, steps, err
	}
	starts, ends, steps = c.Input(1).elems(), c.Input(2).elems(), c.Input(4).elems()
	n := len(starts)
	if s := c.Input(1).Shape; starts == nil && len(s) == 1 && s[0].IsKnown() && s[0].Value <= MaxElems {
		n = int(s[0].Value)
	}
	if c.Has(3) {
		axes, _ = c.Input(3).Ints()
		n = len(axes)
	} else {
		for i := range n {
			axes = append(axes, int64(i))
		}
	}
	if !c.Has(4) {
		steps = make([]symbol.Num, n)
		for i := range steps {
			steps[i] = symbol.Int(1)
		}
	}
	return starts, ends, axes, steps, nil
}

// beyond is from where on an end means all that is left: exporters write the
// greatest int32 or int64.
const beyond = math.MaxInt32

// slicedDim is the size of a cut. Where d is a name, a start, and an end counted
// from the end, are taken to lie inside, the end not before the start.
func slicedDim(d graph.Dim, start, end, step symbol.Num) graph.Dim {
	if !start.Known || !step.Known || step.N == 0 {
		return graph.Unknown()
	}
	if d.IsKnown() && end.Known {
		_, n := cut{0, int(start.N), int(end.N), max(int(step.N), -math.MaxInt)}.on(int(d.Value))
		return graph.Known(int64(n))
	}
	if d.IsKnown() || d.Param == "" || step.N != 1 && step.N != -1 {
		return graph.Unknown()
	}
	if step.N == 1 && (start.N >= beyond || end.Known && end.N <= -beyond) {
		return graph.Known(0)
	}
	all := step.N == 1 && (end.Known && end.N >= beyond || !end.Known && end == symbol.Of(d))
	switch {
	case step.N == -1 && start.N == -1 && end.Known && end.N <= -beyond:
		return d
	case all && start.N >= 0:
		return symbol.Of(d).Minus(start).Dim()
	case step.N == 1 && start.N >= 0 && end.Known && end.N < 0:
		return symbol.Of(d).Plus(end).Minus(start).Dim()
	}
	return graph.Unknown()
}

// Slice is x from start to end along axis; a negative start or end counts from
// the end.
func Slice(x *graph.Value, axis, start, end int64) *graph.Value {
	if x == nil {
		return nil
	}
	if x.Graph().Opset("") < 10 {
		return apply("Slice", []*graph.Attr{graph.Ints("axes", axis), graph.Ints("starts", start), graph.Ints("ends", end)}, x)
	}
	c := func(name string, v int64) *graph.Value { return Const(x.Graph(), name, tensor.Vector(v)) }
	return apply("Slice", nil, x, c("start", start), c("end", end), c("axis", axis))
}

// upgradeSlice: starts, ends and axes become inputs.
var upgradeSlice = inOrder(intsToInput("starts", 1), intsToInput("ends", 2), intsToInput("axes", 3))
