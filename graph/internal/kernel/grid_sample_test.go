package kernel

import (
	"math"
	"testing"
)

// TestGridSample: values of PyTorch 1.13's grid_sample in float64.
func TestGridSample(t *testing.T) {
	in := []int{3, 4}
	x := make([]float64, 12)
	for i := range x {
		x[i] = float64(i * 7 % 11)
	}
	grid := []float64{-1.3, -0.2, 0.1, 0.33, 0.95, -1.9, 1.7, 1.2, -0.45, 0.9, 3.1, -2.6}
	one := []float64{1, 1, 1, 1, 1, 1}
	for _, c := range []struct {
		s    Sampling
		want []float64
	}{
		{Sampling{Nearest: true, Padding: GridZeros}, []float64{0, 9, 0, 0, 8, 0}},
		{Sampling{Nearest: true, Padding: GridZeros, AlignCorners: true}, []float64{6, 9, 0, 0, 8, 0}},
		{Sampling{Nearest: true, Padding: GridBorder}, []float64{6, 9, 10, 0, 8, 10}},
		{Sampling{Nearest: true, Padding: GridBorder, AlignCorners: true}, []float64{6, 9, 10, 0, 8, 10}},
		{Sampling{Nearest: true, Padding: GridReflection}, []float64{6, 9, 5, 4, 8, 1}},
		{Sampling{Nearest: true, Padding: GridReflection, AlignCorners: true}, []float64{6, 9, 5, 4, 8, 1}},
		{Sampling{Padding: GridZeros}, []float64{0, 6.0585, 0, 0, 3.38, 0}},
		{Sampling{Padding: GridZeros, AlignCorners: true}, []float64{2.64, 6.1705, 0.947500000000001, 0, 6.3675, 0}},
		{Sampling{Padding: GridBorder}, []float64{4.2, 6.0585, 10, 0, 5.2, 10}},
		{Sampling{Padding: GridBorder, AlignCorners: true}, []float64{4.8, 6.1705, 9.475, 0, 6.3675, 10}},
		{Sampling{Padding: GridReflection}, []float64{4.13, 6.0585, 5.75, 3.6, 5.2, 1.5}},
		{Sampling{Padding: GridReflection, AlignCorners: true}, []float64{3.99, 6.1705, 5.7175, 5.09, 6.3675, 3.39}},
		{Sampling{Cubic: true, Padding: GridZeros}, []float64{-0.2962929375, 7.49082852949219, -0.0986276250000038, 0.000809999999999978, 4.14487775, 0}},
		{Sampling{Cubic: true, Padding: GridZeros, AlignCorners: true}, []float64{3.31814175, 7.32352237714844, 0.854208208984382, 0.0162450000000003, 7.30343700585938, 0}},
		{Sampling{Cubic: true, Padding: GridBorder}, []float64{4.87725000000001, 6.94442637829687, 10.756, -0.12, 6.03984625, 10}},
		{Sampling{Cubic: true, Padding: GridBorder, AlignCorners: true}, []float64{5.7425325, 6.98460525198438, 9.59157204589844, -0.480000000000003, 6.83153430175782, 10}},
		{Sampling{Cubic: true, Padding: GridReflection}, []float64{4.66674218750001, 6.94442637829687, 5.57766499999999, 2.74881, 6.214225, 0.501759375}},
		{Sampling{Cubic: true, Padding: GridReflection, AlignCorners: true}, []float64{3.81489225, 6.94735137022656, 5.81028926464844, 4.81101725, 7.02765628125, 2.97899475000001}},
	} {
		got, check := guarded[float64](6)
		if err := GridSample(split(3), &c.s, got, x, 1, 1, in, grid, 6); err != nil {
			t.Fatal(err)
		}
		check(t)
		near(t, "sample", got, c.want, one, 1e-12)
	}
	nan := math.NaN()
	for _, p := range []GridPadding{GridZeros, GridBorder, GridReflection} {
		s := &Sampling{Padding: p, Cubic: true}
		got := make([]float64, 2)
		if err := GridSample(nil, s, got, x, 1, 1, in, []float64{nan, math.Inf(1), 1e300, -1e300}, 2); err != nil {
			t.Fatal(err)
		}
		if p == GridZeros && (got[0] != 0 || got[1] != 0) {
			t.Errorf("far outside: %v", got)
		}
	}
	// A volume, linear in each direction, is reproduced inside.
	cube := make([]float64, 2*3*4*5)
	for i := range cube {
		cube[i] = float64(i/60*1000 + i/20%3*100 + i/5%4*10 + i%5)
	}
	got := make([]float64, 2)
	if err := GridSample(nil, &Sampling{AlignCorners: true}, got, cube, 1, 2, []int{3, 4, 5}, []float64{0.25, -0.5, 0.5}, 1); err != nil {
		t.Fatal(err)
	}
	if want := 150 + 7.5 + 2.5; math.Abs(got[0]-want) > 1e-9 || math.Abs(got[1]-want-1000) > 1e-9 {
		t.Errorf("volume: %v, want %v", got, want)
	}
	if err := GridSample(nil, &Sampling{}, got, nil, 1, 1, []int{0, 2}, []float64{0, 0}, 1); err == nil {
		t.Error("an empty input gave no error")
	}
}
