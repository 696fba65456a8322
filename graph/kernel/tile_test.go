package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// testTile holds the micro-kernel in use against the one in Go, for every
// length of the sum, with odd strides and offsets, and looks at what lies
// around the tile.
func testTile[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tile := tileFor[T]()
	cols := tile.cols
	for kc := 1; kc <= 257; kc++ {
		a, b := random[T](rng, kc*tileRows+1)[1:], random[T](rng, kc*cols+1)[1:]
		ldc := cols + kc%5
		for _, add := range []bool{false, true} {
			want := random[T](rng, tileRows*ldc)
			got, check := guarded[T]((tileRows-1)*ldc + cols)
			copy(got, want)
			scale := make([]float64, tileRows*ldc)
			before := append([]T(nil), want...)
			tilePlain[T](kc, cols, unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&want[0]), ldc, add)
			tile.kernel(kc, unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&got[0]), ldc, add)
			check(t)
			for i := range got {
				w := float64(want[i])
				if i%ldc >= cols {
					if got[i] != before[i] || want[i] != before[i] {
						t.Fatalf("kc=%d: wrote beside the tile at %d", kc, i)
					}
					continue
				}
				scale[i] = math.Abs(float64(before[i])) + 1
				for p := range kc {
					scale[i] += math.Abs(float64(a[p*tileRows+i/ldc]) * float64(b[p*cols+i%ldc]))
				}
				if d := math.Abs(float64(got[i]) - w); !(d <= 4*epsilon[T]()*scale[i]*math.Sqrt(float64(kc))) {
					t.Fatalf("kc=%d add=%v: [%d] = %v, want %v", kc, add, i, got[i], w)
				}
			}
		}
	}
	nan := T(math.NaN())
	a, b := make([]T, tileRows), make([]T, cols)
	fill(b, 1)
	a[2] = nan
	c := make([]T, tileRows*cols)
	tile.kernel(1, unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), cols, false)
	for i, v := range c {
		if (v != v) != (i/cols == 2) {
			t.Fatalf("NaN in row 2: [%d] = %v", i, v)
		}
	}
}

func TestTile(t *testing.T) {
	t.Run("float32", testTile[float32])
	t.Run("float64", testTile[float64])
}

func BenchmarkTile(b *testing.B) {
	tile := tileFor[float32]()
	x, y, z := make([]float32, tileRows*blockDepth), make([]float32, tile.cols*blockDepth), make([]float32, tileRows*tile.cols)
	for _, k := range []struct {
		name   string
		kernel microKernel
	}{{"in use", tile.kernel}, {"plain", func(kc int, a, b, c unsafe.Pointer, ldc int, add bool) {
		tilePlain[float32](kc, cols32, a, b, c, ldc, add)
	}}} {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				k.kernel(blockDepth, unsafe.Pointer(&x[0]), unsafe.Pointer(&y[0]), unsafe.Pointer(&z[0]), tile.cols, true)
			}
			b.ReportMetric(2*tileRows*cols32*blockDepth*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
