package variant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
)

// habits are an exporter's ways.
type habits struct {
	consts string // folded, literal or computed
	bias   string // fused, added, norm or group
	quant  string // float, qdq or qlinear
	maker  string // first: channels first; sandwich: last, but inside convolutions
	cut    string // split, slice or gather
	dims   string // static, batch or dynamic
	opset  int64
}

func (c *Choice) habits() habits {
	h := habits{consts: c.Of(Consts), bias: c.Of(Bias), quant: c.Of(Quant), maker: c.Of(Maker), cut: c.Of(Cut), dims: c.Of(Dims)}
	fmt.Sscan(c.Of(Opset), &h.opset)
	return h
}

// net builds a network in an exporter's ways. An error sticks to the graph.
type net struct {
	habits
	rng   *rand.Rand
	m     *graph.Model
	g     *graph.Graph
	sizes map[string]int
	small bool // the maps are half as large
	// Layers of several levels that share their parameters take them in turn.
	share bool
	kept  []*graph.Value
	bends []int
	at    [2]int
}

// width is the number of channels inside the network, step the scale of
// quantized tensors.
const (
	width = 8
	step  = 1.0 / 16
)

func newNet(h habits, rng *rand.Rand) *net {
	m := graph.New(h.opset)
	return &net{habits: h, rng: rng, m: m, g: m.Graph, sizes: map[string]int{}}
}

// image adds the input [N, 3, height, width].
func (n *net) image(h, w int) *graph.Value {
	shape := graph.Static(1, 3, h, w)
	if n.dims != "static" {
		shape[0] = graph.Named("d0")
		n.sizes["d0"] = 2
	}
	if n.dims == "dynamic" {
		shape[2], shape[3] = graph.Named("d1"), graph.Named("d2")
		n.sizes["d1"], n.sizes["d2"] = h, w
	}
	if n.maker == "sandwich" {
		shape[1], shape[2], shape[3] = shape[2], shape[3], shape[1]
	}
	v, err := n.g.AddInput("x", graph.TensorOf(tensor.Float32, shape))
	if err != nil {
		n.g.Fail(err)
	}
	if n.maker == "sandwich" {
		return op.Transpose(v, 0, 3, 1, 2)
	}
	return v
}

// do appends one node with one output.
func (n *net) do(name string, attrs []*graph.Attr, in ...*graph.Value) *graph.Value {
	return op.Apply(name, 1, attrs, in...)[0]
}

// custom appends a node of another domain, of which nothing is known.
func (n *net) custom(domain, name string, outs int, attrs []*graph.Attr, in ...*graph.Value) []*graph.Value {
	res := make([]*graph.Value, outs)
	for i := range res {
		v, err := n.g.Declare(n.g.Fresh(name), graph.Type{})
		if err != nil {
			n.g.Fail(err)
			return res
		}
		res[i] = v
	}
	if domain != "" {
		n.m.SetOpset(domain, 1)
	}
	if err := n.g.AddNode(&graph.Node{Op: name, Domain: domain, Name: n.g.Fresh(name), Attrs: attrs, Inputs: in, Outputs: res}); err != nil {
		n.g.Fail(err)
	}
	return res
}

func (n *net) constant(t *tensor.Tensor) *graph.Value { return op.Const(n.g, "c", t) }

func (n *net) floats(shape []int, x []float32) *graph.Value { return n.constant(tensor.Of(shape, x)) }

func (n *net) ints(x ...int64) *graph.Value { return n.constant(tensor.Vector(x...)) }

func (n *net) scalar(x float64) *graph.Value { return op.Scalar(n.g, tensor.Float32, x) }

// random is normal numbers of deviation dev.
func (n *net) random(dev float64, shape ...int) *graph.Value {
	return n.shared(func() *graph.Value { return n.drawn(dev, shape) })
}

func (n *net) drawn(dev float64, shape []int) *graph.Value {
	x := make([]float32, count(shape))
	for i := range x {
		x[i] = float32(n.rng.NormFloat64() * dev)
	}
	return n.floats(shape, x)
}

