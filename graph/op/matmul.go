package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "MatMul", Equation: "z[…,i,j] = Σ_k x[…,i,k] · y[…,k,j]",
		Flow:     flow.Flow{Pass: flow.Contracted, Channels: flow.Product},
		Versions: []int64{1, 9, 13}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
		Infer: inferMatMul, Work: matrixWork(0), Kernel: makeMatMul, Grad: gradMatMul, Check: Check{Lo: -1, Hi: 1},
	})
}

func inferMatMul(c *Infer) error {
	shape, err := matMulShape(c.Input(0).Shape, c.Input(1).Shape)
	if err != nil {
		return err
	}
	c.Set(0, c.Input(0).DType, shape)
	return nil
}

// matMulShape is the shape of the product of operands of shapes a and b, by
// NumPy's rules: a vector is a row on the left and a column on the right, and
// that axis is dropped from the result.
func matMulShape(a, b graph.Shape) (graph.Shape, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("shapes %v and %v: scalars have no matrix product", a, b)
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = graph.Shape{graph.Known(1), a[0]}
	}
	if column {
		b = graph.Shape{b[0], graph.Known(1)}
	}
	ra, rb := len(a), len(b)
	if k, l := a[ra-1], b[rb-2]; k.IsKnown() && l.IsKnown() && k.Value != l.Value {
		return nil, fmt.Errorf("shapes %v and %v: inner sizes %v and %v differ", a, b, k, l)
	}
	out, err := Broadcast(a[:ra-2], b[:rb-2])
	if err != nil {
		return nil, err
	}
	out = out.Clone()
	if !row {
		out = append(out, a[ra-2])
	}
	if !column {
		out = append(out, b[rb-1])
	}
	return out, nil
}

// matrices is the geometry of a batched product [m,k] × [k,n].
type matrices struct {
	m, k, n    int
	shape      []int  // of the result
	aAt, bAt   []int  // where each product's operands begin
	sameMatrix bool   // every product has the same right operand
	release    func() // of the memory of aAt and bAt, when the products are done
}

func matricesOf(x *Call) (*matrices, error) {
	a, b := x.In[0].Shape, x.In[1].Shape
	shape, err := matMulShape(graph.Static(a...), graph.Static(b...))
	if err != nil {
		return nil, err
	}
	g := &matrices{m: 1, k: a[len(a)-1], n: 1, shape: shape.Ints(), release: func() {}}
	batch := len(shape)
	if len(a) > 1 {
		g.m = a[len(a)-2]
		a = a[:len(a)-2]
		batch--
	} else {
		a = nil
	}
	if len(b) > 1 {
		g.n = b[len(b)-1]
		b = b[:len(b)-2]
		batch--
	} else {
		b = nil
	}
	outer := g.shape[:batch]
	count, err := tensor.Count(outer)
	if err != nil || tensor.Elements(g.shape) == 0 {
		return g, err
	}
	if g.release, err = x.Hold(tensor.Int64, 2*count); err != nil {
		return nil, err
	}
	g.sameMatrix = tensor.Elements(b) == 1
	g.aAt = batchOffsets(outer, a, g.m*g.k, count)
	g.bAt = batchOffsets(outer, b, g.k*g.n, count)
	return g, nil
}

// batchOffsets is where the matrices of an operand with batch shape in begin,
// for each of the count products of batch shape out.
func batchOffsets(out, in []int, size, count int) []int {
	strides, _ := kernel.BroadcastStrides(out, in)
	at := make([]int, count)
	index := make([]int, len(out))
	offset := 0
	for i := range at {
		at[i] = offset * size
		for d := len(out) - 1; d >= 0; d-- {
			index[d]++
			offset += strides[d]
			if index[d] < out[d] {
				break
			}
			offset -= strides[d] * out[d]
			index[d] = 0
		}
	}
	return at
}

func makeMatMul(s *Spec) (Kernel, error) {
	rows := -1
	if in := s.shape(0); in != nil && in.IsStatic() {
		rows = 1
		for i := range len(in) - 1 {
			rows *= sizeOf(in[i])
		}
	}
	b := packB(s, false, rows)
	return func(x *Call) error {
		if err := sameType(x, 1); err != nil {
			return err
		}
		switch x.In[0].DType {
		case tensor.Float32:
			return matMul(x, &b, b.f32)
		case tensor.Float64:
			return matMul(x, &b, b.f64)
		case tensor.Int32:
			return matMulInt[int32](x)
		case tensor.Int64:
			return matMulInt[int64](x)
		case tensor.Uint32:
			return matMulInt[uint32](x)
		case tensor.Uint64:
			return matMulInt[uint64](x)
		}
		return x.InputError(0, "%v, want numbers of 16 bits or more", x.In[0])
	}, nil
}

