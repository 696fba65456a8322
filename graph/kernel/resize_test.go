package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func axisOf(in, out int) ResizeAxis {
	return ResizeAxis{In: in, Out: out, Scale: float64(out) / float64(in)}
}

func TestCoordinates(t *testing.T) {
	crop := ResizeAxis{In: 5, Out: 3, Scale: 0.6, Start: 0.25, End: 0.75}
	for _, c := range []struct {
		name string
		c    Coordinate
		a    ResizeAxis
		want []float64
	}{
		{"half pixel", CoordHalfPixel, axisOf(2, 4), []float64{-0.25, 0.25, 0.75, 1.25}},
		{"symmetric", CoordHalfPixelSymmetric, ResizeAxis{In: 5, Out: 2, Scale: 0.5}, []float64{1, 3}},
		{"pytorch", CoordPytorchHalfPixel, axisOf(4, 1), []float64{0}},
		{"pytorch, larger", CoordPytorchHalfPixel, axisOf(4, 2), []float64{0.5, 2.5}},
		{"corners", CoordAlignCorners, axisOf(3, 5), []float64{0, 0.5, 1, 1.5, 2}},
		{"corners, one", CoordAlignCorners, axisOf(3, 1), []float64{0}},
		{"asymmetric", CoordAsymmetric, axisOf(2, 4), []float64{0, 0.5, 1, 1.5}},
		{"for nearest", CoordHalfPixelForNearest, axisOf(2, 4), []float64{0.25, 0.75, 1.25, 1.75}},
		{"crop", CoordCropAndResize, crop, []float64{1, 2, 3}},
		{"crop, one", CoordCropAndResize, ResizeAxis{In: 5, Out: 1, Scale: 1, Start: 0.25, End: 0.75}, []float64{2}},
	} {
		for o, want := range c.want {
			if got := at[float64](c.c, c.a, o); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: output %d looks at %v, want %v", c.name, o, got, want)
			}
		}
	}
}

func TestNearestTable(t *testing.T) {
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
		{ResizeAxis{In: 3, Out: 4, Scale: 1, Start: -0.5, End: 1}, CoordCropAndResize, RoundFloor, []int{-1, 0, 1, 2}},
		// 4 / float32(4/3) rounds to 3 in float32 and is below it in float64.
		{ResizeAxis{In: 6, Out: 8, Scale: float64(float32(4.0 / 3))}, CoordAsymmetric, RoundFloor, []int{0, 0, 1, 2, 3, 3, 4, 5}},
	} {
		got, err := NearestTable(c.a, c.c, c.r)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v %d %d: %v (%v), want %v", c.a, c.c, c.r, got, err, c.want)
		}
	}
	for _, a := range []ResizeAxis{{In: 0, Out: 1, Scale: 1}, {In: 1, Out: 1}, {In: 1, Out: 1, Scale: math.NaN()}, {In: 1, Out: 1, Scale: math.Inf(1)}, {In: 1, Out: -1, Scale: 1}, {In: 2, Out: 2, Scale: 1, End: math.NaN()}} {
		if _, err := NearestTable(a, CoordHalfPixel, RoundFloor); err == nil {
			t.Errorf("%+v: no error", a)
		}
	}
	for c := CoordHalfPixel; c <= CoordCropAndResize; c++ {
		for _, s := range []float64{5e-324, 1e-40, 1e300} {
			a := ResizeAxis{In: 3, Out: 3, Scale: s, Start: -1e308, End: 1e308}
			if _, err := NearestTable(a, c, RoundFloor); err != nil {
				t.Errorf("scale %v: %v", s, err)
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
	crop := []ResizeAxis{{In: 5, Out: 3, Scale: 1, Start: -0.5, End: 1.5}}
	out := make([]float32, 3)
	if err := Resize(nil, &Interpolation{Coordinate: CoordCropAndResize, Extrapolation: 9}, crop, out, x[:5]); err != nil {
		t.Fatal(err)
	}
	if out[0] != 9 || out[1] != x[2] || out[2] != 9 {
		t.Errorf("crop: %v of %v", out, x[:5])
	}
	tiny := []ResizeAxis{{In: 5, Out: 3, Scale: 1e-300}}
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
