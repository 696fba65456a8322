package interp_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// huge are graphs of a few bytes that would hold a great deal.
var huge = map[string]string{
	"Expand":        `<int64[2] s = {50000000, 8}> { y = Expand (x, s) }`,
	"Tile":          `<int64[1] s = {1000000000}> { y = Tile (x, s) }`,
	"Constant":      `<int64[2] s = {20000, 20000}> { y = ConstantOfShape (s) }`,
	"Range":         `<int64 a = {0}, int64 b = {500000000}, int64 d = {1}> { y = Range (a, b, d) }`,
	"Resize":        `<float[8] a = {0, 0, 0, 0, 1, 1, 1, 1}, float[4] s = {1, 1, 5000, 5000}, int64[4] r = {1, 1, 1, 8}> { i = Reshape (x, r) y = Resize (i, a, s) }`,
	"OneHot":        `<int64[2] v = {0, 1}, int64 d = {100000000}> { i = Cast <to: int = 7> (x) y = OneHot (i, d, v) }`,
	"Pad":           `<int64[2] p = {0, 1000000000}> { y = Pad (x, p) }`,
	"MatMul":        `<int64[2] c = {20000, 1}, int64[2] r = {1, 20000}> { a = ConstantOfShape (c) b = ConstantOfShape (r) y = MatMul (a, b) }`,
	"Einsum":        `<int64[1] n = {20000}> { a = ConstantOfShape (n) y = Einsum <equation: string = "i,j->ij"> (a, a) }`,
	"Where":         `<int64[2] c = {20000, 1}, int64[2] r = {1, 20000}> { a = ConstantOfShape (c) b = ConstantOfShape (r) t = Greater (a, b) y = Where (t, a, b) }`,
	"Add":           `<int64[2] c = {20000, 1}, int64[2] r = {1, 20000}> { a = ConstantOfShape (c) b = ConstantOfShape (r) y = Add (a, b) }`,
	"random":        `{ y = RandomNormal <shape: ints = [20000, 20000]> () }`,
	"ConvTranspose": `<int64[4] s = {1, 1, 3000, 3000}, int64[4] k = {1, 1, 1, 1}> { a = ConstantOfShape (s) b = ConstantOfShape (k) y = ConvTranspose <strides: ints = [100, 100]> (a, b) }`,
	"Col2Im":        `<int64[3] s = {1, 1, 4}, int64[2] i = {20000, 20000}, int64[2] k = {1, 1}> { a = ConstantOfShape (s) y = Col2Im <strides: ints = [19999, 19999]> (a, i, k) }`,
	"products":      `<int64[4] c = {3000, 1, 1, 1}, int64[4] r = {1, 3000, 1, 1}> { a = ConstantOfShape (c) b = ConstantOfShape (r) y = MatMul (a, b) }`,
	"TopK":          `<int64[1] s = {4000000}, int64[1] k = {1}> { a = ConstantOfShape (s) y, i = TopK (a, k) }`,
	"Unique":        `<int64[1] s = {2000000}> { a = ConstantOfShape (s) y = Unique (a) }`,
	"suppression":   `<int64[3] b = {1, 500000, 4}, int64[3] s = {1, 1, 500000}, int64 n = {500000}> { a = ConstantOfShape (b) c = ConstantOfShape (s) y = NonMaxSuppression (a, c, n) }`,
	"DFT":           `<int64[3] s = {1, 1, 1}, int64 n = {134217728}> { a = ConstantOfShape (s) y = DFT (a, n) }`,
	"sequence": `<int64 n = {1000000000}, bool go = {1}, int64[2] w = {10000, 8}> { s = SequenceEmpty () t = Loop <body: graph = b (int64 i, bool on, q) => (bool still, r) {
		still = Identity (on) e = Expand (x, w) r = SequenceInsert (q, e) }> (n, go, s) y = SequenceLength (t) }`,
	"scan": `<int64 n = {1000000000}, bool go = {1}, int64[2] w = {10000, 8}> { y = Loop <body: graph = b (int64 i, bool on) => (bool still, e) {
		still = Identity (on) e = Expand (x, w) }> (n, go) }`,
	"texts": `<int64 n = {60}, bool go = {1}> { t = Cast <to: int = 8> (x) y = Loop <body: graph = b (int64 i, bool on, string[K] a) => (bool still, string[K] r) {
		still = Identity (on) r = StringConcat (a, a) }> (n, go, t) }`,
}

// TestHugeModels: what would hold more than MaxMemory ends with ErrMemory, which names
// the node, before the memory is there.
func TestHugeModels(t *testing.T) {
	const limit, slack = 32 << 20, 24 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	for name, src := range huge {
		t.Run(name, func(t *testing.T) {
			m, err := text.Parse(`<ir_version: 9, opset_import: ["" : 20]> g (float[8] x) => (y) ` + strings.ReplaceAll(src, "\n", " "))
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			plan, err := interp.New(m, interp.Options{Threads: 2, MaxMemory: limit})
			if err == nil {
				x := tensor.Of([]int{8}, []float32{1, 2, 3, 4, 5, 6, 7, 8})
				_, err = plan.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
			}
			runtime.ReadMemStats(&after)
			if !errors.Is(err, interp.ErrMemory) {
				t.Errorf("%v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "node ") {
				t.Errorf("names no node: %v", err)
			}
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > limit+slack {
				t.Errorf("the heap has grown by %d MiB", grown>>20)
			}
		})
	}
}

// TestInputsCount: what a run is fed counts, given or made up.
func TestInputsCount(t *testing.T) {
	m, err := text.Parse(`<ir_version: 8, opset_import: ["" : 13]> g (float[1000,N] x) => (float[1000,N] y) { y = Relu (x) }`)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := interp.New(m, interp.Options{MaxMemory: 9 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for n, fits := range map[int]bool{1000: true, 2000: false, 1 << 40: false} {
		feeds := map[string]*tensor.Tensor{}
		x, err := random.Input(plan.Feeds()[0], map[string]int{"N": n}, 1, plan.Fits(feeds))
		if err == nil {
			feeds["x"] = x
			_, err = plan.Run(context.Background(), feeds)
		}
		if fits != (err == nil) || err != nil && n < 1<<20 && !errors.Is(err, interp.ErrMemory) {
			t.Errorf("N = %d: %v", n, err)
		}
	}
	feeds := map[string]*tensor.Tensor{}
	x, err := random.Input(plan.Feeds()[0], map[string]int{"N": 1000}, 1, plan.Fits(feeds))
	if err != nil {
		t.Fatal(err)
	}
	feeds["x"] = x
	for range 20 { // what the caller has dropped is not held against the next run
		if _, err := plan.Run(context.Background(), feeds); err != nil {
			t.Fatal(err)
		}
	}
}
