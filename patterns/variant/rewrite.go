package variant

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Operators written as others that compute the same, as exporters and
// optimizers do.
var (
	foldNorms  = Mutation{"fold norms", eachNode(foldNorm)}
	cuts       = Mutation{"cuts", eachNode(splitAsSlices)}
	gathers    = Mutation{"gathers", eachNode(sliceAsGather)}
	gemms      = Mutation{"gemms", eachNode(productAsOther)}
	squeezes   = Mutation{"squeezes", eachNode(squeezeAsReshape)}
	softmaxes  = Mutation{"softmaxes", eachNode(writeSoftmax)}
	sigmoids   = Mutation{"sigmoids", eachNode(writeSigmoid)}
	newerOpset = Mutation{"opset 17", func(v *Variant, _ *rand.Rand) error { return convert(v, 17) }}
	olderOpset = Mutation{"opset 11", func(v *Variant, _ *rand.Rand) error { return convert(v, 11) }}
	symbols    = Mutation{"symbols", nameSizes}
)

// eachNode makes a mutation of a rule: what it gives stands for the outputs of
// node n of r's source; nil where it does not apply.
func eachNode(rule func(r *rebuild, n *graph.Node, rng *rand.Rand) ([]*graph.Value, error)) func(*Variant, *rand.Rand) error {
	return func(v *Variant, rng *rand.Rand) error {
		op.InferModel(v.Model)
		err := v.changed(v.Model.Graph.Nodes, func(r *rebuild, n *graph.Node) error {
			if n.Domain != "" {
				return as(r, n)
			}
			outs, err := rule(r, n, rng)
			if err != nil || outs == nil {
				if err == nil {
					err = as(r, n)
				}
				return err
			}
			for i, o := range n.Outputs {
				r.at[o] = outs[i]
			}
			return nil
		})
		if err != nil {
			return err
		}
		return tidy(v.Model)
	}
}

// loaded is the float32 data of initializer x; nil if it is none.
func loaded(x *graph.Value) *tensor.Tensor {
	if x == nil || x.Init == nil || x.Init.DType != tensor.Float32 {
		return nil
	}
	t, err := x.Init.Load()
	if err != nil {
		return nil
	}
	return t
}

// foldNorm takes a normalization with constants into the convolution before.
func foldNorm(r *rebuild, n *graph.Node, _ *rand.Rand) ([]*graph.Value, error) {
	if n.Op != "BatchNormalization" {
		return nil, nil
	}
	c := n.Inputs[0].Producer()
	if c == nil || c.Op != "Conv" || len(n.Inputs[0].Uses()) > 1 || loaded(c.Inputs[1]) == nil {
		return nil, nil
	}
	var p [4][]float32
	for i := range p {
		t := loaded(n.Inputs[i+1])
		if t == nil {
			return nil, nil
		}
		p[i] = tensor.Data[float32](t)
	}
	w := loaded(c.Inputs[1])
	weights, k := slices.Clone(tensor.Data[float32](w)), w.Len()/w.Shape[0]
	bias := make([]float32, w.Shape[0])
	if b := loaded(c.Input(2)); b != nil {
		copy(bias, tensor.Data[float32](b))
	}
	for i := range bias {
		s := p[0][i] / float32(math.Sqrt(float64(p[3][i])+float64(n.Float("epsilon", 1e-5))))
		for j := range k {
			weights[i*k+j] *= s
		}
		bias[i] = (bias[i]-p[2][i])*s + p[1][i]
	}
	y := op.Conv(r.at[c.Inputs[0]], op.Const(r.g, "w", tensor.Of(w.Shape, weights)), op.Const(r.g, "b", tensor.Vector(bias...)), c.Attrs...)
	return []*graph.Value{y}, nil
}

// splitAsSlices writes a Split as Slices.
func splitAsSlices(r *rebuild, n *graph.Node, _ *rand.Rand) ([]*graph.Value, error) {
	if n.Op != "Split" {
		return nil, nil
	}
	var outs []*graph.Value
	at, axis := int64(0), n.Int("axis", 0)
	for _, o := range n.Outputs {
		d := o.Shape()[axis]
		if !d.IsKnown() {
			return nil, nil
		}
		outs = append(outs, op.Slice(r.at[n.Inputs[0]], axis, at, at+d.Value))
		at += d.Value
	}
	return outs, nil
}

