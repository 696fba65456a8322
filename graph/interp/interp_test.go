package interp_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
)

const header = `<ir_version: 8, opset_import: ["" : 17, "local" : 1]> `

func parse(t testing.TB, src string) *graph.Model {
	t.Helper()
	m, err := text.Parse(header + src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func planned(t testing.TB, src string, o interp.Options) *interp.Plan {
	t.Helper()
	p, err := interp.New(parse(t, src), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run gives the outputs' elements; feeds are float32 vectors.
func values(t testing.TB, p *interp.Plan, feeds map[string]*tensor.Tensor) map[string]any {
	t.Helper()
	out, err := p.Run(context.Background(), feeds)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for name, x := range out {
		switch x.DType {
		case tensor.Float32:
			got[name] = tensor.Data[float32](x)
		case tensor.Float64:
			got[name] = tensor.Data[float64](x)
		default:
			got[name] = tensor.Data[int64](x)
		}
	}
	return got
}

type feeds = map[string]*tensor.Tensor

const chain = `g (float[2] x) => (float[2] y) <float[2] two = {2, 2}, float[2] w = {1, 1}> {
  a = Mul (x, two)
  b = Add (a, w)
  y = Neg (b)
}`

func TestFeedAndFetchAnything(t *testing.T) {
	x := tensor.Vector[float32](1, 2)
	for _, c := range []struct {
		feeds, fetches []string
		in             feeds
		want           map[string]any
	}{
		{nil, nil, feeds{"x": x}, map[string]any{"y": []float32{-3, -5}}},
		{nil, []string{"a", "y"}, feeds{"x": x}, map[string]any{"a": []float32{2, 4}, "y": []float32{-3, -5}}},
		{[]string{"a"}, nil, feeds{"a": x}, map[string]any{"y": []float32{-2, -3}}},
		{[]string{"x", "w"}, nil, feeds{"x": x, "w": x}, map[string]any{"y": []float32{-3, -6}}},
		{[]string{"b"}, []string{"b"}, feeds{"b": x}, map[string]any{"b": []float32{1, 2}}},
		{nil, []string{"two"}, feeds{"x": x}, map[string]any{"two": []float32{2, 2}}},
	} {
		got := values(t, planned(t, chain, interp.Options{Feeds: c.feeds, Fetches: c.fetches}), c.in)
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("feeds %v, fetches %v: got %v, want %v", c.feeds, c.fetches, got, c.want)
		}
	}
}

func TestDouble(t *testing.T) {
	p := planned(t, `g (float[1] x) => (float[1] y, float[1] z) {
  y = Exp (x)
  d = Cast <to: int = 11> (y)
  z = Cast <to: int = 1> (d)
}`, interp.Options{Double: true})
	got := values(t, p, feeds{"x": tensor.Vector[float32](1)})
	want := []float64{2.718281828459045}
	if !reflect.DeepEqual(got["y"], want) || !reflect.DeepEqual(got["z"], want) {
		t.Errorf("got %v, want %v for both", got, want)
	}
}

func TestOverridableInitializer(t *testing.T) {
	p := planned(t, `g (float[1] x, float[1] w = {3}) => (float[1] y) { y = Mul (x, w) }`, interp.Options{})
	x := tensor.Vector[float32](2)
	if got := values(t, p, feeds{"x": x})["y"]; !reflect.DeepEqual(got, []float32{6}) {
		t.Errorf("default: got %v", got)
	}
	if got := values(t, p, feeds{"x": x, "w": x})["y"]; !reflect.DeepEqual(got, []float32{4}) {
		t.Errorf("overridden: got %v", got)
	}
	if n := len(p.Inputs()); n != 2 {
		t.Errorf("%d inputs, want 2", n)
	}
}

// TestOverriddenWeights: what is made of weights ahead of runs, packed, fused
// or folded, is not used by a run that overrides them, nor the other way round.
func TestOverriddenWeights(t *testing.T) {
	p := planned(t, `g (float[1,2,1,1] x, float[1,2,1,1] w = {1, 2}, float[1] b = {1}, float top = {100}, bool c) => (y) {
  z = Conv (x, w, b)
  twice = Add (w, w)
  s = ReduceSum <keepdims: int = 1> (twice)
  v = If <then_branch: graph = a () => (float[1,1,1,1] r) { r = Add (z, s) }, else_branch: graph = d () => (float[1,1,1,1] q) { q = Identity (b) }> (c)
  y = Clip (v, "", top)
}`, interp.Options{})
	x := feeds{"x": tensor.Of([]int{1, 2, 1, 1}, []float32{3, 4}), "c": tensor.Scalar(true)}
	w := tensor.Of([]int{1, 2, 1, 1}, []float32{10, 20})
	for _, c := range []struct {
		more feeds
		want float32
	}{{nil, 18}, {feeds{"w": w}, 100}, {feeds{"w": w, "top": tensor.Scalar[float32](1000)}, 171}, {nil, 18}, {feeds{"b": tensor.Vector[float32](2)}, 19}} {
		all := maps.Clone(x)
		maps.Copy(all, c.more)
		if got := values(t, p, all)["y"]; !reflect.DeepEqual(got, []float32{c.want}) {
			t.Errorf("%v: got %v, want %v", c.more, got, c.want)
		}
	}
}

func TestSubgraphsAndFunctions(t *testing.T) {
	m := parse(t, `g (float[1] x, bool c) => (float[1] y, float[1] z) <float[1] k = {10}> {
  s = Add (x, k)
  y = If <then_branch: graph = a () => (float[1] r) { r = Neg (s) }, else_branch: graph = b () => (float[1] q) { q = Identity (k) }> (c)
  z = local.Scale <by: float = 3.0> (s)
}
<domain: "local", opset_import: ["" : 17]>
Scale <by> (v) => (w) {
  f = Constant <value_float: float = @by> ()
  w = Mul (v, f)
}`)
	p, err := interp.New(m, interp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range map[bool]float32{true: -11, false: 10} {
		got := values(t, p, feeds{"x": tensor.Vector[float32](1), "c": tensor.Scalar(c)})
		if !reflect.DeepEqual(got, map[string]any{"y": []float32{want}, "z": []float32{33}}) {
			t.Errorf("%v: got %v", c, got)
		}
	}
}

func TestAllMissingOperatorsAtOnce(t *testing.T) {
	_, err := interp.New(parse(t, `g (float[1] x) => (float[1] y, float[1] z) {
  a = Nope (x)
  y = com.example.Other (a)
  z = Nope (y)
}`), interp.Options{})
	var miss *op.UnsupportedError
	if !errors.As(err, &miss) || !reflect.DeepEqual(miss.Ops, []string{"Nope", "com.example.Other"}) {
		t.Errorf("got %v", err)
	}
}

func TestRunErrors(t *testing.T) {
	p := planned(t, `g (float[2] x, float[N] u) => (float[2] y) { y = Add (x, u) }`, interp.Options{})
	x := tensor.Vector[float32](1, 2)
	for _, c := range []struct {
		in   feeds
		want string
	}{
		{feeds{"x": x}, `input "u" (float32[N]) is not given`},
		{feeds{"x": x, "u": x, "v": x}, `"v" is not an input of the graph`},
		{feeds{"x": tensor.Vector[float32](1), "u": x}, `input "x": float32[1], want float32[2]`},
		{feeds{"x": x, "u": tensor.Vector[int64](1, 2)}, `input "u": int64[2], want float32[N]`},
		{feeds{"x": x, "u": tensor.Vector[float32](1, 2, 3)}, `shapes [2] and [3] do not broadcast`},
	} {
		_, err := p.Run(context.Background(), c.in)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// endless is a loop that nobody waits for.
const endless = `g (float[1000] x) => (float[1000] y) <int64 n = {1000000000}> {
  y = Loop <body: graph = b (int64 i, bool c, float[1000] v) => (bool d, float[1000] w) {
    d = Identity (c)
    w = Neg (v)
  }> (n, "", x)
}`

func TestCancel(t *testing.T) {
	p := planned(t, endless, interp.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	_, err := p.Run(ctx, feeds{"x": tensor.Of([]int{1000}, make([]float32, 1000))})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %v to stop", d)
	}
}

func TestMemoryLimit(t *testing.T) {
	const src = `g (float[1] x) => (float[1] y) <int64[2] s = {3000, 1000}, int64[2] a = {0, 1}> {
  e = Expand (x, s)
  f = Exp (e)
  r = ReduceSum <keepdims: int = 0> (f, a)
  y = Add (r, x)
}`
	x := feeds{"x": tensor.Vector[float32](0)}
	if _, err := planned(t, src, interp.Options{MaxMemory: 1 << 20}).Run(context.Background(), x); !errors.Is(err, interp.ErrMemory) {
		t.Errorf("got %v, want %v", err, interp.ErrMemory)
	}
	if got := values(t, planned(t, src, interp.Options{MaxMemory: 64 << 20}), x)["y"]; !reflect.DeepEqual(got, []float32{3e6}) {
		t.Errorf("got %v", got)
	}
}

// TestMemoryOfKernels: what convolutions unfold or transform counts too.
func TestMemoryOfKernels(t *testing.T) {
	weight := strings.Repeat("0, ", 16*16*9-1) + "0"
	for name, c := range map[string]struct {
		size int
		node string
	}{
		"unfolded":    {128, "Conv <pads: ints = [1, 1, 1, 1], strides: ints = [2, 2]> (x, w)"},
		"transformed": {24, "Conv <pads: ints = [1, 1, 1, 1]> (x, w)"}, // larger ones are cut in blocks
		"folded":      {128, "ConvTranspose <pads: ints = [1, 1, 1, 1]> (x, w)"},
	} {
		x := feeds{"x": tensor.Of([]int{1, 16, c.size, c.size}, make([]float32, 16*c.size*c.size))}
		src := "g (float[1,16,s,s] x) => (float[1,16,H,W] y) <float[16,16,3,3] w = {" + weight + "}> {\n  y = " + c.node + "\n}"
		out, err := planned(t, src, interp.Options{}).Run(context.Background(), x)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		room := int64(4*out["y"].Len()) + 1<<17 // for the result alone
		if _, err := planned(t, src, interp.Options{MaxMemory: room}).Run(context.Background(), x); !errors.Is(err, interp.ErrMemory) {
			t.Errorf("%s: got %v, want %v", name, err, interp.ErrMemory)
		}
	}
}

// TestMemoryIsReused runs a long chain of large values within room for a few.
func TestMemoryIsReused(t *testing.T) {
	var b strings.Builder
	b.WriteString("g (float[262144] x) => (float[262144] y) {\n")
	last := "x"
	for i := range 100 {
		fmt.Fprintf(&b, "  v%d = Neg (%s)\n", i, last)
		last = fmt.Sprintf("v%d", i)
	}
	fmt.Fprintf(&b, "  y = Neg (%s)\n}", last)
	p := planned(t, b.String(), interp.Options{MaxMemory: 4 << 20})
	for range 3 {
		if _, err := p.Run(context.Background(), feeds{"x": tensor.Of([]int{1 << 18}, make([]float32, 1<<18))}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConcurrentRuns(t *testing.T) {
	p := planned(t, chain, interp.Options{})
	var wg sync.WaitGroup
	for k := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				x := float32(k)
				out, err := p.Run(context.Background(), feeds{"x": tensor.Vector(x, x)})
				if err != nil || tensor.Data[float32](out["y"])[1] != -(2*x+1) {
					t.Errorf("run %d: %v, %v", k, out, err)
					return
				}
			}
		}()
	}
	wg.Wait()
}

// TestResultsAreTheCallers: what Run returned stays as it was when the plan
// runs again.
func TestResultsAreTheCallers(t *testing.T) {
	p := planned(t, chain, interp.Options{})
	first := values(t, p, feeds{"x": tensor.Vector[float32](1, 2)})["y"].([]float32)
	values(t, p, feeds{"x": tensor.Vector[float32](7, 8)})
	if !reflect.DeepEqual(first, []float32{-3, -5}) {
		t.Errorf("the first result has become %v", first)
	}
}
