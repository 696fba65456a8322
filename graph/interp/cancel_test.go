package interp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/text"
)

// long are single nodes that take many seconds, or for ever.
var long = map[string]string{
	"convolution": `<int64[4] s = {1, 512, 256, 256}, int64[4] k = {512, 512, 3, 3}> {
  x = ConstantOfShape (s)
  w = ConstantOfShape (k)
  y = Conv (x, w)
}`,
	"product": `<int64[2] s = {4000, 4000}> {
  x = ConstantOfShape (s)
  y = Gemm (x, x)
}`,
	"window": `<int64[4] s = {1, 32, 512, 512}> {
  x = ConstantOfShape (s)
  y = LpPool <kernel_shape: ints = [63, 63], p: int = 3> (x)
}`,
	"suppression": `<int64 most = {100000}, float overlap = {0.9}> {
  x = RandomUniform <shape: ints = [1, 100000, 4], seed: float = 1.0> ()
  s = RandomUniform <shape: ints = [1, 1, 100000], seed: float = 2.0> ()
  y = NonMaxSuppression (x, s, most, overlap)
}`,
	"order": `{
  x = RandomUniform <shape: ints = [10000000], seed: float = 1.0> ()
  y = Unique (x)
}`,
	"loop": `<int64 n = {1000000000}, bool go = {1}, float z = {0}> {
  y = Loop <body: graph = b (int64 i, bool on, float a) => (bool still, float r) {
    still = Identity (on)
    r = Add (a, a)
  }> (n, go, z)
}`,
}

// TestCancelWithinNodes: a run ends soon after its context also where one node
// takes long. A loop asks after parts of a few milliseconds, without assembly of a second; the bound leaves
// room for a machine that does other things.
func TestCancelWithinNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for what, src := range long {
		p := planned(t, "g () => (y) "+src, interp.Options{})
		ctx, cancel := context.WithCancel(context.Background())
		var cancelled time.Time
		time.AfterFunc(300*time.Millisecond, func() {
			cancelled = time.Now()
			cancel()
		})
		_, err := p.Run(ctx, nil)
		if late := time.Since(cancelled); !errors.Is(err, context.Canceled) || late > 5*time.Second {
			t.Errorf("%s: ended %v after its context, with error %v", what, late, err)
		}
	}
}

// TestFunctionsWithoutEnd: a function that calls itself, and functions that
// call the next one twice, are refused.
func TestFunctionsWithoutEnd(t *testing.T) {
	const local = "<domain: \"local\", opset_import: [\"\" : 17, \"local\" : 1]>\n"
	doubling := "g (float[1] x) => (y) { y = local.F0 (x) }\n"
	for i := range 40 {
		doubling += fmt.Sprintf("%sF%d (a) => (c) {\n b = local.F%d (a)\n c = local.F%d (b)\n}\n", local, i, i+1, i+1)
	}
	doubling += local + "F40 (a) => (c) {\n c = Neg (a)\n}\n"
	for src, want := range map[string]string{
		"g (float[1] x) => (y) { y = local.F (x) }\n" + local + "F (a) => (c) {\n b = local.F (a)\n c = local.F (b)\n}\n": "function F calls itself",
		doubling: "nodes in total",
	} {
		m, err := text.Parse(header + src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := interp.New(m, interp.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}
