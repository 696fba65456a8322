package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// naivePools are, at each output position of each plane, the greatest input,
// its offset (spatial dimensions in reverse order too), the mean over the input
// and over the padded input, and the 3-norm.
type naivePools struct {
	max, mean, padded, norm []float64
	index, column           []int64
}

func naivePool(w *Window, planes int, x []float32) (p naivePools) {
	n := planes * w.outSize
	for _, s := range []*[]float64{&p.max, &p.mean, &p.padded, &p.norm} {
		*s = make([]float64, n)
	}
	p.index, p.column = make([]int64, n), make([]int64, n)
	count := make([]float64, n)
	fill(p.max, math.Inf(-1))
	fill(p.index, -1)
	fill(p.column, -1)
	for plane := range planes {
		eachTap(w, func(o, _, i int) {
			o += plane * w.outSize
			v := float64(x[plane*w.inSize+i])
			if v > p.max[o] {
				p.max[o], p.index[o] = v, int64(plane*w.inSize+i)
				p.column[o] = int64(plane*w.inSize) + w.columnMajor(i)
			}
			p.mean[o] += v
			p.norm[o] += math.Pow(math.Abs(v), 3)
			count[o]++
		})
		for o := range w.outSize {
			inside := 0.0
			for k := range w.taps {
				ok, ro, rk := 1.0, o, k
				for d := len(w.In) - 1; d >= 0; d-- {
					at := ro%w.Out[d]*w.Stride[d] + rk%w.Kernel[d]*w.Dilation[d] - w.PadBegin[d]
					ro, rk = ro/w.Out[d], rk/w.Kernel[d]
					if at >= w.In[d]+w.PadEnd[d] {
						ok = 0
					}
				}
				inside += ok
			}
			o += plane * w.outSize
			p.padded[o] = p.mean[o] / max(inside, 1)
			p.mean[o] /= max(count[o], 1)
			p.norm[o] = math.Cbrt(p.norm[o])
		}
	}
	return p
}

func TestPool(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for ci, c := range convCases {
		g := c.geom(t)
		w, planes := g.Window, 3
		x := random[float32](rng, planes*w.inSize)
		want := naivePool(w, planes, x)
		one := make([]float64, len(want.max))
		fill(one, 1)
		got, check := guarded[float32](len(one))
		index := make([]int64, len(one))
		lowest := float32(math.Inf(-1))
		name := fmt.Sprintf("case %d", ci)
		MaxPool(split(3), w, planes, got, nil, x, lowest, false)
		near(t, name+" max", got, want.max, one, 0)
		for _, column := range []bool{false, true} {
			MaxPool(split(3), w, planes, got, index, x, lowest, column)
			near(t, name+" max with indices", got, want.max, one, 0)
			for i, v := range index {
				if !column && v != want.index[i] || column && v != want.column[i] {
					t.Fatalf("%s: index [%d] = %d, want %d or %d", name, i, v, want.index[i], want.column[i])
				}
			}
		}
		AveragePool(split(3), w, planes, got, x, false)
		near(t, name+" mean", got, want.mean, one, 1e-6)
		AveragePool(split(3), w, planes, got, x, true)
		near(t, name+" mean with padding", got, want.padded, one, 1e-6)
		LpPool(split(3), w, planes, got, x, 3)
		near(t, name+" 3-norm", got, want.norm, one, 4e-6)
		check(t)
	}
}

// TestPoolCeil: the last window hangs over the padded input; the divisor
// stops at its end.
func TestPoolCeil(t *testing.T) {
	w, err := NewWindow([]int{4}, []int{3}, []int{3}, []int{2}, nil, []int{1}, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	x, got := []float32{1, 2, 3, 4}, make([]float32, 3)
	AveragePool(nil, w, 1, got, x, true)
	if got[0] != 1 || got[1] != 3 || got[2] != 2 {
		t.Errorf("%v", got)
	}
	nan := float32(math.NaN())
	MaxPool(nil, w, 1, got, make([]int64, 3), []float32{1, nan, 3, 4}, -1, false)
	if got[0] == got[0] || got[1] == got[1] || got[2] != 4 {
		t.Errorf("NaN: %v", got)
	}
}

// TestPoolHugeKernel: the time is that of the input, not of the kernel.
func TestPoolHugeKernel(t *testing.T) {
	big := []int{1 << 18, 1 << 18}
	w, err := NewWindow([]int{3, 3}, big, []int{2, 2}, nil, nil, []int{1 << 17, 1 << 17}, []int{1 << 18, 1 << 18})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 4)
	MaxPool(nil, w, 1, got, nil, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, 0, false)
	if got[0] != 9 || got[3] != 9 {
		t.Errorf("%v", got)
	}
}

