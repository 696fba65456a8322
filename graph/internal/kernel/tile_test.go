package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// testTiles holds the micro-kernels in use against those in Go, for every
// height and width and every length of the sum, with odd strides and offsets,
// and looks at what lies around the tile.
func testTiles[T Float](t *testing.T) {
	tile := tileFor[T]()
	for rows := 1; rows <= tile.rows; rows++ {
		for half := range 2 {
			testTile(t, tile.kernels[rows-1][half], rows, tile.cols/2*(half+1))
		}
	}
}

func testTile[T Float](t *testing.T, kernel microKernel[T], rows, cols int) {
	rng := rand.New(rand.NewPCG(1, 2))
	for kc := 1; kc <= 257; kc += 1 + kc/9 {
		ldb, ldc := cols+kc%3, cols+kc%5
		a, b, start := random[T](rng, kc*rows+1)[1:], random[T](rng, kc*ldb+1)[1:], random[T](rng, rows+1)[1:]
		for mode := range 3 {
			add, first := mode == 1, &start[0]
			if mode == 0 {
				first = nil
			}
			before := random[T](rng, rows*ldc)
			got, check := guarded[T]((rows-1)*ldc + cols)
			copy(got, before)
			want := append([]T(nil), before...)
			tilePlain(rows, cols, kc, &a[0], &b[0], ldb, &want[0], ldc, first, add)
			kernel(kc, &a[0], &b[0], ldb, &got[0], ldc, first, add, 1, 0, nil)
			check(t)
			for i := range got {
				if i%ldc >= cols {
					if got[i] != before[i] || want[i] != before[i] {
						t.Fatalf("%dx%dx%d: wrote beside the tile at %d", rows, cols, kc, i)
					}
					continue
				}
				exact := 0.0
				switch mode {
				case 1:
					exact = float64(before[i])
				case 2:
					exact = float64(start[i/ldc])
				}
				scale := math.Abs(exact) + 1
				for p := range kc {
					v := float64(a[p*rows+i/ldc]) * float64(b[p*ldb+i%ldc])
					exact += v
					scale += math.Abs(v)
				}
				for who, v := range map[string]T{"in use": got[i], "in Go": want[i]} {
					if d := math.Abs(float64(v) - exact); !(d <= 2*epsilon[T]()*scale*math.Sqrt(float64(kc))) {
						t.Fatalf("%dx%dx%d mode %d: [%d] %s = %v, want %v", rows, cols, kc, mode, i, who, v, exact)
					}
				}
			}
		}
	}
	nan := T(math.NaN())
	a, b := make([]T, rows), make([]T, cols)
	fill(b, 1)
	a[rows/2] = nan
	c := make([]T, rows*cols)
	kernel(1, &a[0], &b[0], cols, &c[0], cols, nil, false, 1, 0, nil)
	for i, v := range c {
		if (v != v) != (i/cols == rows/2) {
			t.Fatalf("NaN in row %d: [%d] = %v", rows/2, i, v)
		}
	}
}

func TestTile(t *testing.T) {
	t.Run("float32", testTiles[float32])
	t.Run("float64", testTiles[float64])
}

func BenchmarkTile(b *testing.B) {
	for _, k := range []struct {
		name string
		tile *tileShape[float32]
	}{{"in use", tileFor[float32]()}, {"plain", plainTiles[float32](6, 16)}} {
		rows, cols := k.tile.rows, k.tile.cols
		x, y, z := make([]float32, rows*blockDepth), make([]float32, cols*blockDepth), make([]float32, rows*cols)
		b.Run(fmt.Sprintf("%s/%dx%d", k.name, rows, cols), func(b *testing.B) {
			for b.Loop() {
				k.tile.kernels[rows-1][1](blockDepth, &x[0], &y[0], cols, &z[0], cols, nil, true, 1, 0, nil)
			}
			b.ReportMetric(2*float64(rows*cols*blockDepth)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
