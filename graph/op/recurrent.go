package op

import (
	"fmt"
	"math"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

const noRecurrentGrad = "the adjoint runs over the steps backwards, which would take a subgraph; heads and losses have no recurrence"

func init() {
	for _, r := range []struct {
		name, equation string
		versions       []int64
		in, out        int
	}{
		{"RNN", "h = f(x·Wᵀ + h·Rᵀ + b) for each step", []int64{1, 7, 14, 22}, 6, 2},
		{"GRU", "z, r = f(…); ĥ = g(x·Wᵀ + (r∘h)·Rᵀ + b); h = (1−z)∘ĥ + z∘h for each step", []int64{1, 3, 7, 14, 22}, 6, 2},
		{"LSTM", "i, o, f = f(…); c = f∘c + i∘g(…); h = o∘h(c) for each step", []int64{1, 7, 14, 22}, 8, 3},
	} {
		Register(&Op{
			Name: r.name, Equation: r.equation, Versions: r.versions, In: Arity{3, r.in}, Out: Arity{0, r.out}, Half: true,
			Flow:  flow.Flow{Pass: flow.Contracted, Channels: flow.Last},
			Infer: inferRecurrent, Kernel: makeRecurrent, NoGrad: noRecurrentGrad,
		})
	}
}

// recurrent is an RNN, GRU or LSTM node at plan time.
type recurrent struct {
	op                 string
	gates              int // stacked in the weights: 1, 3 or 4
	hidden, directions int
	reversed           bool // of the first direction
	batchFirst         bool // layout 1
	linearFirst        bool // GRU: linear_before_reset
	coupled            bool // LSTM: input_forget
	clip               float64
	acts               []func(float64) float64 // per direction: f, g, h
}

func recurrentOf(n *graph.Node) (*recurrent, error) {
	r := &recurrent{
		op: n.Op, gates: map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[n.Op], directions: 1,
		batchFirst: n.Int("layout", 0) != 0, linearFirst: n.Int("linear_before_reset", 0) != 0,
		coupled: n.Int("input_forget", 0) != 0, clip: float64(n.Float("clip", 0)),
	}
	switch d := n.Str("direction", "forward"); d {
	case "forward":
	case "reverse":
		r.reversed = true
	case "bidirectional":
		r.directions = 2
	default:
		return nil, attrError("direction", d, "forward, reverse or bidirectional")
	}
	h := n.Int("hidden_size", 0)
	if h < 0 || h > slideLimit {
		return nil, attrError("hidden_size", h, "1 to 2^20")
	}
	r.hidden = int(h)
	return r, r.activations(n)
}

// activations reads the functions of all directions.
func (r *recurrent) activations(n *graph.Node) error {
	names := map[string][]string{"RNN": {"Tanh"}, "GRU": {"Sigmoid", "Tanh"}, "LSTM": {"Sigmoid", "Tanh", "Tanh"}}[n.Op]
	per := len(names)
	if a := n.Attr("activations"); a != nil && len(a.Strings) > 0 {
		names = a.Strings
	}
	if len(names) != per*r.directions && len(names) != per {
		return attrError("activations", names, fmt.Sprintf("%d names", per*r.directions))
	}
	var alphas, betas []float32
	if a := n.Attr("activation_alpha"); a != nil {
		alphas = a.Floats
	}
	if a := n.Attr("activation_beta"); a != nil {
		betas = a.Floats
	}
	for range r.directions * per / len(names) {
		a, b := alphas, betas
		for _, name := range names {
			f, err := recurrentActivation(name, &a, &b)
			if err != nil {
				return err
			}
			r.acts = append(r.acts, f)
		}
	}
	return nil
}

// recurrentActivation finds a function by name; those with parameters take
// them from the lists, or else ONNX's defaults.
func recurrentActivation(name string, alphas, betas *[]float32) (func(float64) float64, error) {
	take := func(list *[]float32, def float64) float64 {
		if len(*list) > 0 {
			def = float64((*list)[0])
			*list = (*list)[1:]
		}
		return def
	}
	switch strings.ToLower(name) {
	case "sigmoid":
		return func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }, nil
	case "tanh":
		return math.Tanh, nil
	case "relu":
		return func(v float64) float64 { return max(v, 0) }, nil
	case "softsign":
		return func(v float64) float64 { return v / (1 + math.Abs(v)) }, nil
	case "softplus":
		return func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }, nil
	case "leakyrelu":
		a := take(alphas, 0.01)
		return func(v float64) float64 { return max(v, 0) + a*min(v, 0) }, nil
	case "thresholdedrelu":
		a := take(alphas, 1)
		return func(v float64) float64 {
			if v >= a {
				return v
			}
			return 0
		}, nil
	case "elu":
		a := take(alphas, 1)
		return func(v float64) float64 { return max(v, 0) + a*math.Expm1(min(v, 0)) }, nil
	case "hardsigmoid":
		a, b := take(alphas, 0.2), take(betas, 0.5)
		return func(v float64) float64 { return min(max(a*v+b, 0), 1) }, nil
	case "scaledtanh":
		a, b := take(alphas, 1), take(betas, 1)
		return func(v float64) float64 { return a * math.Tanh(b*v) }, nil
	case "affine":
		a, b := take(alphas, 1), take(betas, 0)
		return func(v float64) float64 { return a*v + b }, nil
	}
	return nil, attrError("activations", name, "functions that ONNX names")
}