// packedB is a constant matrix as a right operand in the order in which the loops
// read it.
type packedB struct {
	f32 *kernel.PackedB[float32]
	f64 *kernel.PackedB[float64]
	// only says that the elements of the matrix itself are not there.
	only bool
}

// packB packs input 1, if it is constant, for left operands of so many rows; −1
// if that is not known. A single row is as fast with the matrix as it is.
func packB(s *Spec, trans bool, rows int) (b packedB) {
	w := s.Const[1]
	if w == nil || w.Rank() != 2 || w.Len() == 0 || rows == 0 || rows == 1 {
		return b
	}
	k, n := w.Shape[0], w.Shape[1]
	if trans {
		k, n = n, k
	}
	switch w.DType {
	case tensor.Float32:
		b.f32 = packMatrix[float32](s, trans, k, n, w)
	case tensor.Float64:
		b.f64 = packMatrix[float64](s, trans, k, n, w)
	default:
		return b
	}
	if b.only = rows > 1; b.only {
		s.take(1)
	}
	return b
}

// matrixWeight is the key of a packed matrix.
type matrixWeight struct {
	weight *graph.Value
	trans  bool
}

func packMatrix[T float32 | float64](s *Spec, trans bool, k, n int, w *tensor.Tensor) *kernel.PackedB[T] {
	return share(s, matrixWeight{s.Node.Inputs[1], trans}, func() *kernel.PackedB[T] {
		return kernel.PackB(trans, k, n, tensor.Data[T](w), w.Shape[1])
	})
}

// use reports whether a product of m rows reads the packed matrix.
func (b *packedB) use(m int) bool {
	return (b.f32 != nil || b.f64 != nil) && (m > 1 || b.only)
}

// sizeOf is a dimension's size; −1 if it is not known.
func sizeOf(d graph.Dim) int {
	if d.IsKnown() {
		return int(d.Value)
	}
	return -1
}

func matMul[T float32 | float64](x *Call, b *packedB, packed *kernel.PackedB[T]) error {
	g, err := matricesOf(x)
	if err != nil {
		return err
	}
	defer g.release()
	out, err := x.New(0, x.In[0].DType, g.shape...)
	if err != nil || len(g.aAt) == 0 {
		return err
	}
	a, c := tensor.Data[T](x.In[0]), tensor.Data[T](out)
	if g.sameMatrix && len(g.aAt)*g.m*g.k == len(a) {
		g.m *= len(g.aAt) // the rows of all products lie one behind the other
		g.aAt, g.bAt = g.aAt[:1], g.bAt[:1]
	}
	if b.use(g.m) && len(g.aAt) == 1 {
		kernel.GemmPackedB(x.Parallel, false, g.m, 1, a, g.k, packed, 0, c, g.n)
		return nil
	}
	kernel.GemmBatch(x.Parallel, false, false, g.m, g.n, g.k, 1, a, g.k, g.aAt, tensor.Data[T](x.In[1]), g.n, g.bAt, 0, c, g.n, g.m*g.n)
	return nil
}

func matMulInt[T int32 | int64 | uint32 | uint64](x *Call) error {
	g, err := matricesOf(x)
	if err != nil {
		return err
	}
	defer g.release()
	out, err := x.New(0, x.In[0].DType, g.shape...)
	if err != nil || len(g.aAt) == 0 {
		return err
	}
	a, b := tensor.Data[T](x.In[0]), tensor.Data[T](x.In[1])
	integerProduct(x, g, tensor.Data[T](out), func(t, i, k int) T { return a[g.aAt[t]+i*g.k+k] }, func(t, k, j int) T { return b[g.bAt[t]+k*g.n+j] })
	return nil
}

// integerProduct is the batched product of operands that a and b read.
func integerProduct[T int32 | int64 | uint32 | uint64](x *Call, g *matrices, out []T, a func(t, i, k int) T, b func(t, k, j int) T) {
	x.Parallel(len(g.aAt)*g.m, max(1, 1<<14/max(1, g.k*g.n)), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := out[r*g.n : (r+1)*g.n]
			clear(row)
			t, i := r/g.m, r%g.m
			for k := range g.k {
				v := a(t, i, k)
				for j := range row {
					row[j] += v * b(t, k, j)
				}
			}
		}
	})
}

// MatMul is the matrix product of x […, m, k] and y […, k, n], with the axes
// before broadcast.
func MatMul(x, y *graph.Value) *graph.Value { return apply("MatMul", nil, x, y) }
