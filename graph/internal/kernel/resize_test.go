package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func axisOf(in, out int) ResizeAxis {
	return ResizeAxis{In: in, Out: out, Scale: Ratio{float64(out), float64(in)}, End: 1}
}

// scaledAxis is an axis resized by a scale as stated.
func scaledAxis(in, out int, scale float64) ResizeAxis {
	return ResizeAxis{In: in, Out: out, Scale: ScaleOf(scale, in, out), End: 1}
}

var coordinateNames = map[Coordinate]string{
	CoordHalfPixel: "half_pixel", CoordHalfPixelSymmetric: "half_pixel_symmetric", CoordPytorchHalfPixel: "pytorch_half_pixel",
	CoordAlignCorners: "align_corners", CoordAsymmetric: "asymmetric", CoordHalfPixelForNearest: "tf_half_pixel_for_nn",
	CoordCropAndResize: "tf_crop_and_resize",
}

// trueCoordinate is the input coordinate of output position o, by the formula
// of ONNX's specification in rational numbers.
func trueCoordinate(c Coordinate, a ResizeAxis, o int) *big.Rat {
	n := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
	add := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Add(x, y) }
	sub := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Sub(x, y) }
	mul := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Mul(x, y) }
	quo := func(x, y *big.Rat) *big.Rat { return new(big.Rat).Quo(x, y) }
	x, half, one := n(float64(o)), n(0.5), n(1)
	in, out, scale := n(float64(a.In)), n(float64(a.Out)), quo(n(a.Scale.Num), n(a.Scale.Den))
	switch coordinateNames[c] {
	case "half_pixel":
		return sub(quo(add(x, half), scale), half)
	case "half_pixel_symmetric":
		adjustment := quo(out, mul(in, scale))
		center := quo(in, n(2))
		offset := mul(center, sub(one, adjustment))
		return sub(add(offset, quo(add(x, half), scale)), half)
	case "pytorch_half_pixel":
		if a.Out > 1 {
			return sub(quo(add(x, half), scale), half)
		}
		return new(big.Rat)
	case "align_corners":
		if a.Out > 1 {
			return quo(mul(x, sub(in, one)), sub(out, one))
		}
		return new(big.Rat)
	case "asymmetric":
		return quo(x, scale)
	case "tf_half_pixel_for_nn":
		return quo(add(x, half), scale)
	}
	start, end := n(a.Start), n(a.End)
	if a.Out > 1 {
		return add(mul(start, sub(in, one)), quo(mul(mul(x, sub(end, start)), sub(in, one)), sub(out, one)))
	}
	return mul(mul(half, add(start, end)), sub(in, one))
}

// trueNearest is the input position nearest to x, not yet clamped.
func trueNearest(r Rounding, x *big.Rat) int {
	floor := func(x *big.Rat) int { return int(new(big.Int).Div(x.Num(), x.Denom()).Int64()) }
	ceil := func(x *big.Rat) int { return -floor(new(big.Rat).Neg(x)) }
	switch half := big.NewRat(1, 2); r {
	case RoundPreferFloor:
		return ceil(new(big.Rat).Sub(x, half))
	case RoundPreferCeil:
		return floor(new(big.Rat).Add(x, half))
	case RoundFloor:
		return floor(x)
	default:
		return ceil(x)
	}
}

// eachAxis calls f for all resizings of 1 to 24 positions to 1 to 40, by their
// sizes, by scales that miss them, and for parts of the input.
func eachAxis(f func(c Coordinate, a ResizeAxis)) {
	for in := 1; in <= 24; in++ {
		for out := 1; out <= 40; out++ {
			for c := range coordinateNames {
				axes := []ResizeAxis{axisOf(in, out), scaledAxis(in, out, float64(float32(float64(out)+0.4)/float32(in)))}
				if c == CoordCropAndResize {
					axes[0].Start, axes[0].End = float64(float32(0.1)), float64(float32(0.9))
					axes[1].Start, axes[1].End = -0.25, 1.5
				}
				for _, a := range axes {
					f(c, a)
				}
			}
		}
	}
}

// TestNearestIsExact: every position of every mode, against rational numbers.
func TestNearestIsExact(t *testing.T) {
	pixels, wrong := 0, 0
	eachAxis(func(c Coordinate, a ResizeAxis) {
		coordinates := make([]*big.Rat, a.Out)
		for o := range coordinates {
			coordinates[o] = trueCoordinate(c, a, o)
		}
		last := new(big.Rat).SetInt64(int64(a.In - 1))
		for r := RoundPreferFloor; r <= RoundCeil; r++ {
			table, err := NearestTable(a, c, r)
			if err != nil {
				t.Fatal(err)
			}
			for o, got := range table {
				x := coordinates[o]
				want := min(max(trueNearest(r, x), 0), a.In-1)
				if c == CoordCropAndResize && (x.Sign() < 0 || x.Cmp(last) > 0) {
					want = -1
				}
				if pixels++; got != want {
					if wrong++; wrong < 10 {
						t.Errorf("%s %d: %+v: output %d of coordinate %v takes %d, want %d", coordinateNames[c], r, a, o, x, got, want)
					}
				}
			}
		}
	})
	t.Logf("%d of %d positions are wrong", wrong, pixels)
}

