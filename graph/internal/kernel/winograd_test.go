package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func winogradCase(n, c, m, h, w, pad int) *convCase {
	p := []int{pad, pad}
	return &convCase{n: n, c: c, m: m, group: 1, in: []int{h, w}, kernel: []int{3, 3}, pb: p, pe: p}
}

// stepCase is one that moves by two rows and columns.
func stepCase(n, c, m, h, w, pad int) *convCase {
	k := winogradCase(n, c, m, h, w, pad)
	k.kernel, k.stride = []int{6, 6}, []int{2, 2}
	return k
}

// relativeError is the greatest distance from want, relative to the greatest
// magnitude of want.
func relativeError(got []float32, want []float64) (e float64) {
	top := 0.0
	for i, w := range want {
		top = max(top, math.Abs(w))
		e = max(e, math.Abs(float64(got[i])-w))
	}
	return e / top
}

// TestWinograd: sizes that do and do not fill tiles, panels and blocks, every
// pad, with and without bias, in one part and in several, give the convolution
// and the same bits; each output is finished once, and nothing beside is
// written.
func TestWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for i, c := range []*convCase{
		winogradCase(1, 16, 16, 13, 13, 1), winogradCase(2, 17, 50, 26, 27, 1), winogradCase(1, 300, 20, 12, 15, 1),
		winogradCase(1, 16, 97, 15, 52, 0), winogradCase(1, 20, 16, 10, 14, 2), winogradCase(3, 16, 16, 4, 40, 1), winogradCase(1, 16, 30, 36, 16, 1),
		winogradCase(2, 16, 17, 72, 75, 1), winogradCase(1, 13, 29, 90, 70, 2), winogradCase(1, 12, 12, 90, 100, 0),
		stepCase(1, 4, 16, 27, 26, 2), stepCase(2, 3, 13, 150, 152, 2), stepCase(1, 3, 16, 149, 152, 1), stepCase(1, 7, 20, 33, 28, 3),
	} {
		g := c.geom(t)
		k := newWinograd(g)
		if k == nil {
			t.Errorf("case %d is not computed by the transform", i)
			continue
		}
		x, w := random[float32](rng, g.N*g.C*g.inSize), random[float32](rng, g.M*g.cg*g.taps)
		var bias []float32
		if i%2 == 0 {
			bias = random[float32](rng, g.M)
		}
		want, _ := naiveConv(g, x, w, bias, false)
		var first []float32
		for parts := range 4 {
			var par Parallel
			if parts > 0 {
				par = split(parts)
			}
			y, check := guarded[float32](len(want))
			count := make([]int32, len(want))
			k.run(par, x, packWinograd(nil, g, w, nil), bias, y, Finish{Then: func(plane, planes, at, n int) {
				for p := plane; p < plane+planes; p++ {
					for j := at; j < at+n; j++ {
						count[p*g.outSize+j]++
					}
				}
			}})
			check(t)
			if e := relativeError(y, want); !(e <= 5e-6) {
				t.Errorf("case %d in %d parts: error %v of the greatest", i, parts, e)
			}
			for j, n := range count {
				if n != 1 {
					t.Fatalf("case %d: output %d was finished %d times", i, j, n)
				}
			}
			if first == nil {
				first = y
			}
			if fmt.Sprint(first) != fmt.Sprint(y) {
				t.Errorf("case %d in %d parts: other bits than in one", i, parts)
			}
		}
	}
}

// TestWinogradTransforms holds the loops in use against those in Go.
func TestWinogradTransforms(t *testing.T) {
	f := &fast32.winograd
	if f.input == nil {
		t.Skip("no loops but those in Go")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var off [winogradPlaces]int
	for i := range off {
		off[i] = i * i % 91
	}
	tmp := make([]float32, 36*f.lanes)
	for vecs := 1; vecs <= 4; vecs++ {
		n, step := vecs*f.lanes, vecs*f.lanes+5
		x := random[float32](rng, 91+n)
		got, check := guarded[float32](35*step + n)
		want := append([]float32(nil), got...)
		f.input(&got[0], step, &x[0], &off[0], vecs, &tmp[0])
		winogradInput(want, step, x, &off, n)
		check(t)
		closeRows(t, "input", got, want)
		m := random[float32](rng, 35*step+n)
		got, check = guarded[float32](3*(4*n+3) + 4*n)
		want = append(want[:0], got...)
		f.output(&got[0], 4*n+3, &m[0], step, 0.5, vecs, &tmp[0])
		winogradOutput(want, 4*n+3, m, step, 0.5, n)
		check(t)
		closeRows(t, "output", got, want)
		tap := n - 3
		w := random[float32](rng, 8*tap+n)
		got, check = guarded[float32](35*step + n)
		want = append(want[:0], got...)
		f.kernels(&got[0], step, &w[0], tap, vecs)
		winogradKernels(want, step, w, tap)
		for p := range winogradPlaces {
			copy(want[p*step+tap:][:n-tap], got[p*step+tap:]) // of kernels that are none
		}
		check(t)
		closeRows(t, "kernels", got, want)
	}
}

// TestWinogradSplit: the loops in use give the planes that those in Go do, at every edge.
func TestWinogradSplit(t *testing.T) {
	loops := fast32.winograd.split
	if loops[0] == nil {
		t.Skip("no loops but those in Go")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, c := range []*convCase{
		winogradCase(1, 16, 16, 9, 11, 0), winogradCase(1, 16, 16, 13, 64, 1), winogradCase(1, 16, 16, 30, 131, 2),
		stepCase(1, 3, 16, 12, 12, 0), stepCase(1, 3, 16, 20, 127, 1), stepCase(1, 3, 16, 22, 130, 3), stepCase(1, 3, 16, 40, 290, 4),
	} {
		k := newWinograd(c.geom(t))
		image := random[float32](rng, k.g.inSize)
		for a := range k.step {
			got, check := guarded[float32](16 * k.step * k.size)
			want := append([]float32(nil), got...)
			k.split(got, image, a, 0)
			check(t)
			fast32.winograd.split = [winogradSteps]splitLoop{}
			k.split(want, image, a, 0)
			fast32.winograd.split = loops
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v, row %d: not the same planes", c, a)
			}
		}
	}
}

func closeRows(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 1e-4) {
			t.Fatalf("%s: [%d] = %v, want %v", what, i, got[i], w)
		}
	}
}

// TestWinogradAccuracy reports the error of the transform beside that of the
// direct sum, for inputs as they follow a Relu, and bounds it.
func TestWinogradAccuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, channels := range []int{16, 64, 256} {
		g := winogradCase(1, channels, 16, 16, 16, 1).geom(t)
		x, w := random[float32](rng, g.C*g.inSize), random[float32](rng, g.M*g.cg*g.taps)
		for i := range x {
			x[i] = max(x[i], 0)
		}
		want, _ := naiveConv(g, x, w, nil, false)
		y := make([]float32, len(want))
		ConvPacked(nil, g, x, packConv(nil, g, w, true), nil, y, Finish{})
		direct := relativeError(y, want)
		ConvPacked(nil, g, x, packConv(nil, g, w, false), nil, y, Finish{})
		transformed := relativeError(y, want)
		t.Logf("%d channels: greatest error, of the greatest output: direct %.1e, Winograd %.1e", channels, direct, transformed)
		if transformed > 5e-6 {
			t.Errorf("%d channels: error %v", channels, transformed)
		}
	}
}
