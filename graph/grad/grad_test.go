package grad_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/grad"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

// broadcasts reads x twice, and w and b along axes that they lack or have at
// size 1; z depends on neither.
const broadcasts = `<ir_version: 8, opset_import: ["" : 13]>
g (double[N,3] x, double[3] w, double[N,1] b, double[2] z) => (double y) {
  a = Mul (x, w)
  c = Add (a, b)
  s = Sigmoid (c)
  d = Mul (s, x)
  y = ReduceSum <keepdims: int = 0> (d)
}`

func parse(t *testing.T, src string) *graph.Model {
	t.Helper()
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOf(t *testing.T) {
	m := parse(t, broadcasts)
	// The types of inner values, which a file need not state, come with the plan.
	if _, err := interp.New(m, interp.Options{}); err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	names := []string{"x", "w", "b"}
	dx, err := grad.Of(g.Value("y"), g.Value("x"), g.Value("w"), g.Value("b"), g.Value("z"))
	if err != nil {
		t.Fatal(err)
	}
	if dx[3] != nil {
		t.Errorf("y has a derivative by what it does not depend on: %v", dx[3])
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	plan, err := interp.New(m, interp.Options{Fetches: []string{"y", dx[0].Name, dx[1].Name, dx[2].Name}})
	if err != nil {
		t.Fatal(err)
	}
	feeds := map[string]*tensor.Tensor{
		"x": tensor.Of([]int{2, 3}, []float64{1, -2, 0.5, 3, 0.25, -1}),
		"w": tensor.Vector(0.3, -0.7, 1.1), "b": tensor.Of([]int{2, 1}, []float64{0.2, -0.4}), "z": tensor.Vector(0.0, 0.0),
	}
	run := func() map[string]*tensor.Tensor {
		out, err := plan.Run(context.Background(), feeds)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	grads := run()
	for i, name := range names {
		x, got := feeds[name], grads[dx[i].Name]
		if got.Len() != x.Len() || got.Rank() != x.Rank() {
			t.Errorf("derivative by %s: %v, want the shape of %v", name, got, x)
			continue
		}
		for k, at := range tensor.Data[float64](x) {
			const h = 1e-5
			side := func(d float64) float64 {
				tensor.Data[float64](x)[k] = at + d
				defer func() { tensor.Data[float64](x)[k] = at }()
				return tensor.Data[float64](run()["y"])[0]
			}
			want := (side(h) - side(-h)) / (2 * h)
			if g := tensor.Data[float64](got)[k]; math.Abs(g-want) > 1e-8 {
				t.Errorf("d y / d %s[%d]: got %v, want %v", name, k, g, want)
			}
		}
	}
}

// TestFrom: from the adjoint of an inner value on.
func TestFrom(t *testing.T) {
	m := parse(t, broadcasts)
	if _, err := interp.New(m, interp.Options{}); err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	seed, err := g.AddInput("dc", g.Value("c").Type)
	if err != nil {
		t.Fatal(err)
	}
	dx, err := grad.From([]grad.Seed{{Value: g.Value("c"), Adjoint: seed}}, g.Value("w"), g.Value("b"), g.Value("z"))
	if err != nil {
		t.Fatal(err)
	}
	if dx[2] != nil {
		t.Errorf("a derivative by what no seed depends on: %v", dx[2])
	}
	plan, err := interp.New(m, interp.Options{Feeds: []string{"x", "dc"}, Fetches: []string{dx[0].Name, dx[1].Name}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := plan.Run(context.Background(), map[string]*tensor.Tensor{
		"x": tensor.Of([]int{2, 3}, []float64{1, 2, 3, 4, 5, 6}), "dc": tensor.Of([]int{2, 3}, []float64{1, 0, 2, 1, -1, 1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{{5, -5, 12}, {3, 1}} { // Σ x·dc over the rows, Σ dc over the columns
		if got := tensor.Data[float64](out[dx[i].Name]); !slices.Equal(got, want) {
			t.Errorf("derivative %d: got %v, want %v", i, got, want)
		}
	}
	if none, err := grad.From(nil, g.Value("w")); err != nil || len(none) != 1 || none[0] != nil {
		t.Errorf("without a seed: %v, %v", none, err)
	}
}

// TestMissing: all nodes without a gradient are named, those that read an x in a
// subgraph too, and none beside the way.
func TestMissing(t *testing.T) {
	m := parse(t, `<ir_version: 8, opset_import: ["" : 13]> g (float[3,3] x, float[3,3] z, bool b) => (float y) {
  a = Det (x)
  c = If (b) <then_branch = t () => (float[3,3] u) { u = Neg (x) }, else_branch = e () => (float[3,3] v) { v = Identity (z) }>
  d = Det (z)
  s = Add (a, d)
  r = ReduceSum <keepdims: int = 0> (c)
  y = Add (r, s)
}`)
	if _, err := interp.New(m, interp.Options{}); err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	_, err := grad.Of(g.Value("y"), g.Value("x"))
	var missing *grad.MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want the nodes without a gradient", err)
	}
	var got []string
	for _, n := range missing.Nodes {
		got = append(got, n.Node.Op+" "+n.Node.Outputs[0].Name)
	}
	if want := []string{"If c", "Det a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, want := range []string{"(Det): no gradient: ", "(If): no gradient: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
}
