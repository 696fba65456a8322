package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "LinearAttention", Equation: "S = exp(g)·S + β·k⊗(v − exp(g)·Sᵀk) and y = scale·Sᵀq for each step and head; rules leave out g, β and what is taken from v",
		Flow:     flow.Flow{Pass: flow.Untraced},
		Versions: []int64{27}, In: Arity{3, 6}, Out: Arity{1, 2}, Half: true, Infer: inferLinearAttention, Kernel: makeLinearAttention,
		NoGrad: noRecurrentGrad,
	})
}

// linearAttention is a LinearAttention node at plan time.
type linearAttention struct {
	heads, stateHeads int // of queries, and of keys, values and the state
	scale             float64
	gated, delta      bool
}

func linearAttentionOf(n *graph.Node) (*linearAttention, error) {
	a := &linearAttention{heads: int(n.Int("q_num_heads", 0)), stateHeads: int(n.Int("kv_num_heads", 0)), scale: float64(n.Float("scale", 0))}
	if a.stateHeads < 1 {
		return nil, attrError("kv_num_heads", a.stateHeads, "at least 1")
	}
	if a.heads < 1 || a.heads%a.stateHeads != 0 {
		return nil, attrError("q_num_heads", a.heads, "a multiple of kv_num_heads")
	}
	switch r := n.Str("update_rule", "gated_delta"); r {
	case "linear":
	case "gated":
		a.gated = true
	case "delta":
		a.delta = true
	case "gated_delta":
		a.gated, a.delta = true, true
	default:
		return nil, attrError("update_rule", r, "linear, gated, delta or gated_delta")
	}
	return a, nil
}

func inferLinearAttention(c *Infer) error {
	a, err := linearAttentionOf(c.Node)
	if err != nil {
		return err
	}
	q, k, v := c.Input(0), c.Input(1), c.Input(2)
	y, state := unknownShape(3), unknownShape(4)
	state[1] = graph.Known(int64(a.stateHeads))
	if len(q.Shape) == 3 {
		y[0], y[1], state[0] = q.Shape[0], q.Shape[1], q.Shape[0]
	}
	heads := symbol.Int(int64(a.stateHeads))
	if len(k.Shape) == 3 {
		state[2] = symbol.Of(k.Shape[2]).Over(heads).Dim()
	}
	if len(v.Shape) == 3 {
		size := symbol.Of(v.Shape[2]).Over(heads)
		state[3] = size.Dim()
		y[2] = size.Times(symbol.Int(int64(a.heads))).Dim()
	}
	c.Set(0, q.DType, y)
	d := q.DType
	if c.Has(3) {
		d = c.Input(3).DType
	}
	c.Set(1, d, state)
	return nil
}

func makeLinearAttention(s *Spec) (Kernel, error) {
	a, err := linearAttentionOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runLinearAttention[float32](x, a) },
		func(x *Call) error { return runLinearAttention[float64](x, a) }), nil
}

// linearSizes are the sizes of one call: dk of a key, dv of a value; decays and
// rates are the elements of g and β for each step.
type linearSizes struct{ batch, steps, dk, dv, decays, rates int }

