package loss

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// RoleTargetCheck is the output of Options.CheckTargets, int64 [4]: the number of invalid
// targets, and the image, anchor and class of the first one in that order, or −1 each if
// there is none. For index targets the class is −1; for the distances of a box the side,
// from 0 to 3, takes its place.
//
// Dense targets must be in [0, 1] and not NaN. Index targets must be a class, or −1 or C,
// which both mean no class unless the head has a background class. Ignored anchors are not
// checked. Distances must not exceed the last bin, and are below 0 if there is none; NaN and
// infinities are invalid.
const RoleTargetCheck = "target_check"

// check is the output of RoleTargetCheck.
func (e *emission) check(b *Build) *graph.Value {
	leave := e.g.Scope("check")
	defer leave()
	c := &check{emission: e, b: b, one: e.integers("one", 1), zero: e.integers("zero", 0)}
	bad := c.outOfRange()
	if e.opts.IgnoreIndex != nil {
		bad = op.And(bad, op.Not(c.marked()))
	}
	count := op.ReduceSum(op.Reshape(op.Cast(bad, tensor.Int64), -1), []int64{0}, true)
	// An element appended after the last target is the maximum if no target is invalid, so
	// that there always is one.
	flags := op.Concat(0, op.Reshape(op.Cast(bad, tensor.Float32), -1), op.Const(e.g, "end", tensor.Vector(float32(0.5))))
	first := op.ArgMax(flags, 0, true)

	none := op.Cast(op.Equal(count, c.zero), tensor.Int64)
	anchors, each := op.Slice(op.Shape(e.target), 0, 1, 2), 0 // number of targets per anchor
	switch e.opts.Target {
	case Dense:
		each = e.classes
	case Bins:
		each = sides
		anchors = op.Div(anchors, e.integers("sides", sides))
	}
	anchors = op.Add(anchors, op.Cast(op.Equal(anchors, c.zero), tensor.Int64)) // at least 1, as a divisor
	row, class := first, op.Sub(c.zero, c.one)
	if each > 0 {
		group := e.integers("each", int64(each))
		row = op.Div(first, group)
		class = op.Sub(op.Sub(first, op.Mul(row, group)), none)
	}
	image := op.Div(row, anchors)
	anchor := op.Sub(op.Sub(row, op.Mul(image, anchors)), none)
	// For the appended element, class and anchor are 0 before 1 is subtracted.
	image = op.Sub(op.Mul(image, op.Sub(c.one, none)), none)
	return op.Concat(0, count, image, anchor, class)
}

// sides is the number of sides of a box, each with its own row for Bins targets.
const sides = 4

// check is the subgraph of RoleTargetCheck under construction.
type check struct {
	*emission
	b         *Build
	one, zero *graph.Value // int64 [1]
}

func (e *emission) integers(name string, x int64) *graph.Value {
	return op.Const(e.g, name, tensor.Vector(x))
}

// outOfRange is true for invalid targets. Every number is below 1 or above 0; NaN is
// neither.
func (c *check) outOfRange() *graph.Value {
	if c.opts.Target == Index {
		least, greatest := c.opts.indices(c.classes)
		k := op.Cast(c.target, tensor.Float64) // before opset 9, integers cannot be compared
		return op.Or(op.Less(k, c.float64("least", least)), op.Greater(k, c.float64("greatest", greatest)))
	}
	if c.opts.Target == Bins {
		last := c.b.Const(float64(c.classes - 1))
		number := op.Or(op.Less(c.target, c.b.Const(float64(c.classes))), op.Greater(c.target, last))
		infinite := op.Less(c.target, c.b.Const(-math.MaxFloat32))
		return op.Or(op.Or(op.Not(number), infinite), op.Greater(c.target, last))
	}
	zero, one := c.b.Const(0), c.b.Const(1)
	number := op.Or(op.Less(c.target, one), op.Greater(c.target, zero))
	return op.Or(op.Not(number), op.Or(op.Less(c.target, zero), op.Greater(c.target, one)))
}

// marked is true for targets of ignored anchors.
func (c *check) marked() *graph.Value {
	k := *c.opts.IgnoreIndex
	if c.opts.Target == Index {
		return op.Equal(c.target, op.Const(c.g, "ignore_index", tensor.Scalar(k)))
	}
	near := op.Cast(op.Less(op.Abs(op.Sub(c.target, c.b.Const(float64(k)))), c.b.Const(0.5)), c.dtype)
	return op.Greater(op.ReduceMin(near, []int64{2}, true), c.b.Const(0.5))
}

func (c *check) float64(name string, x int64) *graph.Value {
	return op.Const(c.g, name, tensor.Scalar(float64(x)))
}

// indices is the range of index targets; see RoleTargetCheck.
func (o Options) indices(classes int) (least, greatest int64) {
	if o.Background != nil {
		return 0, int64(classes) - 1
	}
	return -1, int64(classes)
}

// CheckTargets computes RoleTargetCheck for a batch directly.
func CheckTargets(o Options, b Batch) [4]int64 {
	found := [4]int64{0, -1, -1, -1}
	offend := func(anchor, class int) {
		if found[0]++; found[0] == 1 {
			found[1], found[2], found[3] = int64(anchor/b.A), int64(anchor%b.A), int64(class)
		}
	}
	for i := range b.N * b.A {
		if o.Target == Bins {
			if y := b.Target[i]; !(y <= float64(b.C-1)) || math.IsInf(y, -1) {
				if found[0]++; found[0] == 1 {
					row := i % b.A
					found[1], found[2], found[3] = int64(i/b.A), int64(row/sides), int64(row%sides)
				}
			}
			continue
		}
		if o.Target == Index {
			k := b.Index[i]
			lost := k < -1 || k > int64(b.C) || o.Background != nil && (k < 0 || k == int64(b.C))
			if lost && (o.IgnoreIndex == nil || k != *o.IgnoreIndex) {
				offend(i, -1)
			}
			continue
		}
		q := b.Target[i*b.C:][:b.C]
		if o.IgnoreIndex != nil && allNear(q, float64(*o.IgnoreIndex)) {
			continue
		}
		for class, x := range q {
			if math.IsNaN(x) || x < 0 || x > 1 {
				offend(i, class)
			}
		}
	}
	return found
}

func allNear(q []float64, mark float64) bool {
	for _, x := range q {
		if !(math.Abs(x-mark) < 0.5) {
			return false
		}
	}
	return true
}
