package kernel

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
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

// Ratio is the number Num/Den, exactly.
type Ratio struct{ Num, Den float64 }

// ScaleOf is the ratio that a stated scale means for an axis resized from in
// to out: of the ratios that round to the same float32, out/in, else the one of
// the least denominator. So 2.2 is 11/5 and not the float32 beside it, and
// output 11 looks at 5, as in runtimes whose rounding makes up for that of the
// scale.
func ScaleOf(scale float64, in, out int) Ratio {
	near := float32(scale)
	if r := (Ratio{float64(out), float64(in)}); near == float32(r.Num/r.Den) {
		return r
	}
	whole := near == float32(math.Trunc(scale))
	if whole || !(near > 0) {
		return Ratio{scale, 1}
	}
	middle := func(x float32) *big.Rat {
		return new(big.Rat).SetFloat64((float64(near) + float64(x)) / 2)
	}
	r := simplest(middle(math.Nextafter32(near, 0)), middle(math.Nextafter32(near, 2*near)))
	num, _ := new(big.Float).SetInt(r.Num()).Float64()
	den, _ := new(big.Float).SetInt(r.Denom()).Float64()
	if float32(num/den) != near {
		return Ratio{scale, 1} // a denominator that no float64 holds
	}
	return Ratio{num, den}
}

// simplest is the fraction of the least denominator in [low, high], neither of
// which is whole.
func simplest(low, high *big.Rat) *big.Rat {
	floor := new(big.Rat).SetInt(new(big.Int).Quo(low.Num(), low.Denom()))
	if next := new(big.Rat).Add(floor, big.NewRat(1, 1)); next.Cmp(high) <= 0 {
		return next
	}
	low, high = new(big.Rat).Sub(low, floor), new(big.Rat).Sub(high, floor)
	part := simplest(high.Inv(high), low.Inv(low))
	return floor.Add(floor, part.Inv(part))
}

// ResizeAxis is one axis of a Resize. Scale is the ratio that coordinates are
// computed from, commonly Out/In; Start and End are the region of
// CoordCropAndResize, in units of the input's length.
type ResizeAxis struct {
	In, Out    int
	Scale      Ratio
	Start, End float64
}

// Copied reports whether the axis stays as it is, whatever the mode: every
// output position looks at the input position of the same number.
func (a ResizeAxis) Copied(c Coordinate) bool {
	return a.In == a.Out && a.Scale.Num == a.Scale.Den && c != CoordCropAndResize
}

// check refuses axes for which no coordinate makes sense.
func (a ResizeAxis) check() error {
	positive := func(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
	switch {
	case a.In < 0 || a.Out < 0 || a.In == 0 && a.Out > 0:
		return fmt.Errorf("cannot resize an axis of %d to %d", a.In, a.Out)
	case !positive(a.Scale.Num) || !positive(a.Scale.Den):
		return fmt.Errorf("scale %v is not positive and finite", a.Scale.Num/a.Scale.Den)
	case math.IsNaN(a.Start-a.Start) || math.IsNaN(a.End-a.End):
		return fmt.Errorf("region from %v to %v is not finite", a.Start, a.End)
	}
	return nil
}

// affine is the exact map from the output positions o of an axis to input
// coordinates, (a + b*o)/c with c > 0.
type affine struct {
	a, b, c int64
	wide    *[3]big.Int // a, b, c, where 62 bits do not hold (a + b*o) and c
}

// affine is the one authority on coordinates: every mode of Resize and its
// gradient take theirs from here.
func (a ResizeAxis) affine(c Coordinate) (*affine, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	in, out := int64(a.In), int64(a.Out)
	whole := func(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }
	exact := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
	times := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Mul(x, y) }
	minus := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Sub(x, y) }
	half := big.NewRat(1, 2)

	slope := new(big.Rat).Quo(exact(a.Scale.Den), exact(a.Scale.Num))
	start := minus(times(half, slope), half)
	switch c {
	case CoordHalfPixelSymmetric:
		start.Add(start, times(half, minus(whole(in), times(slope, whole(out)))))
	case CoordAsymmetric:
		start = new(big.Rat)
	case CoordHalfPixelForNearest:
		start = times(half, slope)
	case CoordPytorchHalfPixel:
		if out <= 1 {
			start = new(big.Rat)
		}
	case CoordAlignCorners:
		start, slope = new(big.Rat), big.NewRat(in-1, max(out-1, 1))
	case CoordCropAndResize:
		first, last := times(exact(a.Start), whole(in-1)), times(exact(a.End), whole(in-1))
		if out <= 1 {
			start = times(half, first.Add(first, last))
		} else {
			start, slope = first, times(minus(last, first), big.NewRat(1, out-1))
		}
	}
	return newAffine(start, slope, out), nil
}

