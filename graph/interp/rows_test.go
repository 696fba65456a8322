package interp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

const head = `<ir_version: 8, opset_import: ["" : 13]> g `

// joined are graphs with how many steps they are planned as.
var joined = []struct {
	name, src string
	steps     int
}{
	{"operands of every extent", `(float[N,A,C] x, float[N,A,1] col, float[1,1,C] row, float[C] flat, float s) => (float[N,A,C] y) {
		a = Mul (x, col)  b = Add (a, row)  c = Sub (flat, b)  d = Div (c, s)  e = Abs (d)  y = Exp (e) }`, 1},
	{"sums along rows and back", `(float[N,A,C] x, float[N,A] w) => (float[N,A] s, float[N,A,C] y) <int64[1] last = {2}> {
		a = Exp (x)  t = ReduceSum <keepdims: int = 0> (a, last)  s = Mul (t, w)  u = Unsqueeze (s, last)  y = Mul (a, u) }`, 1},
	{"softmax and comparisons", `(float[N,A,C] x) => (float[N,A,C] y) <float half = {0.5}> {
		p = Softmax <axis: int = 2> (x)  g = Greater (p, half)  n = Not (g)  c = Cast <to: int = 1> (n)  y = Where (g, c, p) }`, 1},
	{"inner values that others read", `(float[N,A,C] x) => (float[N,A,C] a, float[N,A,C] y, float m) {
		a = Neg (x)  b = Exp (a)  y = Softplus (b)  m = ReduceMean <keepdims: int = 0> (b) }`, 2},
	{"a path that leaves and comes back", `(float[N,A,C] x) => (float[N,A,C] y) {
		a = Neg (x)  b = Exp (a)  m = ReduceMean <keepdims: int = 1, axes: ints = [0, 1, 2]> (b)  c = Sub (b, m)  y = Abs (c) }`, 3},
	{"several outputs, registers used again, single elements on either side", `(float[N,A,C] x, float[N,A,C] z, float s) => (float[N,A,C] u, float[N,A,C] y) <float two = {2}> {
		a = Mul (x, two)  b = Sub (two, a)  c = Exp (b)  u = Mul (c, b)  g = Greater (z, s)  h = Cast <to: int = 1> (g)  d = Div (u, s)
		e = Sub (s, d)  f = Mul (e, h)  i = HardSigmoid (f)  j = Add (i, a)  k = LeakyRelu (j)  y = Mul (k, k) }`, 1},
	{"two chains that meet", `(float[N,A,C] x, float[N,A,C] z) => (float[N,A,C] y) {
		a = Neg (x)  b = Exp (z)  c = Abs (a)  d = Log (b)  y = Add (c, d) }`, 1},
	{"rows against anchors", `(float[N,A,C] x, float[N,A] w, float[A] v) => (float[N,A] y) {
		a = Neg (x)  s = ReduceSum <keepdims: int = 0> (a, last)  t = Mul (s, w)  y = Add (t, v) }`, 2},
	{"softmax over what rows were summed to", `(float[N,A,C] x) => (float[N,A] y) {
		a = Neg (x)  s = ReduceSum <keepdims: int = 0> (a, last)  t = Neg (s)  u = Softmax <axis: int = -1> (t)  y = Exp (u) }`, 2},
	{"a row of one summed again", `(float[N,1,C] x) => (float[N,1] y) {
		a = Neg (x)  s = ReduceSum <keepdims: int = 0> (a, last)  t = Neg (s)  u = ReduceMax <keepdims: int = 1, axes: ints = [1]> (t)  y = Exp (u) }`, 2},
	{"another order of axes", `(float[N,A,C] x) => (float[C,A,N] y) {
		a = Neg (x)  b = Exp (a)  t = Transpose <perm: ints = [2, 1, 0]> (b)  c = Abs (t)  y = Exp (c) }`, 3},
}

// model is a graph of the table; of its axes, opset 13 wants those of ReduceSum
// as an input.
func rowModel(t *testing.T, src string) *graph.Model {
	t.Helper()
	if strings.Contains(src, "last") && !strings.Contains(src, "<int64") {
		src = strings.Replace(src, ") {", ") <int64[1] last = {2}> {", 1)
	}
	m, err := text.Parse(head + strings.Replace(src, "\n", " ", -1))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rowFeeds are inputs of several tiles.
func rowFeeds(m *graph.Model, double bool) map[string]*tensor.Tensor {
	size := map[string]int{"N": 3, "A": 601, "C": 41}
	feeds := map[string]*tensor.Tensor{}
	for _, v := range m.Graph.Inputs {
		var shape []int
		n := 1
		for _, d := range v.Shape() {
			k := size[d.Param]
			if d.IsKnown() {
				k = int(d.Value)
			}
			shape, n = append(shape, k), n*k
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i*7919%1000)/200 - 2.3
		}
		feeds[v.Name] = op.Widen(tensor.Of(shape, x), double)
	}
	return feeds
}

