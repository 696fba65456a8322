package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Gemm", Equation: "y = alpha · A·B + beta · C, A and B transposed where transA and transB say so",
		Flow:     flow.Flow{Pass: flow.Contracted},
		Versions: []int64{1, 6, 7, 9, 11, 13}, In: Arity{2, 3}, Out: Arity{1, 1}, Half: true,
		Infer: inferGemm, Work: matrixWork(0), Kernel: makeGemm, Grad: gradGemm, Check: Check{Lo: -1, Hi: 1},
	})
}

// transposedDims is the rows and columns of a matrix of shape s, or of its
// transpose.
func transposedDims(s graph.Shape, trans bool) (rows, cols graph.Dim) {
	if s == nil {
		return graph.Unknown(), graph.Unknown()
	}
	if trans {
		return s[1], s[0]
	}
	return s[0], s[1]
}

func inferGemm(c *Infer) error {
	for i := range 2 {
		if s := c.Input(i).Shape; s != nil && len(s) != 2 {
			return c.InputError(i, "rank %d, want 2", len(s))
		}
	}
	m, k := transposedDims(c.Input(0).Shape, c.Node.Int("transA", 0) != 0)
	l, n := transposedDims(c.Input(1).Shape, c.Node.Int("transB", 0) != 0)
	if k.IsKnown() && l.IsKnown() && k != l {
		return c.InputError(1, "%v rows, want %v", l, k)
	}
	c.Set(0, c.Input(0).DType, graph.Shape{m, n})
	return nil
}

// gemmPlan is a Gemm node at plan time.
type gemmPlan struct {
	transA, transB bool
	alpha, beta    float64
	b              packedB
}

func makeGemm(s *Spec) (Kernel, error) {
	p := &gemmPlan{
		transA: s.Int("transA", 0) != 0, transB: s.Int("transB", 0) != 0,
		alpha: s.Float("alpha", 1), beta: s.Float("beta", 1),
	}
	rows := -1
	if in := s.shape(0); len(in) == 2 {
		m, _ := transposedDims(in, p.transA)
		rows = sizeOf(m)
	}
	p.b = packB(s, p.transB, rows)
	return func(x *Call) error {
		if err := sameType(x, 1, 2); err != nil {
			return err
		}
		switch x.In[0].DType {
		case tensor.Float32:
			return runGemm(x, p, p.b.f32)
		case tensor.Float64:
			return runGemm(x, p, p.b.f64)
		case tensor.Int32:
			return runGemmInt[int32](x, p)
		case tensor.Int64:
			return runGemmInt[int64](x, p)
		case tensor.Uint32:
			return runGemmInt[uint32](x, p)
		case tensor.Uint64:
			return runGemmInt[uint64](x, p)
		}
		return x.InputError(0, "%v, want numbers of 16 bits or more", x.In[0])
	}, nil
}

// gemmOut allocates the output and fills it with beta·C.
func gemmOut[T float32 | float64 | int32 | int64 | uint32 | uint64](x *Call, p *gemmPlan) (out *tensor.Tensor, m, n, k int, err error) {
	a, b := x.In[0], x.In[1]
	for i := range 2 {
		if x.In[i].Rank() != 2 {
			return nil, 0, 0, 0, x.InputError(i, "rank %d, want 2", x.In[i].Rank())
		}
	}
	m, k = a.Shape[0], a.Shape[1]
	if p.transA {
		m, k = k, m
	}
	l, n := b.Shape[0], b.Shape[1]
	if p.transB {
		l, n = n, l
	}
	if l != k {
		return nil, 0, 0, 0, x.InputError(1, "shape %v, want %d rows, transposition taken into account", b.Shape, k)
	}
	if out, err = x.New(0, a.DType, m, n); err != nil {
		return nil, 0, 0, 0, err
	}
	y := tensor.Data[T](out)
	if !x.Has(2) || p.beta == 0 {
		clear(y)
		return out, m, n, k, nil
	}
	c := x.In[2]
	strides, ok := kernel.BroadcastStrides(out.Shape, c.Shape)
	if !ok {
		return nil, 0, 0, 0, x.InputError(2, "shape %v does not broadcast to %v", c.Shape, out.Shape)
	}
	src := tensor.Data[T](c)
	for i := range m {
		row, at := y[i*n:(i+1)*n], i*strides[0]
		for j := range row {
			row[j] = scaled(src[at], p.beta)
			at += strides[1]
		}
	}
	return out, m, n, k, nil
}

func runGemm[T float32 | float64](x *Call, p *gemmPlan, packed *kernel.PackedB[T]) error {
	out, m, n, k, err := gemmOut[T](x, p)
	if err != nil || m == 0 || n == 0 || k == 0 {
		return err
	}
	a, b, y := x.In[0], x.In[1], tensor.Data[T](out)
	lda, ldb := a.Shape[1], b.Shape[1]
	if p.b.use(m) {
		kernel.GemmPackedB(x.Parallel, p.transA, m, T(p.alpha), tensor.Data[T](a), lda, packed, 1, y, n)
		return nil
	}
	kernel.Gemm(x.Parallel, p.transA, p.transB, m, n, k, T(p.alpha), tensor.Data[T](a), lda, tensor.Data[T](b), ldb, 1, y, n)
	return nil
}

func runGemmInt[T int32 | int64 | uint32 | uint64](x *Call, p *gemmPlan) error {
	out, m, n, k, err := gemmOut[T](x, p)
	if err != nil || m == 0 || n == 0 || k == 0 {
		return err
	}
	sum, err := x.Temp(out.DType, m, n)
	if err != nil {
		return err
	}
	defer x.Env.Free(sum)
	a, b := tensor.Data[T](x.In[0]), tensor.Data[T](x.In[1])
	ai, ak := k, 1
	if p.transA {
		ai, ak = 1, m
	}
	bk, bj := n, 1
	if p.transB {
		bk, bj = 1, k
	}
	g := &matrices{m: m, k: k, n: n, aAt: []int{0}, release: func() {}}
	s, y := tensor.Data[T](sum), tensor.Data[T](out)
	integerProduct(x, g, s, func(_, i, q int) T { return a[i*ai+q*ak] }, func(_, q, j int) T { return b[q*bk+j*bj] })
	for i, v := range s {
		y[i] += scaled(v, p.alpha)
	}
	return nil
}

// scaled is v·f; exact where f is 1.
func scaled[T float32 | float64 | int32 | int64 | uint32 | uint64](v T, f float64) T {
	if f == 1 {
		return v
	}
	return T(f * float64(v))
}

// Gemm is alpha·A·B + beta·c for matrices a and b, transposed first where
// transA and transB say so, and c, which broadcasts to the result and may be
// Omit.
func Gemm(a, b, c *graph.Value, transA, transB bool, alpha, beta float64) *graph.Value {
	attrs := []*graph.Attr{graph.Float("alpha", float32(alpha)), graph.Float("beta", float32(beta))}
	if transA {
		attrs = append(attrs, graph.Int("transA", 1))
	}
	if transB {
		attrs = append(attrs, graph.Int("transB", 1))
	}
	return apply("Gemm", attrs, a, b, c)
}
