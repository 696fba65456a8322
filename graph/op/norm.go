package op

import (
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "InstanceNormalization", Equation: "y[n,c] = (x[n,c] − μ[n,c]) / √(σ²[n,c] + epsilon) · scale[c] + b[c]",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{1, 6, 22}, In: Arity{3, 3}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeInstanceNorm, Grad: gradInstanceNorm, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "GroupNormalization", Equation: "y = (x − μ[n,g]) / √(σ²[n,g] + epsilon) · scale + bias, by channel since 21, by group before",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{18, 21}, Upgrades: Upgrades{21: upgradeGroupNorm}, In: Arity{3, 3}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeGroupNorm, Grad: gradGroupNorm, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "LayerNormalization", Equation: "y = (x − μ) / √(σ² + epsilon) · scale + b, statistics over the axes from axis on",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{17}, In: Arity{2, 3}, Out: Arity{1, 3}, Half: true,
			Infer: inferLayerNorm, Kernel: makeLayerNorm, Grad: gradLayerNorm, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "RMSNormalization", Equation: "y = x / √(mean(x²) + epsilon) · scale, over the axes from axis on",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{23}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeRMSNorm, Grad: gradLayerNorm, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "LpNormalization", Equation: "y = x / (Σ |x|^p)^(1/p) along axis",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{1, 22}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeLpNorm, Grad: gradLpNorm, Check: Check{Lo: 0.2, Hi: 1},
		},
		&Op{
			Name: "MeanVarianceNormalization", Equation: "y = (x − μ) / (σ + 1e-9), statistics over axes",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{9, 13}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeMeanVariance, Grad: gradMeanVariance, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "LRN", Equation: "y[n,c] = x[n,c] / (bias + alpha/size · Σ x[n,c']²)^beta over size channels c' around c",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Normalization},
			Versions: []int64{1, 13}, In: Arity{1, 1}, Out: Arity{1, 1}, Half: true,
			Infer: SameAsInput, Kernel: makeLRN, Grad: gradLRN, Check: Check{Lo: -1, Hi: 1},
		},
	)
}

// channelNorm is what normalizations by channels need of their input: its
// sizes, and parameters of its type.
func channelNorm(x *Call) (n, c, inner int, err error) {
	in := x.In[0]
	if in.Rank() < 2 {
		return 0, 0, 0, x.InputError(0, "rank %d, want at least 2", in.Rank())
	}
	if err := sameType(x, 1, 2); err != nil {
		return 0, 0, 0, err
	}
	return in.Shape[0], in.Shape[1], tensor.Elements(in.Shape[2:]), nil
}

func makeInstanceNorm(s *Spec) (Kernel, error) {
	epsilon := s.Float("epsilon", 1e-5)
	return byFloat(
		func(x *Call) error { return runInstanceNorm[float32](x, epsilon) },
		func(x *Call) error { return runInstanceNorm[float64](x, epsilon) }), nil
}

