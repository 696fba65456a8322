package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// line copies one line along the middle axis, as float64.
func line[T Number](x []T, t, axis, inner int) []float64 {
	out := make([]float64, axis)
	for k := range out {
		out[k] = float64(x[t/inner*axis*inner+t%inner+k*inner])
	}
	return out
}

// naiveReduce is the definition, with sums in extended precision.
func naiveReduce(op ReduceOp, x []float64) float64 {
	sum := func(f func(float64) float64) float64 {
		s := new(big.Float).SetPrec(200)
		for _, v := range x {
			s.Add(s, new(big.Float).SetFloat64(f(v)))
		}
		f64, _ := s.Float64()
		return f64
	}
	same := func(v float64) float64 { return v }
	square := func(v float64) float64 { return v * v }
	switch op {
	case ReduceMean:
		return sum(same) / float64(len(x))
	case ReduceMax:
		return slices.Max(append([]float64{math.Inf(-1)}, x...))
	case ReduceMin:
		return slices.Min(append([]float64{math.Inf(1)}, x...))
	case ReduceProd:
		p := 1.0
		for _, v := range x {
			p *= v
		}
		return p
	case ReduceSumSquare:
		return sum(square)
	case ReduceL1:
		return sum(math.Abs)
	case ReduceL2:
		return math.Sqrt(sum(square))
	case ReduceLogSum:
		return math.Log(sum(same))
	case ReduceLogSumExp:
		return math.Log(sum(math.Exp))
	}
	return sum(same)
}

var axisShapes = [][3]int{{1, 1, 1}, {3, 0, 2}, {0, 3, 2}, {2, 3, 0}, {5, 257, 1}, {2, 1025, 1}, {3, 300, 7}, {1, 80, 169}, {2, 4, 257}, {1, 3000, 1}}

func testReduce[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := slices.Clone(axisShapes)
	for n := range 258 {
		shapes = append(shapes, [3]int{1, n, 1}, [3]int{2, n, 3})
	}
	for _, s := range shapes {
		outer, axis, inner := s[0], s[1], s[2]
		x := random[T](rng, outer*axis*inner)
		for i := range x {
			x[i] = T(math.Abs(float64(x[i]))) + 0.1
		}
		for op := ReduceSum; op <= ReduceLogSumExp; op++ {
			got, check := guarded[T](outer * inner)
			Reduce(split(3), op, got, x, outer, axis, inner)
			check(t)
			want, scale := make([]float64, len(got)), make([]float64, len(got))
			for k := range want {
				want[k] = naiveReduce(op, line(x, k, axis, inner))
				scale[k] = math.Abs(want[k]) + 0x1p-100
			}
			tol := 2*epsilon[T]() + 0x1p-49
			if op == ReduceProd {
				tol = 4*epsilon[T]() + 0x1p-52*float64(axis)
			} else if op >= ReduceLogSum {
				tol *= 8
			}
			near(t, fmt.Sprintf("%v op %d shape %v", *new(T), op, s), got, want, scale, tol)
		}
	}
}

func TestReduce(t *testing.T) {
	t.Run("float32", testReduce[float32])
	t.Run("float64", testReduce[float64])
}

// TestReduceAccuracy: a sum of ten million equal terms keeps its digits.
func TestReduceAccuracy(t *testing.T) {
	x := make([]float32, 10_000_000)
	fill(x, float32(0.1))
	var got [1]float32
	Reduce(nil, ReduceSum, got[:], x, 1, len(x), 1)
	if want := float32(float64(x[0]) * 1e7); got[0] != want {
		t.Errorf("contiguous: %v, want %v", got[0], want)
	}
	var two [2]float32
	Reduce(nil, ReduceSum, two[:], x, 1, len(x)/2, 2)
	if want := float32(float64(x[0]) * 5e6); two[0] != want || two[1] != want {
		t.Errorf("strided: %v, want %v", two, want)
	}
}

func TestReduceSpecial(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		op   ReduceOp
		x    []float64
		want float64
	}{
		{ReduceMax, []float64{1, nan, 2}, nan},
		{ReduceMin, []float64{1, nan, 2}, nan},
		{ReduceMax, nil, -inf},
		{ReduceMin, nil, inf},
		{ReduceProd, nil, 1},
		{ReduceMean, nil, nan},
		{ReduceSum, []float64{inf, -inf}, nan},
		{ReduceLogSumExp, []float64{-inf, -inf}, -inf},
		{ReduceLogSumExp, []float64{1e4, 1e4}, 1e4 + math.Ln2},
		{ReduceLogSumExp, []float64{-1e4, -1e4}, -1e4 + math.Ln2},
		{ReduceLogSumExp, []float64{inf, 0}, inf},
	} {
		var got [1]float64
		Reduce(nil, c.op, got[:], c.x, 1, len(c.x), 1)
		if !(got[0] == c.want || got[0] != got[0] && c.want != c.want) {
			t.Errorf("op %d of %v = %v, want %v", c.op, c.x, got[0], c.want)
		}
	}
}

