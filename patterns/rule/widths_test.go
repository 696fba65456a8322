package rule

import (
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns/match"
)

// rawColumn is a raw map [1, n, 8, 8] alone.
func rawColumn(n int64) column {
	f := &match.Field{Chan: 1, Shape: graph.Static(1, int(n), 8, 8)}
	f.Places = f
	return column{n: n, act: None, parts: []*Part{{Channels: n, Activation: None, Roots: []Root{{f, match.All}}}}}
}

// TestReadings holds the priors on how raw maps of some widths divide: the likeliest number
// of anchors and of classes, and by how much the next reading of other classes is less likely.
func TestReadings(t *testing.T) {
	for _, c := range []struct {
		widths           []int64
		anchors, classes int64
		cls              int
		score, next      float64 // of the best, and of the best with other classes
	}{
		{[]int64{4, 80}, 1, 80, 1, 3.8, 1},
		{[]int64{36, 720}, 9, 80, 1, 3.3, 0.8},
		{[]int64{12, 63}, 3, 21, 1, 3.2, 0.4},
		{[]int64{24, 126}, 6, 21, 1, 3.1, 0.2},
		{[]int64{8, 40}, 2, 20, 1, 3.2, 0},
		{[]int64{16, 84}, 4, 21, 1, 2.8, 1.4},
		{[]int64{20, 100}, 5, 20, 1, 2.8, 0},
		{[]int64{64, 80}, 1, 80, 1, 3.2, 1.6},
		{[]int64{4, 1, 20}, 1, 20, 2, 3.7, 2.5},
	} {
		var cols []column
		for _, n := range c.widths {
			cols = append(cols, rawColumn(n))
		}
		rs := readings(cols)
		if len(rs) == 0 {
			t.Errorf("%v: no reading", c.widths)
			continue
		}
		best, next := rs[0], -99.0
		for _, r := range rs[1:] {
			if r.cls != best.cls || r.classes != best.classes {
				next = r.score
				break
			}
		}
		if best.anchors != c.anchors || best.classes != c.classes || best.cls != c.cls || !near(best.score, c.score) || !near(next, c.next) {
			t.Errorf("%v: %d anchors of %d classes in column %d, %.2f and next %.2f; want %d, %d, %d, %.2f, %.2f", c.widths,
				best.anchors, best.classes, best.cls, best.score, next, c.anchors, c.classes, c.cls, c.score, c.next)
		}
	}
}

func near(x, y float64) bool { return x-y < 1e-9 && y-x < 1e-9 }
