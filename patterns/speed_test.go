package patterns_test

import (
	"fmt"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
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

func BenchmarkLocate(b *testing.B) {
	for name, build := range map[string]func(testing.TB, int) *graph.Model{"deep": deep, "many": many} {
		for _, size := range []int{1000, 10000, 100000} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				m := build(b, size)
				b.ResetTimer()
				for range b.N {
					if _, err := patterns.Locate(m, patterns.Options{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(m.Graph.Nodes)), "ns/node")
			})
		}
	}
}