func sameTensors(t *testing.T, got, want map[string]*tensor.Tensor) {
	t.Helper()
	for name, w := range want {
		g := got[name]
		if g.String() != w.String() {
			t.Fatalf("%s: %v, want %v", name, g, w)
		}
		if a, b := op.Floats(g), op.Floats(w); len(a) == 0 || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: other elements", name)
		}
	}
}

func TestJoinedRows(t *testing.T) {
	for _, c := range joined {
		for _, double := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, double %v", c.name, double), func(t *testing.T) {
				m := rowModel(t, c.src)
				plan := func(o Options) *Plan {
					o.Double = double
					p, err := New(m, o)
					if err != nil {
						t.Fatal(err)
					}
					return p
				}
				p := plan(Options{Threads: 3})
				if n := len(p.prog.Steps); n != c.steps {
					t.Errorf("%d steps, want %d", n, c.steps)
				}
				feeds := rowFeeds(m, double)
				run := func(p *Plan) map[string]*tensor.Tensor {
					out, err := p.Run(context.Background(), feeds)
					if err != nil {
						t.Fatal(err)
					}
					return out
				}
				want := run(plan(Options{Unfused: true}))
				sameTensors(t, run(p), want)
				sameTensors(t, run(p), want) // with memory that was used before

				var all []string
				for _, n := range m.Graph.Nodes {
					all = append(all, n.Outputs[0].Name)
				}
				out := run(plan(Options{Fetches: all}))
				maps.DeleteFunc(out, func(name string, _ *tensor.Tensor) bool { return want[name] == nil })
				sameTensors(t, out, want)
			})
		}
	}
}

// chain is a graph whose steps are joined.
const chain = `(float[N,A,C] x, float[N,A,C] z) => (float[N,A,C] y) { a = Neg (x)  b = Exp (a)  c = Mul (b, z)  d = Abs (c)  y = Add (d, z) }`

// What a run holds is the outputs and a few tiles, and counts.
func TestJoinedRowsMemory(t *testing.T) {
	m := rowModel(t, chain)
	feeds := rowFeeds(m, false)
	out := int64(feeds["x"].Len() * 4)
	p, err := New(m, Options{Threads: 1, MaxMemory: 5 * out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(context.Background(), feeds); err != nil {
		t.Fatal(err)
	}
	if peak := p.PeakMemory(); peak <= out || peak > 3*out {
		t.Errorf("held %d bytes, for an output of %d", peak, out)
	}
	if p, err = New(m, Options{Threads: 1, MaxMemory: 2*out + out/2}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(context.Background(), feeds); !errors.Is(err, ErrMemory) {
		t.Errorf("got %v, want %v", err, ErrMemory)
	}
}

func TestJoinedRowsCancel(t *testing.T) {
	m := rowModel(t, chain)
	p, err := New(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Run(ctx, rowFeeds(m, false)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A profile has one record of all steps, by their names.
func TestJoinedRowsProfile(t *testing.T) {
	m := rowModel(t, chain)
	p, err := New(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, prof, err := p.RunProfiled(context.Background(), rowFeeds(m, false))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range prof.Records {
		names = append(names, r.Op)
	}
	if want := []string{"Neg+Exp+Mul+2 more"}; !slices.Equal(names, want) {
		t.Errorf("records %q, want %q", names, want)
	}
}

// Sizes that a model's names promise to be equal and that are not give the error
// of the node that minds.
func TestJoinedRowsUnequal(t *testing.T) {
	m := rowModel(t, chain)
	p, err := New(m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	feeds := rowFeeds(m, false)
	feeds["z"] = tensor.Of([]int{2, 601, 41}, make([]float32, 2*601*41))
	_, err = p.Run(context.Background(), feeds)
	if err == nil || strings.Count(err.Error(), "node ") != 1 || !strings.Contains(err.Error(), "(Mul)") {
		t.Errorf("got %v, want an error of Mul", err)
	}
	feeds["z"] = tensor.Of([]int{1, 601, 41}, make([]float32, 601*41))
	if out, err := p.Run(context.Background(), feeds); err != nil || out["y"].Len() != feeds["x"].Len() {
		t.Errorf("got %v, %v, want what broadcasting gives", out["y"], err)
	}
}
