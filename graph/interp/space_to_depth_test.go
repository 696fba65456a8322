package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/random"
)

// focus has the parts of x joined before a convolution. PARTS are nodes that make p, q, r
// and s [n, 3, h/2, w/2].
const focus = `g (float[n, 3, h, w] x) => (float[a, b, d, e] y)
<float[5, 12, 3, 3] k = {NOISE}, float[5] v = {1, -0.5, 0.25, 0, 2}, int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] three = {3},
 int64[1] end = {9223372036854775807}, int64[2] zeros = {0, 0}, int64[2] downright = {1, 1}, int64[2] ends = {9223372036854775807, 9223372036854775807},
 int64[2] axes = {2, 3}, int64[2] twos = {2, 2}> {
  PARTS
  c = Concat <axis = 1> (p, q, r, s)
  y = Conv <pads = [1, 1, 1, 1]> (c, k, v)
}`

const (
	even  = `u = Slice (x, zero, end, two, two) p = Slice (u, zero, end, three, two) r = Slice (u, one, end, three, two) `
	quads = even + `t = Slice (x, one, end, two, two) q = Slice (t, zero, end, three, two) s = Slice (x, downright, ends, axes, twos)`
)

// TestSpaceToDepth: a convolution of a tensor's slices is one of the tensor where they are all
// of them, and gives what the nodes give one by one, whatever the size.
func TestSpaceToDepth(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		steps          int
	}{
		{"focus", "", "", 1},
		{"sizes", "float[n, 3, h, w]", "float[1, 3, 8, 6]", 1},
		{"channels that are not known", "float[n, 3, h, w]", "float[n, c, h, w]", 1},
		{"one channel and an activation", "(c, k, v)\n", "(c, k, v) g = Sigmoid (z) y = Mul (z, g)\n", 1},
		{"activation", "(c, k, v)\n", "(c, k, v) g = Sigmoid (z) y = Mul (z, g)\n", 1},
		{"stride", "Conv <", "Conv <strides = [2, 3], ", 1},
		{"valid", "pads = [1, 1, 1, 1]", `auto_pad = "VALID"`, 1},
		{"pads of one side", "pads = [1, 1, 1, 1]", `pads = [2, 0, 0, 1]`, 1},
		{"same", "pads = [1, 1, 1, 1]", `auto_pad = "SAME_UPPER"`, 0},
		{"dilation", "Conv <", "Conv <dilations = [2, 1], ", 0},
		{"one part twice", "(p, q, r, s)", "(p, q, r, q)", 0},
		{"another order", "(p, q, r, s)", "(s, q, p, r)", 1},
		{"another part", "q = Slice (t, zero", "q = Slice (t, two", 0},
		{"another axis", "<axis = 1> (p, q, r, s)", "<axis = 1> (p, q, r, s) cc = Concat <axis = 0> (c, c)", 0},
		{"read elsewhere", "(c, k, v)\n", "(c, k, v) g = ReduceMax <keepdims = 0> (c) y = Add (z, g)\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.NewReplacer("PARTS", quads, "NOISE", noise(5*12*9)).Replace(focus)
			text = strings.Replace(text, c.from, c.to, 1)
			switch {
			case strings.Contains(c.to, "(z"):
				text = strings.Replace(text, "y = Conv", "z = Conv", 1)
			case strings.Contains(c.to, "cc"):
				text = strings.Replace(text, "(c, k, v)", "(cc, k, v)", 1)
			}
			if strings.HasPrefix(c.name, "one channel") {
				text = strings.NewReplacer("float[n, 3, h, w]", "float[n, 1, h, w]", "float[5, 12, 3, 3]", "float[5, 4, 3, 3]", noise(5*12*9), noise(5*4*9)).Replace(text)
			}
			m := parse(t, text)
			for _, size := range []string{"8 6", "6 10", "7 7", "9 8"} {
				dims := map[string]int{"n": 2, "c": 3}
				var h, w int
				fmt.Sscan(size, &h, &w)
				dims["h"], dims["w"] = h, w
				x, err := random.Input(m.Graph.Inputs[0], dims, 3, nil)
				if err != nil {
					t.Fatal(err)
				}
				want, _, wantErr := tryRun(m, feeds{"x": x}, interp.Options{Unfused: true})
				got, records, err := tryRun(m, feeds{"x": x}, interp.Options{})
				if (err == nil) != (wantErr == nil) {
					t.Fatalf("%s: error %v, want %v", size, err, wantErr)
				}
				if err != nil {
					continue
				}
				if err := near(got["y"], want["y"]); err != nil {
					t.Fatalf("%s: %v", size, err)
				}
				if c.steps > 0 && records != c.steps {
					t.Errorf("%s: %d steps, want %d", size, records, c.steps)
				}
				if c.steps == 0 && records < 3 {
					t.Errorf("%s: %d steps", size, records)
				}
			}
		})
	}
}