// sliceAsGather writes a Slice of a few known elements as a Gather.
func sliceAsGather(r *rebuild, n *graph.Node, _ *rand.Rand) ([]*graph.Value, error) {
	x, y := n.Input(0), n.Output(0)
	if n.Op != "Slice" || n.Input(1) == nil || n.Input(1).Init == nil || n.Input(3) == nil || n.Input(3).Init == nil || n.Input(4) != nil {
		return nil, nil
	}
	var at [2]int64
	for i, k := range []int{1, 3} {
		t, err := n.Inputs[k].Init.Load()
		if err != nil || t.DType != tensor.Int64 || t.Len() != 1 {
			return nil, err
		}
		at[i] = tensor.Data[int64](t)[0]
	}
	from, axis := at[0], at[1]
	if axis < 0 {
		axis += int64(len(x.Shape()))
	}
	d := y.Shape()[axis]
	if !d.IsKnown() || from < 0 || d.Value > 16 {
		return nil, nil
	}
	ix := make([]int64, d.Value)
	for i := range ix {
		ix[i] = from + int64(i)
	}
	return []*graph.Value{op.Gather(r.at[x], op.Const(r.g, "i", tensor.Vector(ix...)), int(axis))}, nil
}

// productAsOther writes a product of two matrices with what is added to it as
// a Gemm, and a Gemm as these.
func productAsOther(r *rebuild, n *graph.Node, _ *rand.Rand) ([]*graph.Value, error) {
	switch {
	case n.Op == "Gemm" && n.Int("transA", 0) == 0 && n.Float("alpha", 1) == 1 && n.Float("beta", 1) == 1:
		w := r.at[n.Inputs[1]]
		if n.Int("transB", 0) != 0 {
			w = op.Transpose(w, 1, 0)
		}
		y := op.MatMul(r.at[n.Inputs[0]], w)
		if n.Input(2) != nil {
			y = op.Add(y, r.at[n.Inputs[2]])
		}
		return []*graph.Value{y}, nil
	case n.Op == "Add":
		m := n.Inputs[0].Producer()
		if m == nil || m.Op != "MatMul" || len(n.Inputs[0].Uses()) > 1 || len(m.Inputs[0].Shape()) != 2 || len(m.Inputs[1].Shape()) != 2 {
			return nil, nil
		}
		if b := n.Inputs[1]; b.Init == nil || len(b.Shape()) != 1 {
			return nil, nil
		}
		return []*graph.Value{op.Gemm(r.at[m.Inputs[0]], r.at[m.Inputs[1]], r.at[n.Inputs[1]], false, false, 1, 1)}, nil
	}
	return nil, nil
}

// squeezeAsReshape writes what adds or drops dimensions of one as a Reshape.
func squeezeAsReshape(r *rebuild, n *graph.Node, _ *rand.Rand) ([]*graph.Value, error) {
	if n.Op != "Squeeze" && n.Op != "Unsqueeze" && n.Op != "Flatten" {
		return nil, nil
	}
	var dims []int64
	open := 0
	for _, d := range n.Output(0).Shape() {
		if dims = append(dims, d.Value); !d.IsKnown() {
			dims[len(dims)-1] = -1
			open++
		}
	}
	if open > 1 || n.Output(0).Shape() == nil {
		return nil, nil
	}
	return []*graph.Value{op.Reshape(r.at[n.Inputs[0]], dims...)}, nil
}

// writeSoftmax writes a softmax over one axis in arithmetic.
func writeSoftmax(r *rebuild, n *graph.Node, rng *rand.Rand) ([]*graph.Value, error) {
	if n.Op != "Softmax" && n.Op != "LogSoftmax" {
		return nil, nil
	}
	rank := int64(len(n.Output(0).Shape()))
	axis := n.Int("axis", -1)
	if r.src.Opset("") < 13 {
		if axis = n.Int("axis", 1); axis >= 0 && axis != rank-1 {
			return nil, nil // over several axes
		}
	}
	x := r.at[n.Inputs[0]]
	if rng.IntN(3) > 0 {
		x = op.Sub(x, op.ReduceMax(x, []int64{axis}, true))
	}
	e := op.Exp(x)
	sum := op.ReduceSum(e, []int64{axis}, true)
	if n.Op == "LogSoftmax" {
		return []*graph.Value{op.Sub(x, op.Log(sum))}, nil
	}
	return []*graph.Value{op.Div(e, sum)}, nil
}

// writeSigmoid writes a sigmoid in arithmetic.
func writeSigmoid(r *rebuild, n *graph.Node, rng *rand.Rand) ([]*graph.Value, error) {
	if n.Op != "Sigmoid" {
		return nil, nil
	}
	x := r.at[n.Inputs[0]]
	one := op.Scalar(r.g, tensor.Float32, 1)
	minus := op.Neg(x)
	if rng.IntN(2) == 0 {
		minus = op.Mul(x, op.Scalar(r.g, tensor.Float32, -1))
	}
	switch rng.IntN(4) {
	case 0:
		return []*graph.Value{op.Reciprocal(op.Add(op.Exp(minus), one))}, nil
	case 1:
		e := op.Exp(x)
		return []*graph.Value{op.Div(e, op.Add(e, one))}, nil
	}
	return []*graph.Value{op.Div(one, op.Add(one, op.Exp(minus)))}, nil
}
