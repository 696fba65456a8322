package variant_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/orttest"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/thorough"
	"github.com/onnxloss/onnxloss/patterns/variant"
)

// all is every variant, built.
func all(t *testing.T) []*variant.Variant {
	t.Helper()
	vs := variant.All()
	for _, v := range vs {
		if err := v.Build(); err != nil {
			t.Fatal(err)
		}
	}
	return vs
}

// two are two levels of two factors.
type two struct {
	f, g variant.Factor
	x, y string
}

func TestDesignShowsEveryPair(t *testing.T) {
	seen := map[two]int{}
	fs := variant.Factors()
	design := variant.Design(variant.Seed, variant.Times)
	if len(design) < 200 {
		t.Errorf("%d dense detectors", len(design))
	}
	names := map[string]bool{}
	for i := range design {
		c := &design[i]
		names[c.String()] = true
		for j, f := range fs {
			for _, g := range fs[j+1:] {
				seen[two{f, g, c.Of(f), c.Of(g)}]++
			}
		}
	}
	if len(names) != len(design) {
		t.Errorf("%d choices, of which %d differ", len(design), len(names))
	}
	missing := 0
	for j, f := range fs {
		for _, g := range fs[j+1:] {
			for _, x := range f.Values() {
				for _, y := range g.Values() {
					p := two{f, g, x, y}
					may := variant.MayMeet(f, x, g, y)
					if n := seen[p]; may != (n > 0) || may && n < variant.Times {
						t.Errorf("%v=%s and %v=%s meet %d times; they may: %v", f, x, g, y, n, may)
					}
					if !may {
						missing++
					}
				}
			}
		}
	}
	t.Logf("%d choices; the rules keep %d pairs apart", len(design), missing)
}

func TestModelsAreValid(t *testing.T) {
	vs := all(t)
	if len(vs) < 300 {
		t.Errorf("%d variants", len(vs))
	}
	word := regexp.MustCompile(`^[vn]\d+_\d+$`)
	for i, v := range vs {
		if i%thorough.Every(8) > 0 {
			continue
		}
		if err := v.Model.Check(); err != nil {
			t.Errorf("%v: %v", v, err)
		}
		if errs := op.InferModel(v.Model).Errs(); len(errs) > 0 {
			t.Errorf("%v: %v", v, errs)
		}
		for _, n := range v.Model.Graph.Nodes {
			for _, x := range slices.Concat(n.Inputs, n.Outputs) {
				if x != nil && !word.MatchString(x.Name) {
					t.Errorf("%v: the name %q may say something", v, x.Name)
				}
			}
		}
		for _, a := range v.Key.Answers {
			for _, p := range a {
				if p.Source == nil || p.Source.Graph() != v.Model.Graph || len(p.Layout) != len(p.Source.Shape()) || p.Slice.Len() != v.Key.Classes {
					t.Errorf("%v: the key's %v is no tensor of the model", v, p)
				}
			}
		}
		if (v.Key.Expect == variant.Found) != (v.Key.Answers != nil && v.Key.Why == "" && v.Key.Expect != variant.Classifier) {
			t.Errorf("%v: key %+v", v, v.Key)
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	vs := variant.All()
	for i := 0; i < len(vs); i += 23 {
		var files [2]bytes.Buffer
		for k := range files {
			if err := vs[i].Build(); err != nil {
				t.Fatal(err)
			}
			if err := onnx.Write(&files[k], vs[i].Model); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
			t.Errorf("%v differs from one building to the next", vs[i])
		}
	}
}

// custom reports whether v has operators that no table knows.
func custom(v *variant.Variant) bool {
	return slices.ContainsFunc(v.Model.Graph.Nodes, func(n *graph.Node) bool {
		return op.Lookup(n.Domain, n.Op) == nil && v.Model.Function(n.Domain, n.Op, "") == nil
	}) || slices.ContainsFunc(v.Model.Functions, func(f *graph.Function) bool {
		return slices.ContainsFunc(f.Body.Nodes, func(n *graph.Node) bool { return op.Lookup(n.Domain, n.Op) == nil })
	})
}

// run gives values of v by name; nil is the outputs.
func run(t *testing.T, v *variant.Variant, names []string) map[string]*tensor.Tensor {
	t.Helper()
	plan, err := interp.New(v.Model, interp.Options{Fetches: names, Threads: 1})
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	out, err := plan.Run(context.Background(), feeds(t, v))
	if err != nil {
		t.Fatalf("%v: %v", v, err)
	}
	return out
}

// feeds makes up v's inputs, whatever their names.
func feeds(t *testing.T, v *variant.Variant) map[string]*tensor.Tensor {
	t.Helper()
	all := map[string]*tensor.Tensor{}
	for i, x := range v.Model.Graph.Inputs {
		y := *x
		y.Name = fmt.Sprint("x", i)
		f, err := random.Input(&y, v.Sizes, 5, nil)
		if err != nil {
			t.Fatal(err)
		}
		all[x.Name] = f
	}
	return all
}

func TestModelsRun(t *testing.T) {
	for i, v := range all(t) {
		if !custom(v) && i%(6*thorough.Every(8)) == 0 {
			run(t, v, nil)
		}
	}
}

// sources are the names of the tensors that v's key is about.
func sources(v *variant.Variant) []string {
	var names []string
	for _, a := range v.Key.Answers {
		for _, p := range a {
			names = append(names, p.Source.Name)
		}
	}
	return names
}

// TestModelsRunInORT has stock ONNX Runtime run a sample, and give the values
// that the interpreter gives for the outputs that do not select.
func TestModelsRunInORT(t *testing.T) {
	orttest.Need(t)
	n := 0
	for i, v := range all(t) {
		if custom(v) || i%9 > 0 {
			continue
		}
		n++
		path := filepath.Join(t.TempDir(), "m.onnx")
		if err := onnx.WriteFile(path, v.Model, onnx.Options{}); err != nil {
			t.Fatal(err)
		}
		got := orttest.Run(t, path, feeds(t, v), orttest.Options{})
		want := run(t, v, nil)
		if len(got) != len(want) {
			t.Errorf("%v: outputs %v, want %v", v, slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(want)))
		}
		if v.Choice == nil || !v.Choice.Is(variant.Post, "none") || !v.Choice.Is(variant.Quant, "float") {
			continue // a rounding may change what is chosen
		}
		for name := range want {
			if d := apartBy(got[name], want[name]); !(d <= 1e-4*max(1, largest(want[name]))) {
				t.Errorf("%v: %q differs by %v, its largest value being %v", v, name, d, largest(want[name]))
			}
		}
	}
	t.Logf("%d models ran", n)
}
