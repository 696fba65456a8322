package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Attention", Equation: "Y = softmax(mask(softcap(scale·Q·Kᵀ))) · V for each head, keys and values behind those of the past",
		Flow:     flow.Flow{Pass: flow.Contracted, Channels: flow.Product},
		Versions: []int64{23, 24, 25}, In: Arity{3, 7}, Out: Arity{1, 4}, Half: true, Infer: inferAttention, Kernel: makeAttention,
		NoGrad: "fused for inference: heads and losses are built of the products and the softmax that it stands for, which have rules",
	})
}

// attention is an Attention node at plan time.
type attention struct {
	causal       bool
	qHeads       int64
	kvHeads      int64
	mode         int64
	scale, cap   float64
	defaultScale bool
	left, right  int64 // how far before and behind its own position a query sees; −1 without bound
}

func attentionOf(n *graph.Node) attention {
	return attention{
		causal: n.Int("is_causal", 0) != 0, qHeads: n.Int("q_num_heads", 0), kvHeads: n.Int("kv_num_heads", 0),
		mode: n.Int("qk_matmul_output_mode", 0), scale: float64(n.Float("scale", 0)), cap: float64(n.Float("softcap", 0)),
		defaultScale: n.Attr("scale") == nil, left: n.Int("left_window_size", -1), right: n.Int("right_window_size", -1),
	}
}

// headDims is a [batch, heads, length, size] view of the shape of Q, K or V.
func headDims(s graph.Shape, heads int64) graph.Shape {
	switch {
	case len(s) == 4:
		return s
	case len(s) != 3:
		return unknownShape(4)
	}
	size := graph.Unknown()
	if heads > 0 && s[2].IsKnown() {
		size = graph.Known(s[2].Value / heads)
	}
	return graph.Shape{s[0], graph.Known(heads), s[1], size}
}

func inferAttention(c *Infer) error {
	a := attentionOf(c.Node)
	d := c.Input(0).DType
	q, k, v := headDims(c.Input(0).Shape, a.qHeads), headDims(c.Input(1).Shape, a.kvHeads), headDims(c.Input(2).Shape, a.kvHeads)
	switch s := c.Input(0).Shape; {
	case len(s) == 4:
		c.Set(0, d, graph.Shape{q[0], q[1], q[2], v[3]})
	case len(s) == 3:
		c.Set(0, d, graph.Shape{s[0], s[1], symbol.Int(a.qHeads).Times(symbol.Of(v[3])).Dim()})
	default:
		c.Set(0, d, nil)
	}
	total := symbol.Of(k[2])
	if c.Has(4) {
		total = symbol.Num{}
		if s := c.Input(4).Shape; len(s) == 4 {
			total = symbol.Of(s[2]).Plus(symbol.Of(k[2]))
		}
	}
	c.Set(1, d, graph.Shape{k[0], k[1], total.Dim(), k[3]})
	c.Set(2, c.Input(2).DType, graph.Shape{v[0], v[1], total.Dim(), v[3]})
	c.Set(3, d, graph.Shape{q[0], q[1], q[2], total.Dim()})
	return nil
}

func makeAttention(s *Spec) (Kernel, error) {
	a := attentionOf(s.Node)
	if a.mode < 0 || a.mode > 3 {
		return nil, attrError("qk_matmul_output_mode", a.mode, "0 to 3")
	}
	return byFloat(
		func(x *Call) error { return runAttention[float32](x, a) },
		func(x *Call) error { return runAttention[float64](x, a) }), nil
}

// heads is Q, K or V as [batch, heads, length, size], whatever its layout.
type heads[T float32 | float64] struct {
	batch, heads, length, size int
	data                       []T
	flat                       bool // [batch, length, heads·size]
}

func headsOf[T float32 | float64](x *Call, i int, count int64) (heads[T], error) {
	t := x.In[i]
	h := heads[T]{data: tensor.Data[T](t)}
	switch t.Rank() {
	case 4:
		h.batch, h.heads, h.length, h.size = t.Shape[0], t.Shape[1], t.Shape[2], t.Shape[3]
	case 3:
		if count < 1 || count > int64(max(t.Shape[2], 1)) || t.Shape[2]%int(count) != 0 {
			return h, x.InputError(i, "shape %v does not split into %d heads", t.Shape, count)
		}
		h.batch, h.heads, h.length, h.size, h.flat = t.Shape[0], int(count), t.Shape[1], t.Shape[2]/int(count), true
	default:
		return h, x.InputError(i, "rank %d, want 3 or 4", t.Rank())
	}
	return h, nil
}

// place is where head n of batch entry b begins, and the step between
// positions.
func (h *heads[T]) place(b, n int) (at, step int) {
	if h.flat {
		return (b*h.length*h.heads + n) * h.size, h.heads * h.size
	}
	return (b*h.heads + n) * h.length * h.size, h.size
}

