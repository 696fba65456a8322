package loss_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
)

// golden is one case of testdata/golden or testdata/papers in canonical layout.
type golden struct {
	name  string
	loss  *loss.Loss
	opts  loss.Options
	batch loss.Batch
	loss1 []float64   // [N, A]
	grad  []float64   // [N, A, C]
	state [][]float64 // after the batch
}

type goldenEntry struct {
	Case   string
	Loss   string
	Params map[string]float64
	Counts []float64

	Background *int
	PerClass   map[string][]float64
	Modulate   *loss.Modulation
}

// goldens loads the cases of the losses in the table, and fails if a loss has
// none.
func goldens(t *testing.T) []golden {
	t.Helper()
	byName := map[string]*loss.Loss{}
	for _, l := range loss.All() {
		byName[l.Golden] = l
	}
	seen := map[*loss.Loss]int{}
	var cases []golden
	for _, folder := range []string{"testdata/golden", "testdata/papers"} {
		for _, e := range goldenIndex(t, folder) {
			l := byName[strings.TrimPrefix(e.Loss, "seed_")]
			if l == nil {
				t.Errorf("%s: there is no loss %s", e.Case, e.Loss)
				continue
			}
			seen[l]++
			cases = append(cases, loadGolden(t, folder, e, l))
		}
	}
	for _, l := range loss.All() {
		if seen[l] == 0 {
			t.Errorf("%s: no golden values", l.Name)
		}
	}
	return cases
}

func goldenIndex(t *testing.T, folder string) []goldenEntry {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index []goldenEntry
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	return index
}

func loadGolden(t *testing.T, folder string, e goldenEntry, l *loss.Loss) golden {
	t.Helper()
	arrays, err := npy.ReadArchive(filepath.Join(folder, e.Case+".npz"))
	if err != nil {
		t.Fatal(err)
	}
	g := golden{name: e.Case, loss: l, opts: loss.Options{Name: l.Name, Params: map[string]float64{}, ClassCounts: e.Counts, Background: e.Background, PerClass: e.PerClass, Modulate: e.Modulate, Reduction: loss.None}}
	for name, x := range e.Params {
		if name == "eps" {
			g.opts.Eps = x
			continue
		}
		g.opts.Params[name] = x
	}
	s := arrays["logits"].Shape
	n, c, a := s[0], s[1], s[2]
	canonical := func(name string) []float64 { return swapAxes(floats(t, arrays[name]), n, c, a) }
	if l.Kind == loss.Confidence {
		a, c = a*c, 1 // element-wise: each is an anchor of its own
		canonical = func(name string) []float64 { return floats(t, arrays[name]) }
	}
	g.batch = loss.Batch{N: n, A: a, C: c, Logits: canonical("logits")}
	if g.batch.Target = floats(t, arrays["target"]); l.Kind != loss.Box {
		g.batch.Target = canonical("target")
	}
	for i := 0; arrays[fmt.Sprintf("new_state_%d", i)] != nil; i++ {
		g.batch.State = append(g.batch.State, floats(t, arrays[fmt.Sprintf("state_%d", i)]))
		g.state = append(g.state, floats(t, arrays[fmt.Sprintf("new_state_%d", i)]))
	}
	g.loss1, g.grad = floats(t, arrays["loss"]), canonical("grad")
	return g
}

func floats(t *testing.T, x *tensor.Tensor) []float64 {
	t.Helper()
	switch {
	case x == nil:
		t.Fatal("an array is missing")
	case x.DType == tensor.Float64:
		return tensor.Data[float64](x)
	case x.DType != tensor.Float32:
		t.Fatalf("%v, want floats", x)
	}
	src := tensor.Data[float32](x)
	dst := make([]float64, len(src))
	for i, v := range src {
		dst[i] = float64(v)
	}
	return dst
}

// swapAxes is x [n, c, a] as [n, a, c].
func swapAxes(x []float64, n, c, a int) []float64 {
	y := make([]float64, len(x))
	for i := range n {
		for j := range c {
			for k := range a {
				y[(i*a+k)*c+j] = x[(i*c+j)*a+k]
			}
		}
	}
	return y
}

func TestGoldenOracle(t *testing.T) {
	for _, g := range goldens(t) {
		out, err := loss.Eval(g.loss.Kind, g.opts, g.batch)
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		// With ε, or where p is shifted or its logits are scaled, the golden values themselves have 1 − p
		// by subtraction.
		floor := 1e-15
		switch {
		case g.opts.Eps > 0:
			floor = 1e-8
		case g.loss.Name == "asymmetric", g.opts.Params["scale"] > 1:
			floor = 1e-14
		}
		compare(t, g.name+": loss", out.PerAnchor, g.loss1, 1e-9, floor)
		compare(t, g.name+": gradient", out.Grad, g.grad, 1e-9, floor)
		compare(t, g.name+": state", slices.Concat(out.State...), slices.Concat(g.state...), 1e-12, 1e-14)
	}
}

func TestGoldenGraph(t *testing.T) {
	for _, g := range goldens(t) {
		m := newModel(t, g.loss.Kind, g.opts, g.batch, modelForm{})
		double, single := m.run(t, g.batch, true), m.run(t, g.batch, false)
		compare(t, g.name+": float64", double["per_anchor"], g.loss1, 1e-9, 1e-7)
		compare(t, g.name+": float32", single["per_anchor"], g.loss1, 2e-6, 1e-7)
		compare(t, g.name+": state in float64", double["state"], slices.Concat(g.state...), 1e-12, 1e-14)
		compare(t, g.name+": state in float32", single["state"], slices.Concat(g.state...), 2e-6, 1e-12)
	}
}

// The graph's derivative, by differences of it in float64, is the golden one.
func TestGoldenGradient(t *testing.T) {
	for _, g := range goldens(t) {
		m := newModel(t, g.loss.Kind, g.opts, g.batch, modelForm{dynamic: true})
		if g.loss.Statistics != nil && g.loss.Statistics.Sorts {
			continue // its ranks are of one batch; see TestGoldenDifferentiated
		}
		compare(t, g.name, m.differences(t, g.batch), g.grad, 1e-8, 1e-8)
	}
}
