package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "Gather", Equation: "y[…,i,…] = x[…,indices[i],…] along axis",
			Flow:     flow.Flow{Pass: flow.Selected},
			Versions: []int64{1, 11, 13}, In: Arity{2, 2}, Out: Arity{1, 1},
			Infer: inferGather, Kernel: makeGather, Grad: gradGather, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "GatherElements", Equation: "y[i] = x[i with its coordinate on axis replaced by indices[i]]",
			Flow:     flow.Flow{Pass: flow.Selected},
			Versions: []int64{11, 13}, In: Arity{2, 2}, Out: Arity{1, 1},
			Infer: inferGatherElements, Kernel: makeGatherElements, Grad: gradGatherElements, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "GatherND", Equation: "y[b,i] = x[b, indices[b,i,0], indices[b,i,1], …]",
			Flow:     flow.Flow{Pass: flow.Selected},
			Versions: []int64{11, 12, 13}, In: Arity{2, 2}, Out: Arity{1, 1},
			Infer: inferGatherND, Kernel: makeGatherND, Grad: gradGatherND, Check: Check{Lo: -1, Hi: 1},
		},
	)
}

func inferGather(c *Infer) error {
	x, idx := c.Input(0), c.Input(1)
	if x.Shape == nil || idx.Shape == nil {
		c.Set(0, x.DType, nil)
		return nil
	}
	axis, err := Axis(c.Node.Int("axis", 0), len(x.Shape))
	if err != nil {
		return c.InputError(0, "%v", err)
	}
	shape := x.Shape[:axis].Clone()
	shape = append(shape, idx.Shape...)
	shape = append(shape, x.Shape[axis+1:]...)
	c.Set(0, x.DType, shape)
	if at, ok := idx.Ints(); ok && len(x.Shape) == 1 && x.Elems() != nil {
		out := make([]symbol.Num, len(at))
		for i, k := range at {
			if k < 0 {
				k += int64(len(x.Elems()))
			}
			if k < 0 || k >= int64(len(x.Elems())) {
				return c.InputError(1, "index %d is outside of the %d elements", at[i], len(x.Elems()))
			}
			out[i] = x.Elems()[k]
		}
		c.SetElems(0, out)
	}
	return nil
}

func makeGather(s *Spec) (Kernel, error) {
	axis := s.Int("axis", 0)
	return func(x *Call) error { return runGather(x, axis) }, nil
}

func runGather(x *Call, axis int64) error {
	in, idx := x.In[0], x.In[1]
	at, err := Axis(axis, in.Rank())
	if err != nil {
		return x.InputError(0, "%v", err)
	}
	index, err := int64s(x, 1)
	if err != nil {
		return err
	}
	shape := append(append(append([]int{}, in.Shape[:at]...), idx.Shape...), in.Shape[at+1:]...)
	out, err := x.New(0, in.DType, shape...)
	if err != nil {
		return err
	}
	outer, n, inner := tensor.Elements(in.Shape[:at]), in.Shape[at], tensor.Elements(in.Shape[at+1:])
	p := x.Parallel
	mover{
		func(d, s []uint8) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
		func(d, s []uint16) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
		func(d, s []uint32) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
		func(d, s []uint64) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
		func(d, s []complex128) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
		func(d, s []string) { err = kernel.Gather(p, d, s, outer, n, inner, index) },
	}.run(out, in)
	return indexError(x, 1, err)
}

// indexError is err, with input i named; nil for no error.
func indexError(x *Call, i int, err error) error {
	if err == nil {
		return nil
	}
	return x.InputError(i, "%v", err)
}

func inferGatherElements(c *Infer) error {
	x, idx := c.Input(0), c.Input(1)
	if x.Shape != nil && idx.Shape != nil && len(x.Shape) != len(idx.Shape) {
		return c.InputError(1, "rank %d, want %d as input 0 has", len(idx.Shape), len(x.Shape))
	}
	c.Set(0, x.DType, idx.Shape)
	return nil
}

func makeGatherElements(s *Spec) (Kernel, error) {
	axis := s.Int("axis", 0)
	return func(x *Call) error {
		in, idx := x.In[0], x.In[1]
		at, err := elementsAxis(x, axis, idx.Shape, 1)
		if err != nil {
			return err
		}
		index, err := int64s(x, 1)
		if err != nil {
			return err
		}
		out, err := x.New(0, in.DType, idx.Shape...)
		if err != nil || out.Len() == 0 {
			return err
		}
		shape := in.Shape
		mover{
			func(d, s []uint8) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
			func(d, s []uint16) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
			func(d, s []uint32) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
			func(d, s []uint64) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
			func(d, s []complex128) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
			func(d, s []string) { err = kernel.GatherElements(d, s, shape, at, index, idx.Shape) },
		}.run(out, in)
		return indexError(x, 1, err)
	}, nil
}

