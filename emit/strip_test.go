package emit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
)

// trainFile writes the training graph of a test model and gives its path.
func trainFile(t *testing.T, model string, o emit.Options) string {
	t.Helper()
	m := openFile(t, model)
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := emit.Rewrite(m, r.Heads[:1], o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(model), "train.onnx")
	if err := onnx.WriteFile(path, m, onnx.Options{Force: true}); err != nil {
		t.Fatal(err)
	}
	return path
}

func openFile(t *testing.T, path string) *graph.Model {
	t.Helper()
	m, err := onnx.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// copies is the test models in a folder of their own.
func copies(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/models/*.onnx*")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var models []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(f))
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".onnx") {
			models = append(models, path)
		}
	}
	return models
}

// TestStrip: a training graph without its loss is the model that was rewritten, byte for
// byte, whatever was put on it.
func TestStrip(t *testing.T) {
	for i, model := range copies(t) {
		for k, o := range []emit.Options{
			{Loss: loss.Options{Name: "bce"}},
			{Form: emit.LogitsGradientForm, Loss: loss.Options{Name: "sigmoid-focal", Target: loss.Index, Reduction: loss.Fed, AnchorWeights: true, CheckTargets: true}},
			{Form: emit.LogitsGradientForm, AsFunction: true, Loss: loss.Options{Name: "bce", Reduction: loss.None}},
			{Loss: loss.Options{Name: "ghm-c", Params: map[string]float64{"momentum": 0.5}}},
		} {
			if k > 0 && (i+k)%3 > 0 {
				continue
			}
			m := openFile(t, trainFile(t, model, o))
			x, err := emit.Strip(m)
			if err != nil {
				t.Fatalf("%s: %v", model, err)
			}
			if x.Loss.Name != o.Loss.Name {
				t.Errorf("%s: the manifest is of %q", model, x.Loss.Name)
			}
			var got bytes.Buffer
			if err := onnx.Write(&got, m); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(model)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s, options %d: %d bytes, want the %d of the original", filepath.Base(model), k, got.Len(), len(want))
			}
		}
	}
}

// TestStripRefuses: what a manifest says of another graph takes nothing off.
func TestStripRefuses(t *testing.T) {
	path := trainFile(t, copies(t)[0], emit.Options{Loss: loss.Options{Name: "bce"}})
	for _, c := range []struct {
		name  string
		plant func(m *graph.Model)
	}{
		{"no manifest", func(m *graph.Model) { m.DropMeta(emit.ManifestKey) }},
		{"an output that is not there", func(m *graph.Model) { replaceMeta(m, `"name":"loss"`, `"name":"lost"`) }},
		{"an output less", func(m *graph.Model) { m.Graph.SetOutputs(m.Graph.Outputs[1:]) }},
		{"an input of the network for the loss's", func(m *graph.Model) { replaceMeta(m, `"role":"image"`, `"role":"target"`) }},
		{"another network", func(m *graph.Model) { m.Graph.Nodes[0].SetAttr(graph.Int("group", 7)) }},
		{"a function that is not there", func(m *graph.Model) {
			replaceMeta(m, `"heads":`, `"functions":[{"domain":"onnxloss","name":"Bce"}],"heads":`)
		}},
	} {
		m := openFile(t, path)
		c.plant(m)
		if _, err := emit.Strip(m); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func replaceMeta(m *graph.Model, old, to string) {
	text, _ := m.Meta(emit.ManifestKey)
	m.SetMeta(emit.ManifestKey, strings.ReplaceAll(text, old, to))
}

// TestRewriteRefusesTrained: the target of a training graph would become an image.
func TestRewriteRefusesTrained(t *testing.T) {
	m := openFile(t, trainFile(t, copies(t)[0], emit.Options{Loss: loss.Options{Name: "bce"}}))
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "ce"}})
	var trained *emit.TrainedError
	if !errors.As(err, &trained) || trained.Loss != "bce" {
		t.Errorf("got %v", err)
	}
}
