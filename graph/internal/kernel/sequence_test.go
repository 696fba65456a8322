package kernel

import (
	"fmt"
	"math"
	"testing"
)

// TestSequence holds every sequence to its two operations one after the other, bit for bit.
func TestSequence(t *testing.T) {
	rows := map[Link]Rows[float32, float32]{AddLink: Add[float32](), SubLink: Sub[float32](), MulLink: Mul[float32]()}
	specials := []float32{0, float32(math.Copysign(0, -1)), 1, float32(math.Inf(1)), -3, float32(math.NaN()), 1e-40, float32(math.Inf(-1)), 2.5e38}
	operand := func(seed, n int, one bool) []float32 {
		if one {
			return []float32{float32(seed) - 2.25}
		}
		x := make([]float32, n)
		for i := range x {
			if x[i] = float32(i*7+seed)*0.37 - 5; i%5 == 3 {
				x[i] = specials[(i/5+seed)%len(specials)]
			}
		}
		return x
	}
	// pair is one operation as its own row function.
	pair := func(l Link, dst, a, b []float32, aOne, bOne bool) {
		switch r := rows[l]; {
		case l == AbsLink:
			Abs(dst, a)
		case aOne:
			r.SV(dst, a[0], b)
		case bOne:
			r.VS(dst, a, b[0])
		default:
			r.VV(dst, a, b)
		}
	}
	any := false
	for f := range 3 * 3 {
		first, aOne, bOne := AddLink+Link(f/3), f%3 == 1, f%3 == 2
		for s := range 4 * 4 {
			second, tLeft, cOne := AddLink+Link(s/4), s&1 == 1, s&2 == 2
			k := SequenceOf(first, aOne, bOne, second, tLeft, cOne)
			if k == nil {
				continue
			}
			any = true
			for n := range 70 {
				a, b, c := operand(1, n, aOne), operand(2, n, bOne), operand(3, n, cOne)
				mid, want := make([]float32, n), make([]float32, n)
				pair(first, mid, a, b, aOne, bOne)
				if tLeft {
					pair(second, want, mid, c, false, cOne)
				} else if second == AbsLink {
					Abs(want, mid)
				} else {
					pair(second, want, c, mid, cOne, false)
				}
				got, check := guarded[float32](n)
				k.Run(got, a, b, c)
				check(t)
				for i := range got {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
						t.Fatalf("%v: element %d of %d: %v, want %v", fmt.Sprint(first, aOne, bOne, second, tLeft, cOne), i, n, got[i], want[i])
					}
				}
			}
		}
	}
	if !any && fast32.addVV != nil {
		t.Error("no sequence has a loop")
	}
	if SequenceOf(AbsLink, false, false, AddLink, true, false) != nil || SequenceOf(AddLink, true, true, AddLink, true, false) != nil {
		t.Error("a sequence of what has no form")
	}
}