// newAffine is start + slope*o for positions 0 ≤ o < out.
func newAffine(start, slope *big.Rat, out int64) *affine {
	l := &affine{wide: new([3]big.Int)}
	a, b, c := &l.wide[0], &l.wide[1], &l.wide[2]
	shared := new(big.Int).GCD(nil, nil, start.Denom(), slope.Denom())
	rest := new(big.Int).Quo(slope.Denom(), shared)
	a.Mul(start.Num(), rest)
	b.Mul(slope.Num(), b.Quo(start.Denom(), shared))
	c.Mul(start.Denom(), rest)
	if last := max(out, 1); a.BitLen() < 62 && b.BitLen()+big.NewInt(last).BitLen() < 62 && c.BitLen() < 63 {
		l.a, l.b, l.c, l.wide = a.Int64(), b.Int64(), c.Int64(), nil
	}
	return l
}

// at is the coordinate of output position o: the whole number below it, the
// rest in [0, 1], and how the rest compares with ½. A rest of 0 is exact, and
// so is the comparison.
func (l *affine) at(o int) (floor int, rest float64, half int) {
	if l.wide != nil {
		return l.atWide(o)
	}
	n := l.a + l.b*int64(o)
	q, r := n/l.c, n%l.c
	if r < 0 {
		q, r = q-1, r+l.c
	}
	return int(q), float64(r) / float64(l.c), cmp.Compare(r, l.c-r)
}

// farOut bounds coordinates that lie outside any input.
const farOut = 1 << 48

func (l *affine) atWide(o int) (floor int, rest float64, half int) {
	a, b, c := &l.wide[0], &l.wide[1], &l.wide[2]
	n := new(big.Int).Mul(b, big.NewInt(int64(o)))
	q, r := new(big.Int).DivMod(n.Add(n, a), c, new(big.Int))
	switch far := big.NewInt(farOut); {
	case q.CmpAbs(far) < 0:
		rest, _ = new(big.Rat).SetFrac(r, c).Float64()
		return int(q.Int64()), max(rest, float64(r.Sign())*math.SmallestNonzeroFloat64), r.Lsh(r, 1).Cmp(c)
	case q.Sign() < 0:
		return -farOut, 0, -1
	}
	return farOut, 0, -1
}

// NearestTable returns the input position of each output position of an axis,
// clamped to the input; -1 for a coordinate outside of it in crop and resize,
// where the extrapolation value is taken. The coordinates are exact. The tables
// of all axes make an IndexCopy.
func NearestTable(a ResizeAxis, c Coordinate, r Rounding) ([]int, error) {
	l, err := a.affine(c)
	if err != nil {
		return nil, err
	}
	table := make([]int, a.Out)
	for o := range table {
		k, rest, half := l.at(o)
		if c == CoordCropAndResize && outside(k, rest, a.In) {
			table[o] = -1
			continue
		}
		switch {
		case r == RoundPreferFloor && half > 0, r == RoundPreferCeil && half >= 0, r == RoundCeil && rest > 0:
			k++
		}
		table[o] = min(max(k, 0), a.In-1)
	}
	return table, nil
}

// outside reports whether floor + rest is outside of [0, in-1].
func outside(floor int, rest float64, in int) bool {
	return floor < 0 || floor >= in-1 && (rest > 0 || floor > in-1)
}
