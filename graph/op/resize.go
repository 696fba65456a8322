package op

import (
	"fmt"
	"math/big"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "Resize", Equation: "y[o] = x interpolated at the coordinate of o, axis by axis",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Resampling, Places: flow.Rescaled},
			Versions: []int64{10, 11, 13, 18, 19},
			Upgrades: Upgrades{11: upgradeResize, 13: upgradeHalfPixelForNearest},
			In:       Arity{1, 4}, Out: Arity{1, 1}, Half: true,
			Infer: inferResize, Kernel: makeResize, Grad: gradResize, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "Upsample", Equation: "y[o] = x interpolated at o/scale, axis by axis",
			Flow:     flow.Flow{Pass: flow.Mapped, Effect: flow.Resampling, Places: flow.Rescaled},
			Versions: []int64{7, 9},
			Upgrades: Upgrades{9: upgradeUpsample, 10: toResize},
			In:       Arity{1, 2}, Out: Arity{1, 1}, Half: true,
			Infer: inferResize, Kernel: makeResize, Grad: gradResize, Check: Check{Lo: -1, Hi: 1},
		},
	)
}

// resize is a Resize or Upsample node at plan time.
type resize struct {
	nearest  bool
	filter   kernel.Interpolation
	rounding kernel.Rounding
	// simple is the rounding before version 11: down, and up on axes that shrink.
	simple bool
	// scales, sizes and region are the numbers of the inputs, -1 for none.
	scales, sizes, region int
	attrScales            []float64
	axes                  []int64 // nil: all
	policy                string
}

var coordinates = map[string]kernel.Coordinate{
	"half_pixel": kernel.CoordHalfPixel, "half_pixel_symmetric": kernel.CoordHalfPixelSymmetric,
	"pytorch_half_pixel": kernel.CoordPytorchHalfPixel, "align_corners": kernel.CoordAlignCorners,
	"asymmetric": kernel.CoordAsymmetric, "tf_half_pixel_for_nn": kernel.CoordHalfPixelForNearest,
	"tf_crop_and_resize": kernel.CoordCropAndResize,
}

var roundings = map[string]kernel.Rounding{
	"round_prefer_floor": kernel.RoundPreferFloor, "round_prefer_ceil": kernel.RoundPreferCeil,
	"floor": kernel.RoundFloor, "ceil": kernel.RoundCeil,
}

// resizeOf reads a node's attributes; since is the version of its schema.
func resizeOf(n *graph.Node, since int64) (*resize, error) {
	r := &resize{scales: 1, sizes: -1, region: -1}
	coordinate, rounding := "asymmetric", "floor"
	if n.Op == "Resize" && since >= 11 {
		r.region, r.scales, r.sizes = 1, 2, 3
		coordinate = n.Str("coordinate_transformation_mode", "half_pixel")
		rounding = n.Str("nearest_mode", "round_prefer_floor")
	} else {
		r.simple = true
	}
	if n.Op == "Upsample" && since < 9 {
		r.scales = -1
		a := n.Attr("scales")
		if a == nil {
			return nil, attrError("scales", "missing", "one number for each axis")
		}
		for _, v := range a.Floats {
			r.attrScales = append(r.attrScales, float64(v))
		}
	}
	switch mode := n.Str("mode", "nearest"); mode {
	case "nearest":
		r.nearest = true
	case "linear", "bilinear":
	case "cubic":
		r.filter.Cubic = true
	default:
		return nil, attrError("mode", mode, "nearest, linear or cubic")
	}
	var ok bool
	if r.filter.Coordinate, ok = coordinates[coordinate]; !ok {
		return nil, attrError("coordinate_transformation_mode", coordinate, "one of ONNX's modes")
	}
	if r.rounding, ok = roundings[rounding]; !ok {
		return nil, attrError("nearest_mode", rounding, "one of ONNX's modes")
	}
	r.filter.A = float64(n.Float("cubic_coeff_a", -0.75))
	r.filter.ExcludeOutside = n.Int("exclude_outside", 0) != 0
	r.filter.Antialias = n.Int("antialias", 0) != 0
	r.filter.Extrapolation = float64(n.Float("extrapolation_value", 0))
	r.axes = n.Ints("axes")
	switch r.policy = n.Str("keep_aspect_ratio_policy", "stretch"); r.policy {
	case "stretch", "not_larger", "not_smaller":
		return r, nil
	}
	return nil, attrError("keep_aspect_ratio_policy", r.policy, "stretch, not_larger or not_smaller")
}

