package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

func init() {
	Register(
		&Op{
			Name: "RoiAlign", Equation: "y[r,c] = x[batch_indices[r],c] sampled bilinearly in the bins of region r, averaged or maximized by bin",
			Flow:     flow.Flow{Pass: flow.Cropped},
			Versions: []int64{10, 16, 22}, Upgrades: Upgrades{16: upgradeRoiAlign}, In: Arity{3, 3}, Out: Arity{1, 1}, Half: true,
			Infer: inferRoiAlign, Kernel: makeRoiAlign, Grad: gradRoiAlign, Check: Check{Lo: -1, Hi: 1},
		},
		&Op{
			Name: "NonMaxSuppression", Equation: "triples (image, class, box) of the boxes that no better one of their class overlaps by more than iou_threshold",
			Flow:     flow.Flow{Pass: flow.Untraced},
			Versions: []int64{10, 11}, In: Arity{2, 5}, Out: Arity{1, 1}, Half: true,
			Infer: inferSuppression, Kernel: makeSuppression, NoGrad: "the outputs are indices",
		},
	)
}

func inferRoiAlign(c *Infer) error {
	x, rois := c.Input(0), c.Input(1)
	h, w := c.Node.Int("output_height", 1), c.Node.Int("output_width", 1)
	shape := graph.Shape{graph.Unknown(), graph.Unknown(), graph.Known(max(h, 0)), graph.Known(max(w, 0))}
	if x.Shape != nil {
		if len(x.Shape) != 4 {
			return c.InputError(0, "rank %d, want 4", len(x.Shape))
		}
		shape[1] = x.Shape[1]
	}
	if b := c.Input(2).Shape; len(b) == 1 {
		shape[0] = b[0]
	}
	if rois.Shape != nil {
		if len(rois.Shape) != 2 {
			return c.InputError(1, "rank %d, want 2", len(rois.Shape))
		}
		if !shape[0].IsKnown() {
			shape[0] = rois.Shape[0]
		}
	}
	c.Set(0, x.DType, shape)
	return nil
}

func makeRoiAlign(s *Spec) (Kernel, error) {
	p := &kernel.Regions{Scale: s.Float("spatial_scale", 1)}
	for _, a := range []struct {
		name string
		def  int64
		dst  *int
	}{{"output_height", 1, &p.OutHeight}, {"output_width", 1, &p.OutWidth}, {"sampling_ratio", 0, &p.Samples}} {
		v := s.Int(a.name, a.def)
		if v < 0 || v > 1<<15 || v == 0 && a.def == 1 {
			return nil, attrError(a.name, v, "a size up to 2^15")
		}
		*a.dst = int(v)
	}
	switch mode := s.Str("mode", "avg"); mode {
	case "avg":
	case "max":
		p.Max = true
	default:
		return nil, attrError("mode", mode, "avg or max")
	}
	if s.Since >= 16 {
		switch mode := s.Str("coordinate_transformation_mode", "half_pixel"); mode {
		case "half_pixel":
			p.HalfPixel = true
		case "output_half_pixel":
		default:
			return nil, attrError("coordinate_transformation_mode", mode, "half_pixel or output_half_pixel")
		}
	}
	return byFloat(
		func(x *Call) error { return runRoiAlign[float32](x, p) },
		func(x *Call) error { return runRoiAlign[float64](x, p) }), nil
}

func runRoiAlign[T float32 | float64](x *Call, p *kernel.Regions) error {
	in, rois, image := x.In[0], x.In[1], x.In[2]
	if err := sameType(x, 1); err != nil {
		return err
	}
	switch {
	case in.Rank() != 4:
		return x.InputError(0, "rank %d, want 4", in.Rank())
	case image.Rank() != 1:
		return x.InputError(2, "rank %d, want 1", image.Rank())
	case rois.Rank() != 2 || rois.Shape[0] != image.Shape[0] || rois.Shape[1] != 4:
		return x.InputError(1, "shape %v, want [%d 4]", rois.Shape, image.Shape[0])
	}
	index, err := int64s(x, 2)
	if err != nil {
		return err
	}
	out, err := x.New(0, in.DType, rois.Shape[0], in.Shape[1], p.OutHeight, p.OutWidth)
	if err != nil {
		return err
	}
	return kernel.RoiAlign(x.Parallel, p, tensor.Data[T](out), tensor.Data[T](in),
		in.Shape[0], in.Shape[1], in.Shape[2], in.Shape[3], tensor.Data[T](rois), index)
}

func inferSuppression(c *Infer) error {
	c.Set(0, tensor.Int64, graph.Shape{graph.Unknown(), graph.Known(3)})
	return nil
}

func makeSuppression(s *Spec) (Kernel, error) {
	center := s.Int("center_point_box", 0) != 0
	return byFloat(
		func(x *Call) error { return runSuppression[float32](x, center) },
		func(x *Call) error { return runSuppression[float64](x, center) }), nil
}

func runSuppression[T float32 | float64](x *Call, center bool) error {
	boxes, scores := x.In[0], x.In[1]
	if err := sameType(x, 1); err != nil {
		return err
	}
	switch {
	case boxes.Rank() != 3 || boxes.Shape[2] != 4:
		return x.InputError(0, "shape %v, want [images, boxes, 4]", boxes.Shape)
	case scores.Rank() != 3 || scores.Shape[0] != boxes.Shape[0] || scores.Shape[2] != boxes.Shape[1]:
		return x.InputError(1, "shape %v, want [%d, classes, %d]", scores.Shape, boxes.Shape[0], boxes.Shape[1])
	}
	s := kernel.Suppression{MinScore: math.Inf(-1), CenterFormat: center, Stop: x.Stopped}
	var err error
	if x.Has(2) {
		n, err := intOf(x, 2)
		if err != nil {
			return err
		}
		s.MaxOutput = int(min(n, int64(boxes.Shape[1])))
	}
	if x.Has(3) {
		if s.MaxOverlap, err = scalarOf(x, 3); err != nil {
			return err
		}
	}
	if x.Has(4) {
		if s.MinScore, err = scalarOf(x, 4); err != nil {
			return err
		}
	}
	release, err := x.Hold(tensor.Uint8, kernel.NonMaxSuppressionScratch(boxes.Shape[0], scores.Shape[1], boxes.Shape[1], s))
	if err != nil {
		return err
	}
	defer release()
	kept := kernel.NonMaxSuppression(x.Parallel, tensor.Data[T](boxes), tensor.Data[T](scores),
		boxes.Shape[0], scores.Shape[1], boxes.Shape[1], s)
	out, err := x.New(0, tensor.Int64, len(kept)/3, 3)
	if err != nil {
		return err
	}
	copy(tensor.Data[int64](out), kept)
	return nil
}

// upgradeRoiAlign states the transformation of coordinates that was the only one.
func upgradeRoiAlign(u *Upgrade) error {
	u.Node.SetAttr(graph.String("coordinate_transformation_mode", "output_half_pixel"))
	return nil
}
