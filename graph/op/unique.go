package op

import (
	"cmp"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/op/symbol"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "Unique", Equation: "y = the different elements of x, or slices along an axis; where each is first, which each x is, and how often",
		Flow:     flow.Flow{Pass: flow.Conditioned},
		Versions: []int64{11}, In: Arity{1, 1}, Out: Arity{1, 4}, Infer: inferUnique, Kernel: makeUnique,
		NoGrad: "an element of the output stands for all equal ones of the input, and the least change of one of them changes the shape of the output",
	})
}

func inferUnique(c *Infer) error {
	x := c.Input(0)
	s := unknownShape(1)
	inverse := graph.Unknown()
	if c.Node.Attr("axis") != nil {
		if s = x.Shape.Clone(); s != nil {
			k, err := Axis(c.Node.Int("axis", 0), len(s))
			if err != nil {
				return err
			}
			inverse = s[k]
			s[k] = graph.Unknown()
		}
	} else if x.Shape != nil {
		inverse = symbol.Product(nums(x.Shape)).Dim()
	}
	c.Set(0, x.DType, s)
	c.Set(1, tensor.Int64, unknownShape(1))
	c.Set(2, tensor.Int64, graph.Shape{inverse})
	c.Set(3, tensor.Int64, unknownShape(1))
	return nil
}

func makeUnique(s *Spec) (Kernel, error) {
	axis, along, sorted := s.Int("axis", 0), s.Has("axis"), s.Int("sorted", 1) != 0
	return func(x *Call) error {
		in, at := x.In[0], axis
		if !along {
			flat, err := in.Reshape(in.Len())
			if err != nil {
				return err
			}
			in, at = flat, 0
		}
		k, err := Axis(at, in.Rank())
		if err != nil {
			return err
		}
		release, err := x.Hold(tensor.Int64, groupWords*in.Shape[k])
		if err != nil {
			return err
		}
		defer release()
		g, err := groupSlices(x, in, k, sorted)
		if err != nil {
			return err
		}
		if err := take(x, 0, in, k, g.first); err != nil {
			return err
		}
		for i, v := range [][]int64{g.first, g.which, g.count} {
			if !x.Wants(i + 1) {
				continue
			}
			t, err := x.New(i+1, tensor.Int64, len(v))
			if err != nil {
				return err
			}
			copy(tensor.Data[int64](t), v)
		}
		return nil
	}, nil
}

// groupWords is how many words groupSlices takes for each slice where all differ: their
// order, the lists of groups, and these lists before they grew or were put in order.
const groupWords = 10

// groups are the classes of equal slices: where each is first, which one each
// slice belongs to, and how many slices it has.
type groups struct{ first, which, count []int64 }

// groupSlices groups the slices of t along axis.
func groupSlices(x *Call, t *tensor.Tensor, axis int, sorted bool) (*groups, error) {
	wide, err := widened(x, t)
	if err != nil {
		return nil, err
	}
	defer dropTemp(x, wide, t)
	switch wide.DType {
	case tensor.Float32:
		return groupBy(x, tensor.Data[float32](wide), t.Shape, axis, sorted), nil
	case tensor.Float64:
		return groupBy(x, tensor.Data[float64](wide), t.Shape, axis, sorted), nil
	case tensor.Int8:
		return groupBy(x, tensor.Data[int8](wide), t.Shape, axis, sorted), nil
	case tensor.Int16:
		return groupBy(x, tensor.Data[int16](wide), t.Shape, axis, sorted), nil
	case tensor.Int32:
		return groupBy(x, tensor.Data[int32](wide), t.Shape, axis, sorted), nil
	case tensor.Int64:
		return groupBy(x, tensor.Data[int64](wide), t.Shape, axis, sorted), nil
	case tensor.Uint8, tensor.Bool:
		return groupBy(x, raw[uint8](wide), t.Shape, axis, sorted), nil
	case tensor.Uint16:
		return groupBy(x, tensor.Data[uint16](wide), t.Shape, axis, sorted), nil
	case tensor.Uint32:
		return groupBy(x, tensor.Data[uint32](wide), t.Shape, axis, sorted), nil
	case tensor.Uint64:
		return groupBy(x, tensor.Data[uint64](wide), t.Shape, axis, sorted), nil
	case tensor.String:
		return groupBy(x, tensor.Data[string](wide), t.Shape, axis, sorted), nil
	}
	return nil, x.InputError(0, "%v has no order", t)
}

func groupBy[T cmp.Ordered](x *Call, data []T, shape []int, axis int, sorted bool) *groups {
	outer, n, inner := dimsAround(shape, axis)
	compare := func(a, b int) int {
		for o := range outer {
			p, q := data[(o*n+a)*inner:][:inner], data[(o*n+b)*inner:][:inner]
			if c := slices.Compare(p, q); c != 0 {
				return c
			}
		}
		return 0
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if len(data) > 0 {
		slices.SortStableFunc(order, kernel.OrderWith(x.Stopped, compare))
	}
	if x.Stopped() {
		return &groups{}
	}
	g := &groups{which: make([]int64, n)}
	for k, i := range order {
		if k == 0 || len(data) > 0 && compare(order[k-1], i) != 0 {
			g.first = append(g.first, int64(i))
			g.count = append(g.count, 0)
		}
		g.which[i] = int64(len(g.first) - 1)
		g.count[len(g.count)-1]++
	}
	if !sorted {
		g.byFirst()
	}
	return g
}

// byFirst puts the groups in the order in which they appear.
func (g *groups) byFirst() {
	order := make([]int, len(g.first))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(g.first[a], g.first[b]) })
	first, count, place := make([]int64, len(order)), make([]int64, len(order)), make([]int64, len(order))
	for k, i := range order {
		first[k], count[k], place[i] = g.first[i], g.count[i], int64(k)
	}
	for i, w := range g.which {
		g.which[i] = place[w]
	}
	g.first, g.count = first, count
}
