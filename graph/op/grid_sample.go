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
			Name: "GridSample", Equation: "y[n,c,o] = x[n,c] interpolated at grid[n,o], whose coordinates run from −1 to 1 along x", Versions: []int64{16, 20, 22}, Upgrades: Upgrades{20: upgradeGridSample},
			Flow: flow.Flow{Pass: flow.Sampled}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true, Infer: inferGridSample, Kernel: makeGridSample,
			NoGrad: "ONNX has no operator that adds interpolated samples back to the places they came from",
		},
		&Op{
			Name: "AffineGrid", Equation: "grid[n,o] = theta[n] · (o, 1), coordinates from −1 to 1", Versions: []int64{20},
			Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{2, 2}, Out: Arity{1, 1}, Half: true, Infer: inferAffineGrid, Kernel: makeAffineGrid, Grad: gradAffineGrid, Check: Check{Lo: -1, Hi: 1},
		},
	)
}

func inferGridSample(c *Infer) error {
	x, g := c.Input(0), c.Input(1)
	if x.Shape == nil || len(g.Shape) < 3 {
		c.Set(0, x.DType, unknownShape(max(len(x.Shape), len(g.Shape))))
		return nil
	}
	if len(x.Shape) != len(g.Shape) {
		return c.InputError(1, "rank %d, want %d as input 0 has", len(g.Shape), len(x.Shape))
	}
	c.Set(0, x.DType, append(x.Shape[:2].Clone(), g.Shape[1:len(g.Shape)-1]...))
	return nil
}

func makeGridSample(s *Spec) (Kernel, error) {
	p := &kernel.Sampling{AlignCorners: s.Int("align_corners", 0) != 0}
	switch mode := s.Str("mode", "linear"); mode {
	case "linear", "bilinear":
	case "nearest":
		p.Nearest = true
	case "cubic", "bicubic":
		p.Cubic = true
	default:
		return nil, attrError("mode", mode, "linear, nearest or cubic")
	}
	switch pad := s.Str("padding_mode", "zeros"); pad {
	case "zeros":
	case "border":
		p.Padding = kernel.GridBorder
	case "reflection":
		p.Padding = kernel.GridReflection
	default:
		return nil, attrError("padding_mode", pad, "zeros, border or reflection")
	}
	return byFloat(
		func(x *Call) error { return runGridSample[float32](x, p) },
		func(x *Call) error { return runGridSample[float64](x, p) }), nil
}

func runGridSample[T float32 | float64](x *Call, p *kernel.Sampling) error {
	in, grid := x.In[0], x.In[1]
	if err := sameType(x, 1); err != nil {
		return err
	}
	rank := in.Rank() - 2
	if rank < 1 || grid.Rank() != rank+2 || grid.Shape[0] != in.Shape[0] || grid.Shape[rank+1] != rank {
		return x.InputError(1, "shape %v does not fit an input of shape %v", grid.Shape, in.Shape)
	}
	points := grid.Shape[1 : rank+1]
	out, err := x.New(0, in.DType, append([]int{in.Shape[0], in.Shape[1]}, points...)...)
	if err != nil {
		return err
	}
	return kernel.GridSample(x.Parallel, p, tensor.Data[T](out), tensor.Data[T](in), in.Shape[0], in.Shape[1], in.Shape[2:],
		tensor.Data[T](grid), tensor.Elements(points))
}

func inferAffineGrid(c *Infer) error {
	size := c.Input(1).Elems()
	if len(size) != 4 && len(size) != 5 {
		c.Set(0, c.Input(0).DType, nil)
		return nil
	}
	shape := graph.Shape{size[0].Dim()}
	for _, n := range size[2:] {
		shape = append(shape, n.Dim())
	}
	c.Set(0, c.Input(0).DType, append(shape, graph.Known(int64(len(size)-2))))
	return nil
}

func makeAffineGrid(s *Spec) (Kernel, error) {
	align := s.Int("align_corners", 0) != 0
	return byFloat(
		func(x *Call) error { return runAffineGrid[float32](x, align) },
		func(x *Call) error { return runAffineGrid[float64](x, align) }), nil
}

// gridCoordinate is coordinate o of n along an axis that spans −1 to 1; one
// alone is in the middle.
func gridCoordinate(o, n int, align bool) float64 {
	switch {
	case !align:
		return (2*float64(o)+1)/float64(n) - 1
	case n == 1:
		return 0
	}
	return 2*float64(o)/float64(n-1) - 1
}

func runAffineGrid[T float32 | float64](x *Call, align bool) error {
	size, err := Ints(x.In[1])
	if err != nil {
		return x.InputError(1, "%v", err)
	}
	rank := len(size) - 2
	theta := x.In[0]
	if rank < 2 || rank > 3 || !sameShape(theta.Shape, []int{size[0], rank, rank + 1}) {
		return x.InputError(0, "shape %v does not fit the size %v", theta.Shape, size)
	}
	shape := append(append([]int{size[0]}, size[2:]...), rank)
	out, err := x.New(0, theta.DType, shape...)
	if err != nil {
		return err
	}
	dst, th := tensor.Data[T](out), tensor.Data[T](theta)
	x.Parallel(len(dst)/rank, 1<<12, func(lo, hi int) {
		var p [4]float64
		for t := lo; t < hi; t++ {
			r := t
			for d := rank - 1; d >= 0; d-- {
				p[rank-1-d] = gridCoordinate(r%size[2+d], size[2+d], align)
				r /= size[2+d]
			}
			p[rank] = 1
			for k := range rank {
				sum := 0.0
				for j, v := range p[:rank+1] {
					sum += v * float64(th[(r*rank+k)*(rank+1)+j])
				}
				dst[t*rank+k] = T(sum)
			}
		}
	})
	return nil
}

// upgradeGridSample: modes have the names that Resize has for them.
func upgradeGridSample(u *Upgrade) error {
	if name, ok := map[string]string{"bilinear": "linear", "bicubic": "cubic"}[u.Node.Str("mode", "bilinear")]; ok {
		u.Node.SetAttr(graph.String("mode", name))
	}
	return nil
}
