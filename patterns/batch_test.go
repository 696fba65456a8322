package patterns_test

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// batched is a detector of one map, with the nodes TAIL from z and e on.
const batched = `<ir_version: 8, opset_import: ["" : 17]>
g (float[BATCH,2,8,8] image) => (float scores, float box)
<float[8,2,3,3] k = {KERNEL}, float[3,8,1,1] w = {WEIGHTS}, float[4,8,1,1] b = {BOXES},
 int64[3] fixed3 = {1,3,-1}, int64[3] fixed4 = {1,4,-1}, int64[3] kept3 = {0,3,-1}, int64[3] kept4 = {0,4,-1},
 int64[2] rows3 = {-1,3}, int64[2] rows4 = {-1,4}, int64[1] zero = {0}, int64[1] one = {1}, int64 none = {0}> {
  f = Conv <pads = [1,1,1,1]> (image, k)
  r = Relu(f)
  z = Conv(r, w)
  e = Conv(r, b)
  TAIL
}`

// TestLostBatch: a batch that is open at the images and is not at the logits is said,
// with the node, whatever takes it; one that is kept, or fixed from the beginning, is not.
func TestLostBatch(t *testing.T) {
	for _, c := range []struct{ name, batch, tail, node, says string }{
		{"kept", "N", `zz = Reshape(z, kept3) scores = Sigmoid(zz) box = Reshape(e, kept4)`, "", ""},
		{"fixed from the beginning", "1", `zz = Reshape(z, fixed3) scores = Sigmoid(zz) box = Reshape(e, fixed4)`, "", ""},
		{"reshaped to 1", "N", `zz = Reshape(z, fixed3) scores = Sigmoid(zz) box = Reshape(e, fixed4)`, `→zz`, "joins its images to one"},
		{"reshaped to 1, without a name", "?", `zz = Reshape(z, fixed3) scores = Sigmoid(zz) box = Reshape(e, fixed4)`, `→zz`, ""},
		{"merged into rows", "N", `zt = Transpose <perm = [0,2,3,1]> (z) zz = Reshape(zt, rows3) scores = Sigmoid(zz) et = Transpose <perm = [0,2,3,1]> (e) box = Reshape(et, rows4)`, `→zz`, "joins its images to one"},
		{"the first image", "N", `zs = Slice(z, zero, one, zero) zz = Reshape(zs, kept3) scores = Sigmoid(zz) es = Slice(e, zero, one, zero) box = Reshape(es, kept4)`, `→zs`, "leaves one image"},
		{"behind the logits", "N", `scores0 = Sigmoid(z) scores = Reshape(scores0, kept3) box = Reshape(e, kept4)`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := strings.NewReplacer("BATCH", c.batch, "TAIL", c.tail, "KERNEL", numbers(8*2*9), "WEIGHTS", numbers(24), "BOXES", numbers(32)).Replace(batched)
			m, err := text.Parse(src)
			if err != nil {
				t.Fatal(err)
			}
			r, err := patterns.Locate(m, patterns.Options{})
			if err != nil {
				t.Fatal(err)
			}
			lost := r.Heads[0].LostBatch()
			switch {
			case lost == nil && c.node != "":
				t.Errorf("not found; the logits are %v", r.Heads[0].Levels[0].Source)
			case lost != nil && c.node == "":
				t.Errorf("found: %v", lost)
			case lost != nil && (!strings.Contains(lost.String(), c.node) || !strings.Contains(lost.String(), c.says)):
				t.Errorf("got %v, want %q, %q", lost, c.node, c.says)
			}
		})
	}
}

// numbers is n numbers, as text.
func numbers(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = []string{"0.5", "-1", "0.25", "2"}[i%4]
	}
	return strings.Join(words, ",")
}