func inferRecurrent(c *Infer) error {
	r, err := recurrentOf(c.Node)
	if err != nil {
		return err
	}
	x := c.Input(0)
	hidden := graph.Unknown()
	if s := c.Input(2).Shape; len(s) == 3 {
		hidden = s[2]
	}
	if r.hidden > 0 {
		hidden = graph.Known(int64(r.hidden))
	}
	steps, batch := graph.Unknown(), graph.Unknown()
	if len(x.Shape) == 3 {
		steps, batch = x.Shape[0], x.Shape[1]
		if r.batchFirst {
			steps, batch = batch, steps
		}
	}
	dirs := graph.Known(int64(r.directions))
	y, h := graph.Shape{steps, dirs, batch, hidden}, graph.Shape{dirs, batch, hidden}
	if r.batchFirst {
		y, h = graph.Shape{batch, steps, dirs, hidden}, graph.Shape{batch, dirs, hidden}
	}
	c.Set(0, x.DType, y)
	c.Set(1, x.DType, h)
	c.Set(2, x.DType, h)
	return nil
}

func makeRecurrent(s *Spec) (Kernel, error) {
	r, err := recurrentOf(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runRecurrent[float32](x, r) },
		func(x *Call) error { return runRecurrent[float64](x, r) }), nil
}

// sizes of one run.
type recurrence[T float32 | float64] struct {
	*recurrent
	x                          *Call
	steps, batch, input        int
	lens                       []int
	data, w, rw, bias, h, c, p []T
	y                          []T // [steps, directions, batch, hidden]; nil if not wanted
}

func runRecurrent[T float32 | float64](x *Call, plan *recurrent) error {
	r := &recurrence[T]{recurrent: plan, x: x}
	if err := r.bind(); err != nil {
		return err
	}
	for d := range r.directions {
		if err := r.direction(d); err != nil {
			return err
		}
	}
	return r.outputs()
}

// bind checks the inputs and fetches their elements.
func (r *recurrence[T]) bind() error {
	x := r.x
	if err := sameType(x, 1, 2, 3, 5, 6, 7); err != nil {
		return err
	}
	in := x.In[0]
	if in.Rank() != 3 || x.In[2].Rank() != 3 {
		return x.InputError(0, "shape %v with recurrent weights %v, want rank 3 each", in.Shape, x.In[2].Shape)
	}
	r.steps, r.batch, r.input = in.Shape[0], in.Shape[1], in.Shape[2]
	if r.batchFirst {
		r.steps, r.batch = r.batch, r.steps
	}
	hidden := x.In[2].Shape[2]
	if r.hidden != 0 && r.hidden != hidden {
		return x.InputError(2, "shape %v, want hidden size %d", x.In[2].Shape, r.hidden)
	}
	plan := *r.recurrent
	plan.hidden = hidden
	r.recurrent = &plan
	state := []int{r.directions, r.batch, hidden}
	if r.batchFirst {
		state = []int{r.batch, r.directions, hidden}
	}
	for i, want := range map[int][]int{
		1: {r.directions, r.gates * hidden, r.input}, 2: {r.directions, r.gates * hidden, hidden},
		3: {r.directions, 2 * r.gates * hidden}, 4: {r.batch}, 5: state, 6: state, 7: {r.directions, 3 * hidden},
	} {
		if t := x.Input(i); t != nil && !sameShape(t.Shape, want) {
			return x.InputError(i, "shape %v, want %v", t.Shape, want)
		}
	}
	r.data, r.w, r.rw = tensor.Data[T](in), tensor.Data[T](x.In[1]), tensor.Data[T](x.In[2])
	r.bias, r.p = dataOr[T](x, 3), dataOr[T](x, 7)
	r.h, r.c = make([]T, r.directions*r.batch*hidden), make([]T, r.directions*r.batch*hidden)
	r.copyState(r.h, dataOr[T](x, 5))
	r.copyState(r.c, dataOr[T](x, 6))
	return r.lengths()
}

