package patterns_test

import (
	"fmt"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// deep is a detector of about size nodes: a trunk of gated layers, as large
// networks have, and a head on every fiftieth of them.
func deep(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	x := n.x
	var scores, boxes []*graph.Value
	for i := 0; len(n.m.Graph.Nodes) < size; i++ {
		y := n.conv(x, 8)
		x = n.do("Add", nil, x, n.do("Mul", nil, y, n.do("Sigmoid", nil, y)))
		if i%10 == 0 {
			gate := n.do("Sigmoid", nil, n.conv(n.do("GlobalAveragePool", nil, x), 8))
			x = n.do("Mul", nil, x, gate)
		}
		if i%50 == 0 && len(scores) < 100 {
			scores = append(scores, n.transpose(n.reshape(n.conv(x, 12), 1, 12, -1), 0, 2, 1))
			boxes = append(boxes, n.transpose(n.reshape(n.conv(x, 4), 1, 4, -1), 0, 2, 1))
		}
	}
	n.output(n.do("Sigmoid", nil, n.concat(1, scores...)), n.do("Exp", nil, n.concat(1, boxes...)))
	return n.m
}

// many is a model of about size nodes that are heads alone, each with outputs
// of its own.
func many(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	for len(n.m.Graph.Nodes) < size {
		n.output(n.do("Sigmoid", nil, n.conv(n.x, 12)), n.do("Sigmoid", nil, n.conv(n.x, 1)), n.do("Exp", nil, n.conv(n.x, 4)))
	}
	return n.m
}

// chain is a detector behind a chain of about size nodes that only move
// elements and change them one by one.
func chain(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	scores, boxes := n.conv(n.x, 12), n.conv(n.x, 4)
	for len(n.m.Graph.Nodes) < size {
		scores = n.do("Identity", nil, n.transpose(n.transpose(scores, 0, 2, 3, 1), 0, 3, 1, 2))
		boxes = n.do("Neg", nil, boxes)
	}
	n.output(n.do("Sigmoid", nil, scores), n.do("Exp", nil, boxes))
	return n.m
}

// wide is a detector behind a Concat of about size inputs.
func wide(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	var list []*graph.Value
	for len(n.m.Graph.Nodes) < size {
		list = append(list, n.do("Relu", nil, n.x))
	}
	x := n.do("Add", nil, n.x, n.do("GlobalAveragePool", nil, n.concat(2, list...)))
	n.output(n.do("Sigmoid", nil, n.conv(x, 12)), n.do("Exp", nil, n.conv(x, 4)))
	return n.m
}

// outputs is a trunk of about size nodes, each of which is an output, before
// the outputs of a detector.
func outputs(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	x := n.x
	for len(n.m.Graph.Nodes) < size {
		x = n.do("Relu", nil, n.conv(x, 8))
		n.output(x)
	}
	n.output(n.do("Sigmoid", nil, n.conv(x, 12)), n.do("Exp", nil, n.conv(x, 4)))
	return n.m
}

// suppressed is a detector with a suppression of its own for each of many
// classes, as exporters unroll it.
func suppressed(t testing.TB, size int) *graph.Model {
	n := newNet(t)
	classes := max(2, size/4)
	scores := n.do("Sigmoid", nil, n.reshape(n.conv(n.x, classes), 1, int64(classes), -1))
	boxes := n.transpose(n.reshape(n.do("Exp", nil, n.conv(n.x, 4)), 1, 4, -1), 0, 2, 1)
	var chosen []*graph.Value
	for i := range classes {
		one := n.slice(scores, 1, int64(i), int64(i)+1, 1)
		k := n.do("NonMaxSuppression", nil, boxes, one)
		chosen = append(chosen, n.do("Gather", []*graph.Attr{graph.Int("axis", 2)}, one, n.do("Squeeze", nil, n.slice(k, 1, 2, 3, 1), n.ints(1))))
	}
	n.output(n.concat(2, chosen...))
	return n.m
}

// nested is a detector of about size nodes in functions that call functions,
// each twice: a depth of log2(size).
func nested(t testing.TB, size int) *graph.Model {
	depth := 0
	for n := 2; n < size; n *= 2 {
		depth++
	}
	src := `<ir_version: 8, opset_import: ["" : 17, "f" : 1]>
	g (float[1,2,16,16] image) => (float[1,3,16,16] scores, float[1,4,16,16] boxes)
	<float[3,2,1,1] w = {1,2,3,4,5,6}, float[4,2,1,1] v = {1,2,3,4,5,6,7,8}> {
	  x = f.F` + fmt.Sprint(depth) + `(image) z = Conv(x, w) scores = Sigmoid(z) d = Conv(x, v) boxes = Exp(d)
	}
	<domain: "f", opset_import: ["" : 17]> F0 (x) => (y) { y = Relu(x) }`
	for i := 1; i <= depth; i++ {
		src += fmt.Sprintf(` <domain: "f", opset_import: ["" : 17, "f" : 1]> F%d (x) => (y) { z = f.F%d(x) y = f.F%d(z) }`, i, i-1, i-1)
	}
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// topologies are models that grow in one way each.
var topologies = []struct {
	name  string
	build func(testing.TB, int) *graph.Model
}{
	{"deep", deep}, {"many", many}, {"chain", chain}, {"wide", wide}, {"outputs", outputs}, {"suppressed", suppressed}, {"nested", nested},
}

// perNode runs do on models of each topology and size, and reports the time
// for each node, which is to stay the same.
func perNode(b *testing.B, do func(*patterns.Report)) {
	for _, x := range topologies {
		for _, size := range []int{1000, 10000, 100000} {
			b.Run(fmt.Sprintf("%s/%d", x.name, size), func(b *testing.B) {
				m := x.build(b, size)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					r, err := patterns.Locate(m, graphAlone)
					if err != nil {
						b.Fatal(err)
					}
					if do != nil {
						do(r)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/node")
			})
		}
	}
}

// BenchmarkLocate is the search for the head.
func BenchmarkLocate(b *testing.B) { perNode(b, nil) }

// BenchmarkShow is the search with the path and the excerpt of the first head.
func BenchmarkShow(b *testing.B) {
	perNode(b, func(r *patterns.Report) {
		if len(r.Path(r.Heads[0])) == 0 || len(r.Neighbourhood(r.Heads[0]).Blocks) == 0 {
			b.Fatal("nothing to show")
		}
	})
}

// TestTopologies: what grows is found at every size that takes no time.
func TestTopologies(t *testing.T) {
	for _, x := range topologies {
		t.Run(x.name, func(t *testing.T) {
			m := x.build(t, 500)
			r, err := patterns.Locate(m, graphAlone)
			if err != nil {
				t.Fatal(err)
			}
			checkExcerpt(t, r.Neighbourhood(r.Heads[0]))
			checkPath(t, m, r)
		})
	}
}
