package patterns_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// near misses: what looks like a head and is none, or may be one of several.
func TestNearMisses(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(n *net)
		want  string // "not found" or "ambiguous"
		about string // in the error's text
	}{
		{"a backbone", func(n *net) { n.output(n.conv(n.x, 32), n.conv(n.half(n.x), 64)) }, "not found", ""},
		{"a segmenter", func(n *net) { n.output(n.softmax(n.conv(n.x, 21), 1)) }, "not found", "boxes"},
		{"joint maps", func(n *net) { n.output(n.do("Sigmoid", nil, n.conv(n.x, 17))) }, "not found", "boxes"},
		{"a mask and a depth", func(n *net) { n.output(n.do("Sigmoid", nil, n.conv(n.x, 1)), n.conv(n.x, 1)) }, "not found", ""},
		{"tokens", func(n *net) {
			rows := n.transpose(n.reshape(n.x, 1, 8, -1), 0, 2, 1)
			n.output(n.do("MatMul", nil, rows, n.weights(8, 500)))
		}, "not found", "boxes"},
		{"attention alone", func(n *net) {
			q := n.transpose(n.reshape(n.x, 1, 8, -1), 0, 2, 1)
			p := n.softmax(n.do("MatMul", nil, q, n.reshape(n.x, 1, 8, -1)), -1)
			n.output(n.do("MatMul", nil, n.do("MatMul", nil, p, q), n.weights(8, 8)))
		}, "not found", ""},
		{"an embedding", func(n *net) {
			v := n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8)
			n.output(n.do("Gemm", nil, v, n.weights(8, 128), n.weights(128)))
		}, "ambiguous", "embedding"},
		{"a normalized embedding", func(n *net) {
			top := n.half(n.conv(n.x, 24))
			up := n.do("Resize", []*graph.Attr{graph.String("mode", "nearest")}, top, nil, n.floats(1, 1, 2, 2))
			mean := n.do("ReduceMean", []*graph.Attr{graph.Ints("axes", 2, 3), graph.Int("keepdims", 0)}, n.do("Add", nil, n.conv(n.x, 24), up))
			norm := n.do("ReduceL2", []*graph.Attr{graph.Ints("axes", 1), graph.Int("keepdims", 1)}, mean)
			n.output(n.do("Div", nil, mean, n.do("Expand", nil, n.do("Clip", nil, norm, n.floats(1e-12)), n.do("Shape", nil, mean))))
		}, "not found", ""},
		{"joint maps and their limbs", func(n *net) { n.output(n.conv(n.x, 34), n.conv(n.x, 21)) }, "not found", ""},
		{"twins on towers of their own", func(n *net) {
			box := n.conv(n.do("Relu", nil, n.conv(n.x, 8)), 4)
			a, b := n.conv(n.do("Relu", nil, n.conv(n.x, 8)), 1), n.conv(n.do("Relu", nil, n.conv(n.x, 8)), 1)
			n.output(n.do("Exp", nil, box), n.do("Sigmoid", nil, a), n.do("Sigmoid", nil, b))
		}, "ambiguous", "names"},
		{"class and box maps of one width", func(n *net) { n.output(n.conv(n.x, 36), n.conv(n.x, 36)) }, "not found", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			c.build(n)
			r, err := patterns.Locate(n.m, patterns.Options{})
			got := "found"
			var none *patterns.NotFoundError
			var several *patterns.AmbiguousError
			switch {
			case errors.As(err, &none):
				got = "not found"
			case errors.As(err, &several):
				got = "ambiguous"
			}
			if got != c.want {
				t.Fatalf("%s, want %s: %v %v", got, c.want, err, asJSON(t, r))
			}
			if !strings.Contains(err.Error(), c.about) || !strings.Contains(err.Error(), "--head") {
				t.Errorf("the refusal does not speak of %q and --head: %v", c.about, err)
			}
			for _, x := range r.Candidates {
				if x.Rejected == "" {
					t.Errorf("%s: no reason against it", x.Source.Name)
				}
			}
		})
	}
}

func asJSON(t *testing.T, r *patterns.Report) string {
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// twins is a detector whose class and objectness nothing but names separates.
func twins(t *testing.T) (n *net, a, b *graph.Value) {
	n = newNet(t)
	tower := func() *graph.Value { return n.do("Relu", nil, n.conv(n.x, 8)) }
	box := n.conv(tower(), 4)
	a, b = n.conv(tower(), 1), n.conv(tower(), 1)
	n.output(n.do("Exp", nil, box), n.do("Sigmoid", nil, a), n.do("Sigmoid", nil, b))
	return n, a, b
}

func TestNamesSeparateTwinsWithDoubt(t *testing.T) {
	n, a, b := twins(t)
	for v, name := range map[*graph.Value]string{a: "obj_map", b: "cls_map"} {
		if err := v.Rename(name); err != nil {
			t.Fatal(err)
		}
	}
	r, err := patterns.Locate(n.m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := r.Heads[0]
	if h.Levels[0].Source != b || h.Confidence >= 0.9 || !strings.Contains(strings.Join(h.Evidence, " "), "names alone") {
		t.Errorf("%s", asJSON(t, r))
	}
	if len(h.Objectness) != 1 || h.Objectness[0].Source != a {
		t.Errorf("objectness %v", h.Objectness)
	}
}

func TestUserDecides(t *testing.T) {
	n, a, b := twins(t)
	for _, v := range []*graph.Value{a, b} {
		r, err := patterns.Locate(n.m, patterns.Options{Head: v.Name})
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Heads[0]; h.Levels[0].Source != v || h.Activation != patterns.Sigmoid || len(h.Levels) != 1 {
			t.Errorf("--head %s: %s", v.Name, asJSON(t, r))
		}
	}
	for _, head := range []string{"nowhere", "image", "99"} {
		_, err := patterns.Locate(n.m, patterns.Options{Head: head})
		var none *patterns.NotFoundError
		if !errors.As(err, &none) || !strings.Contains(err.Error(), head) {
			t.Errorf("--head %s: %v", head, err)
		}
	}
	r, err := patterns.Locate(n.m, patterns.Options{})
	if err == nil || len(r.Candidates) == 0 {
		t.Fatalf("%v, want candidates to choose from", err)
	}
	if r, err = patterns.Locate(n.m, patterns.Options{Head: "1"}); err != nil || len(r.Heads) != 1 {
		t.Errorf("--head 1: %v", err)
	}
}

// A tensor that is no candidate, since a layer reads it, is a head if the user
// says so: its classes are its layer's channels.
func TestAnyLayerCanBeNamed(t *testing.T) {
	n := newNet(t)
	v := n.conv(n.x, 12)
	n.output(n.conv(n.do("Relu", nil, v), 3))
	r, err := patterns.Locate(n.m, patterns.Options{Head: v.Name})
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Heads[0]; h.Levels[0].Source != v || h.Classes != 12 || h.Levels[0].Layout != "NCHW" {
		t.Errorf("%s", asJSON(t, r))
	}
}
