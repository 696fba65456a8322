package op_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// TestResizeNearest resizes 1 to 24 positions to 1 to 40, by their sizes and by
// the scales that a graph works out in float32 from them, in every coordinate
// and nearest mode, and compares each position with rational numbers.
func TestResizeNearest(t *testing.T) {
	feeds := map[string]*tensor.Tensor{}
	var inputs []string
	for in := 1; in <= 24; in++ {
		x := make([]float32, in)
		for i := range x {
			x[i] = float32(i)
		}
		feeds[fmt.Sprint("x", in)] = tensor.Of([]int{1, in}, x)
		inputs = append(inputs, fmt.Sprintf("float[1,%d] x%d", in, in))
	}
	for _, coordinate := range []string{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"} {
		for _, nearest := range []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"} {
			attrs := fmt.Sprintf("<mode: string = \"nearest\", coordinate_transformation_mode: string = %q, nearest_mode: string = %q>", coordinate, nearest)
			var nodes strings.Builder
			var outputs []string
			for in := 1; in <= 24; in++ {
				for out := 1; out <= 40; out++ {
					n := fmt.Sprintf("%d_%d", in, out)
					fmt.Fprintf(&nodes, "sizes%s = Constant <value = int64[2] {1, %d}> ()\ny%s = Resize %s (x%d, \"\", \"\", sizes%s)\n", n, out, n, attrs, in, n)
					fmt.Fprintf(&nodes, "scales%s = Constant <value = float[2] {1, %v}> ()\nz%s = Resize %s (x%d, \"\", scales%s)\n", n, float32(out)/float32(in), n, attrs, in, n)
					outputs = append(outputs, fmt.Sprintf("float[1,%d] y%s, float[1,n] z%s", out, n, n))
				}
			}
			m, err := text.Parse(fmt.Sprintf("<ir_version: 8, opset_import: [\"\" : 19]>\ng (%s) => (%s) {\n%s}\n",
				strings.Join(inputs, ", "), strings.Join(outputs, ", "), &nodes))
			if err != nil {
				t.Fatal(err)
			}
			got, err := run(m, feeds)
			if err != nil {
				t.Fatal(err)
			}
			for in := 1; in <= 24; in++ {
				for out := 1; out <= 40; out++ {
					y := tensor.Data[float32](got[fmt.Sprintf("y%d_%d", in, out)])
					z := tensor.Data[float32](got[fmt.Sprintf("z%d_%d", in, out)])
					for o := range out {
						want := float32(nearestTo(coordinate, nearest, int64(in), int64(out), int64(o)))
						// ⌊in·scale⌋ in float32 is one less for some scales, which then are not out/in.
						if y[o] != want || len(z) == out && z[o] != want {
							t.Fatalf("%s, %s, %d to %d: output %d is %v by sizes, %v by scales, want %v", coordinate, nearest, in, out, o, y[o], z, want)
						}
					}
				}
			}
		}
	}
}

// nearestTo is the input position that output position o takes, in rational
// numbers.
func nearestTo(coordinate, nearest string, in, out, o int64) int64 {
	x := big.NewRat((2*o+1)*in-out, 2*out)
	switch {
	case in == out:
		return o // the axis is copied
	case out == 1 && (coordinate == "align_corners" || coordinate == "pytorch_half_pixel"):
		return 0
	case coordinate == "align_corners":
		x = big.NewRat(o*(in-1), out-1)
	case coordinate == "asymmetric":
		x = big.NewRat(o*in, out)
	case coordinate == "tf_half_pixel_for_nn":
		x = big.NewRat((2*o+1)*in, 2*out)
	}
	half := big.NewRat(1, 2)
	up := nearest == "round_prefer_floor" || nearest == "ceil"
	if nearest == "round_prefer_floor" {
		x.Sub(x, half)
	} else if nearest == "round_prefer_ceil" {
		x.Add(x, half)
	}
	k := new(big.Int).Div(x.Num(), x.Denom()).Int64()
	if up && !x.IsInt() {
		k++
	}
	return min(max(k, 0), in-1)
}
