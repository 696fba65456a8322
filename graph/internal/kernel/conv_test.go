package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// convCase is a convolution as text-table input; nil fields are defaults.
type convCase struct {
	n, c, m, group                            int
	in, kernel, out, stride, dilation, pb, pe []int
}

var convCases = []convCase{
	{n: 1, c: 3, m: 5, group: 1, in: []int{7}, kernel: []int{3}},
	{n: 2, c: 4, m: 6, group: 2, in: []int{37}, kernel: []int{5}, stride: []int{2}, pb: []int{2}, pe: []int{3}},
	{n: 2, c: 3, m: 8, group: 1, in: []int{19, 23}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 3, m: 8, group: 1, in: []int{32, 40}, kernel: []int{6, 6}, stride: []int{2, 2}, pb: []int{2, 2}, pe: []int{2, 2}},
	{n: 2, c: 5, m: 13, group: 1, in: []int{9, 75}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 30, m: 20, group: 2, in: []int{9, 66}, kernel: []int{5, 5}, stride: []int{2, 1}, dilation: []int{1, 2}, pb: []int{2, 4}, pe: []int{2, 4}},
	{n: 1, c: 5, m: 7, group: 1, in: []int{11, 13}, kernel: []int{3, 2}, stride: []int{1, 3}, dilation: []int{2, 3}, pb: []int{0, 4}, pe: []int{3, 1}},
	{n: 3, c: 16, m: 20, group: 1, in: []int{9, 9}, kernel: []int{1, 1}},
	{n: 1, c: 16, m: 20, group: 1, in: []int{9, 9}, kernel: []int{1, 1}, stride: []int{2, 2}},
	{n: 1, c: 3, m: 3, group: 3, in: []int{5, 5}, kernel: []int{5, 5}, pb: []int{2, 2}, pe: []int{2, 2}},
	{n: 2, c: 3, m: 6, group: 3, in: []int{9, 70}, kernel: []int{3, 5}, dilation: []int{2, 3}, pb: []int{-1, 7}, pe: []int{3, -4}},
	{n: 1, c: 2, m: 2, group: 2, in: []int{21, 75}, kernel: []int{5, 5}, stride: []int{2, 2}, pb: []int{1, 2}, pe: []int{2, 2}},
	{n: 1, c: 2, m: 2, group: 2, in: []int{12, 40}, kernel: []int{2, 4}, stride: []int{3, 2}, pb: []int{1, -3}, pe: []int{0, 9}},
	{n: 1, c: 8, m: 8, group: 8, in: []int{14, 15}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 8, m: 16, group: 8, in: []int{14, 15}, kernel: []int{3, 3}, stride: []int{2, 2}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 4, m: 4, group: 4, in: []int{14, 15}, kernel: []int{5, 5}, stride: []int{3, 1}, dilation: []int{1, 2}, pb: []int{2, 4}, pe: []int{2, 4}},
	{n: 1, c: 2, m: 2, group: 2, in: []int{4, 2}, kernel: []int{3, 3}, pb: []int{3, 3}, pe: []int{3, 3}},
	{n: 2, c: 9, m: 9, group: 9, in: []int{3, 3}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 5, m: 5, group: 5, in: []int{2, 1}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	{n: 1, c: 4, m: 8, group: 4, in: []int{9, 3}, kernel: []int{5, 3}, stride: []int{1, 2}, pb: []int{2, 1}, pe: []int{2, 1}},
	{n: 1, c: 1, m: 3, group: 1, in: []int{8, 9}, kernel: []int{3, 3}},
	{n: 2, c: 4, m: 6, group: 2, in: []int{5, 6, 7}, kernel: []int{3, 2, 3}, stride: []int{1, 2, 1}, pb: []int{1, 0, 2}, pe: []int{0, 1, 1}},
	{n: 1, c: 2, m: 2, group: 2, in: []int{5, 6, 7}, kernel: []int{2, 3, 3}, pb: []int{1, 1, 1}, pe: []int{1, 1, 1}},
	{n: 1, c: 3, m: 4, group: 1, in: []int{6, 6}, kernel: []int{3, 3}, pb: []int{-1, 0}, pe: []int{0, -2}},
	{n: 1, c: 3, m: 4, group: 1, in: []int{6, 6}, kernel: []int{3, 3}, out: []int{9, 8}},
	{n: 1, c: 3, m: 4, group: 1, in: []int{5, 6}, kernel: []int{3, 3}, pb: []int{-6, 0}, pe: []int{10, 0}}, // nothing but padding
	{n: 1, c: 3, m: 3, group: 3, in: []int{5, 6}, kernel: []int{3, 3}, dilation: []int{1, 2}, pb: []int{-6, 0}, pe: []int{10, 0}},
	{n: 1, c: 3, m: 4, group: 1, in: []int{2, 2}, kernel: []int{5, 5}},
	{n: 0, c: 3, m: 4, group: 1, in: []int{6, 6}, kernel: []int{3, 3}},
	{n: 1, c: 0, m: 4, group: 1, in: []int{6, 6}, kernel: []int{3, 3}},
	{n: 1, c: 70, m: 13, group: 1, in: []int{20, 21}, kernel: []int{3, 3}, stride: []int{2, 1}, pb: []int{1, 1}, pe: []int{1, 1}},
}

func (c *convCase) geom(t testing.TB) *ConvGeom {
	t.Helper()
	w, err := NewWindow(c.in, c.kernel, c.out, c.stride, c.dilation, c.pb, c.pe)
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewConvGeom(c.n, c.c, c.m, c.group, w)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// eachTap calls f for every pair of output and input offsets that a kernel
// position joins.
func eachTap(w *Window, f func(o, k, i int)) {
	for o := range w.outSize {
		for k := range w.taps {
			i, ro, rk := 0, o, k
			inside := true
			for d := len(w.In) - 1; d >= 0; d-- {
				p := ro%w.Out[d]*w.Stride[d] + rk%w.Kernel[d]*w.Dilation[d] - w.PadBegin[d]
				ro, rk = ro/w.Out[d], rk/w.Kernel[d]
				inside = inside && p >= 0 && p < w.In[d]
				i += p * w.inStride[d]
			}
			if inside {
				f(o, k, i)
			}
		}
	}
}

// naiveConv is Conv and, transposed, ConvTranspose in float64.
func naiveConv[T Float](g *ConvGeom, x, w, bias []T, transposed bool) (y, scale []float64) {
	size := g.outSize
	if transposed {
		size = g.inSize
	}
	y, scale = make([]float64, g.N*g.M*size), make([]float64, g.N*g.M*size)
	for i := range y {
		if bias != nil {
			y[i] = float64(bias[i/size%g.M])
		}
		scale[i] = 1
	}
	for n := range g.N {
		for m := range g.M {
			for c := range g.cg {
				gr := m / g.mg
				eachTap(g.Window, func(o, k, i int) {
					to, from := o, (n*g.C+gr*g.cg+c)*g.inSize+i
					wi := (m*g.cg+c)*g.taps + k
					if transposed {
						to, from = i, (n*g.C+gr*g.cg+c)*g.outSize+o
						wi = ((gr*g.cg+c)*g.mg+m%g.mg)*g.taps + k
					}
					v := float64(x[from]) * float64(w[wi])
					y[(n*g.M+m)*size+to] += v
					if v < 0 {
						v = -v
					}
					scale[(n*g.M+m)*size+to] += v
				})
			}
		}
	}
	return y, scale
}

func testConv[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for ci, c := range convCases {
		g := c.geom(t)
		x := random[T](rng, g.N*g.C*g.inSize)
		w := random[T](rng, g.M*g.cg*g.taps)
		var bias []T
		if ci%3 != 0 {
			bias = random[T](rng, g.M)
		}
		want, scale := naiveConv(g, x, w, bias, false)
		for name, run := range map[string]func(y []T){
			"inline": func(y []T) { Conv(nil, g, x, w, bias, y, Finish{}) },
			"split":  func(y []T) { Conv(split(3), g, x, w, bias, y, Finish{}) },
			"packed": func(y []T) { ConvPacked(split(2), g, x, packConv(split(2), g, w, true), bias, y, Finish{}) },
		} {
			y, check := guarded[T](len(want))
			run(y)
			check(t)
			near(t, fmt.Sprintf("conv case %d %s", ci, name), y, want, scale, 16*epsilon[T]())
		}
		xt := random[T](rng, g.N*g.C*g.outSize)
		wt := random[T](rng, g.C*g.mg*g.taps)
		want, scale = naiveConv(g, xt, wt, bias, true)
		y, check := guarded[T](len(want))
		ConvTranspose(split(3), g, xt, wt, bias, y)
		check(t)
		near(t, fmt.Sprintf("transposed case %d", ci), y, want, scale, 16*epsilon[T]())
	}
}

func TestConv(t *testing.T) {
	t.Run("float32", testConv[float32])
	t.Run("float64", testConv[float64])
}

// TestFinish: an FusedActivation gives the bits that it gives by itself, and what follows
// sees each output once, after it.
func TestFinish(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	cases := append(slices.Clone(convCases), convCase{n: 1, c: 150, m: 31, group: 1, in: []int{9, 41}, kernel: []int{1, 1}},
		convCase{n: 1, c: 300, m: 13, group: 1, in: []int{7, 40}, kernel: []int{1, 1}}, *winogradCase(1, 17, 50, 26, 27, 1))
	for ci, c := range cases {
		g := c.geom(t)
		x, w, bias := random[float32](rng, g.N*g.C*g.inSize), random[float32](rng, g.M*g.cg*g.taps), random[float32](rng, g.M)
		for name, act := range map[string]*FusedActivation{
			"none": nil, "relu": ClipActivation(0, float32(math.Inf(1))), "clip": ClipActivation(-0.5, 1.5), "hard swish": TimesHardSigmoidActivation(1./6, 0.5),
			"silu": SiluActivation(), "silu far from 0": SiluActivation(),
		} {
			if name == "silu far from 0" {
				for i := range x {
					x[i] *= 20
				}
			}
			want := make([]float32, g.N*g.M*g.outSize)
			p := packConv(nil, g, w, false)
			ConvPacked(nil, g, x, p, bias, want, Finish{})
			if act != nil {
				act.rows(want, want)
			}
			got, check := guarded[float32](len(want))
			ConvPacked(split(3), g, x, p, bias, got, Finish{act, func(first, count, at, n int) {
				for p := first; p < first+count; p++ {
					for i := at; i < at+n; i++ {
						got[p*g.outSize+i]++
					}
				}
			}})
			check(t)
			for i, v := range want {
				if got[i] != v+1 {
					t.Fatalf("case %d, %s: element %d is %v, want %v", ci, name, i, got[i], v+1)
				}
			}
		}
	}
}

// TestWindowErrors: sizes that are wrong or overflow are errors.
func TestWindowErrors(t *testing.T) {
	const huge = 1 << 62
	one := []int{1, 1}
	for i, c := range []convCase{
		{in: []int{3}, kernel: one},
		{in: []int{3, 3}, kernel: []int{0, 1}},
		{in: []int{3, huge}, kernel: one},
		{in: []int{1 << 39, 1 << 39}, kernel: one},
		{in: []int{3, -1}, kernel: one},
		{in: []int{3, 3}, kernel: one, stride: []int{0, 1}},
		{in: []int{3, 3}, kernel: one, stride: []int{1}},
		{in: []int{3, 3}, kernel: one, dilation: []int{1, huge}},
		{in: []int{3, 3}, kernel: one, pb: []int{huge, 0}},
		{in: []int{3, 3}, kernel: one, pe: []int{0, -huge}},
		{in: []int{3, 3}, kernel: one, out: []int{1 << 39, 1 << 39}},
		{in: []int{3, 3}, kernel: one, out: []int{-1, 1}},
		{in: []int{3, 3}, kernel: one, out: []int{1}},
		{in: make([]int, 9), kernel: make([]int, 9)},
	} {
		if w, err := NewWindow(c.in, c.kernel, c.out, c.stride, c.dilation, c.pb, c.pe); err == nil {
			t.Errorf("case %d: no error, window %+v", i, w)
		}
	}
	w, err := NewWindow([]int{8, 8}, []int{3, 3}, nil, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][4]int{{1, 3, 4, 2}, {1, 4, 3, 2}, {1, 4, 4, 0}, {-1, 4, 4, 1}, {1 << 60, 4, 4, 1}} {
		if _, err := NewConvGeom(c[0], c[1], c[2], c[3], w); err == nil {
			t.Errorf("geometry %v: no error", c)
		}
	}
}

// packConv packs the weight w for convolutions of g's geometry.
func packConv[T Float](par Parallel, g *ConvGeom, w []T, direct bool) *PackedConv[T] {
	p := NewPackedConv[T](g, direct)
	p.For(par, g, w)
	return p
}

func BenchmarkConv(b *testing.B) {
	for _, c := range []convCase{
		{n: 1, c: 64, m: 64, group: 1, in: []int{80, 80}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
		{n: 1, c: 3, m: 32, group: 1, in: []int{320, 320}, kernel: []int{3, 3}, stride: []int{2, 2}, pb: []int{1, 1}, pe: []int{1, 1}},
		{n: 1, c: 256, m: 128, group: 1, in: []int{40, 40}, kernel: []int{1, 1}},
		{n: 1, c: 128, m: 128, group: 128, in: []int{80, 80}, kernel: []int{3, 3}, pb: []int{1, 1}, pe: []int{1, 1}},
	} {
		b.Run(fmt.Sprintf("c%d_m%d_g%d_k%d_in%d", c.c, c.m, c.group, c.kernel[0], c.in[0]), func(b *testing.B) {
			g := c.geom(b)
			rng := rand.New(rand.NewPCG(1, 2))
			x, y := random[float32](rng, g.C*g.inSize), make([]float32, g.M*g.outSize)
			w := packConv(nil, g, random[float32](rng, g.M*g.cg*g.taps), false)
			for b.Loop() {
				ConvPacked(split(2), g, x, w, nil, y, Finish{})
			}
			flops := 2 * float64(g.M*g.outSize*g.cg*g.taps)
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// TestPackedConvOrders: whatever order a weight was packed in, convolutions of
// all sizes read it, with and without what the other order adds.
func TestPackedConvOrders(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	large, small := winogradCase(1, 20, 30, 26, 26, 1).geom(t), winogradCase(1, 20, 30, 3, 3, 1).geom(t)
	w := random[float32](rng, 30*20*9)
	for name, pack := range map[string]func(p *PackedConv[float32]){
		"any":   func(p *PackedConv[float32]) { p.ForAny(nil, large, w) },
		"large": func(p *PackedConv[float32]) { p.For(split(3), large, w) },
		"small": func(p *PackedConv[float32]) { p.For(nil, small, w) },
		"both":  func(p *PackedConv[float32]) { p.For(nil, small, w); p.For(nil, large, nil) },
	} {
		p := NewPackedConv[float32](large, false)
		pack(p)
		for _, g := range []*ConvGeom{small, large} {
			x, y := random[float32](rng, g.C*g.inSize), make([]float32, g.M*g.outSize)
			ConvPacked(nil, g, x, p, nil, y, Finish{})
			want, size := naiveConv(g, x, w, nil, false)
			for i, v := range y {
				if d := math.Abs(float64(v) - want[i]); d > 1e-5*size[i] {
					t.Fatalf("%s, %v: element %d is %v, want %v", name, g.In, i, v, want[i])
				}
			}
		}
	}
}
