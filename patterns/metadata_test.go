package patterns_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestMetadata: a number of classes that the metadata states makes surer what the graph
// says too, decides where the graph leaves it open, and makes unsure what contradicts it.
func TestMetadata(t *testing.T) {
	list := func(n int) string {
		var s []string
		for i := range n {
			s = append(s, fmt.Sprintf("%d: 'thing, %d'", i, i))
		}
		return "{" + strings.Join(s, ", ") + "}"
	}
	sure := func(n *net) { n.output(n.sigmoid(n.rows(n.conv(n.x, 7))), n.do("Exp", nil, n.rows(n.conv(n.x, 4)))) }
	raw := func(n *net) { n.output(n.conv(n.x, 6*21), n.conv(n.x, 6*4)) }
	open := func(n *net) {
		all := n.rows(n.conv(n.x, 4+1+6+3))
		n.output(n.do("Exp", nil, n.slice(all, 2, 0, 4, 1)), n.sigmoid(n.slice(all, 2, 4, 5, 1)), n.sigmoid(n.slice(all, 2, 5, 11, 1)), n.sigmoid(n.slice(all, 2, 11, 14, 1)))
	}
	mixed := func(n *net) { n.output(n.conv(n.x, 3*(5+11))) }
	for _, c := range []struct {
		name       string
		build      func(n *net)
		key, value string
		classes    int // 0: refused
		least      float64
		most       float64
	}{
		{"nothing stated", sure, "author", "7", 7, 0.96, 0.96},
		{"the same, by a dictionary", sure, "names", list(7), 7, 0.97, 0.97},
		{"the same, by a list", sure, "classes", `["a", "b,c", "d", "e", "f", "g", "h"]`, 7, 0.97, 0.97},
		{"the same, by lines", sure, "labels", "a\nb\nc\nd\ne\nf\ng\n", 7, 0.97, 0.97},
		{"the same, by a number", sure, "nc", "7", 7, 0.97, 0.97},
		{"two that differ say nothing", sure, "nc", "7 ", 7, 0.97, 0.97},
		{"a raw map", raw, "names", list(21), 21, 0.95, 0.97},
		{"a raw map, alone", raw, "x", "", 21, 0.88, 0.88},
		{"several sets of scores", open, "names", list(3), 3, 0.5, 0.85},
		{"several sets of scores, alone", open, "x", "", 0, 0, 0},
		{"another number", sure, "names", list(9), 7, 0.1, 0.6},
		{"a mixed map", mixed, "names", list(11), 11, 0.6, 0.96},
		{"what is no list", sure, "names", "coco.yaml", 7, 0.96, 0.96},
		{"brackets that do not match", sure, "names", "{0: 'a'}, 1: ['b'}", 7, 0.96, 0.96},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			c.build(n)
			n.m.Metadata = append(n.m.Metadata, graph.Pair{Key: c.key, Value: c.value})
			r, err := patterns.Locate(n.m, patterns.Options{})
			var several *patterns.AmbiguousError
			if c.classes == 0 {
				if !errors.As(err, &several) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			if h.Classes != c.classes || h.Confidence < c.least || h.Confidence > c.most {
				t.Errorf("%d classes at %g, want %d at %g to %g: %q", h.Classes, h.Confidence, c.classes, c.least, c.most, h.Evidence)
			}
		})
	}
}
