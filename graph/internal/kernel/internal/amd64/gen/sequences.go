package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// sequences writes the loops of kernel.Sequence, in the order of its forms.
func sequences() {
	for i, first := range []string{"a[i]+b[i]", "a[i]-b[i]", "a[i]*b[i]", "a[i]+p", "p-a[i]", "a[i]*p"} {
		for j, second := range []string{"t+c[i]", "t-c[i]", "c[i]-t", "t*c[i]", "t+q", "q-t", "t*q", "|t|"} {
			sequence(fmt.Sprintf("sequence32AVX2f%ds%d", i, j), fmt.Sprintf("t = %s; dst[i] = %s.", first, second), i, j)
		}
	}
}

func sequence(name, doc string, first, second int) {
	var p, q, sign vec
	setup := func() {
		if first >= 3 {
			p = spread32("p")
		}
		switch {
		case second == 7:
			sign = YMM()
			VBROADCASTSS(signBit32(), sign)
		case second >= 4:
			q = spread32("q")
		}
	}
	operands := []string{"a"}
	if first < 3 {
		operands = append(operands, "b")
	}
	if second < 4 {
		operands = append(operands, "c")
	}
	unrolledRow(4, name, "func(dst, a, b, c *float32, p, q float32, n int)", doc, operands, setup, func(at []Mem) vec {
		t := YMM()
		last := at[len(at)-1]
		switch first {
		case 0:
			VMOVUPS(at[0], t)
			VADDPS(at[1], t, t)
		case 1:
			VMOVUPS(at[0], t)
			VSUBPS(at[1], t, t)
		case 2:
			VMOVUPS(at[0], t)
			VMULPS(at[1], t, t)
		case 3:
			VADDPS(at[0], p, t)
		case 4:
			VSUBPS(at[0], p, t)
		case 5:
			VMULPS(at[0], p, t)
		}
		switch second {
		case 0:
			VADDPS(last, t, t)
		case 1:
			VSUBPS(last, t, t)
		case 2:
			c := YMM()
			VMOVUPS(last, c)
			VSUBPS(t, c, t)
		case 3:
			VMULPS(last, t, t)
		case 4:
			VADDPS(q, t, t)
		case 5:
			VSUBPS(t, q, t)
		case 6:
			VMULPS(q, t, t)
		case 7:
			VANDNPS(t, sign, t)
		}
		return t
	})
}
