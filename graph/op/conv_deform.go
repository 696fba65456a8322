package op

import (
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(&Op{
		Name: "DeformConv", Equation: "y[n,m,o] = b[m] + Σ mask·w[m,c,k]·x[n,c] at o·stride+k·dilation−pad+offset[n,k,o]",
		Flow:     flow.Flow{Pass: flow.Contracted, Places: flow.Strided},
		Versions: []int64{19, 22}, In: Arity{3, 5}, Out: Arity{1, 1}, Half: true,
		Infer: inferConv, Work: productWork(1), Kernel: makeDeformConv,
		NoGrad: "ONNX has no operator that adds bilinear samples back to the places they came from",
	})
}

func makeDeformConv(s *Spec) (Kernel, error) {
	plan, err := convPlan(s.Node)
	if err != nil {
		return nil, err
	}
	groups := s.Int("offset_group", 1)
	if groups < 1 || groups > slideLimit {
		return nil, attrError("offset_group", groups, "1 to 2^20")
	}
	return byFloat(
		func(x *Call) error { return runDeformConv[float32](x, plan, int(groups)) },
		func(x *Call) error { return runDeformConv[float64](x, plan, int(groups)) }), nil
}

func runDeformConv[T float32 | float64](x *Call, plan *convolution, groups int) error {
	in, w := x.In[0], x.In[1]
	if err := sameType(x, 1, 2, 3, 4); err != nil {
		return err
	}
	switch {
	case in.Rank() != 4 || w.Rank() != 4:
		return x.InputError(0, "shape %v with weights %v, want rank 4 each", in.Shape, w.Shape)
	case in.Shape[1]%plan.group != 0 || w.Shape[1] != in.Shape[1]/plan.group || w.Shape[0]%plan.group != 0 || in.Shape[1]%groups != 0:
		return x.InputError(1, "shape %v does not fit %d channels in %d groups, %d of offsets", w.Shape, in.Shape[1], plan.group, groups)
	}
	if err := vectorOf(x, w.Shape[0], 3); err != nil {
		return err
	}
	s, err := plan.slide.withKernel(w.Shape[2:])
	if err != nil {
		return err
	}
	win, err := s.window(in.Shape[2:])
	if err != nil {
		return err
	}
	for i, per := range map[int]int{2: 2, 4: 1} {
		want := []int{in.Shape[0], groups * win.Taps() * per, win.Out[0], win.Out[1]}
		if t := x.Input(i); t != nil && !sameShape(t.Shape, want) {
			return x.InputError(i, "shape %v, want %v", t.Shape, want)
		}
	}
	out, err := x.New(0, in.DType, in.Shape[0], w.Shape[0], win.Out[0], win.Out[1])
	if err != nil {
		return err
	}
	cols, err := x.Temp(in.DType, in.Shape[1], win.Taps(), win.OutSize())
	if err != nil {
		return err
	}
	defer x.Env.Free(cols)
	for n := range in.Shape[0] {
		if err := x.Context.Err(); err != nil {
			return err
		}
		deformImage(x, plan.group, groups, win, n, tensor.Data[T](out), tensor.Data[T](cols))
	}
	return nil
}

// deformImage is the convolution of image n.
func deformImage[T float32 | float64](x *Call, group, groups int, win *kernel.Window, n int, out, cols []T) {
	c, m := x.In[0].Shape[1], x.In[1].Shape[0]
	size, taps := win.OutSize(), win.Taps()
	mask := dataOr[T](x, 4)
	if mask != nil {
		mask = mask[n*groups*taps*size:]
	}
	kernel.DeformColumns(x.Parallel, win, c, groups, cols, tensor.Data[T](x.In[0])[n*c*win.InSize():], tensor.Data[T](x.In[2])[2*n*groups*taps*size:], mask)
	y, bias := out[n*m*size:][:m*size], dataOr[T](x, 3)
	clear(y)
	for i := range y {
		if bias != nil {
			y[i] = bias[i/size]
		}
	}
	w, cg, mg := tensor.Data[T](x.In[1]), c/group, m/group
	for g := range group {
		kernel.Gemm(x.Parallel, false, false, mg, size, cg*taps, 1, w[g*mg*cg*taps:], cg*taps, cols[g*cg*taps*size:], size, 1, y[g*mg*size:], size)
	}
}
