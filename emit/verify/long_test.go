package verify_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/patterns"
)

// long is a detector with n nodes before its head: a chain of them, or sums with a
// weight each.
func long(n int, weights bool) string {
	indent := strings.Repeat(" ", 60) // a text may have so much structure for each byte
	var inits, nodes strings.Builder
	at := "image"
	for i := range n {
		next := fmt.Sprintf("v%d", i)
		if weights {
			fmt.Fprintf(&inits, indent+", float[3,1,1] a%d = {1,%d,0.5}", i, i%3)
			fmt.Fprintf(&nodes, indent+"%s = Add(%s, a%d)\n", next, at, i)
		} else {
			fmt.Fprintf(&nodes, indent+"%s = Relu(%s)\n", next, at)
		}
		at = next
	}
	return fmt.Sprintf(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,4,5] image) => (float[1,20,2] scores, float[1,20,4] boxes)
<float[2,3,1,1] wc = {1,2,3,4,5,6}, float[4,3,1,1] wb = {1,2,3,4,5,6,7,8,9,1,2,3}, int64[3] tc = {1,2,20}, int64[3] tb = {1,4,20}%s> {
%s  c = Conv(%s, wc)
  b = Conv(%s, wb)
  rc = Reshape(c, tc)
  rb = Reshape(b, tb)
  lc = Transpose<perm=[0,2,1]>(rc)
  boxes = Transpose<perm=[0,2,1]>(rb)
  scores = Sigmoid(lc)
}`, inits.String(), nodes.String(), at, at)
}

// BenchmarkLong: what rewriting and proving take for a node must not grow with the number
// of nodes.
func BenchmarkLong(b *testing.B) {
	for _, weights := range []bool{false, true} {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			name := fmt.Sprintf("%s/%d", map[bool]string{false: "chain", true: "weights"}[weights], n)
			_, raw := file(b, long(n, weights))
			rewritten := func() *patterns.Report {
				r, err := patterns.Locate(parse(b, raw), patterns.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := emit.Rewrite(r.Model, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "sigmoid-focal"}}); err != nil {
					b.Fatal(err)
				}
				return r
			}
			perNode := func(b *testing.B) {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/node")
			}
			b.Run("rewrite/"+name, func(b *testing.B) {
				for b.Loop() {
					rewritten()
				}
				perNode(b)
			})
			b.Run("verify/"+name, func(b *testing.B) {
				m, _ := reread(b, rewritten().Model)
				b.ResetTimer()
				for b.Loop() {
					report, err := verify.Training(context.Background(), m, verify.Options{Original: parse(b, raw)})
					if err != nil || report.Verdict() != verify.Proved {
						b.Fatal(err, report)
					}
				}
				perNode(b)
			})
		}
	}
}
