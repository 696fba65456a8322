package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
)

const noFusedGrad = "ONNX Runtime writes it for inference: what is trained is the model that it was made of"

// Operators that ONNX Runtime's optimizer writes in place of several of
// ONNX's. Their schemas are in its ContribOperators.md.
func init() {
	for _, f := range []struct {
		name, equation string
		in             Arity
		flow           flow.Flow
		build          func(c *Composition) *graph.Value
	}{
		{"FusedConv", "y = f(Conv(x, w, b) + z)", Arity{2, 4}, flow.Flow{Pass: flow.Contracted, Places: flow.Strided}, fusedConv},
		{"FusedGemm", "y = f(Gemm(a, b, c))", Arity{2, 3}, flow.Flow{Pass: flow.Contracted}, fusedGemm},
		{"FusedMatMul", "z = alpha · MatMul(x, y), either transposed where the attributes say so", Arity{2, 2}, flow.Flow{Pass: flow.Contracted, Channels: flow.Product}, fusedMatMul},
		{"Gelu", "y = x/2·(1+erf(x/√2))", Arity{1, 1}, flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier}, func(c *Composition) *graph.Value { return apply("Gelu", nil, c.In(0)) }},
		{"BiasGelu", "y = Gelu(x + b)", Arity{2, 2}, flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier}, func(c *Composition) *graph.Value { return apply("Gelu", nil, Add(c.In(0), c.In(1))) }},
		{"FastGelu", "y = x/2·(1+tanh(√(2/π)·(x+0.044715·x³))) of x + b", Arity{1, 2}, flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier}, func(c *Composition) *graph.Value {
			return apply("Gelu", []*graph.Attr{graph.String("approximate", "tanh")}, c.plus(c.In(0), 1))
		}},
		{"QuickGelu", "y = x/(1+exp(−α·x))", Arity{1, 1}, flow.Flow{Pass: flow.Mapped, Effect: flow.Rectifier}, func(c *Composition) *graph.Value {
			return apply("Swish", []*graph.Attr{graph.Float("alpha", c.Node.Float("alpha", 1.702))}, c.In(0))
		}},
		{"Trilu", "y = x on and above the k-th diagonal (or on and below it), 0 elsewhere", Arity{1, 2}, flow.Flow{Pass: flow.Mapped}, func(c *Composition) *graph.Value {
			return apply("Trilu", c.Attrs("upper"), c.In(0), c.In(1))
		}},
		{"GridSample", "y[n,c,o] = x[n,c] interpolated at grid[n,o], whose coordinates run from −1 to 1 along x", Arity{2, 2}, flow.Flow{Pass: flow.Sampled}, func(c *Composition) *graph.Value {
			mode := map[string]string{"bilinear": "linear", "bicubic": "cubic", "nearest": "nearest"}[c.Node.Str("mode", "bilinear")]
			return apply("GridSample", append(c.Attrs("padding_mode", "align_corners"), graph.String("mode", mode)), c.In(0), c.In(1))
		}},
		{"NhwcMaxPool", "y = MaxPool(x), channels last", Arity{1, 1}, flow.Flow{Pass: flow.Mapped, Effect: flow.Pooling, Places: flow.Strided}, func(c *Composition) *graph.Value {
			return c.channelsLast(0, func(x *graph.Value) *graph.Value { return apply("MaxPool", c.Attrs(windowAttrs...), x) })
		}},
	} {
		Register(composed(&Op{Name: f.name, Equation: f.equation, Flow: f.flow, In: f.in, Out: Arity{1, 1}, NoGrad: noFusedGrad},
			func(c *Composition) []*graph.Value { return []*graph.Value{f.build(c)} }))
	}
	Register(
		composed(&Op{
			Name: "SkipLayerNormalization", Equation: "y = LayerNormalization(x + skip + bias) · scale + b over the last axis; the sum is output 3",
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{3, 5}, Out: Arity{1, 4}, NoGrad: noFusedGrad,
		}, func(c *Composition) []*graph.Value {
			sum := c.plus(Add(c.In(0), c.In(1)), 4)
			attrs := []*graph.Attr{graph.Int("axis", -1), graph.Float("epsilon", c.Node.Float("epsilon", 1e-12))}
			return append(Apply("LayerNormalization", 3, attrs, sum, c.In(2), c.In(3)), sum)
		}),
		composed(&Op{
			Name: "SkipSimplifiedLayerNormalization", Equation: "y = RMSNormalization(x + skip + bias) · scale over the last axis; the sum is output 3",
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{3, 4}, Out: Arity{1, 4}, NoGrad: noFusedGrad,
		}, func(c *Composition) []*graph.Value {
			sum := c.plus(Add(c.In(0), c.In(1)), 3)
			attrs := []*graph.Attr{graph.Int("axis", -1), graph.Float("epsilon", c.Node.Float("epsilon", 1e-12))}
			return []*graph.Value{apply("RMSNormalization", attrs, sum, c.In(2)), nil, nil, sum}
		}),
	)
}

