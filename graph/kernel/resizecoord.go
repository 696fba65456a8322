package kernel

import (
	"fmt"
	"math"
)

// Coordinate says which input coordinate an output position of a resized axis
// looks at.
type Coordinate int

// The coordinate transformations of ONNX's Resize, with o the output position,
// s the scale, in and out the sizes.
const (
	CoordHalfPixel           Coordinate = iota // (o+½)/s - ½
	CoordHalfPixelSymmetric                    // half pixel, centred where out is not in*s
	CoordPytorchHalfPixel                      // half pixel; 0 if out = 1
	CoordAlignCorners                          // o*(in-1)/(out-1); 0 if out = 1
	CoordAsymmetric                            // o/s
	CoordHalfPixelForNearest                   // (o+½)/s
	CoordCropAndResize                         // from start*(in-1) to end*(in-1) of a region
)

// Rounding says which input position a coordinate takes in nearest mode.
type Rounding int

// The roundings of ONNX's Resize.
const (
	RoundPreferFloor Rounding = iota // to nearest, halves down
	RoundPreferCeil                  // to nearest, halves up
	RoundFloor
	RoundCeil
)

// ResizeAxis is one axis of a Resize. Scale is out over in as the operator was
// given it; Start and End are the region of CoordCropAndResize, in units of the
// input's length.
type ResizeAxis struct {
	In, Out           int
	Scale, Start, End float64
}

// at is the input coordinate of output position o. F is the precision in
// which it is computed: which of two neighbours is the nearer one can depend
// on it.
func at[F Float](c Coordinate, a ResizeAxis, o int) F {
	in, out, s := F(a.In), F(a.Out), F(a.Scale)
	half := (F(o)+0.5)/s - 0.5
	switch c {
	case CoordHalfPixelSymmetric:
		adjust := out / (in * s)
		return in/2*(1-adjust) + half
	case CoordPytorchHalfPixel:
		if a.Out <= 1 {
			return 0
		}
	case CoordAlignCorners:
		if a.Out <= 1 {
			return 0
		}
		return F(o) * (in - 1) / (out - 1)
	case CoordAsymmetric:
		return F(o) / s
	case CoordHalfPixelForNearest:
		return (F(o) + 0.5) / s
	case CoordCropAndResize:
		start, end := F(a.Start), F(a.End)
		if a.Out <= 1 {
			return (start + end) / 2 * (in - 1)
		}
		return start*(in-1) + F(o)*(end-start)*(in-1)/(out-1)
	}
	return half
}

// check refuses axes for which no coordinate makes sense.
func (a ResizeAxis) check() error {
	switch {
	case a.In < 0 || a.Out < 0 || a.In == 0 && a.Out > 0:
		return fmt.Errorf("cannot resize an axis of %d to %d", a.In, a.Out)
	case !(a.Scale > 0) || math.IsInf(a.Scale, 1):
		return fmt.Errorf("scale %v is not positive and finite", a.Scale)
	case math.IsNaN(a.Start-a.Start) || math.IsNaN(a.End-a.End):
		return fmt.Errorf("region from %v to %v is not finite", a.Start, a.End)
	}
	return nil
}

// NearestTable gives the input position of each output position of an axis,
// clamped to the input; -1 for a coordinate outside of it in crop and resize,
// where the extrapolation value is taken. Coordinates are computed in float32,
// as stock runtimes do. The tables of all axes make an IndexCopy.
func NearestTable(a ResizeAxis, c Coordinate, r Rounding) ([]int, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	table := make([]int, a.Out)
	for o := range table {
		x := at[float32](c, a, o)
		if c == CoordCropAndResize && (x < 0 || x > float32(a.In-1)) {
			table[o] = -1
			continue
		}
		f := float64(x)
		switch r {
		case RoundPreferFloor:
			f = math.Ceil(f - 0.5)
		case RoundPreferCeil:
			f = math.Floor(f + 0.5)
		case RoundFloor:
			f = math.Floor(f)
		case RoundCeil:
			f = math.Ceil(f)
		}
		table[o] = int(min(max(f, 0), float64(a.In-1)))
	}
	return table, nil
}
