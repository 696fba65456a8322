package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// guard surrounds the slices that kernels write.
const guard = 7

// guarded is a slice of n elements inside guard words, and a check of them.
func guarded[T Float](n int) (s []T, check func(t *testing.T)) {
	all := make([]T, n+2*guard)
	for i := range all {
		all[i] = 12345
	}
	return all[guard : guard+n : guard+n], func(t *testing.T) {
		t.Helper()
		for i := range guard {
			if all[i] != 12345 || all[guard+n+i] != 12345 {
				t.Fatalf("guard word overwritten (n=%d)", n)
			}
		}
	}
}

func random[T Float](rng *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rng.NormFloat64())
	}
	return x
}

// epsilon is the rounding unit of T.
func epsilon[T Float]() float64 {
	var zero T
	if unsafe.Sizeof(zero) == 4 {
		return 0x1p-24
	}
	return 0x1p-53
}

// near fails unless got is want within tol times scale.
func near[T Float](t *testing.T, what string, got []T, want, scale []float64, tol float64) {
	t.Helper()
	for i := range want {
		g := float64(got[i])
		if math.IsNaN(g) && math.IsNaN(want[i]) || g == want[i] {
			continue
		}
		if !(math.Abs(g-want[i]) <= tol*scale[i]) {
			t.Fatalf("%s: [%d] = %v, want %v (±%v)", what, i, g, want[i], tol*scale[i])
		}
	}
}

// naiveGemm is Gemm in float64, with the sum of magnitudes for the tolerance.
func naiveGemm[T Float](transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) (out, scale []float64) {
	out, scale = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			for p := range k {
				ia, ib := i*lda+p, p*ldb+j
				if transA {
					ia = p*lda + i
				}
				if transB {
					ib = j*ldb + p
				}
				v := float64(alpha) * float64(a[ia]) * float64(b[ib])
				out[i*n+j] += v
				scale[i*n+j] += math.Abs(v)
			}
			if beta != 0 {
				v := float64(beta) * float64(c[i*ldc+j])
				out[i*n+j] += v
				scale[i*n+j] += math.Abs(v)
			}
		}
	}
	return out, scale
}

func testGemm[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := [][3]int{{1, 1, 1}, {1, 300, 257}, {257, 1, 300}, {2, 3, 4}, {6, 16, 256}, {7, 17, 257}, {13, 33, 300}, {64, 129, 65}, {200, 50, 513}, {5, 5, 0}, {31, 500, 40}, {0, 3, 3}, {3, 0, 3}}
	for n := 1; n < 40; n++ {
		sizes = append(sizes, [3]int{n, 40 - n, 20 + n}, [3]int{17, n, 64})
	}
	for ci, s := range sizes {
		m, n, k := s[0], s[1], s[2]
		for v := range 4 {
			transA, transB := v&1 == 1, v&2 == 2
			alpha, beta := T(1), T(0)
			switch (ci + v) % 3 {
			case 1:
				beta = 1
			case 2:
				alpha, beta = 0.5, -1.5
			}
			ra, ca, rb, cb := m, k, k, n
			if transA {
				ra, ca = k, m
			}
			if transB {
				rb, cb = n, k
			}
			lda, ldb, ldc := ca+ci%3, cb+ci%2, n+v%2
			a, b := random[T](rng, ra*lda+1)[1:], random[T](rng, rb*ldb+1)[1:]
			c, check := guarded[T](m * ldc)
			for i := range c {
				c[i] = T(rng.NormFloat64())
				if beta == 0 {
					c[i] = T(math.NaN())
				}
			}
			want, scale := naiveGemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
			name := fmt.Sprintf("%v %dx%dx%d transA=%v transB=%v", *new(T), m, n, k, transA, transB)
			tol := 4 * epsilon[T]() * math.Sqrt(float64(k)+4)
			verify := func(how string, run func(c []T)) {
				out, guardCheck := guarded[T](m * ldc)
				copy(out, c)
				run(out)
				guardCheck(t)
				got := make([]T, 0, m*n)
				for i := range m {
					got = append(got, out[i*ldc:i*ldc+n]...)
				}
				near(t, name+" "+how, got, want, scale, tol)
			}
			verify("inline", func(c []T) { Gemm(nil, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) })
			verify("split", func(c []T) { Gemm(split(3), transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) })
			pb := PackB(transB, k, n, b, ldb)
			verify("packed B", func(c []T) { GemmPackedB(split(2), transA, m, alpha, a, lda, pb, beta, c, ldc) })
			check(t)
		}
	}
}

func TestGemm(t *testing.T) {
	t.Run("float32", testGemm[float32])
	t.Run("float64", testGemm[float64])
}

// TestGemmSplit: the bits do not depend on how the work is split.
func TestGemmSplit(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m, n, k := 123, 301, 517
	a, b := random[float32](rng, m*k), random[float32](rng, k*n)
	want := make([]float32, m*n)
	Gemm(nil, false, false, m, n, k, 1, a, k, b, n, 0, want, n)
	for workers := 1; workers < 12; workers++ {
		got := make([]float32, m*n)
		Gemm(split(workers), false, false, m, n, k, 1, a, k, b, n, 0, got, n)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%d workers: [%d] = %v, want %v", workers, i, got[i], want[i])
			}
		}
	}
}

func TestGemmBatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range [][3]int{{3, 4, 5}, {20, 30, 40}} {
		m, n, k := s[0], s[1], s[2]
		a, b := random[float64](rng, 2*m*k), random[float64](rng, 3*k*n)
		aAt, bAt := []int{0, m * k, 0, m * k}, []int{0, k * n, 2 * k * n, k * n}
		c := make([]float64, 4*m*n)
		GemmBatch(split(2), false, false, m, n, k, 1, a, k, aAt, b, n, bAt, 0, c, n, m*n)
		for i := range aAt {
			want, scale := naiveGemm(false, false, m, n, k, 1, a[aAt[i]:], k, b[bAt[i]:], n, 0, nil, n)
			near(t, "batch", c[i*m*n:(i+1)*m*n], want, scale, 1e-14)
		}
	}
}

// benchmarkGemm times a product whose left operand is packed, as a convolution's weight is.
func benchmarkGemm[T Float](b *testing.B, m, n, k int) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, z := random[T](rng, m*k), random[T](rng, k*n), make([]T, m*n)
	par, tile, packed := split(2), tileFor[T](), make([]T, m*k)
	packRows(par, tile, false, packed, x, k, m, k)
	j := job[T]{
		tile: tile, batch: 1, m: m, n: n, k: k, alpha: 1,
		a: func(int) []T { return packed },
		packB: func(_ int, dst []T, p0, kc, j0, nc int) {
			packColumns(tile, false, dst, y, n, p0, kc, j0, nc)
		},
		c: func(int) []T { return z }, ldc: n,
	}
	j.setBeta(0)
	for b.Loop() {
		j.run(par)
	}
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{512, 512, 512}, {256, 1600, 1152}, {1024, 169, 4608}} {
		b.Run(fmt.Sprintf("float32/%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) { benchmarkGemm[float32](b, s[0], s[1], s[2]) })
	}
	b.Run("float64/512x512x512", func(b *testing.B) { benchmarkGemm[float64](b, 512, 512, 512) })
}