// TestCoordinatesAreExact: what linear and cubic interpolation weigh by is the
// exact coordinate, correctly rounded but for one unit in the last place.
func TestCoordinatesAreExact(t *testing.T) {
	worst := 0.0
	eachAxis(func(c Coordinate, a ResizeAxis) {
		l, err := a.affine(c)
		if err != nil {
			t.Fatal(err)
		}
		for o := range a.Out {
			x := trueCoordinate(c, a, o)
			floor, rest, _ := l.at(o)
			if want := trueNearest(RoundFloor, x); floor != want {
				t.Fatalf("%s: %+v: output %d lies at %d, want %d", coordinateNames[c], a, o, floor, want)
			}
			x.Sub(x, new(big.Rat).SetInt64(int64(floor)))
			want, _ := x.Float64()
			if (want == 0) != (rest == 0) {
				t.Fatalf("%s: %+v: output %d: rest %v, want %v", coordinateNames[c], a, o, rest, want)
			}
			if want != 0 {
				worst = max(worst, math.Abs(rest-want)/want)
			}
		}
	})
	if worst > 0x1p-52 {
		t.Errorf("coordinates are off by %.2g of the rest", worst)
	}
}

// TestScaleOf: a scale means what it was rounded from.
func TestScaleOf(t *testing.T) {
	for _, c := range []struct {
		scale   float64
		in, out int
		want    Ratio
	}{
		{2, 5, 10, Ratio{10, 5}}, {2, 5, 9, Ratio{2, 1}}, {0.5, 5, 2, Ratio{1, 2}}, {2.2, 6, 13, Ratio{11, 5}}, {float64(float32(2.2)), 6, 13, Ratio{11, 5}},
		{float64(float32(1.0 / 3)), 4, 1, Ratio{1, 3}}, {0.7, 10, 7, Ratio{7, 10}}, {0.7, 11, 7, Ratio{7, 10}}, {math.Pi, 10, 31, Ratio{93343, 29712}},
		{float64(float32(1999.0 / 2003)), 2003, 1999, Ratio{1999, 2003}}, {float64(float32(1999.0 / 2003)), 2004, 1999, Ratio{1999, 2003}},
		{1 << 30, 1, 1, Ratio{1 << 30, 1}}, {1e300, 1, 1, Ratio{1e300, 1}}, {5e-324, 1, 1, Ratio{5e-324, 1}}, {math.Inf(1), 1, 1, Ratio{math.Inf(1), 1}},
	} {
		if got := ScaleOf(c.scale, c.in, c.out); got != c.want {
			t.Errorf("%v from %d to %d means %v, want %v", c.scale, c.in, c.out, got, c.want)
		}
	}
	for bits := uint32(1); bits < 0x7f800000; bits += 7654321 {
		s := math.Float32frombits(bits)
		if r := ScaleOf(float64(s), 3, 5); float32(r.Num/r.Den) != s {
			t.Errorf("%v means %v, which is not it", s, r)
		}
	}
}

