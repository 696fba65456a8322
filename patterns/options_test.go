package patterns_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// TestUserKnowsMore holds what the number of classes and the activation
// decide, where the graph alone leaves them open.
func TestUserKnowsMore(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(n *net) *graph.Value
		opts  patterns.Options
		open  string // what is answered without: part of a refusal, or "" for another answer
		slice patterns.Slice
		act   patterns.Activation
		bg    int
	}{
		{"three raw maps", func(n *net) *graph.Value {
			v := n.conv(n.x, 18)
			n.output(v, n.conv(n.x, 42), n.conv(n.x, 12))
			return v
		}, patterns.Options{Classes: 3}, "--classes N", patterns.Slice{Stop: 3, Stride: 3}, patterns.None, -1},
		{"two maps beside boxes", func(n *net) *graph.Value {
			v := n.conv(n.x, 30)
			n.output(n.do("Sigmoid", nil, n.conv(n.x, 31)), n.do("Sigmoid", nil, v), n.do("Exp", nil, n.conv(n.x, 4)))
			return v
		}, patterns.Options{Classes: 30}, "--classes N", patterns.Slice{Stop: 30, Stride: 30}, patterns.Sigmoid, -1},
		{"one mixed map", func(n *net) *graph.Value {
			v := n.conv(n.x, 7*12)
			n.output(v)
			return v
		}, patterns.Options{Classes: 7}, "", patterns.Slice{Start: 5, Stop: 12, Stride: 12}, patterns.None, -1},
		{"one mixed map without objectness", func(n *net) *graph.Value {
			v := n.conv(n.x, 6*11)
			n.output(v)
			return v
		}, patterns.Options{Classes: 7}, "", patterns.Slice{Start: 4, Stop: 11, Stride: 11}, patterns.None, -1},
		{"an embedding that is none", func(n *net) *graph.Value {
			v := n.do("Gemm", nil, n.reshape(n.do("GlobalAveragePool", nil, n.x), 1, 8), n.weights(8, 128), n.weights(128))
			n.output(v)
			return v
		}, patterns.Options{Activation: patterns.Softmax}, "--activation", patterns.Slice{Stop: 128, Stride: 128}, patterns.Softmax, -1},
		{"raw rows of a softmax", func(n *net) *graph.Value {
			v := n.transpose(n.reshape(n.conv(n.x, 21), 1, 21, -1), 0, 2, 1)
			n.output(v, n.transpose(n.reshape(n.conv(n.x, 4), 1, 4, -1), 0, 2, 1))
			return v
		}, patterns.Options{Activation: patterns.Softmax}, "", patterns.Slice{Stop: 21, Stride: 21}, patterns.Softmax, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			want := c.build(n)
			before, err := patterns.Locate(n.m, patterns.Options{})
			switch {
			case c.open != "" && (err == nil || !strings.Contains(err.Error(), c.open)):
				t.Errorf("without the user: %v, want a refusal that speaks of %s", err, c.open)
			case c.open == "" && err == nil && before.Heads[0].Activation == c.act && before.Heads[0].Levels[0].Slice == c.slice:
				t.Errorf("the user decides nothing: %s", asJSON(t, before))
			}
			r, err := patterns.Locate(n.m, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			h := r.Heads[0]
			if h.Levels[0].Source != want || h.Levels[0].Slice != c.slice || h.Activation != c.act || h.Background != c.bg {
				t.Errorf("%s", asJSON(t, r))
			}
		})
	}
}

// What the graph states, no option overrides.
func TestUserContradictsTheGraph(t *testing.T) {
	n := newNet(t)
	n.output(n.do("Sigmoid", nil, n.conv(n.x, 20)), n.do("Exp", nil, n.conv(n.x, 4)))
	for _, o := range []patterns.Options{{Classes: 7}, {Activation: patterns.Softmax}, {Activation: patterns.None}} {
		_, err := patterns.Locate(n.m, o)
		var none *patterns.NotFoundError
		if !errors.As(err, &none) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []patterns.Options{{Classes: 20}, {Activation: patterns.Sigmoid}} {
		if _, err := patterns.Locate(n.m, o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []patterns.Options{{Classes: -1}, {Activation: "tanh"}} {
		if _, err := patterns.Locate(n.m, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// A head that the user names divides into anchors by the user's classes.
func TestNamedHeadOfSoManyClasses(t *testing.T) {
	n := newNet(t)
	v := n.conv(n.x, 60)
	n.output(v)
	r, err := patterns.Locate(n.m, patterns.Options{Head: v.Name, Classes: 20})
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Heads[0]; h.Classes != 20 || h.Levels[0].Slice != (patterns.Slice{Stop: 20, Stride: 20}) || h.Levels[0].Anchors != graph.Known(3*256) {
		t.Errorf("%s", asJSON(t, r))
	}
}