// axesOf maps the numbers of scales, sizes and regions to axes of the input.
func (r *resize) axesOf(rank int) ([]int, error) {
	if len(r.axes) == 0 {
		all := make([]int, rank)
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	seen := make([]bool, rank)
	out := make([]int, len(r.axes))
	for i, a := range r.axes {
		at, err := Axis(a, rank)
		if err != nil {
			return nil, err
		}
		if seen[at] {
			return nil, fmt.Errorf("attribute \"axes\" lists axis %d twice", at)
		}
		out[i], seen[at] = at, true
	}
	return out, nil
}

// layout is how each axis of an input of the given shape is resized. sizes or
// scales is nil.
func (r *resize) layout(in []int, scales []float64, sizes []int, region []float64) ([]kernel.ResizeAxis, error) {
	at, err := r.axesOf(len(in))
	if err != nil {
		return nil, err
	}
	if scales != nil && len(scales) != len(at) || scales == nil && len(sizes) != len(at) {
		return nil, fmt.Errorf("%d scales and %d sizes for %d axes", len(scales), len(sizes), len(at))
	}
	axes := make([]kernel.ResizeAxis, len(in))
	for i, n := range in {
		axes[i] = kernel.ResizeAxis{In: n, Out: n, Scale: kernel.Ratio{Num: 1, Den: 1}, End: 1}
	}
	for i, d := range at {
		a := &axes[d]
		if scales != nil {
			if a.Out, err = scaledSize(a.In, scales[i]); err != nil {
				return nil, err
			}
			a.Scale = kernel.ScaleOf(scales[i], a.In, a.Out)
			continue
		}
		if sizes[i] < 0 || sizes[i] > tensor.MaxElems {
			return nil, fmt.Errorf("size %d is out of range", sizes[i])
		}
		a.Out = sizes[i]
		if a.In > 0 {
			a.Scale = kernel.Ratio{Num: float64(a.Out), Den: float64(a.In)}
		}
	}
	if err := r.keepRatio(axes, at, scales != nil); err != nil {
		return nil, err
	}
	if r.filter.Coordinate == kernel.CoordCropAndResize {
		if len(region) != 2*len(at) {
			return nil, fmt.Errorf("%d numbers in roi, want %d", len(region), 2*len(at))
		}
		for i, d := range at {
			axes[d].Start, axes[d].End = region[i], region[len(at)+i]
		}
	}
	return axes, nil
}

// scaledSize is ⌊n·scale⌋, in float32 as stock runtimes compute it.
func scaledSize(n int, scale float64) (int, error) {
	f := float32(n) * float32(scale)
	if !(scale > 0 && f <= tensor.MaxElems) {
		return 0, fmt.Errorf("scale %v is out of range", scale)
	}
	return int(f), nil
}

// keepRatio gives the axes at, if sizes were stated for them and not scales,
// one common scale where the policy says so.
func (r *resize) keepRatio(axes []kernel.ResizeAxis, at []int, scaled bool) error {
	if scaled || r.policy == "stretch" || len(at) == 0 {
		return nil
	}
	exact := func(s kernel.Ratio) *big.Rat { return big.NewRat(int64(s.Num), int64(s.Den)) }
	scale := axes[at[0]].Scale
	for _, d := range at {
		if order := exact(axes[d].Scale).Cmp(exact(scale)); order < 0 == (r.policy == "not_larger") {
			scale = axes[d].Scale
		}
	}
	for _, d := range at {
		out := big.NewRat(int64(axes[d].In), 1)
		out.Mul(out, exact(scale)).Add(out, big.NewRat(1, 2))
		whole := new(big.Int).Quo(out.Num(), out.Denom())
		if scale.Num == 0 || whole.Cmp(big.NewInt(tensor.MaxElems)) > 0 {
			return fmt.Errorf("scale %v is out of range", scale.Num/scale.Den)
		}
		axes[d].Scale, axes[d].Out = scale, int(whole.Int64())
	}
	return nil
}

func makeResize(s *Spec) (Kernel, error) {
	r, err := resizeOf(s.Node, s.Since)
	if err != nil {
		return nil, err
	}
	return r.run, nil
}

// floatsOf is the elements of input i as float64; nil if it is left out or
// empty.
func floatsOf(x *Call, i int) ([]float64, error) {
	if i < 0 || !x.Has(i) || x.In[i].Len() == 0 {
		return nil, nil
	}
	switch t := x.In[i]; t.DType {
	case tensor.Float64:
		return tensor.Data[float64](t), nil
	case tensor.Float32:
		s := tensor.Data[float32](t)
		out := make([]float64, len(s))
		for k, v := range s {
			out[k] = float64(v)
		}
		return out, nil
	default:
		return nil, x.InputError(i, "%v, want floats", t)
	}
}

func (r *resize) run(x *Call) error {
	scales, err := floatsOf(x, r.scales)
	if err != nil {
		return err
	}
	if r.attrScales != nil {
		scales = r.attrScales
	}
	var sizes []int
	if scales == nil && r.sizes > 0 && x.Has(r.sizes) {
		if sizes, err = Ints(x.In[r.sizes]); err != nil {
			return x.InputError(r.sizes, "%v", err)
		}
	}
	region, err := floatsOf(x, r.region)
	if err != nil {
		return err
	}
	axes, err := r.layout(x.In[0].Shape, scales, sizes, region)
	if err != nil {
		return err
	}
	shape := make([]int, len(axes))
	for i, a := range axes {
		shape[i] = a.Out
	}
	out, err := x.New(0, x.In[0].DType, shape...)
	if err != nil || out.Len() == 0 {
		return err
	}
	if x.In[0].Len() == 0 {
		return x.InputError(0, "shape %v has no elements to resize", x.In[0].Shape)
	}
	if r.nearest {
		return r.copyNearest(x, out, axes)
	}
	return r.interpolate(x, out, axes)
}

// table is the input position of each output position of a in nearest mode.
func (r *resize) table(a kernel.ResizeAxis) ([]int, error) {
	rounding := r.rounding
	if r.simple && a.Scale.Num < a.Scale.Den {
		rounding = kernel.RoundCeil
	}
	return kernel.NearestTable(a, r.filter.Coordinate, rounding)
}

func (r *resize) copyNearest(x *Call, out *tensor.Tensor, axes []kernel.ResizeAxis) error {
	in := x.In[0]
	tables := make([][]int, len(axes))
	for i, a := range axes {
		if a.Copied(r.filter.Coordinate) {
			continue
		}
		var err error
		if tables[i], err = r.table(a); err != nil {
			return fmt.Errorf("axis %d: %w", i, err)
		}
	}
	fill, err := fillOf(x, in.DType, r.filter.Extrapolation)
	if err != nil {
		return err
	}
	return indexCopy(x, out, in, fill, tables)
}

func (r *resize) interpolate(x *Call, out *tensor.Tensor, axes []kernel.ResizeAxis) error {
	in := x.In[0]
	switch in.DType {
	case tensor.Float32:
		return kernel.Resize(x.Parallel, &r.filter, axes, tensor.Data[float32](out), tensor.Data[float32](in))
	case tensor.Float64:
		return kernel.Resize(x.Parallel, &r.filter, axes, tensor.Data[float64](out), tensor.Data[float64](in))
	case tensor.Uint8:
		return resizeIntegers[uint8](x, r, out, axes)
	case tensor.Int8:
		return resizeIntegers[int8](x, r, out, axes)
	case tensor.Int32:
		return resizeIntegers[int32](x, r, out, axes)
	}
	return x.InputError(0, "%v, want floats, uint8, int8 or int32 in this mode", in)
}

// resizeIntegers interpolates integers in float64; results are truncated,
// those of the antialiased filter rounded.
func resizeIntegers[T interface {
	kernel.Integer
	tensor.Elem
}](x *Call, r *resize, out *tensor.Tensor, axes []kernel.ResizeAxis) error {
	wide, err := x.Temp(tensor.Float64, x.In[0].Shape...)
	if err != nil {
		return err
	}
	defer x.Env.Free(wide)
	res, err := x.Temp(tensor.Float64, out.Shape...)
	if err != nil {
		return err
	}
	defer x.Env.Free(res)
	kernel.Convert(x.Parallel, tensor.Data[float64](wide), tensor.Data[T](x.In[0]))
	f := tensor.Data[float64](res)
	if err := kernel.Resize(x.Parallel, &r.filter, axes, f, tensor.Data[float64](wide)); err != nil {
		return err
	}
	if r.filter.Antialias {
		kernel.Round(f, f)
	}
	kernel.Convert(x.Parallel, tensor.Data[T](out), f)
	return nil
}