// TestNearestTable: cases worked out by hand, and numbers out of all
// proportion.
func TestNearestTable(t *testing.T) {
	thirds := float64(float32(2.0 / 3))
	for _, c := range []struct {
		a    ResizeAxis
		c    Coordinate
		r    Rounding
		want []int
	}{
		{axisOf(2, 4), CoordAsymmetric, RoundFloor, []int{0, 0, 1, 1}},
		{axisOf(2, 4), CoordAsymmetric, RoundCeil, []int{0, 1, 1, 1}},
		{axisOf(2, 4), CoordAsymmetric, RoundPreferFloor, []int{0, 0, 1, 1}},
		{axisOf(2, 4), CoordAsymmetric, RoundPreferCeil, []int{0, 1, 1, 1}},
		{axisOf(4, 2), CoordHalfPixel, RoundPreferFloor, []int{0, 2}},
		{axisOf(4, 2), CoordHalfPixel, RoundPreferCeil, []int{1, 3}},
		{ResizeAxis{In: 3, Out: 4, Scale: Ratio{1, 1}, Start: -0.5, End: 1}, CoordCropAndResize, RoundFloor, []int{-1, 0, 1, 2}},
		// 4/3 in float32 and in float64 means 4/3: output 4 looks at 3.
		{scaledAxis(6, 8, float64(float32(4.0/3))), CoordAsymmetric, RoundFloor, []int{0, 0, 1, 2, 3, 3, 4, 5}},
		{scaledAxis(6, 8, 4.0/3), CoordAsymmetric, RoundFloor, []int{0, 0, 1, 2, 3, 3, 4, 5}},
		// Scales that are not out/in mean simple fractions, too.
		{scaledAxis(5, 3, thirds), CoordAsymmetric, RoundFloor, []int{0, 1, 3}},
		{scaledAxis(6, 13, float64(float32(2.2))), CoordAsymmetric, RoundFloor, []int{0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}},
	} {
		got, err := NearestTable(c.a, c.c, c.r)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v %d %d: %v (%v), want %v", c.a, c.c, c.r, got, err, c.want)
		}
	}
	one := Ratio{1, 1}
	for _, a := range []ResizeAxis{
		{In: 0, Out: 1, Scale: one}, {In: 1, Out: 1}, {In: 1, Out: 1, Scale: Ratio{math.NaN(), 1}}, {In: 1, Out: 1, Scale: Ratio{math.Inf(1), 1}},
		{In: 1, Out: -1, Scale: one}, {In: 2, Out: 2, Scale: one, End: math.NaN()},
	} {
		if _, err := NearestTable(a, CoordHalfPixel, RoundFloor); err == nil {
			t.Errorf("%+v: no error", a)
		}
	}
	for c := range coordinateNames {
		for _, s := range []float64{5e-324, 1e-40, 1e300} {
			a := ResizeAxis{In: 3, Out: 3, Scale: Ratio{s, 1}, Start: -1e308, End: 1e308}
			for r := RoundPreferFloor; r <= RoundCeil; r++ {
				table, err := NearestTable(a, c, r)
				if err != nil {
					t.Errorf("scale %v: %v", s, err)
				}
				for o, got := range table {
					x := trueCoordinate(c, a, o)
					low, high := x.Sign() < 0, x.Cmp(big.NewRat(2, 1)) > 0
					switch {
					case c == CoordCropAndResize && (low || high):
						if got != -1 {
							t.Errorf("scale %v: a coordinate far outside takes %d", s, got)
						}
					case low && got != 0, high && got != 2, !low && !high && got != min(trueNearest(r, x), 2):
						t.Errorf("%s, scale %v: output %d takes %d", coordinateNames[c], s, o, got)
					}
				}
			}
			for _, p := range []Interpolation{{Coordinate: c}, {Coordinate: c, Cubic: true, A: -0.75, ExcludeOutside: true}} {
				if err := Resize(nil, &p, []ResizeAxis{a}, make([]float32, 3), make([]float32, 3)); err != nil {
					t.Errorf("scale %v: %v", s, err)
				}
			}
		}
	}
}

// TestResizeReproduces: linear interpolation reproduces a linear function,
// cubic a cubic one only with A = -1/2 up to quadratic; both reproduce
// constants, for any scale, with and without antialias.
func TestResizeReproduces(t *testing.T) {
	for _, p := range []Interpolation{
		{}, {Antialias: true}, {Cubic: true, A: -0.75}, {Cubic: true, A: -0.5, Antialias: true}, {Cubic: true, A: -0.75, ExcludeOutside: true},
	} {
		for _, out := range []int{1, 5, 9, 10, 17, 31} {
			in := 10
			x, got := make([]float64, in*3), make([]float64, out*3)
			for i := range x {
				x[i] = 7
			}
			axes := []ResizeAxis{axisOf(in, out), axisOf(3, 3)}
			if err := Resize(split(2), &p, axes, got, x); err != nil {
				t.Fatal(err)
			}
			for _, v := range got {
				if math.Abs(v-7) > 1e-12 {
					t.Fatalf("%+v to %d: constant 7 became %v", p, out, v)
				}
			}
			for i := range x {
				x[i] = float64(i / 3)
			}
			if err := Resize(split(2), &p, axes, got, x); err != nil {
				t.Fatal(err)
			}
			for o := range out {
				at := (float64(o)+0.5)*float64(in)/float64(out) - 0.5
				margin := 2.0 // of the filter
				if p.Antialias {
					margin = max(2, 2*float64(in)/float64(out))
				}
				if at < margin || at > float64(in-1)-margin || p.Cubic && p.A != -0.5 && math.Abs(at-math.Round(2*at)/2) > 1e-9 || p.Antialias && out < in {
					continue
				}
				if math.Abs(got[3*o]-at) > 1e-9 {
					t.Fatalf("%+v to %d: at %v got %v", p, out, at, got[3*o])
				}
			}
		}
	}
}

