package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// offsetsOf lists the offset of each index of shape, in row-major order.
func offsetsOf(shape, stride []int) []int {
	out := make([]int, product(shape))
	for t := range out {
		for d, r := len(shape)-1, t; d >= 0; d-- {
			out[t] += r % shape[d] * stride[d]
			r /= shape[d]
		}
	}
	return out
}

// layouts of two operands under one shape.
var broadcastCases = []struct{ shape, a, b []int }{
	{[]int{}, []int{}, []int{}},
	{[]int{0, 3}, []int{3, 1}, []int{0, 1}},
	{[]int{257}, []int{1}, []int{1}},
	{[]int{257}, []int{1}, []int{0}},
	{[]int{257}, []int{0}, []int{1}},
	{[]int{257}, []int{0}, []int{0}},
	{[]int{600}, []int{2}, []int{3}},
	{[]int{5, 7}, []int{1, 5}, []int{7, 1}},
	{[]int{2, 3, 4, 5}, []int{60, 20, 5, 1}, []int{0, 1, 0, 0}},
	{[]int{2, 3, 1, 5}, []int{0, 5, 1, 1}, []int{3, 1, 9, 0}},
	{[]int{300, 4}, []int{4, 1}, []int{1, 0}},
	{[]int{1, 1, 1}, []int{0, 0, 0}, []int{7, 7, 7}},
	{[]int{70, 300}, []int{300, 1}, []int{0, 1}},
	{[]int{70, 300}, []int{1, 70}, []int{0, 1}},
}

func TestBroadcast(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i, c := range broadcastCases {
		ao, bo := offsetsOf(c.shape, c.a), offsetsOf(c.shape, c.b)
		a, b := random[float32](rng, 1+slices.Max(append(ao, 0))), random[float32](rng, 1+slices.Max(append(bo, 0)))
		for _, par := range []Parallel{nil, split(3)} {
			got, check := guarded[float32](len(ao))
			Broadcast(par, c.shape, got, a, c.a, b, c.b, Sub[float32]())
			check(t)
			less := make([]bool, len(ao))
			Broadcast(par, c.shape, less, a, c.a, b, c.b, Less[float32]())
			picked := make([]float32, len(ao))
			cond := make([]bool, len(b))
			for k, v := range b {
				cond[k] = v > 0
			}
			Where(par, c.shape, picked, cond, c.b, a, c.a, b, c.b)
			for k := range got {
				x, y := a[ao[k]], b[bo[k]]
				want := y
				if y > 0 {
					want = x
				}
				if got[k] != x-y || less[k] != (x < y) || picked[k] != want {
					t.Fatalf("case %d: [%d] = %v, %v, %v of %v, %v", i, k, got[k], less[k], picked[k], x, y)
				}
			}
		}
	}
}

// TestRows: all three forms of each operation agree with its scalar form.
func TestRows(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	special := []float64{0, math.Copysign(0, -1), 1, -1, 2.5, -2.5, 3, nan, inf, -inf, 5e-324, 1e300}
	same := func(a, b float64) bool { return a == b || a != a && b != b }
	for name, op := range map[string]struct {
		rows Rows[float64, float64]
		want func(a, b float64) float64
	}{
		"Add":  {Add[float64](), func(a, b float64) float64 { return a + b }},
		"Sub":  {Sub[float64](), func(a, b float64) float64 { return a - b }},
		"Mul":  {Mul[float64](), func(a, b float64) float64 { return a * b }},
		"Div":  {Div[float64](), func(a, b float64) float64 { return a / b }},
		"Max":  {Max[float64](), math.Max},
		"Min":  {Min[float64](), math.Min},
		"FMod": {FMod[float64](), math.Mod},
		"PRelu": {PRelu[float64](), func(a, b float64) float64 {
			if a < 0 {
				return a * b
			}
			return a
		}},
	} {
		for _, a := range special {
			for _, b := range special {
				want := op.want(a, b)
				if (name == "Max" || name == "Min") && (a != a || b != b) {
					want = nan
				}
				for n := range 9 {
					x, y := slices.Repeat([]float64{a}, n), slices.Repeat([]float64{b}, n)
					d1, d2, d3 := make([]float64, n), make([]float64, n), make([]float64, n)
					op.rows.VV(d1, x, y)
					op.rows.VS(d2, x, b)
					op.rows.SV(d3, a, y)
					for i := range n {
						if !same(d1[i], want) || !same(d2[i], want) || !same(d3[i], want) {
							t.Fatalf("%s(%v, %v) = %v, %v, %v, want %v", name, a, b, d1[i], d2[i], d3[i], want)
						}
					}
				}
			}
		}
	}
}

func TestComparisons(t *testing.T) {
	values := []float32{-1, 0, 1, float32(math.NaN()), float32(math.Inf(1))}
	for name, op := range map[string]struct {
		rows Rows[bool, float32]
		want func(a, b float32) bool
	}{
		"Equal":        {Equal[float32](), func(a, b float32) bool { return a == b }},
		"Less":         {Less[float32](), func(a, b float32) bool { return a < b }},
		"LessEqual":    {LessEqual[float32](), func(a, b float32) bool { return a <= b }},
		"Greater":      {Greater[float32](), func(a, b float32) bool { return a > b }},
		"GreaterEqual": {GreaterEqual[float32](), func(a, b float32) bool { return a >= b }},
	} {
		for _, a := range values {
			for _, b := range values {
				var d [3]bool
				op.rows.VV(d[:1], []float32{a}, []float32{b})
				op.rows.VS(d[1:2], []float32{a}, b)
				op.rows.SV(d[2:], a, []float32{b})
				if w := op.want(a, b); d != [3]bool{w, w, w} {
					t.Fatalf("%s(%v, %v) = %v, want %v", name, a, b, d, w)
				}
			}
		}
	}
}

