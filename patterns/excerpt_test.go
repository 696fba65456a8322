package patterns_test

import (
	"reflect"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// checkExcerpt: e is small and without cycles, has class logits and an output,
// and every block that is no output leads on.
func checkExcerpt(t *testing.T, e *patterns.Excerpt) {
	t.Helper()
	count := map[patterns.Tint]int{}
	for _, b := range e.Blocks {
		count[b.Tint]++
	}
	full := count[patterns.Ends] == 12 // more outputs may have been left out
	if len(e.Blocks) > 130 || count[patterns.Logits] == 0 || count[patterns.Ends] == 0 || count[patterns.Feature] == 0 {
		t.Errorf("%d blocks, %v", len(e.Blocks), count)
	}
	left, leads := map[int]int{}, map[int][]int{}
	for _, x := range e.Edges {
		left[x[1]]++
		leads[x[0]] = append(leads[x[0]], x[1])
	}
	var queue []int
	for i, b := range e.Blocks {
		if left[i] == 0 {
			queue = append(queue, i)
		}
		if b.Tint != patterns.Ends && len(leads[i]) == 0 && !full {
			t.Errorf("block %d, %v %s, leads nowhere", i, b.Ops, b.Tensor)
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, k := range leads[queue[i]] {
			if left[k]--; left[k] == 0 {
				queue = append(queue, k)
			}
		}
	}
	if len(queue) != len(e.Blocks) {
		t.Errorf("%d of %d blocks in an order: the rest is a cycle", len(queue), len(e.Blocks))
	}
}

func TestNeighbourhood(t *testing.T) {
	for _, dir := range folders(t) {
		for _, path := range models(t, dir) {
			t.Run(readKey(t, path).Name, func(t *testing.T) {
				r, err := patterns.Locate(open(t, path), graphAlone)
				if err != nil {
					return
				}
				for _, h := range r.Heads {
					e := r.Neighbourhood(h)
					checkExcerpt(t, e)
					if again := r.Neighbourhood(h); !reflect.DeepEqual(e.Edges, again.Edges) || len(e.Blocks) != len(again.Blocks) {
						t.Error("the same head gives two excerpts")
					}
				}
			})
		}
	}
}

// TestNeighbourhoodIsBounded: of a head of many levels, long branches and a
// large post-processing a few blocks are left.
func TestNeighbourhoodIsBounded(t *testing.T) {
	n := newNet(t)
	var scores, boxes []*graph.Value
	x := n.x
	for range 18 {
		x = n.do("Relu", nil, n.conv(x, 8))
		c, b := x, x
		for range 30 {
			c, b = n.do("Relu", nil, n.conv(c, 8)), n.do("Relu", nil, n.conv(b, 8))
		}
		scores = append(scores, n.transpose(n.reshape(n.conv(c, 12), 1, 12, -1), 0, 2, 1))
		boxes = append(boxes, n.transpose(n.reshape(n.conv(b, 4), 1, 4, -1), 0, 2, 1))
	}
	s, b := n.do("Sigmoid", nil, n.concat(1, scores...)), n.do("Exp", nil, n.concat(1, boxes...))
	for range 200 {
		s, b = n.do("Abs", nil, n.do("Mul", nil, s, n.slice(b, 2, 0, 1, 1))), n.do("Neg", nil, b)
	}
	n.output(s, b)
	r, err := patterns.Locate(n.m, graphAlone)
	if err != nil {
		t.Fatal(err)
	}
	e := r.Neighbourhood(r.Heads[0])
	checkExcerpt(t, e)
	if e.Levels != 10 {
		t.Errorf("%d levels left out, want 10", e.Levels)
	}
}