// TestResizeSeparable: an image resized at once is each axis resized by itself,
// and by the sum over the four neighbours.
func TestResizeSeparable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := random[float32](rng, 2*5*7)
	got, check := guarded[float32](2 * 8 * 4)
	axes := []ResizeAxis{axisOf(2, 2), axisOf(5, 8), axisOf(7, 4)}
	if err := Resize(split(3), &Interpolation{Coordinate: CoordAlignCorners}, axes, got, x); err != nil {
		t.Fatal(err)
	}
	check(t)
	for i := range got {
		c, y, z := i/32, float64(i/4%8)*4/7, float64(i%4)*6/3
		y0, z0 := int(y), int(z)
		y1, z1 := min(y0+1, 4), min(z0+1, 6)
		fy, fz := y-float64(y0), z-float64(z0)
		v := func(y, z int) float64 { return float64(x[c*35+y*7+z]) }
		want := (1-fy)*((1-fz)*v(y0, z0)+fz*v(y0, z1)) + fy*((1-fz)*v(y1, z0)+fz*v(y1, z1))
		if math.Abs(float64(got[i])-want) > 1e-6 {
			t.Fatalf("[%d] = %v, want %v", i, got[i], want)
		}
	}
	crop := []ResizeAxis{{In: 5, Out: 3, Scale: Ratio{1, 1}, Start: -0.5, End: 1.5}}
	out := make([]float32, 3)
	if err := Resize(nil, &Interpolation{Coordinate: CoordCropAndResize, Extrapolation: 9}, crop, out, x[:5]); err != nil {
		t.Fatal(err)
	}
	if out[0] != 9 || out[1] != x[2] || out[2] != 9 {
		t.Errorf("crop: %v of %v", out, x[:5])
	}
	tiny := []ResizeAxis{{In: 5, Out: 3, Scale: Ratio{1e-300, 1}}}
	if err := Resize(nil, &Interpolation{Antialias: true}, tiny, out, x[:5]); err == nil {
		t.Error("a filter as wide as the universe gave no error")
	}
}

func TestRoiAlign(t *testing.T) {
	// On a linear image, the mean over a bin is its centre's value.
	const h, w = 12, 16
	x := make([]float64, 2*2*h*w)
	for i := range x {
		x[i] = float64(i/(h*w))*1000 + float64(i/w%h)*10 + float64(i%w)
	}
	regions := []float64{2, 3, 10, 9, 4, 4, 8, 8}
	dst := make([]float64, 2*2*3*2)
	for _, samples := range []int{0, 1, 2, 5} {
		for _, half := range []bool{true, false} {
			p := &Regions{OutHeight: 3, OutWidth: 2, Samples: samples, Scale: 1, HalfPixel: half}
			if err := RoiAlign(split(3), p, dst, x, 2, 2, h, w, regions, []int64{1, 0}); err != nil {
				t.Fatal(err)
			}
			for i, v := range dst {
				r, c, row, col := i/12, i/6%2, i/2%3, i%2
				b := regions[4*r:]
				cx := b[0] + (b[2]-b[0])*(float64(col)+0.5)/2
				cy := b[1] + (b[3]-b[1])*(float64(row)+0.5)/3
				if half {
					cx, cy = cx-0.5, cy-0.5
				}
				want := float64((1-r)*2+c)*1000 + cy*10 + cx
				if math.Abs(v-want) > 1e-9 {
					t.Fatalf("samples %d half %v: [%d] = %v, want %v", samples, half, i, v, want)
				}
			}
		}
	}
	p := &Regions{OutHeight: 1, OutWidth: 1, Samples: 1, Scale: 1, Max: true}
	one := make([]float64, 1)
	if err := RoiAlign(nil, p, one, x, 1, 1, h, w, []float64{3, 3, 4, 4}, []int64{0}); err != nil || one[0] != 11 {
		t.Errorf("greatest weighted neighbour: %v %v, want 44/4", one, err)
	}
	if err := RoiAlign(nil, p, one, x, 1, 1, h, w, []float64{300, 300, 301, 301}, []int64{0}); err != nil || one[0] != 0 {
		t.Errorf("outside: %v %v", one, err)
	}
	nan := math.NaN()
	for _, bad := range [][]float64{{0, 0, 1e30, 1e30}, {0, 0, 1, math.Inf(1)}, {nan, nan, nan, nan}} {
		if err := RoiAlign(nil, &Regions{OutHeight: 1, OutWidth: 1, Scale: 1, HalfPixel: true}, one, x, 1, 1, h, w, bad, []int64{0}); err == nil {
			t.Errorf("region %v gave no error", bad)
		}
	}
	if err := RoiAlign(nil, p, one, x, 1, 1, h, w, []float64{0, 0, 1, 1}, []int64{1}); err == nil {
		t.Error("an image that does not exist gave no error")
	}
}