// copyState copies an initial state into [directions, batch, hidden] order.
func (r *recurrence[T]) copyState(dst, src []T) {
	for i := range len(src) / max(r.hidden, 1) {
		d, b := i/r.batch, i%r.batch
		if r.batchFirst {
			b, d = i/r.directions, i%r.directions
		}
		copy(dst[(d*r.batch+b)*r.hidden:][:r.hidden], src[i*r.hidden:])
	}
}

func (r *recurrence[T]) lengths() (err error) {
	r.lens = make([]int, r.batch)
	for b := range r.lens {
		r.lens[b] = r.steps
	}
	if r.x.Has(4) {
		if r.lens, err = Ints(r.x.In[4]); err != nil {
			return r.x.InputError(4, "%v", err)
		}
	}
	for _, n := range r.lens {
		if n < 0 || n > r.steps {
			return r.x.InputError(4, "length %d, want 0 to %d", n, r.steps)
		}
	}
	if r.x.Wants(0) {
		t, err := r.x.Temp(r.x.In[0].DType, r.steps, r.directions, r.batch, r.hidden)
		if err != nil {
			return err
		}
		r.y = tensor.Data[T](t)
		clear(r.y)
		r.x.Set(0, t)
	}
	return nil
}

// direction runs all steps of direction d. The input's part of the gates is
// one matrix product.
func (r *recurrence[T]) direction(d int) error {
	rows, width := r.steps*r.batch, r.gates*r.hidden
	t, err := r.x.Temp(r.x.In[0].DType, rows, width)
	if err != nil {
		return err
	}
	defer r.x.Env.Free(t)
	gates := tensor.Data[T](t)
	kernel.Gemm(r.x.Parallel, false, true, rows, width, r.input, 1, r.data, r.input, r.w[d*width*r.input:], r.input, 0, gates, width)
	rec := make([]T, r.batch*width)
	next := make([]T, r.batch*r.hidden)
	for s := range r.steps {
		if err := r.x.Context.Err(); err != nil {
			return err
		}
		h := r.h[d*r.batch*r.hidden:][:r.batch*r.hidden]
		kernel.Gemm(r.x.Parallel, false, true, r.batch, width, r.hidden, 1, h, r.hidden, r.rw[d*width*r.hidden:], r.hidden, 0, rec, width)
		for b := range r.batch {
			if s >= r.lens[b] {
				copy(next[b*r.hidden:][:r.hidden], h[b*r.hidden:])
				continue
			}
			at := s
			if r.reversed || d == 1 {
				at = r.lens[b] - 1 - s
			}
			row := at*r.batch + b
			if r.batchFirst {
				row = b*r.steps + at
			}
			r.step(d, b, gates[row*width:][:width], rec[b*width:][:width], h[b*r.hidden:][:r.hidden], next[b*r.hidden:][:r.hidden])
			if r.y != nil {
				copy(r.y[((at*r.directions+d)*r.batch+b)*r.hidden:][:r.hidden], next[b*r.hidden:])
			}
		}
		copy(h, next)
	}
	return nil
}

// outputs puts the results into the layout that the node wants.
func (r *recurrence[T]) outputs() error {
	d := r.x.In[0].DType
	if r.y != nil && r.batchFirst {
		src := r.x.Out[0]
		out, err := r.x.New(0, d, r.batch, r.steps, r.directions, r.hidden)
		if err != nil {
			return err
		}
		st := tensor.Strides(src.Shape)
		copyStrided(r.x, out.Shape, out, 0, tensor.Strides(out.Shape), src, 0, []int{st[2], st[0], st[1], st[3]})
		r.x.Env.Free(src)
	}
	for i, state := range [][]T{r.h, r.c} {
		if !r.x.Wants(1 + i) {
			continue
		}
		shape := []int{r.directions, r.batch, r.hidden}
		if r.batchFirst {
			shape = []int{r.batch, r.directions, r.hidden}
		}
		out, err := r.x.New(1+i, d, shape...)
		if err != nil {
			return err
		}
		from := []int{r.batch * r.hidden, r.hidden, 1}
		if r.batchFirst {
			from[0], from[1] = from[1], from[0]
		}
		kernel.CopyStrided(r.x.Parallel, shape, tensor.Data[T](out), 0, tensor.Strides(shape), state, 0, from)
	}
	return nil
}
