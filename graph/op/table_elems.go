package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// elems is what is known of the elements of f: its Elems, or the elements of a
// constant that are whole numbers. Truth values are 0 and 1. It is nil if
// nothing is known.
func (f *Fact) elems() []symbol.Num {
	if e := f.Elems(); e != nil || f.DType != tensor.Float32 && f.DType != tensor.Float64 && f.DType != tensor.Bool {
		return e
	}
	t := f.Const()
	if t == nil || t.Len() > MaxElems {
		return nil
	}
	switch t.DType {
	case tensor.Float32:
		return wholeNumbers(tensor.Data[float32](t))
	case tensor.Float64:
		return wholeNumbers(tensor.Data[float64](t))
	case tensor.Bool:
		out := make([]symbol.Num, t.Len())
		for i, b := range tensor.Data[bool](t) {
			out[i] = truth(b)
		}
		return out
	}
	return nil
}

func wholeNumbers[T float32 | float64](x []T) []symbol.Num {
	out := make([]symbol.Num, len(x))
	for i, v := range x {
		if f := float64(v); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			out[i] = symbol.Int(int64(v))
		}
	}
	return out
}

func truth(b bool) symbol.Num {
	if b {
		return symbol.Int(1)
	}
	return symbol.Int(0)
}

// settle makes constants of outputs whose elements are all known, so that what
// is computed from them can be folded.
func (c *Infer) settle() {
	for i := range c.Out {
		o := &c.Out[i]
		if o.mayBeConst() || o.ints == nil || !o.Shape.IsStatic() {
			continue
		}
		shape := o.Shape.Ints()
		v, ok := o.Ints()
		if n, err := tensor.Count(shape); err != nil || n != len(o.ints) || !ok {
			if err != nil || n != len(o.ints) {
				o.ints = nil
			}
			continue
		}
		switch o.DType {
		case tensor.Int64:
			o.value = tensor.Of(shape, v)
		case tensor.Int32:
			o.value = tensor.Of(shape, fromInts[int32](v))
		case tensor.Float32:
			o.value = tensor.Of(shape, fromInts[float32](v))
		case tensor.Float64:
			o.value = tensor.Of(shape, fromInts[float64](v))
		case tensor.Bool:
			b := make([]bool, len(v))
			for i := range b {
				b[i] = v[i] != 0
			}
			o.value = tensor.Of(shape, b)
		}
	}
}

func fromInts[T int32 | float32 | float64](v []int64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// mapElems states the elements of output 0 as f of those of input 0.
func mapElems(c *Infer, f func(a symbol.Num) symbol.Num) {
	in := c.Input(0).elems()
	if in == nil {
		return
	}
	out := make([]symbol.Num, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	c.SetElems(0, out)
}

// broadcastElems states the elements of output 0 as f of those of its inputs,
// all of them, with broadcasting. It does nothing where a shape is unknown.
func broadcastElems(c *Infer, f func(e []symbol.Num) symbol.Num) {
	if len(c.Out) == 0 || !c.Out[0].Shape.IsStatic() {
		return
	}
	shape := c.Out[0].Shape.Ints()
	n, err := tensor.Count(shape)
	if err != nil || n > MaxElems {
		return
	}
	for i := range c.In {
		if !c.Input(i).mayTell() {
			return
		}
	}
	out := make([]symbol.Num, n)
	args := make([][]symbol.Num, len(c.In))
	for i := range args {
		x := c.Input(i)
		e := x.elems()
		at := offsets(shape, x.Shape)
		if e == nil || at == nil {
			return
		}
		args[i] = make([]symbol.Num, n)
		for k := range args[i] {
			if at[k] < len(e) {
				args[i][k] = e[at[k]]
			}
		}
	}
	row := make([]symbol.Num, len(args))
	for k := range out {
		for i := range args {
			row[i] = args[i][k]
		}
		out[k] = f(row)
	}
	c.SetElems(0, out)
}

// offsets is where, for each element of shape, the element of an operand of
// shape in lies that is broadcast to it; nil if in is not known to fit.
func offsets(shape []int, in graph.Shape) []int {
	if !in.IsStatic() {
		return nil
	}
	stride, ok := kernel.BroadcastStrides(shape, in.Ints())
	if !ok {
		return nil
	}
	n, _ := tensor.Count(shape)
	at := make([]int, n)
	for k := range at {
		rest := k
		for d := len(shape) - 1; d >= 0; d-- {
			at[k] += rest % shape[d] * stride[d]
			rest /= shape[d]
		}
	}
	return at
}

// moveElems states the elements of output 0 of a node that only moves those of
// the inputs named in data: the node is run on their numbers instead. All
// other inputs must be constants.
func moveElems(c *Infer, data ...int) {
	isData := map[int]bool{}
	for _, i := range data {
		isData[i] = true
	}
	for i, x := range c.In {
		if x != nil && !(x.mayBeConst() || isData[i] && x.mayTell()) {
			return
		}
	}
	var all []symbol.Num
	in := make([]*tensor.Tensor, len(c.In))
	for i, x := range c.In {
		switch {
		case x == nil:
		case isData[i]:
			e := x.elems()
			if e == nil || !x.Shape.IsStatic() {
				return
			}
			at := make([]int64, len(e))
			for k := range at {
				at[k] = int64(len(all) + k)
			}
			shape := x.Shape.Ints()
			if n, err := tensor.Count(shape); err != nil || n != len(e) {
				return
			}
			in[i] = tensor.Of(shape, at)
			all = append(all, e...)
		case x.Const() != nil:
			in[i] = x.Const()
		default:
			return
		}
	}
	if o := c.Out[0].Shape; o.IsStatic() {
		if n, err := tensor.Count(o.Ints()); err != nil || n > MaxElems {
			return
		}
	}
	res, err := eval(c.Node, c.Opset, in)
	if err != nil || len(res) == 0 {
		c.readFailed(err)
		return
	}
	for i, t := range res {
		if t == nil || t.DType != tensor.Int64 || t.Len() > MaxElems {
			continue
		}
		out := make([]symbol.Num, t.Len())
		for k, at := range tensor.Data[int64](t) {
			out[k] = all[at]
		}
		c.SetElems(i, out)
	}
}
