package op_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// padded is x cropped where a pad is negative, then lengthened by the others.
// It is not ok where that leaves less than nothing, or nothing to lengthen x by.
func padded(x []float32, begin, end int, mode string) (y []float32, ok bool) {
	total := len(x) + begin + end
	kept := x[min(max(-begin, 0), len(x)):]
	kept = kept[:max(len(kept)-max(-end, 0), 0)]
	if total < 0 || len(kept) == 0 && total > 0 && mode != "constant" {
		return nil, false
	}
	y = []float32{}
	for i := range total {
		k := i - max(begin, 0)
		step := map[string]int{"edge": 1, "wrap": len(kept)}[mode]
		for step > 0 && k < 0 {
			k += step
		}
		for step > 0 && k >= len(kept) {
			k -= step
		}
		for mode == "reflect" && (k < 0 || k >= len(kept)) {
			if k = max(k, -k); k >= len(kept) {
				k = 2*(len(kept)-1) - k
			}
			if len(kept) == 1 {
				k = 0
			}
		}
		if k < 0 || k >= len(kept) {
			y = append(y, -1)
		} else {
			y = append(y, kept[k])
		}
	}
	return y, true
}

// TestPadExhaustive pads and crops 0 to 4 elements by −5 to 7 on either side.
func TestPadExhaustive(t *testing.T) {
	for _, mode := range []string{"constant", "edge", "reflect", "wrap"} {
		for size := range 5 {
			x := make([]float32, size)
			for i := range x {
				x[i] = float32(i)
			}
			var nodes, outputs strings.Builder
			want := map[string][]float32{}
			for b := -5; b <= 7; b++ {
				for e := -5; e <= 7; e++ {
					name := fmt.Sprintf("y_%d_%d", b+5, e+5)
					node := fmt.Sprintf("pads%s = Constant <value = int64[2] {%d, %d}> ()\n%s = Pad <mode: string = %q> (x, pads%s, fill)\n", name, b, e, name, mode, name)
					y, ok := padded(x, b, e, mode)
					if !ok {
						if _, err := runPad(size, node, "float[n] "+name, x); err == nil {
							t.Errorf("%s of %v by %d and %d: no error", mode, x, b, e)
						}
						continue
					}
					want[name] = y
					nodes.WriteString(node)
					fmt.Fprintf(&outputs, "float[n%s] %s, ", name, name)
				}
			}
			got, err := runPad(size, nodes.String(), strings.TrimSuffix(outputs.String(), ", "), x)
			if err != nil {
				t.Fatalf("%s of %v: %v", mode, x, err)
			}
			for name, y := range want {
				if err := conform.Compare(got[name], tensor.Of([]int{len(y)}, y)); err != nil {
					t.Errorf("%s of %v, %s: %v; got %v, want %v", mode, x, name, err, tensor.Data[float32](got[name]), y)
				}
			}
		}
	}
}

func runPad(size int, nodes, outputs string, x []float32) (map[string]*tensor.Tensor, error) {
	m, err := text.Parse(fmt.Sprintf("<ir_version: 10, opset_import: [\"\" : 19]>\ng (float[%d] x) => (%s) <float fill = {-1}> {\n%s}\n", size, outputs, nodes))
	if err != nil {
		return nil, err
	}
	return run(m, map[string]*tensor.Tensor{"x": tensor.Of([]int{size}, x)})
}

// TestPadTypes crops and pads elements of every type, by axes.
func TestPadTypes(t *testing.T) {
	x := []float32{0, 1, 1, 0, 1, 0, 0, 1}
	for _, d := range []tensor.DType{
		tensor.Bool, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64,
		tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64, tensor.String,
	} {
		for mode, want := range map[string][]float32{
			"constant": {0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0},
			"edge":     {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0},
			"reflect":  {1, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0},
			"wrap":     {0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 0, 0},
		} {
			got, err := buildAndRun(19, tensor.Of([]int{2, 4}, x), func(x *graph.Value) *graph.Value {
				pads := op.Const(x.Graph(), "pads", tensor.Vector[int64](3, -1))
				axes := op.Const(x.Graph(), "axes", tensor.Vector[int64](-1))
				mode := []*graph.Attr{graph.String("mode", mode)}
				return op.Cast(op.Apply("Pad", 1, mode, op.Cast(x, d), pads, op.Omit, axes)[0], tensor.Float32)
			})
			if err != nil && d == tensor.String && mode == "constant" {
				continue // the empty string is no number
			}
			if err == nil {
				err = conform.Compare(got, tensor.Of([]int{2, 6}, want))
			}
			if err != nil {
				t.Errorf("%s of %v: %v; got %v", mode, d, err, got)
			}
		}
	}
}

// TestPadOfUnknownPads: nothing is said of the axes that are padded by what is
// not known.
func TestPadOfUnknownPads(t *testing.T) {
	m, err := text.Parse(`<ir_version: 10, opset_import: ["" : 19]>
g (float[2,3] x, int64[2] p) => (float[a,b] y) <int64[1] axes = {-1}> {
y = Pad (x, p, "", axes)
}`)
	if err != nil {
		t.Fatal(err)
	}
	forget(m.Graph)
	if errs := op.InferModel(m).Errs(); errs != nil {
		t.Fatal(errs)
	}
	if s := m.Graph.Outputs[0].Type.Shape; len(s) != 2 || s[0] != graph.Known(2) || s[1].IsKnown() {
		t.Errorf("inferred %v, want [2,?]", s)
	}
}