// elementsAxis checks that indices of shape index, input i, fit into input 0
// on all axes but axis.
func elementsAxis(x *Call, axis int64, index []int, i int) (int, error) {
	in := x.In[0]
	at, err := Axis(axis, in.Rank())
	if err != nil {
		return 0, x.InputError(0, "%v", err)
	}
	ok := len(index) == in.Rank()
	for d := range index {
		ok = ok && (d == at || index[d] <= in.Shape[d])
	}
	if !ok {
		return 0, x.InputError(i, "shape %v does not fit into %v beside axis %d", index, in.Shape, at)
	}
	return at, nil
}

// tuples is the geometry of indices whose last axis holds tuples: input 0 is
// (batch…, limits…, inner…), input 1 (batch…, n…, depth).
type tuples struct {
	batch, n, inner int
	limits          []int
	out             []int // batch…, n…, inner…
}

func tuplesOf(x *Call, batchDims int64) (*tuples, error) {
	in, idx := x.In[0].Shape, x.In[1].Shape
	if len(idx) == 0 || len(in) == 0 {
		return nil, x.InputError(1, "rank %d for data of rank %d, want at least 1 each", len(idx), len(in))
	}
	if batchDims < 0 || batchDims >= int64(min(len(idx), len(in))) {
		return nil, attrError("batch_dims", batchDims, "less than both ranks")
	}
	b, depth := int(batchDims), idx[len(idx)-1]
	if depth < 1 || b+depth > len(in) {
		return nil, x.InputError(1, "tuples of %d for %d axes", depth, len(in)-b)
	}
	for d := range b {
		if in[d] != idx[d] {
			return nil, x.InputError(1, "shape %v, want batch axes as in %v", idx, in)
		}
	}
	t := &tuples{
		batch: tensor.Elements(idx[:b]), n: tensor.Elements(idx[b : len(idx)-1]), inner: tensor.Elements(in[b+depth:]), limits: in[b : b+depth],
		out: append(append([]int{}, idx[:len(idx)-1]...), in[b+depth:]...),
	}
	return t, nil
}

func inferGatherND(c *Infer) error {
	x, idx := c.Input(0), c.Input(1)
	shape, err := tupleShape(c, x.Shape, idx.Shape, c.Node.Int("batch_dims", 0))
	c.Set(0, x.DType, shape)
	return err
}

// tupleShape is the shape of what index tuples pick.
func tupleShape(c *Infer, in, idx graph.Shape, batchDims int64) (graph.Shape, error) {
	if in == nil || len(idx) == 0 || !idx[len(idx)-1].IsKnown() {
		return nil, nil
	}
	if batchDims < 0 || batchDims >= int64(len(idx)) {
		return nil, attrError("batch_dims", batchDims, "less than both ranks")
	}
	from := batchDims + idx[len(idx)-1].Value
	if from > int64(len(in)) {
		return nil, c.InputError(1, "tuples of %v for data of rank %d", idx[len(idx)-1], len(in))
	}
	return append(idx[:len(idx)-1].Clone(), in[from:]...), nil
}

func makeGatherND(s *Spec) (Kernel, error) {
	batchDims := s.Int("batch_dims", 0)
	return func(x *Call) error { return runGatherND(x, batchDims) }, nil
}

func runGatherND(x *Call, batchDims int64) error {
	in := x.In[0]
	g, err := tuplesOf(x, batchDims)
	if err != nil {
		return err
	}
	index, err := int64s(x, 1)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, g.out...)
	if err != nil {
		return err
	}
	p := x.Parallel
	mover{
		func(d, s []uint8) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
		func(d, s []uint16) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
		func(d, s []uint32) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
		func(d, s []uint64) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
		func(d, s []complex128) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
		func(d, s []string) { err = kernel.GatherND(p, d, s, g.batch, g.limits, g.inner, index, g.n) },
	}.run(out, in)
	return indexError(x, 1, err)
}

// Gather takes slices of x along axis: y[…,i,…] = x[…,indices[i],…].
func Gather(x, indices *graph.Value, axis int) *graph.Value {
	return apply("Gather", []*graph.Attr{graph.Int("axis", int64(axis))}, x, indices)
}

// GatherElements takes one element of x for each index along axis; indices
// has the rank of x.
func GatherElements(x, indices *graph.Value, axis int) *graph.Value {
	return apply("GatherElements", []*graph.Attr{graph.Int("axis", int64(axis))}, x, indices)
}

// GatherND takes the slices of x that the tuples in the last axis of indices
// name.
func GatherND(x, indices *graph.Value) *graph.Value { return apply("GatherND", nil, x, indices) }
