package tensor

import (
	"fmt"
	"math"
	"math/big"
	"testing"
)

// TestHalf: every half converts back to itself, and rounding is to nearest even
// by exact arithmetic.
func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		var f [1]float32
		var back [1]uint16
		FromFloat16(f[:], []uint16{uint16(h)})
		ToFloat16(back[:], f[:])
		if f[0] != f[0] {
			if back[0]&0x7c00 != 0x7c00 || back[0]&0x3ff == 0 {
				t.Fatalf("%#x: NaN became %#x", h, back[0])
			}
		} else if back[0] != uint16(h) {
			t.Fatalf("%#x became %v, then %#x", h, f[0], back[0])
		}
		FromBFloat16(f[:], []uint16{uint16(h)})
		ToBFloat16(back[:], f[:])
		if f[0] == f[0] && back[0] != uint16(h) {
			t.Fatalf("bfloat16 %#x became %v, then %#x", h, f[0], back[0])
		}
	}
	check := func(kind string, to func([]uint16, []float32), from func([]float32, []uint16), limit uint16) {
		for h := uint16(0); h < limit; h++ {
			var v [2]float32
			from(v[:], []uint16{h, h + 1})
			middle := new(big.Float).Add(big.NewFloat(float64(v[0])), big.NewFloat(float64(v[1])))
			m, _ := middle.Quo(middle, big.NewFloat(2)).Float32()
			var got [3]uint16
			to(got[:], []float32{math.Nextafter32(m, 0), m, math.Nextafter32(m, math.MaxFloat32)})
			even := h + h&1
			if got != [3]uint16{h, even, h + 1} {
				t.Fatalf("%s around %v: %#x, want %#x %#x %#x", kind, m, got, h, even, h+1)
			}
		}
	}
	check("half", ToFloat16[uint16], FromFloat16[uint16], 0x7bff)
	check("bfloat16", ToBFloat16[uint16], FromBFloat16[uint16], 0x7f7f)
	var top [3]uint16
	ToFloat16(top[:], []float32{65519.996, 65520, -1e30})
	if fmt.Sprintf("%x", top) != "[7bff 7c00 fc00]" {
		t.Errorf("largest values: %x", top)
	}
}
