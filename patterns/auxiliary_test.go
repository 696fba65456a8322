package patterns_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestAuxiliary: what stands beside classes and boxes has the name of what it is, and its
// channels.
func TestAuxiliary(t *testing.T) {
	n := newNet(t)
	n.output(n.sigmoid(n.conv(n.x, 10)), n.do("Exp", nil, n.conv(n.x, 4)),
		n.do("Tanh", nil, n.conv(n.x, 32)),
		n.do("LpNormalization", []*graph.Attr{graph.Int("axis", 1)}, n.conv(n.x, 128)),
		n.do("Atan", nil, n.conv(n.x, 1)))
	n.m.SetMeta("kpt_shape", "[17, 3]")
	n.output(n.conv(n.x, 51))
	r, err := patterns.Locate(n.m, patterns.Options{Evidence: []patterns.Evidence{}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range r.Heads[0].Auxiliary() {
		got = append(got, fmt.Sprintf("%s %d", x.Kind, x.Slice.Len()))
	}
	slices.Sort(got)
	want := []string{"angle 1", "embedding 128", "key points 51", "mask coefficients 32"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