func runInstanceNorm[T float32 | float64](x *Call, epsilon float64) error {
	n, c, inner, err := channelNorm(x)
	if err != nil {
		return err
	}
	if err := vectorOf(x, c, 1, 2); err != nil {
		return err
	}
	out, err := x.New(0, x.In[0].DType, x.In[0].Shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	kernel.GroupNorm(x.Parallel, tensor.Data[T](out), tensor.Data[T](x.In[0]), n, c, inner, c,
		tensor.Data[T](x.In[1]), tensor.Data[T](x.In[2]), epsilon)
	return nil
}

func makeGroupNorm(s *Spec) (Kernel, error) {
	epsilon, groups := s.Float("epsilon", 1e-5), s.Int("num_groups", 0)
	if groups < 1 || groups > slideLimit {
		return nil, attrError("num_groups", groups, "1 to 2^20")
	}
	byGroup := s.Since < 21
	return byFloat(
		func(x *Call) error { return runGroupNorm[float32](x, epsilon, int(groups), byGroup) },
		func(x *Call) error { return runGroupNorm[float64](x, epsilon, int(groups), byGroup) }), nil
}

func runGroupNorm[T float32 | float64](x *Call, epsilon float64, groups int, byGroup bool) error {
	n, c, inner, err := channelNorm(x)
	if err != nil {
		return err
	}
	if c%groups != 0 {
		return x.InputError(0, "%d channels do not split into %d groups", c, groups)
	}
	want := c
	if byGroup {
		want = groups
	}
	if err := vectorOf(x, want, 1, 2); err != nil {
		return err
	}
	scale, bias := tensor.Data[T](x.In[1]), tensor.Data[T](x.In[2])
	if byGroup {
		scale, bias = repeatEach(scale, c/groups), repeatEach(bias, c/groups)
	}
	out, err := x.New(0, x.In[0].DType, x.In[0].Shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	kernel.GroupNorm(x.Parallel, tensor.Data[T](out), tensor.Data[T](x.In[0]), n, c, inner, groups, scale, bias, epsilon)
	return nil
}

// repeatEach is every element of s n times.
func repeatEach[T any](s []T, n int) []T {
	r := make([]T, 0, len(s)*n)
	for _, v := range s {
		for range n {
			r = append(r, v)
		}
	}
	return r
}

func inferLayerNorm(c *Infer) error {
	x := c.Input(0)
	c.Set(0, x.DType, x.Shape)
	if x.Shape == nil {
		return nil
	}
	axis, err := Axis(c.Node.Int("axis", -1), len(x.Shape))
	if err != nil {
		return err
	}
	stats := x.Shape.Clone()
	for i := axis; i < len(stats); i++ {
		stats[i] = graph.Known(1)
	}
	stash := x.DType
	if stash == tensor.Float16 || stash == tensor.BFloat16 {
		stash = tensor.DType(c.Node.Int("stash_type", int64(tensor.Float32)))
	}
	c.Set(1, stash, stats)
	c.Set(2, stash, stats)
	return nil
}

func makeLayerNorm(s *Spec) (Kernel, error) {
	epsilon, axis := s.Float("epsilon", 1e-5), s.Int("axis", -1)
	return byFloat(
		func(x *Call) error { return runLayerNorm[float32](x, epsilon, axis) },
		func(x *Call) error { return runLayerNorm[float64](x, epsilon, axis) }), nil
}

// rowsFrom splits the input's shape before axis into (outer, inner).
func rowsFrom(x *Call, axis int64) (at, outer, inner int, err error) {
	shape := x.In[0].Shape
	if at, err = Axis(axis, len(shape)); err != nil {
		return 0, 0, 0, x.InputError(0, "%v", err)
	}
	return at, tensor.Elements(shape[:at]), tensor.Elements(shape[at:]), nil
}

// rowParameter is input i broadcast to the normalized axes of input 0, as one
// row. It is an error if it varies along the other axes.
func rowParameter[T float32 | float64](x *Call, i int, row []int) ([]T, error) {
	t := x.Input(i)
	if t == nil {
		return nil, nil
	}
	shape := t.Shape
	for len(shape) > len(row) && shape[0] == 1 {
		shape = shape[1:]
	}
	strides, ok := kernel.BroadcastStrides(row, shape)
	if !ok {
		return nil, x.InputError(i, "shape %v does not broadcast to the normalized axes %v", t.Shape, row)
	}
	if tensor.Elements(shape) == tensor.Elements(row) {
		return tensor.Data[T](t), nil
	}
	dst := make([]T, tensor.Elements(row))
	kernel.CopyStrided(nil, row, dst, 0, tensor.Strides(row), tensor.Data[T](t), 0, strides)
	return dst, nil
}

func runLayerNorm[T float32 | float64](x *Call, epsilon float64, axis int64) error {
	if err := sameType(x, 1, 2); err != nil {
		return err
	}
	in := x.In[0]
	at, outer, n, err := rowsFrom(x, axis)
	if err != nil {
		return err
	}
	scale, err := rowParameter[T](x, 1, in.Shape[at:])
	if err != nil {
		return err
	}
	bias, err := rowParameter[T](x, 2, in.Shape[at:])
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil {
		return err
	}
	stats := append([]int{}, in.Shape...)
	for i := at; i < len(stats); i++ {
		stats[i] = 1
	}
	var extra [2][]T
	for i := range extra {
		if !x.Wants(1 + i) {
			continue
		}
		t, err := x.New(1+i, in.DType, stats...)
		if err != nil {
			return err
		}
		extra[i] = tensor.Data[T](t)
	}
	if n == 0 {
		return nil
	}
	kernel.LayerNorm(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, n, scale, bias, epsilon, extra[0], extra[1])
	return nil
}

func makeRMSNorm(s *Spec) (Kernel, error) {
	epsilon, axis := s.Float("epsilon", 1e-5), s.Int("axis", -1)
	return byFloat(
		func(x *Call) error { return runRMSNorm[float32](x, epsilon, axis) },
		func(x *Call) error { return runRMSNorm[float64](x, epsilon, axis) }), nil
}

func runRMSNorm[T float32 | float64](x *Call, epsilon float64, axis int64) error {
	if err := sameType(x, 1); err != nil {
		return err
	}
	in := x.In[0]
	at, outer, n, err := rowsFrom(x, axis)
	if err != nil {
		return err
	}
	scale, err := rowParameter[T](x, 1, in.Shape[at:])
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil || n == 0 {
		return err
	}
	kernel.RMSNorm(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, n, scale, epsilon)
	return nil
}

func makeLpNorm(s *Spec) (Kernel, error) {
	axis := s.Int("axis", -1)
	p, err := normOrder(s.Node)
	if err != nil {
		return nil, err
	}
	return byFloat(
		func(x *Call) error { return runLpNorm[float32](x, axis, p) },
		func(x *Call) error { return runLpNorm[float64](x, axis, p) }), nil
}

func runLpNorm[T float32 | float64](x *Call, axis int64, p float64) error {
	in := x.In[0]
	at, outer, _, err := rowsFrom(x, axis)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, in.Shape...)
	if err != nil {
		return err
	}
	kernel.LpNormalize(x.Parallel, tensor.Data[T](out), tensor.Data[T](in), outer, in.Shape[at], tensor.Elements(in.Shape[at+1:]), p)
	return nil
}

func makeLRN(s *Spec) (Kernel, error) {
	size := s.Int("size", 0)
	if size < 1 || size > slideLimit {
		return nil, attrError("size", size, "1 to 2^20")
	}
	alpha, beta, bias := s.Float("alpha", 1e-4), s.Float("beta", 0.75), s.Float("bias", 1)
	return byFloat(
		func(x *Call) error { return runLRN[float32](x, int(size), alpha, beta, bias) },
		func(x *Call) error { return runLRN[float64](x, int(size), alpha, beta, bias) }), nil
}

func runLRN[T float32 | float64](x *Call, size int, alpha, beta, bias float64) error {
	n, c, inner, err := channelNorm(x)
	if err != nil {
		return err
	}
	out, err := x.New(0, x.In[0].DType, x.In[0].Shape...)
	if err != nil {
		return err
	}
	kernel.LRN(x.Parallel, tensor.Data[T](out), tensor.Data[T](x.In[0]), n, c, inner, size, alpha, beta, bias)
	return nil
}

// upgradeGroupNorm: scale and bias get an element for each channel, in place of one for
// each group.
func upgradeGroupNorm(u *Upgrade) error {
	n := u.Node
	s := n.Input(0).Shape()
	groups := n.Int("num_groups", 0)
	if len(s) < 2 || !s[1].IsKnown() || groups < 1 || s[1].Value%groups != 0 {
		return InputError(n, 0, "its number of channels is not known, or not that of %d groups", groups)
	}
	for i := 1; i < 3; i++ {
		column := u.Insert("Reshape", nil, n.Input(i), u.Const("column", tensor.Vector(groups, 1)))
		wide := u.Insert("Expand", nil, column, u.Const("each", tensor.Vector(groups, s[1].Value/groups)))
		n.SetInput(i, u.Insert("Reshape", nil, wide, u.Const("channels", tensor.Vector[int64](-1))))
	}
	return nil
}
