package patterns_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/text"
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
		{logits, 1, "class logits of head 1", ""},
		{scores, 0, "scores", ""},
		{raw, 0, "box", "exponentiated"},
		{feature, 0, "feature", ""},
		{feature.Producer().Inputs[1], 0, "weights of the Conv", ""},
		{n.x, 0, "enters the model", ""},
	} {
		w, err := patterns.Why(n.m, c.of.Name, graphAlone)
		if err != nil {
			t.Fatal(err)
		}
		against := strings.Join(w.Against, " ")
		for _, r := range w.Reasons {
			if r.Against() {
				against += r.Text
			}
		}
		if w.Head != c.head || !strings.Contains(w.Role, c.role) || !strings.Contains(against, c.against) || w.Made == "" {
			t.Errorf("%+v, want %d, %s, %s", w, c.head, c.role, c.against)
		}
	}
	_, err := patterns.Why(n.m, "nowhere", graphAlone)
	var none *patterns.NoTensorError
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "nowhere") || !slices.Contains(none.Names, logits.Name) {
		t.Errorf("%v", err)
	}
}

// TestWhyEverything: something is said of every tensor of every model, and that
// of a head's levels is their number.
func TestWhyEverything(t *testing.T) {
	for _, path := range models(t, filepath.Join("..", "testdata", "models")) {
		m := open(t, path)
		r, err := patterns.Locate(m, graphAlone)
		if err != nil {
			t.Fatal(err)
		}
		levels := map[*graph.Value]bool{}
		for _, l := range r.Heads[0].Levels {
			levels[l.Source] = true
		}
		for i, n := range m.Graph.Nodes {
			if v := n.Output(0); v != nil && (levels[v] || i%16 == 0) {
				w, err := patterns.Why(m, v.Name, graphAlone)
				if err != nil {
					t.Fatal(err)
				}
				if w.Role == "" || w.Made == "" || len(w.Read) == 0 || (w.Head == 1) != levels[v] {
					t.Errorf("%s: %+v", v.Name, w)
				}
			}
		}
	}
}

// TestWhyInFunctions: a tensor of a function is named with the scope of the
// call, or where there is one call without.
func TestWhyInFunctions(t *testing.T) {
	const src = `<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
	g (float[1,2,3,3] image) => (float[1,6,3,3] scores, float[1,4,3,3] boxes)
	<float[6,2,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12}, float[4,2,1,1] v = {1,2,3,4,5,6,7,8}> {
	  scores = local.Head(image, w)
	  d = local.Raw(image, v)
	  e = local.Raw(image, v)
	  f = Add(d, e)
	  boxes = Exp(f)
	}
	<domain: "local", opset_import: ["" : 17]>
	Head (x, w) => (y) { z = Conv(x, w) y = Sigmoid(z) }
	<domain: "local", opset_import: ["" : 17]>
	Raw (x, w) => (y) { q = Conv(x, w) y = Identity(q) }`
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"z", "1:z"} {
		w, err := patterns.Why(m, name, graphAlone)
		if err != nil || w.Tensor != "1:z" || !strings.HasPrefix(w.Made, "Conv") {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
	_, err = patterns.Why(m, "q", graphAlone)
	var several *patterns.NoTensorError
	if !errors.As(err, &several) || !slices.Equal(several.Same, []string{"2:q", "3:q"}) {
		t.Errorf("q: %v", err)
	}
}