func TestNorms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, c, inner = 2, 6, 35
	x := random[float64](rng, n*c*inner)
	scale, bias := random[float64](rng, c), random[float64](rng, c)
	mean, variance := random[float64](rng, c), []float64{1, 2, 3, 0.5, 0.1, 0}
	one := make([]float64, len(x))
	fill(one, 10)
	got, want := make([]float64, len(x)), make([]float64, len(x))
	check := func(name string, f func(i, ch int) float64) {
		t.Helper()
		for i := range want {
			want[i] = f(i, i/inner%c)
		}
		near(t, name, got, want, one, 1e-13)
	}
	stats := func(v []float64) (m, s float64) {
		m = naiveReduce(ReduceMean, v)
		for _, e := range v {
			s += (e - m) * (e - m)
		}
		return m, s / float64(len(v))
	}
	BatchNorm(split(2), got, x, n, c, inner, scale, bias, mean, variance, 0.01)
	check("batch", func(i, ch int) float64 {
		return (x[i]-mean[ch])/math.Sqrt(variance[ch]+0.01)*scale[ch] + bias[ch]
	})
	for _, groups := range []int{1, 2, 3, 6} {
		GroupNorm(split(2), got, x, n, c, inner, groups, scale, bias, 0.01)
		size := c / groups * inner
		check("group", func(i, ch int) float64 {
			m, s := stats(x[i/size*size:][:size])
			return (x[i]-m)/math.Sqrt(s+0.01)*scale[ch] + bias[ch]
		})
	}
	weight, shift := random[float64](rng, inner), random[float64](rng, inner)
	means, inv := make([]float64, n*c), make([]float64, n*c)
	LayerNorm(split(2), got, x, n*c, inner, weight, shift, 0.01, means, inv)
	check("layer", func(i, _ int) float64 {
		m, s := stats(x[i/inner*inner:][:inner])
		if math.Abs(means[i/inner]-m) > 1e-14 || math.Abs(inv[i/inner]-1/math.Sqrt(s+0.01)) > 1e-13 {
			t.Fatalf("statistics of row %d: %v, %v", i/inner, means[i/inner], inv[i/inner])
		}
		return (x[i]-m)/math.Sqrt(s+0.01)*weight[i%inner] + shift[i%inner]
	})
	RMSNorm(split(2), got, x, n*c, inner, weight, 0.01)
	check("root mean square", func(i, _ int) float64 {
		return x[i] / math.Sqrt(naiveReduce(ReduceSumSquare, x[i/inner*inner:][:inner])/inner+0.01) * weight[i%inner]
	})
	for size := 1; size < 8; size++ {
		LRN(split(2), got, x, n, c, inner, size, 0.3, 0.75, 1.5)
		check("local response", func(i, ch int) float64 {
			sum := 0.0
			for k := ch - (size-1)/2; k <= ch+size/2; k++ {
				if k >= 0 && k < c {
					v := x[i+(k-ch)*inner]
					sum += v * v
				}
			}
			return x[i] / math.Pow(1.5+0.3/float64(size)*sum, 0.75)
		})
	}
	LpNormalize(split(2), got, x, n, c, inner, 2)
	check("2-norm", func(i, ch int) float64 {
		return x[i] / naiveReduce(ReduceL2, line(x, i/(c*inner)*inner+i%inner, c, inner))
	})
}

// TestMaxPoolLoops: with and without indices, which are different loops, the greatest
// elements are the same, at every edge, NaN and infinities included.
func TestMaxPoolLoops(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	lowest := float32(math.Inf(-1))
	odd := []float32{float32(math.NaN()), lowest, float32(math.Copysign(0, -1)), float32(math.Inf(1))}
	for range 2000 {
		size, stride, pads := 1+rng.IntN(4), 1+rng.IntN(3), func() []int { return []int{rng.IntN(4) - 1, rng.IntN(4) - 1} }
		w, err := NewWindow([]int{1 + rng.IntN(40), 1 + rng.IntN(70)}, []int{size, size}, nil, []int{stride, stride}, nil, pads(), pads())
		if err != nil {
			t.Fatal(err)
		}
		const planes = 2
		x := random[float32](rng, planes*w.inSize)
		for range len(x) / 10 {
			x[rng.IntN(len(x))] = odd[rng.IntN(len(odd))]
		}
		got, check := guarded[float32](planes * w.outSize)
		want := make([]float32, len(got))
		MaxPool(split(2), w, planes, got, nil, x, lowest, false)
		MaxPool(nil, w, planes, want, make([]int64, len(want)), x, lowest, false)
		check(t)
		for i, v := range want {
			if got[i] != v && (got[i] == got[i] || v == v) {
				t.Fatalf("%+v: element %d is %v, want %v", *w, i, got[i], v)
			}
		}
	}
}