func TestIntegerArithmetic(t *testing.T) {
	one := func(r Rows[int32, int32], a, b int32) int32 {
		var d [1]int32
		r.VV(d[:], []int32{a}, []int32{b})
		return d[0]
	}
	for _, c := range []struct {
		name      string
		got, want int32
	}{
		{"DivInt truncates", one(DivInt[int32](), -7, 2), -3},
		{"DivInt by zero", one(DivInt[int32](), -7, 0), 0},
		{"DivInt overflow", one(DivInt[int32](), math.MinInt32, -1), math.MinInt32},
		{"ModInt sign of divisor", one(ModInt[int32](), -7, 3), 2},
		{"ModInt negative divisor", one(ModInt[int32](), 7, -3), -2},
		{"ModInt by zero", one(ModInt[int32](), 7, 0), 0},
		{"RemInt sign of dividend", one(RemInt[int32](), -7, 3), -1},
		{"PowInt", one(PowInt[int32](), -3, 3), -27},
		{"PowInt negative exponent", one(PowInt[int32](), 2, -1), 0},
		{"PowInt of -1", one(PowInt[int32](), -1, -3), -1},
		{"PowInt of -1, even", one(PowInt[int32](), -1, -4), 1},
		{"BitXor", one(BitXor[int32](), 6, 3), 5},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
	var d [1]uint8
	ShiftLeft[uint8]().VV(d[:], []uint8{3}, []uint8{9})
	if d[0] != 0 {
		t.Errorf("3 << 9 = %d in 8 bits", d[0])
	}
}

func TestBroadcastStrides(t *testing.T) {
	for _, c := range []struct {
		out, in, want []int
		ok            bool
	}{
		{[]int{2, 3, 4}, []int{3, 1}, []int{0, 1, 0}, true},
		{[]int{2, 3, 4}, []int{2, 3, 4}, []int{12, 4, 1}, true},
		{[]int{2, 3}, []int{}, []int{0, 0}, true},
		{[]int{0, 3}, []int{1, 3}, []int{0, 1}, true},
		{[]int{2, 3}, []int{2}, nil, false},
		{[]int{3}, []int{2, 3}, nil, false},
	} {
		got, ok := BroadcastStrides(c.out, c.in)
		if ok != c.ok || ok && !slices.Equal(got, c.want) {
			t.Errorf("BroadcastStrides(%v, %v) = %v, %v", c.out, c.in, got, ok)
		}
	}
}

func TestCopyStrided(t *testing.T) {
	for i, c := range []struct {
		shape, dst, src []int
		dstAt, srcAt    int
	}{
		{[]int{}, []int{}, []int{}, 0, 0},
		{[]int{300}, []int{1}, []int{-1}, 0, 299},
		{[]int{300}, []int{2}, []int{1}, 1, 0},
		{[]int{4, 300}, []int{300, 1}, []int{0, 1}, 0, 3},
		{[]int{4, 300}, []int{300, 1}, []int{1, 0}, 0, 3},
		{[]int{50, 70}, []int{70, 1}, []int{1, 50}, 0, 0},
		{[]int{3, 50, 70}, []int{3500, 70, 1}, []int{3500, 1, 50}, 0, 0},
		{[]int{50, 3, 70}, []int{210, 70, 1}, []int{1, 3500, 50}, 0, 0},
		{[]int{2, 0, 3}, []int{0, 3, 1}, []int{0, 3, 1}, 0, 0},
		{[]int{2, 3, 4, 5}, []int{60, 5, 15, 1}, []int{60, 20, 5, 1}, 0, 0},
	} {
		do, so := offsetsOf(c.shape, c.dst), offsetsOf(c.shape, c.src)
		n := c.srcAt + slices.Max(append(so, 0)) + 1
		src := make([]int16, n)
		for k := range src {
			src[k] = int16(k + 1)
		}
		for _, par := range []Parallel{nil, split(3)} {
			got := make([]int16, c.dstAt+slices.Max(append(do, 0))+3)
			want := slices.Clone(got)
			for k := range do {
				want[c.dstAt+do[k]] = src[c.srcAt+so[k]]
			}
			CopyStrided(par, c.shape, got, c.dstAt, c.dst, src, c.srcAt, c.src)
			if !slices.Equal(got, want) {
				t.Fatalf("case %d: %v, want %v", i, got, want)
			}
		}
	}
}

func TestIndexCopy(t *testing.T) {
	src := []int{1, 2, 3, 4, 5, 6}
	dst := make([]int, 12)
	table := [][]int{{-1, 1, 0}, {2, -1, 0, 0}}
	if err := IndexCopy(split(2), dst, []int{3, 4}, src, []int{2, 3}, table, 9); err != nil {
		t.Fatal(err)
	}
	if want := []int{9, 9, 9, 9, 6, 9, 4, 4, 3, 9, 1, 1}; !slices.Equal(dst, want) {
		t.Fatalf("%v, want %v", dst, want)
	}
	if err := IndexCopy(nil, dst, []int{2, 3}, src, []int{2, 3}, [][]int{{1, 2}, nil}, 0); err == nil {
		t.Fatal("an index beyond the axis gave no error")
	}
}
