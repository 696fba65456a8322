package op

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{Name: "OneHot", Equation: "y = values[1] at the place along a new axis that the index names, values[0] elsewhere", Versions: []int64{9, 11},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{3, 3}, Out: Arity{1, 1}, Infer: inferOneHot,
			Kernel: func(s *Spec) (Kernel, error) {
				axis := s.Int("axis", -1)
				return func(x *Call) error { return oneHot(x, axis) }, nil
			},
			Grad: func(c *Grad) error {
				if !c.Needs(2) {
					return nil
				}
				dy := c.Dy[0]
				t := Const(dy.Graph(), "values", tensor.Vector[float32](0, 1))
				hot := apply("OneHot", c.Node.Attrs, c.In(0), c.In(1), Cast(t, dy.Type.DType))
				on := Reshape(ReduceSum(Mul(dy, hot), nil, false), 1)
				all := Reshape(ReduceSum(dy, nil, false), 1)
				c.Set(2, Concat(0, Sub(all, on), on))
				return nil
			},
			Check: Check{Lo: -2, Hi: 2}},
		&Op{Name: "EyeLike", Equation: "y = 1 on the k-th diagonal of a matrix of the shape of x, 0 elsewhere", Versions: []int64{9, 22},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1},
			Infer: func(c *Infer) error {
				d := tensor.DType(c.Node.Int("dtype", int64(c.Input(0).DType)))
				c.Set(0, d, c.Input(0).Shape)
				return nil
			},
			Kernel: makeEyeLike, NoGrad: "its result depends on the shape of x alone"},
	)
}

func inferOneHot(c *Infer) error {
	s := c.Input(0).Shape
	if s == nil {
		c.Set(0, c.Input(2).DType, nil)
		return nil
	}
	k, err := Axis(c.Node.Int("axis", -1), len(s)+1)
	if err != nil {
		return err
	}
	depth := numAt(c.Input(1).elems(), 0)
	c.Set(0, c.Input(2).DType, slices.Insert(s.Clone(), k, depth.Dim()))
	return nil
}

func oneHot(x *Call, axis int64) error {
	values := x.In[2]
	if values.Len() != 2 || values.Rank() != 1 {
		return x.InputError(2, "%v, want two elements", values)
	}
	k, err := Axis(axis, x.In[0].Rank()+1)
	if err != nil {
		return err
	}
	d, err := convert(x, x.In[1], tensor.Int64, rounding{})
	if err != nil || d.Len() != 1 {
		return x.InputError(1, "%v, want one number", x.In[1])
	}
	depth := tensor.Data[int64](d)[0]
	dropTemp(x, d, x.In[1])
	if depth < 0 || depth > tensor.MaxElems {
		return x.InputError(1, "depth %d", depth)
	}
	index, err := convert(x, x.In[0], tensor.Int64, rounding{})
	if err != nil {
		return x.InputError(0, "%v", err)
	}
	defer dropTemp(x, index, x.In[0])
	shape := slices.Insert(append([]int{}, x.In[0].Shape...), k, int(depth))
	out, err := x.New(0, values.DType, shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	_, _, inner := dimsAround(shape, k)
	at := tensor.Data[int64](index)
	n := int(depth)
	mover{
		func(d, v []uint8) { setHot(x, d, v, at, n, inner) },
		func(d, v []uint16) { setHot(x, d, v, at, n, inner) },
		func(d, v []uint32) { setHot(x, d, v, at, n, inner) },
		func(d, v []uint64) { setHot(x, d, v, at, n, inner) },
		func(d, v []complex128) { setHot(x, d, v, at, n, inner) },
		func(d, v []string) { setHot(x, d, v, at, n, inner) },
	}.run(out, values)
	return nil
}

// setHot fills dst, of shape (outer, depth, inner), for indices at of shape
// (outer, inner); an index outside [-depth, depth-1] names no place.
func setHot[E any](x *Call, dst, values []E, at []int64, depth, inner int) {
	x.Parallel(len(at)/inner, 1+4096/(depth*inner), func(lo, hi int) {
		for o := lo; o < hi; o++ {
			block := dst[o*depth*inner : (o+1)*depth*inner]
			for i := range block {
				block[i] = values[0]
			}
			for i, k := range at[o*inner : (o+1)*inner] {
				if k < 0 {
					k += int64(depth)
				}
				if k >= 0 && k < int64(depth) {
					block[int(k)*inner+i] = values[1]
				}
			}
		}
	})
}

func makeEyeLike(s *Spec) (Kernel, error) {
	k := s.Int("k", 0)
	return func(x *Call) error {
		in := x.In[0]
		if in.Rank() != 2 {
			return x.InputError(0, "rank %d, want 2", in.Rank())
		}
		d := in.DType
		if s.Has("dtype") {
			d = s.DType(tensor.DType(s.Int("dtype", 0)))
		}
		one, err := convert(x, tensor.Scalar[float32](1), d, rounding{saturate: true})
		if err != nil {
			return err
		}
		rows, cols := in.Shape[0], in.Shape[1]
		out, err := x.New(0, d, rows, cols)
		if err != nil {
			return err
		}
		clearAll(out)
		row, col := max(0, -k), max(0, k)
		if k < -int64(rows) || k > int64(cols) {
			return nil
		}
		n := max(0, min(rows-int(row), cols-int(col)))
		copyStrided(x, []int{n}, out, int(row)*cols+int(col), []int{cols + 1}, one, 0, []int{0})
		return nil
	}, nil
}

// OneHot is values[1] at the place along a new axis that the index names, and
// values[0] elsewhere. depth is a scalar (int64), values has two elements.
func OneHot(indices, depth, values *graph.Value, axis int64) *graph.Value {
	return apply("OneHot", []*graph.Attr{graph.Int("axis", axis)}, indices, depth, values)
}
