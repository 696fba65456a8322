package kernel

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestGather(t *testing.T) {
	data := []string{"a", "b", "c", "d", "e", "f"} // 1×3×2, then 3×2×1
	dst := make([]string, 4)
	if err := Gather(split(2), dst, data, 1, 3, 2, []int64{-1, 0}); err != nil || !slices.Equal(dst, []string{"e", "f", "a", "b"}) {
		t.Errorf("%v %v", dst, err)
	}
	dst = make([]string, 3)
	if err := Gather(nil, dst, data, 3, 2, 1, []int32{1}); err != nil || !slices.Equal(dst, []string{"b", "d", "f"}) {
		t.Errorf("%v %v", dst, err)
	}
	if err := GatherElements(dst, data, []int{3, 2}, 1, []int64{1, 0, -1}, []int{3, 1}); err != nil || !slices.Equal(dst, []string{"b", "c", "f"}) {
		t.Errorf("elements: %v %v", dst, err)
	}
	dst = make([]string, 2)
	if err := GatherElements(dst, data, []int{3, 2}, 0, []int64{2, 1}, []int{1, 2}); err != nil || !slices.Equal(dst, []string{"e", "d"}) {
		t.Errorf("elements of axis 0: %v %v", dst, err)
	}
	if err := GatherND(split(2), dst, data, 1, []int{3, 2}, 1, []int64{2, 1, -3, 0}, 2); err != nil || !slices.Equal(dst, []string{"f", "a"}) {
		t.Errorf("tuples: %v %v", dst, err)
	}
	dst = make([]string, 3)
	if err := GatherND(split(2), dst, data, 3, []int{2}, 1, []int64{1, 0, 1}, 1); err != nil || !slices.Equal(dst, []string{"b", "c", "f"}) {
		t.Errorf("tuples with batch: %v %v", dst, err)
	}
}

func TestScatter(t *testing.T) {
	add := func(a, b int) int { return a + b }
	dst := make([]int, 6)
	if err := ScatterElements(dst, []int{3, 2}, 0, []int64{1, 1, -1, 1}, []int{2, 2}, []int{1, 2, 3, 4}, nil); err != nil || !slices.Equal(dst, []int{0, 0, 1, 4, 3, 0}) {
		t.Errorf("%v %v", dst, err)
	}
	if err := ScatterElements(dst, []int{3, 2}, 1, []int64{0, 0}, []int{1, 2}, []int{5, 6}, add); err != nil || dst[0] != 11 {
		t.Errorf("add: %v %v", dst, err)
	}
	if err := ScatterND(dst, []int{3}, 2, []int64{-1, 0, 0}, 3, []int{1, 2, 3, 4, 5, 6}, nil); err != nil || !slices.Equal(dst, []int{5, 6, 1, 4, 1, 2}) {
		t.Errorf("tuples: %v %v", dst, err)
	}
	if err := ScatterND(dst, []int{3, 2}, 1, []int64{0, 1, 0, 1}, 2, []int{10, 20}, add); err != nil || dst[1] != 36 {
		t.Errorf("tuples, add: %v %v", dst, err)
	}
}

// TestIndexErrors: an index outside gives its position and value.
func TestIndexErrors(t *testing.T) {
	data, dst := make([]float32, 6), make([]float32, 6)
	for _, bad := range []int64{3, -4, math.MaxInt64, math.MinInt64} {
		index := []int64{0, bad}
		for name, err := range map[string]error{
			"Gather":          Gather(nil, dst, data, 1, 3, 2, index),
			"GatherElements":  GatherElements(dst, data, []int{3, 2}, 0, index, []int{1, 2}),
			"GatherND":        GatherND(nil, dst, data, 1, []int{3}, 2, index, 2),
			"ScatterElements": ScatterElements(dst, []int{3, 2}, 0, index, []int{1, 2}, data, nil),
			"ScatterND":       ScatterND(dst, []int{3}, 2, index, 2, data, nil),
		} {
			var e *IndexError
			if !errors.As(err, &e) || e.At != 1 || e.Index != bad || e.Limit != 3 {
				t.Errorf("%s of index %d: %v", name, bad, err)
			}
		}
	}
	if err := Gather(nil, dst, data[:0], 1, 0, 2, []int64{0}); err == nil {
		t.Error("index into an empty axis gave no error")
	}
}

func TestTopK(t *testing.T) {
	nan := math.NaN()
	x := []float64{3, 1, nan, 3, -2, 7, 1, 0, 5, 5}
	for k := range len(x) + 1 {
		for _, largest := range []bool{true, false} {
			want := make([]int, len(x))
			for i := range want {
				want[i] = i
			}
			slices.SortStableFunc(want, func(i, j int) int {
				a, b := x[i], x[j]
				if !largest {
					a, b = b, a
				}
				switch {
				case a == b:
					return 0
				case a > b || a != a:
					return -1
				}
				return 1
			})
			values, index := make([]float64, 2*k), make([]int64, 2*k)
			wide := make([]float64, 0, 2*len(x))
			for _, v := range x {
				wide = append(wide, v, v)
			}
			if err := TopK(split(2), values, index, wide, 1, len(x), 2, k, largest, nil); err != nil {
				t.Fatal(err)
			}
			for r := range k {
				for c := range 2 {
					if int(index[2*r+c]) != want[r] || !(values[2*r+c] == x[want[r]] || math.IsNaN(x[want[r]])) {
						t.Fatalf("k=%d largest=%v: %v, want %v", k, largest, index, want[:k])
					}
				}
			}
		}
	}
	if err := TopK(nil, x, nil, x, 1, 3, 1, 4, true, nil); err == nil {
		t.Error("k beyond the axis gave no error")
	}
}