func count(shape []int) int {
	c := 1
	for _, d := range shape {
		c *= d
	}
	return c
}

// weights of a layer that reads in numbers for each it makes.
func (n *net) weights(in int, shape ...int) *graph.Value {
	dev := 1.5 / math.Sqrt(float64(in))
	if n.quant == "float" {
		return n.random(dev, shape...)
	}
	return n.shared(func() *graph.Value {
		x := make([]int8, count(shape))
		for i := range x {
			x[i] = int8(max(-127, min(127, n.rng.NormFloat64()*40)))
		}
		return n.do("DequantizeLinear", nil, n.constant(tensor.Of(shape, x)), n.scalar(dev/40), n.constant(tensor.Scalar(int8(0))))
	})
}

// quantized is x rounded to eight bits and back, where the net is quantized.
func (n *net) quantized(x *graph.Value) *graph.Value {
	if n.quant == "float" {
		return x
	}
	s, z := n.scalar(step), n.constant(tensor.Scalar(int8(0)))
	return n.do("DequantizeLinear", nil, n.do("QuantizeLinear", nil, x, s, z), s, z)
}

// of stands in a list of dimensions for dimension axis of the tensor that is
// reshaped.
func of(axis int64) int64 { return -10 - axis }

// reshape is x in the given dimensions: numbers, −1 for what is left, or of.
func (n *net) reshape(x *graph.Value, dims ...int64) *graph.Value {
	if x == nil {
		return nil
	}
	if n.consts == "computed" {
		return op.ReshapeTo(x, n.shape(x, dims))
	}
	fixed := make([]int64, len(dims))
	for i, d := range dims {
		switch {
		case d >= -1:
			fixed[i] = d
		case x.Shape()[-10-d].IsKnown():
			fixed[i] = x.Shape()[-10-d].Value
		case int(-10-d) != i:
			n.g.Fail(fmt.Errorf("dimension %d of %v is not known", -10-d, x))
		}
	}
	return op.Reshape(x, fixed...)
}

// shape computes dimensions from those of x.
func (n *net) shape(x *graph.Value, dims []int64) *graph.Value {
	var parts []*graph.Value
	for _, d := range dims {
		if d >= -1 {
			parts = append(parts, n.ints(d))
			continue
		}
		parts = append(parts, n.size(x, -10-d))
	}
	return op.Concat(0, parts...)
}

// size is dimension axis of x, computed, as a vector of one.
func (n *net) size(x *graph.Value, axis int64) *graph.Value {
	i := n.constant(tensor.Scalar(axis))
	return op.Unsqueeze(op.Gather(op.Shape(x), i, 0), 0)
}

// cut takes x apart along axis into parts of the given sizes.
func (n *net) cut(x *graph.Value, axis int, sizes ...int) []*graph.Value {
	var out []*graph.Value
	switch {
	case len(sizes) == 1:
		return []*graph.Value{x}
	case n.habits.cut == "split":
		long := make([]int64, len(sizes))
		for i, s := range sizes {
			long[i] = int64(s)
		}
		return op.Split(x, int64(axis), long...)
	}
	at := 0
	for _, s := range sizes {
		out = append(out, n.channels(x, axis, at, at+s))
		at += s
	}
	return out
}

// channels is x[from:to] along axis.
func (n *net) channels(x *graph.Value, axis, from, to int) *graph.Value {
	if n.habits.cut != "gather" {
		return op.Slice(x, int64(axis), int64(from), int64(to))
	}
	var ix []int64
	for i := from; i < to; i++ {
		ix = append(ix, int64(i))
	}
	return op.Gather(x, n.ints(ix...), axis)
}

// output makes values graph outputs.
func (n *net) output(vs ...*graph.Value) {
	for _, v := range vs {
		if v == nil {
			n.g.Fail(errors.New("an output that nothing makes"))
			return
		}
		n.g.AddOutput(v)
	}
}

// whole is the slice of all k channels.
func whole(k int) patterns.Slice { return patterns.Slice{Start: 0, Stop: k, Stride: k} }
