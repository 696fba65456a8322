package patterns_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

func TestWhy(t *testing.T) {
	n := newNet(t)
	feature := n.conv(n.x, 8)
	x := n.do("Relu", nil, feature)
	logits, raw := n.conv(x, 20), n.conv(x, 4)
	scores, boxes := n.do("Sigmoid", nil, logits), n.do("Exp", nil, raw)
	n.output(scores, boxes, n.conv(x, 5))
	for _, c := range []struct {
		of      *graph.Value
		head    int
		role    string
		against string
	}{
		{logits, 1, "level 1 of 1 of head 1", ""},
		{scores, 0, "scores", ""},
		{raw, 0, "box", "exponentiated"},
		{feature, 0, "feature", ""},
		{feature.Producer().Inputs[1], 0, "constant", ""},
		{n.x, 0, "enters the model", ""},
	} {
		w, err := patterns.Why(n.m, c.of.Name, patterns.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if w.Head != c.head || !strings.Contains(w.Role, c.role) || !strings.Contains(strings.Join(w.Against, " "), c.against) {
			t.Errorf("%s, want %d, %s, %s", w, c.head, c.role, c.against)
		}
	}
	_, err := patterns.Why(n.m, "nowhere", patterns.Options{})
	var none *patterns.NotFound
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%v", err)
	}
}