func (a *linearAttention) sizes(x *Call) (z linearSizes, err error) {
	if err := sameType(x, 1, 2, 3, 4, 5); err != nil {
		return z, err
	}
	for i, want := range []bool{true, true, true, false, a.gated, a.delta} {
		if i != 3 && x.Has(i) != want {
			return z, x.InputError(i, "update_rule asks for another set of inputs")
		}
		if i != 3 && want && x.In[i].Rank() != 3 {
			return z, x.InputError(i, "rank %d, want 3", x.In[i].Rank())
		}
	}
	q, k, v := x.In[0].Shape, x.In[1].Shape, x.In[2].Shape
	z = linearSizes{batch: q[0], steps: q[1], dk: k[2] / a.stateHeads, dv: v[2] / a.stateHeads}
	want := [][]int{
		{z.batch, z.steps, z.dk * a.heads}, {z.batch, z.steps, z.dk * a.stateHeads}, {z.batch, z.steps, z.dv * a.stateHeads},
		{z.batch, a.stateHeads, z.dk, z.dv},
	}
	if a.gated {
		z.decays = x.In[4].Shape[2]
		if z.decays != a.stateHeads && z.decays != a.stateHeads*z.dk {
			return z, x.InputError(4, "%d decays, want one for each head or for each element of a key", z.decays)
		}
	}
	if a.delta {
		z.rates = x.In[5].Shape[2]
		if z.rates != 1 && z.rates != a.stateHeads {
			return z, x.InputError(5, "%d rates, want 1 or one for each head", z.rates)
		}
	}
	want = append(want, []int{z.batch, z.steps, z.decays}, []int{z.batch, z.steps, z.rates})
	for i, w := range want {
		if x.Has(i) && !sameShape(x.In[i].Shape, w) {
			return z, x.InputError(i, "shape %v, want %v", x.In[i].Shape, w)
		}
	}
	return z, nil
}

func runLinearAttention[T float32 | float64](x *Call, a *linearAttention) error {
	z, err := a.sizes(x)
	if err != nil {
		return err
	}
	d := x.In[0].DType
	out, err := x.New(0, d, z.batch, z.steps, z.dv*a.heads)
	if err != nil {
		return err
	}
	state, err := x.New(1, d, z.batch, a.stateHeads, z.dk, z.dv)
	if err != nil {
		return err
	}
	if x.Has(3) {
		copyAll(state, x.In[3])
	} else {
		clearAll(state)
	}
	scale := a.scale
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(z.dk))
	}
	in := linearInputs[T]{dataOr[T](x, 0), dataOr[T](x, 1), dataOr[T](x, 2), dataOr[T](x, 4), dataOr[T](x, 5)}
	s, y := tensor.Data[T](state), tensor.Data[T](out)
	x.Parallel(z.batch*a.stateHeads, 1, func(lo, hi int) {
		for bh := lo; bh < hi; bh++ {
			b, h := bh/a.stateHeads, bh%a.stateHeads
			for t := range z.steps {
				if x.Context.Err() != nil {
					return
				}
				linearStep(a, z, in, s[bh*z.dk*z.dv:][:z.dk*z.dv], y, b*z.steps+t, h, T(scale))
			}
		}
	})
	return x.Context.Err()
}

type linearInputs[T any] struct{ q, k, v, g, beta []T }

// linearStep updates the state of head h by one step, whose number among those
// of all batch entries is step, and reads it for the queries of the head.
func linearStep[T float32 | float64](a *linearAttention, z linearSizes, in linearInputs[T], s, y []T, step, h int, scale T) {
	k := in.k[(step*a.stateHeads+h)*z.dk:][:z.dk]
	v := append([]T{}, in.v[(step*a.stateHeads+h)*z.dv:][:z.dv]...)
	for i := range k {
		row := s[i*z.dv:][:z.dv]
		if a.gated {
			g := in.g[step*z.decays+h*(z.decays/a.stateHeads)+i%(z.decays/a.stateHeads)]
			f := T(math.Exp(float64(g)))
			for m := range row {
				row[m] *= f
			}
		}
		if a.delta {
			for m := range row {
				v[m] -= row[m] * k[i]
			}
		}
	}
	if a.delta {
		rate := in.beta[step*z.rates+h%z.rates]
		for m := range v {
			v[m] *= rate
		}
	}
	for i := range k {
		row := s[i*z.dv:][:z.dv]
		for m := range row {
			row[m] += k[i] * v[m]
		}
	}
	group := a.heads / a.stateHeads
	for head := h * group; head < (h+1)*group; head++ {
		q := in.q[(step*a.heads+head)*z.dk:][:z.dk]
		o := y[(step*a.heads+head)*z.dv:][:z.dv]
		clear(o)
		for i := range q {
			row := s[i*z.dv:][:z.dv]
			for m := range row {
				o[m] += scale * q[i] * row[m]
			}
		}
	}
}
