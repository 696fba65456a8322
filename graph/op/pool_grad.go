package op

import (
	"fmt"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// gradMaxPool puts dy where the maxima were: at the indices that a second run
// of the pool gives, which count over the whole input.
func gradMaxPool(c *Grad) error {
	if err := c.only(); err != nil {
		return err
	}
	x, g := c.In(0), c.In(0).Graph()
	s, err := poolSlide(c.Node)
	if err != nil {
		return err
	}
	reduction := ""
	for i, k := range s.kernel {
		if s.stride[i] < k || s.dilation[i] != 1 {
			reduction = "add"
		}
	}
	if opset := g.Opset(""); opset < 11 || opset < 16 && reduction != "" {
		return fmt.Errorf("opset %d is too old: the gradient of overlapping windows needs a scatter that adds (16; 11 without overlap)", opset)
	}
	var attrs []*graph.Attr
	for _, a := range c.Node.Attrs {
		if a.Name != "storage_order" {
			attrs = append(attrs, a)
		}
	}
	indices := Apply("MaxPool", 2, attrs, x)[1]
	flat := ScatterElements(Reshape(zerosLike(x), -1), Reshape(indices, -1), Reshape(c.Dy[0], -1), 0, reduction)
	c.Set(0, ReshapeTo(flat, shapeOf(x)))
	return nil
}

// gradUnpool takes dy back from the places that the indices name.
func gradUnpool(c *Grad) error {
	if c.Needs(2) || c.In(2) != nil {
		return fmt.Errorf("MaxUnpool with an output_shape has no gradient rule: its indices refer to another shape")
	}
	dx := Gather(Reshape(c.Dy[0], -1), Reshape(c.In(1), -1), 0)
	c.Set(0, ReshapeTo(dx, shapeOf(c.In(0))))
	return nil
}

// planes is v [N, C, …] as [N·C, 1, …].
func planes(v *graph.Value) *graph.Value {
	if v == nil {
		return nil
	}
	rank := len(v.Shape())
	g := v.Graph()
	return ReshapeTo(v, apply("Concat", []*graph.Attr{graph.Int("axis", 0)}, int64Const(g, -1, 1), dims(v, 2, rank)))
}

// unpool adds each element of dy to all places of x that its window covers.
func unpool(s *slide, dy, x *graph.Value) *graph.Value {
	if dy == nil || x == nil {
		return nil
	}
	a := &adjointConv{slide: s, group: 1}
	for i := range s.kernel {
		size := s.extent(i)
		if d := x.Shape()[2+i]; d.IsKnown() {
			size = int(d.Value)
		} else if s.same() && s.stride[i] != 1 {
			x.Graph().Fail(fmt.Errorf("spatial axis %d: the gradient of padding %s needs its size, which is not known", i, s.auto))
			return nil
		}
		b, e := s.padding(i, size)
		a.begin, a.end = append(a.begin, b), append(a.end, e)
	}
	ones, err := onesTensor(x.Type.DType, append([]int{1, 1}, s.kernel...))
	if err != nil {
		x.Graph().Fail(err)
		return nil
	}
	w := Const(x.Graph(), "const", ones)
	return ReshapeTo(a.input(planes(dy), w, planes(x)), shapeOf(x))
}

// onesTensor is ones of a float type.
func onesTensor(d tensor.DType, shape []int) (*tensor.Tensor, error) {
	t, err := tensor.Make(d, shape...)
	if err != nil {
		return nil, err
	}
	one, err := ScalarTensor(d, 1)
	if err != nil {
		return nil, err
	}
	mover{
		func(d, s []uint8) { fillWith(d, s) }, func(d, s []uint16) { fillWith(d, s) },
		func(d, s []uint32) { fillWith(d, s) }, func(d, s []uint64) { fillWith(d, s) },
		func(d, s []complex128) { fillWith(d, s) }, func(d, s []string) { fillWith(d, s) },
	}.run(t, one)
	return t, nil
}

func fillWith[T any](dst, one []T) {
	for i := range dst {
		dst[i] = one[0]
	}
}

// gradAveragePool spreads each dy, divided by the number of places that its
// mean was taken over.
func gradAveragePool(c *Grad) error {
	if _, err := c.rank(0); err != nil {
		return err
	}
	s, err := poolSlide(c.Node)
	if err != nil {
		return err
	}
	x, dy := c.In(0), c.Dy[0]
	padded := c.Node.Int("count_include_pad", 0) != 0
	if s.ceil && padded {
		return fmt.Errorf("no gradient rule for ceil_mode with count_include_pad: the number of elements in the last windows is not known")
	}
	n := 1
	plain := true
	for i, k := range s.kernel {
		n *= k
		plain = plain && !s.ceil && !s.same() && (s.auto == "VALID" || s.pads[i] == 0 && s.pads[len(s.kernel)+i] == 0)
	}
	if plain || padded {
		c.Set(0, unpool(s, Div(dy, Like(dy, float64(n))), x))
		return nil
	}
	// The places inside the input, counted by the sums that a pool with padding
	// makes of ones.
	whole := *s
	ones := Add(planes(zerosLike(x)), Like(x, 1))
	w, err := onesTensor(x.Type.DType, append([]int{1, 1}, s.kernel...))
	if err != nil {
		return err
	}
	a := &adjointConv{slide: &whole, group: 1}
	for i := range s.kernel {
		d := x.Shape()[2+i]
		if !d.IsKnown() && (s.same() && s.stride[i] != 1 || s.ceil) {
			return InputError(c.Node, 0, "spatial axis %d: its size is not known, which the gradient of this padding needs", i)
		}
		size := s.extent(i)
		if d.IsKnown() {
			size = int(d.Value)
		}
		b, e := s.padding(i, size)
		if s.ceil { // pads that make the last window fit
			o, err := s.out(i, size)
			if err != nil {
				return err
			}
			e = max(e, (o-1)*s.stride[i]+s.extent(i)-size-b)
		}
		a.begin, a.end = append(a.begin, b), append(a.end, e)
	}
	places := Conv(ones, Const(x.Graph(), "const", w), Omit, a.attrs(s.stride, s.dilation, a.begin, a.end)...)
	c.Set(0, unpool(s, Div(dy, ReshapeTo(places, shapeOf(dy))), x))
	return nil
}

// gradLpPool: dx = sign(x)·|x|^(p−1) · unpool(dy · y^(1−p)).
func gradLpPool(c *Grad) error {
	if _, err := c.rank(0); err != nil {
		return err
	}
	p, err := normOrder(c.Node)
	if err != nil {
		return err
	}
	x, y, dy := c.In(0), c.Out(0), c.Dy[0]
	// Where y is 0, so is every x under it, and with them the result.
	part := Mul(dy, Pow(Max(y, Like(y, 1e-30)), Like(y, 1-p)))
	if c.Node.Op == "LpPool" {
		s, err := poolSlide(c.Node)
		if err != nil {
			return err
		}
		part = unpool(s, part, x)
	}
	if p == 2 {
		c.Set(0, Mul(x, part))
		return nil
	}
	c.Set(0, Mul(Mul(signOf(x), Pow(Abs(x), Like(x, p-1))), part))
	return nil
}

// gradGlobalAveragePool spreads dy over all positions, divided by their number.
func gradGlobalAveragePool(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	x := c.In(0)
	c.Set(0, Expand(Div(c.Dy[0], count(x, axesFrom(2, rank))), shapeOf(x)))
	return nil
}

// gradGlobalMaxPool gives dy to the places that have the maximum, in equal
// parts.
func gradGlobalMaxPool(c *Grad) error {
	rank, err := c.rank(0)
	if err != nil {
		return err
	}
	x := c.In(0)
	at := Cast(Equal(x, c.Out(0)), x.Type.DType)
	c.Set(0, Mul(at, Div(c.Dy[0], ReduceSum(at, axesFrom(2, rank), true))))
	return nil
}