// windowAttrs are the attributes of convolutions and pools.
var windowAttrs = []string{"auto_pad", "ceil_mode", "count_include_pad", "dilations", "group", "kernel_shape", "pads", "storage_order", "strides"}

// plus is x, with input i added if the node has it.
func (c *Composition) plus(x *graph.Value, i int) *graph.Value {
	if !c.Has(i) {
		return x
	}
	return Add(x, c.In(i))
}

// channelsLast is f of input i with its channels brought from the last axis to
// axis 1, and then back.
func (c *Composition) channelsLast(i int, f func(x *graph.Value) *graph.Value) *graph.Value {
	rank := c.Rank(i, 4)
	if rank < 2 || rank > maxComposedRank {
		return c.fail("input %d: rank %d, want 2 to %d", i, rank, maxComposedRank)
	}
	first, last := []int64{0, int64(rank - 1)}, []int64{0}
	for d := 1; d < rank-1; d++ {
		first = append(first, int64(d))
		last = append(last, int64(d+1))
	}
	return Transpose(f(Transpose(c.In(i), first...)), append(last, 1)...)
}

const maxComposedRank = 32

// fail is nil, with an error that sticks to the composition.
func (c *Composition) fail(format string, args ...any) *graph.Value {
	c.g.Fail(fmt.Errorf(format, args...))
	return nil
}

func fusedConv(c *Composition) *graph.Value {
	y := c.plus(Conv(c.In(0), c.In(1), c.In(2), c.Attrs(windowAttrs...)...), 3)
	var params []float32
	if a := c.Node.Attr("activation_params"); a != nil {
		params = a.Floats
	}
	return c.activated(y, params)
}

func fusedGemm(c *Composition) *graph.Value {
	y := apply("Gemm", c.Attrs("alpha", "beta", "transA", "transB"), c.In(0), c.In(1), c.In(2))
	var params []float32
	for _, name := range []string{"activation_alpha", "activation_beta", "activation_gamma"} {
		if a := c.Node.Attr(name); a != nil {
			params = append(params, a.F)
		}
	}
	return c.activated(y, params)
}

// activated is y after the attribute activation, whose parameters, where the
// node has any, are in the order of the operator's attributes (of Clip, its
// bounds).
func (c *Composition) activated(y *graph.Value, params []float32) *graph.Value {
	name := c.Node.Str("activation", "")
	names, known := map[string][]string{
		"": {}, "Relu": {}, "Sigmoid": {}, "Tanh": {}, "Softplus": {}, "Softsign": {}, "HardSwish": {}, "Gelu": {}, "Clip": {"", ""},
		"LeakyRelu": {"alpha"}, "Elu": {"alpha"}, "ThresholdedRelu": {"alpha"}, "HardSigmoid": {"alpha", "beta"},
	}[name]
	if !known || len(params) > len(names) {
		return c.fail("activation %q with %d parameters is not known", name, len(params))
	}
	switch {
	case y == nil || name == "":
		return y
	case name == "Clip":
		bounds := []*graph.Value{Omit, Omit}
		for i, p := range params {
			bounds[i] = c.Number(float64(p), y)
		}
		return apply("Clip", nil, y, bounds[0], bounds[1])
	}
	var attrs []*graph.Attr
	for i, p := range params {
		attrs = append(attrs, graph.Float(names[i], p))
	}
	return apply(name, attrs, y)
}

func fusedMatMul(c *Composition) *graph.Value {
	x, y := c.transposed(0, "A"), c.transposed(1, "B")
	z := MatMul(x, y)
	if alpha := c.Node.Float("alpha", 1); alpha != 1 {
		z = Mul(z, c.Number(float64(alpha), z))
	}
	return z
}

// transposed is input i with its last two axes swapped where the attribute
// trans… says so; transBatch… first brings axis 0 behind the batch axes.
func (c *Composition) transposed(i int, side string) *graph.Value {
	v := c.In(i)
	swap, batch := c.Node.Int("trans"+side, 0) != 0, c.Node.Int("transBatch"+side, 0) != 0
	rank := c.Rank(i, 0)
	switch {
	case !swap && !batch || rank == 1:
		return v
	case rank == 0 || rank > maxComposedRank:
		return c.fail("input %d: its rank has to be known where it is transposed", i)
	}
	perm := make([]int64, rank)
	for d := range perm {
		perm[d] = int64(d)
	}
	if batch {
		copy(perm, perm[1:rank-1])
		perm[rank-2] = 0
	}
	if swap {
		perm[rank-1], perm[rank-2] = perm[rank-2], perm[rank-1]
	}
	return Transpose(v, perm...)
}
