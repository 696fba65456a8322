package op

import (
	"fmt"
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradSlice puts the adjoint back to where the elements came from, with zeros
// around and, for steps other than 1, between them.
func gradSlice(c *Grad) error {
	x, dx := c.In(0), c.Dy[0]
	if x.Shape() == nil {
		return InputError(c.Node, 0, "its rank is not known, which the gradient needs")
	}
	cuts, err := constantCuts(c.Node, len(x.Shape()))
	if err != nil {
		return err
	}
	rank := len(x.Shape())
	begins, ends := make([]*graph.Value, rank), make([]*graph.Value, rank)
	zero := func() *graph.Value { return Const(x.Graph(), "zero", tensor.Vector[int64](0)) }
	for i := range rank {
		begins[i], ends[i] = zero(), zero()
	}
	for _, q := range cuts {
		d := x.Shape()[q.axis]
		if !d.IsKnown() {
			if q.step != 1 {
				return fmt.Errorf("the gradient of step %d needs the size of axis %d, which is not known", q.step, q.axis)
			}
			begins[q.axis], ends[q.axis] = dynamicPads(x, c.Out(0), q)
			continue
		}
		from, n := q.on(int(d.Value))
		step := q.step
		if step < 0 {
			dx = sliceBy(dx, q.axis, -1, -math.MaxInt64, -1)
			step, from = -step, from+(n-1)*step
		}
		if step > 1 && n > 1 { // else the step may be anything
			dx = interleave(dx, q.axis, step)
			n *= step
		}
		begins[q.axis] = Const(x.Graph(), "begin", tensor.Vector(int64(from)))
		ends[q.axis] = Const(x.Graph(), "end", tensor.Vector(d.Value-int64(from+n)))
	}
	c.Set(0, padValues(dx, append(begins, ends...)))
	return nil
}

// dynamicPads are the sizes before and behind a cut of step 1 on an axis whose
// size is known at run time only.
func dynamicPads(x, y *graph.Value, q cut) (begin, end *graph.Value) {
	size, left := dimOf(x, q.axis), dimOf(y, q.axis)
	begin = Const(x.Graph(), "start", tensor.Vector(int64(q.start)))
	if q.start < 0 {
		// A start before the first element is moved there. Max of integers is of opset 12.
		at := Cast(Add(size, begin), tensor.Float64)
		begin = Cast(Max(at, Like(at, 0)), tensor.Int64)
	}
	return begin, Sub(Sub(size, begin), left)
}

// interleave puts step−1 zeros behind each index of axis.
func interleave(v *graph.Value, axis, step int) *graph.Value {
	if v == nil {
		return nil
	}
	rank := len(v.Shape())
	wide := Unsqueeze(v, int64(axis)+1)
	pads := make([]int64, 2*(rank+1))
	pads[rank+1+axis+1] = int64(step - 1)
	wide = Pad(wide, pads...)
	if wide == nil {
		return nil
	}
	size := Concat(0, Slice(shapeOf(v), 0, 0, int64(axis)), Const(v.Graph(), "rest", tensor.Vector[int64](-1)),
		Slice(shapeOf(v), 0, int64(axis)+1, math.MaxInt64))
	return ReshapeTo(wide, size)
}

// constantCuts is the cuts of a node whose starts, ends, axes and steps are
// known.
func constantCuts(n *graph.Node, rank int) ([]cut, error) {
	if n.Graph().Opset("") < 10 {
		return attrCuts(n, rank)
	}
	var lists [4][]int
	for i := range lists {
		v := n.Input(i + 1)
		if v == nil {
			continue
		}
		t, err := ConstantOf(v)
		if err != nil {
			return nil, InputError(n, i+1, "%v", err)
		}
		if lists[i], err = Ints(t); err != nil {
			return nil, InputError(n, i+1, "%v", err)
		}
	}
	return makeCuts(lists[0], lists[1], lists[2], lists[3], rank)
}

// sliceBy is Slice with a step.
func sliceBy(x *graph.Value, axis int, start, end, step int64) *graph.Value {
	if x == nil {
		return nil
	}
	c := func(name string, v int64) *graph.Value { return Const(x.Graph(), name, tensor.Vector(v)) }
	return apply("Slice", nil, x, c("start", start), c("end", end), c("axis", int64(axis)), c("step", step))
}
