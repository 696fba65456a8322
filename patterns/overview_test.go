package patterns_test

import (
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestOverview: a model is drawn whole: chains of one tint are one block, each output is
// reached, and what computes shapes is left out.
func TestOverview(t *testing.T) {
	n := newNet(t)
	x := n.do("Relu", nil, n.conv(n.x, 8))
	sum := n.do("Add", nil, x, n.do("Relu", nil, n.conv(x, 8)))
	shape := n.do("Shape", nil, sum)
	v := n.do("Reshape", nil, n.conv(sum, 7), n.do("Concat", []*graph.Attr{graph.Int("axis", 0)}, n.slice(shape, 0, 0, 1, 1), n.ints(7, -1)))
	n.output(n.sigmoid(v), n.do("Exp", nil, n.conv(sum, 4)))
	tint := func(k *graph.Node) patterns.Tint {
		if k.Op == "Sigmoid" {
			return patterns.Loss
		}
		return patterns.Network
	}
	e, err := patterns.Overview(n.m, tint)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range e.Blocks {
		got = append(got, string(b.Tint)+": "+strings.Join(b.Ops, " "))
	}
	want := "feature: , network: Conv Relu, network: Conv Relu, network: Add, network: Conv Reshape, loss and gradient: Sigmoid, network: Conv Exp, output: , output: "
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
	if len(e.Edges) != 9 {
		t.Errorf("%d edges, want 9: %v", len(e.Edges), e.Edges)
	}
	y := n.x
	for range patterns.MaxOverview { // each read twice, so that there are no chains
		y = n.do("Add", nil, y, n.do("Neg", nil, y))
	}
	n.output(y)
	if _, err := patterns.Overview(n.m, tint); err == nil {
		t.Error("a picture of more blocks than anybody finds anything in")
	}
}