func TestNonMaxSuppression(t *testing.T) {
	corner := []float32{0, 0, 1, 1, 0, 0.1, 1, 1.1, 1.1, 0.9, 0.1, -0.1, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101}
	var center []float32
	for i := 0; i < len(corner); i += 4 {
		b := corner[i : i+4]
		center = append(center, (b[1]+b[3])/2, (b[0]+b[2])/2, b[3]-b[1], b[2]-b[0])
	}
	center[10], center[11] = 1, 1
	scores := []float32{0.9, 0.75, 0.6, 0.95, 0.5, 0.3}
	for _, c := range []struct {
		name string
		s    Suppression
		want []int64
	}{
		{"default", Suppression{MaxOutput: 9, MaxOverlap: 0.5, MinScore: math.Inf(-1)}, []int64{3, 0, 5}},
		{"limit", Suppression{MaxOutput: 2, MaxOverlap: 0.5, MinScore: math.Inf(-1)}, []int64{3, 0}},
		{"equal score", Suppression{MaxOutput: 9, MaxOverlap: 0.5, MinScore: float64(float32(0.3))}, []int64{3, 0}},
		{"lesser score", Suppression{MaxOutput: 9, MaxOverlap: 0.5, MinScore: 0.29}, []int64{3, 0, 5}},
		{"no overlap allowed", Suppression{MaxOutput: 9, MaxOverlap: 0, MinScore: 0}, []int64{3, 0, 5}},
		{"all overlap allowed", Suppression{MaxOutput: 9, MaxOverlap: 1, MinScore: 0}, []int64{3, 0, 1, 2, 4, 5}},
		{"none", Suppression{}, nil},
	} {
		for _, boxes := range [][]float32{corner, center} {
			s := c.s
			s.CenterFormat = &boxes[0] == &center[0]
			got := NonMaxSuppression(split(2), append(boxes, boxes...), append(scores, scores...), 2, 1, 6, s)
			var want []int64
			for image := range int64(2) {
				for _, i := range c.want {
					want = append(want, image, 0, i)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", c.name, got, want)
			}
		}
	}
}

// TestSuppressionParts holds the suppression of classes that are shifted apart
// against the definition, pair by pair, with empty boxes and boxes that touch.
func TestSuppressionParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const count = 300
	boxes, scores := make([]float32, 4*count), make([]float32, count)
	for i := range count {
		x, y := float32(rng.IntN(40)+50*rng.IntN(5)), float32(rng.IntN(40))
		copy(boxes[4*i:], []float32{y, x, y + float32(rng.IntN(12)), x + float32(rng.IntN(12))})
		scores[i] = float32(rng.IntN(50))
	}
	for _, overlap := range []float64{-1, 0, 0.3, 0.9, 1} {
		for _, most := range []int{1, 40, count} {
			s := Suppression{MaxOutput: most, MaxOverlap: overlap, MinScore: 2}
			var kept []int
			order := make([]int, count)
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(scores[j], scores[i]) })
			for _, i := range order {
				c := cornersOf(boxes[4*i:4*i+4], false)
				if scores[i] > 2 && len(kept) < most && !slices.ContainsFunc(kept, func(k int) bool {
					d := cornersOf(boxes[4*k:4*k+4], false)
					return c.overlap(&d) > overlap
				}) {
					kept = append(kept, i)
				}
			}
			var got []int
			for i, v := range NonMaxSuppression(nil, boxes, scores, 1, 1, count, s) {
				if i%3 == 2 {
					got = append(got, int(v))
				}
			}
			if !slices.Equal(got, kept) {
				t.Fatalf("overlap %v, at most %d: kept %v, want %v", overlap, most, got, kept)
			}
		}
	}
}

// TestTransposed: rows and columns exchanged, of every small size, in a larger array.
func TestTransposed(t *testing.T) {
	for rows := 1; rows < 36; rows++ {
		for cols := 1; cols < 36; cols++ {
			const width, height = 41, 43
			src := make([]int32, 40*width)
			for i := range src {
				src[i] = int32(i)
			}
			dst := make([]int32, 40*height)
			CopyStrided(nil, []int{rows, cols}, dst, 3, []int{height, 1}, src, 2, []int{1, width})
			for i, v := range dst {
				r, c := (i-3+height)/height-1, (i-3+height)%height
				want := int32(0)
				if i >= 3 && r < rows && c < cols {
					want = int32(2 + r + c*width)
				}
				if v != want {
					t.Fatalf("%d×%d: element %d (%d, %d) is %d, want %d", rows, cols, i, r, c, v, want)
				}
			}
		}
	}
}