// extended is h behind the past in input i, and, if wanted, output o of it.
func (h *heads[T]) extended(x *Call, i, o int) (*heads[T], error) {
	past := 0
	var old []T
	if x.Has(i) {
		p := x.In[i].Shape
		if len(p) != 4 || p[0] != h.batch || p[1] != h.heads || p[3] != h.size {
			return nil, x.InputError(i, "shape %v, want [%d %d past %d]", p, h.batch, h.heads, h.size)
		}
		past, old = p[2], tensor.Data[T](x.In[i])
	}
	if past == 0 && !x.Wants(o) && !x.Has(i) {
		return h, nil
	}
	r := &heads[T]{batch: h.batch, heads: h.heads, length: past + h.length, size: h.size}
	t, err := x.New(o, x.In[0].DType, r.batch, r.heads, r.length, r.size)
	if err != nil {
		return nil, err
	}
	r.data = tensor.Data[T](t)
	for b := range r.batch {
		for n := range r.heads {
			dst, _ := r.place(b, n)
			copy(r.data[dst:][:past*r.size], old[min((b*r.heads+n)*past*r.size, len(old)):])
			from, step := h.place(b, n)
			for k := range h.length {
				copy(r.data[dst+(past+k)*r.size:][:r.size], h.data[from+k*step:])
			}
		}
	}
	return r, nil
}

func runAttention[T float32 | float64](x *Call, a attention) error {
	if err := sameType(x, 1, 2, 4, 5); err != nil {
		return err
	}
	q, err := headsOf[T](x, 0, a.qHeads)
	if err != nil {
		return err
	}
	newK, err := headsOf[T](x, 1, a.kvHeads)
	if err != nil {
		return err
	}
	newV, err := headsOf[T](x, 2, a.kvHeads)
	if err != nil {
		return err
	}
	k, err := newK.extended(x, 4, 1)
	if err != nil {
		return err
	}
	v, err := newV.extended(x, 5, 2)
	if err != nil {
		return err
	}
	if k.batch != q.batch || v.batch != q.batch || k.size != q.size || k.length != v.length || k.heads != v.heads || k.heads == 0 || q.heads%k.heads != 0 {
		return x.InputError(1, "%d heads of %d×%d and values of %d heads, %d long, do not fit queries of %d heads of size %d",
			k.heads, k.length, k.size, v.heads, v.length, q.heads, q.size)
	}
	bias, err := attentionBias(x, a, q.batch, q.heads, q.length, k.length, k.length-newK.length)
	if err != nil {
		return err
	}
	if a.defaultScale {
		a.scale = 1 / math.Sqrt(float64(q.size))
	}
	return attend(x, a, &q, k, v, bias)
}

// attend computes all heads, each on its own.
func attend[T float32 | float64](x *Call, a attention, q, k, v *heads[T], bias func(b, h, i int, row []float64)) error {
	d := x.In[0].DType
	shape := []int{q.batch, q.heads, q.length, v.size}
	y := &heads[T]{batch: q.batch, heads: q.heads, length: q.length, size: v.size, flat: q.flat}
	if q.flat {
		shape = []int{q.batch, q.length, q.heads * v.size}
	}
	out, err := x.New(0, d, shape...)
	if err != nil {
		return err
	}
	scores, err := x.New(3, d, q.batch, q.heads, q.length, k.length)
	if err != nil {
		return err
	}
	if len(x.Out) < 4 {
		defer x.Env.Free(scores)
	}
	y.data = tensor.Data[T](out)
	all := tensor.Data[T](scores)
	size := q.length * k.length
	x.Parallel(q.batch*q.heads, 1, func(lo, hi int) {
		row, part := make([]float64, k.length), make([]T, size)
		for t := lo; t < hi; t++ {
			b, h := t/q.heads, t%q.heads
			kv := h / (q.heads / k.heads)
			qa, qs := q.place(b, h)
			ka, ks := k.place(b, kv)
			va, vs := v.place(b, kv)
			ya, ys := y.place(b, h)
			seen := all[t*size:][:size]
			if size > 0 {
				kernel.Gemm(nil, false, true, q.length, k.length, q.size, T(a.scale), q.data[qa:], qs, k.data[ka:], ks, 0, seen, k.length)
			}
			for i := range q.length {
				weighRow(&a, seen[i*k.length:][:k.length], part[i*k.length:][:k.length], row, func(r []float64) { bias(b, h, i, r) })
			}
			if q.length > 0 && v.size > 0 {
				kernel.Gemm(nil, false, false, q.length, v.size, k.length, 1, part, max(k.length, 1), v.data[min(va, len(v.data)):], vs, 0, y.data[ya:], ys)
			}
		}
	})
	return nil
}