func TestReduceInt(t *testing.T) {
	x := []int32{3, -4, 5, 1, 2, -6}
	for op, want := range map[ReduceOp][]int32{
		ReduceSum: {4, -3}, ReduceMean: {1, -1}, ReduceMax: {5, 2}, ReduceMin: {-4, -6}, ReduceProd: {-60, -12},
		ReduceSumSquare: {50, 41}, ReduceL1: {12, 9}, ReduceL2: {7, 6},
	} {
		got := make([]int32, 2)
		ReduceInt(split(2), op, got, x, 2, 3, 1)
		if !slices.Equal(got, want) {
			t.Errorf("op %d: %v, want %v", op, got, want)
		}
	}
	var least, greatest [1]int8
	ReduceInt(nil, ReduceMax, least[:], nil, 1, 0, 1)
	ReduceInt(nil, ReduceMin, greatest[:], nil, 1, 0, 1)
	if least[0] != -128 || greatest[0] != 127 {
		t.Errorf("empty: %v, %v", least, greatest)
	}
}

func TestReduceLayout(t *testing.T) {
	for _, c := range []struct {
		shape   []int
		reduced []bool
		want    string
	}{
		{[]int{2, 3, 4}, []bool{false, true, false}, "[] 2 3 4"},
		{[]int{2, 3, 4}, []bool{true, true, true}, "[] 1 24 1"},
		{[]int{2, 3, 4}, []bool{false, false, false}, "[] 24 1 1"},
		{[]int{2, 1, 4, 5}, []bool{true, false, true, false}, "[] 1 8 5"},
		{[]int{2, 3, 4}, []bool{true, false, true}, "[1 0 2] 3 8 1"},
		{nil, nil, "[] 1 1 1"},
	} {
		perm, outer, axis, inner := ReduceLayout(c.shape, c.reduced)
		if got := fmt.Sprint(perm, outer, axis, inner); got != c.want {
			t.Errorf("%v %v: %s, want %s", c.shape, c.reduced, got, c.want)
		}
	}
}

func TestSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range axisShapes {
		outer, axis, inner := s[0], s[1], s[2]
		x := random[float32](rng, outer*axis*inner)
		for i := range x {
			x[i] *= 30
		}
		soft, log, hard := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		Softmax(split(3), soft, x, outer, axis, inner)
		LogSoftmax(split(3), log, x, outer, axis, inner)
		Hardmax(split(3), hard, x, outer, axis, inner)
		for k := range outer * inner * min(axis, 1) {
			in := line(x, k, axis, inner)
			lse := naiveReduce(ReduceLogSumExp, in)
			want, one := make([]float64, axis), make([]float64, axis)
			for i, v := range in {
				want[i], one[i] = math.Exp(v-lse), math.Exp(v-lse)+0x1p-126
			}
			near(t, "softmax", narrow(line(soft, k, axis, inner)), want, one, 0x1.8p-23) // three roundings
			for i, v := range in {
				want[i], one[i] = v-lse, math.Abs(v-lse)+1e-6
			}
			near(t, "log softmax", narrow(line(log, k, axis, inner)), want, one, 0x1p-23)
			h := line(hard, k, axis, inner)
			if i := slices.Index(h, 1); in[i] != slices.Max(in) || naiveReduce(ReduceSum, h) != 1 {
				t.Fatalf("hardmax of %v is %v", in, h)
			}
		}
	}
	x := []float64{1e4, -1e4, 0}
	Softmax(nil, x, x, 1, 3, 1)
	small := []float64{0, -25}
	LogSoftmax(nil, small, small, 1, 2, 1)
	if want := -math.Log1p(math.Exp(-25)); small[0] != want {
		t.Errorf("log softmax near 0: %v, want %v", small[0], want)
	}
	if !slices.Equal(x, []float64{1, 0, 0}) {
		t.Errorf("softmax of extremes: %v", x)
	}
}

func narrow(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

func TestArg(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		x                          []float32
		max, maxLast, min, minLast int64
	}{
		{[]float32{1}, 0, 0, 0, 0},
		{[]float32{1, 3, 3, 1}, 1, 2, 0, 3},
		{[]float32{2, nan, 5, nan}, 1, 3, 1, 3},
		{[]float32{-1, -1, -1}, 0, 2, 0, 2},
	} {
		// The same line with strides: every element three times.
		var wide []float32
		for _, v := range c.x {
			wide = append(wide, v, v, v)
		}
		for inner, x := range map[int][]float32{1: c.x, 3: wide} {
			var got [4][3]int64
			ArgMax(nil, got[0][:inner], x, 1, len(c.x), inner, false)
			ArgMax(nil, got[1][:inner], x, 1, len(c.x), inner, true)
			ArgMin(nil, got[2][:inner], x, 1, len(c.x), inner, false)
			ArgMin(nil, got[3][:inner], x, 1, len(c.x), inner, true)
			for i := range inner {
				if g := [4]int64{got[0][i], got[1][i], got[2][i], got[3][i]}; g != [4]int64{c.max, c.maxLast, c.min, c.minLast} {
					t.Errorf("%v: %v", c.x, g)
				}
			}
		}
	}
}

func TestCumSum(t *testing.T) {
	x := []int32{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		exclusive, reverse bool
		want               []int32
	}{
		{false, false, []int32{1, 2, 4, 6, 9, 12}},
		{true, false, []int32{0, 0, 1, 2, 4, 6}},
		{false, true, []int32{9, 12, 8, 10, 5, 6}},
		{true, true, []int32{8, 10, 5, 6, 0, 0}},
	} {
		got := make([]int32, 6)
		CumSum(split(2), got, x, 1, 3, 2, c.exclusive, c.reverse)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v", c, got)
		}
	}
	got := make([]float32, 3)
	CumProd(nil, got, []float32{2, 3, 4}, 1, 3, 1, false, false)
	if !slices.Equal(got, []float32{2, 6, 24}) {
		t.Errorf("product: %v", got)
	}
}
