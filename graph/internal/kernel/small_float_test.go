package kernel

import (
	"math"
	"testing"
)

// TestSmallFloats checks the greatest values, the least ones and what is
// beyond, by the tables of the formats' papers, and that every value is its own
// rounding.
func TestSmallFloats(t *testing.T) {
	for _, c := range []struct {
		name             string
		f                *SmallFloat
		max, least       float32
		nans, infinities int
	}{
		{"E4M3FN", Float8E4M3FN(), 448, 0x1p-9, 2, 0},
		{"E4M3FNUZ", Float8E4M3FNUZ(), 240, 0x1p-10, 1, 0},
		{"E5M2", Float8E5M2(), 57344, 0x1p-16, 6, 2},
		{"E5M2FNUZ", Float8E5M2FNUZ(), 57344, 0x1p-17, 1, 0},
		{"E2M1", Float4E2M1(), 6, 0.5, 0, 0},
	} {
		nans, infs := 0, 0
		for code, v := range c.f.values {
			switch {
			case v != v:
				nans++
			case math.IsInf(float64(v), 0):
				infs++
			default:
				var got [1]uint8
				ToSmallFloat(c.f, got[:], []float32{v}, true)
				if int(got[0]) != code {
					t.Errorf("%s: code %#x has value %v, which is rounded to %#x", c.name, code, v, got[0])
				}
			}
		}
		if nans != c.nans || infs != c.infinities {
			t.Errorf("%s: %d NaN and %d infinities, want %d and %d", c.name, nans, infs, c.nans, c.infinities)
		}
		if m := c.f.magnitude; m[len(m)-1] != c.max || m[1] != c.least {
			t.Errorf("%s: values from %v to %v, want %v to %v", c.name, m[1], m[len(m)-1], c.least, c.max)
		}
		var back [1]float32
		var code [1]uint8
		ToSmallFloat(c.f, code[:], []float32{c.max * 4}, true)
		FromSmallFloat(c.f, back[:], code[:])
		if back[0] != c.max {
			t.Errorf("%s: %v saturates at %v", c.name, c.max*4, back[0])
		}
	}
}

func TestFloat8E8M0Rounds(t *testing.T) {
	for _, c := range []struct {
		x    float32
		mode string
		want uint8
	}{{1, "up", 127}, {1.5, "up", 128}, {1.5, "down", 127}, {1.5, "nearest", 128}, {1.25, "nearest", 127}, {math.MaxFloat32, "up", 254}} {
		var got [1]uint8
		ToFloat8E8M0(got[:], []float32{c.x}, true, c.mode)
		if got[0] != c.want {
			t.Errorf("%v rounded %s: code %d, want %d", c.x, c.mode, got[0], c.want)
		}
	}
}
