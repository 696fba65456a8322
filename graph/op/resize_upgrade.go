package op

import (
	"math"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// upgradeUpsample: the scales become an input.
func upgradeUpsample(u *Upgrade) error {
	a, err := u.attr("scales")
	if err == nil && a != nil {
		u.Node.SetInput(1, u.Const("scales", tensor.Vector(a.Floats...)))
	}
	return err
}

// toResize makes an Upsample a Resize.
func toResize(u *Upgrade) error {
	if u.Node.Str("mode", "nearest") == "bilinear" {
		u.Node.SetAttr(graph.String("mode", "linear"))
	}
	u.Node.SetOp("", "Resize")
	return nil
}

// upgradeResize states how coordinates are transformed and rounded: down, and up on
// axes that shrink.
func upgradeResize(u *Upgrade) error {
	n := u.Node
	n.SetAttr(graph.String("coordinate_transformation_mode", "asymmetric"))
	if n.Str("mode", "nearest") == "nearest" {
		t, err := ConstantOf(n.Input(1))
		if err != nil {
			return InputError(n, 1, "%v, so that it is not known how coordinates are rounded", err)
		}
		least, most := math.Inf(1), 0.0
		for _, s := range constFloats(t) {
			least, most = min(least, s), max(most, s)
		}
		rounding := "floor"
		if least < 1 {
			rounding = "ceil"
		}
		if least < 1 && most > 1 {
			return InputError(n, 1, "some axes grow and others shrink, for which coordinates are rounded in two ways")
		}
		n.SetAttr(graph.String("nearest_mode", rounding))
	}
	n.SetInput(2, n.Input(1))
	n.SetInput(1, u.Const("roi", tensor.Of([]int{0}, []float32{})))
	return nil
}

// upgradeHalfPixelForNearest replaces the mode tf_half_pixel_for_nn: ⌊(o+½)/s⌋ is
// (o+½)/s − ½ rounded, halves upward.
func upgradeHalfPixelForNearest(u *Upgrade) error {
	n := u.Node
	if n.Str("coordinate_transformation_mode", "half_pixel") != "tf_half_pixel_for_nn" {
		return nil
	}
	if n.Str("mode", "nearest") != "nearest" || n.Str("nearest_mode", "round_prefer_floor") != "floor" {
		return attrError("coordinate_transformation_mode", "tf_half_pixel_for_nn", "another mode: it ended with version 11, and only nearest_mode floor has a like")
	}
	n.SetAttr(graph.String("coordinate_transformation_mode", "half_pixel"))
	n.SetAttr(graph.String("nearest_mode", "round_prefer_ceil"))
	return nil
}
