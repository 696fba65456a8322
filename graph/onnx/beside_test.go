package onnx_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestBeside: a file that goes with a model appears with it, or neither does.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	out, side := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "m.weights")
	m := graph.New(13)
	if _, err := m.Graph.AddInit("w", tensor.Scalar[float32](1)); err != nil {
		t.Fatal(err)
	}
	text := func(s string) *onnx.Beside {
		return &onnx.Beside{Path: side, Write: func(w io.Writer) error { _, err := io.WriteString(w, s); return err }}
	}
	holds := func(want string, names ...string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Name())
		}
		b, _ := os.ReadFile(side)
		if !slices.Equal(got, names) || string(b) != want {
			t.Errorf("%q is beside %q, want %q and %q", b, got, want, names)
		}
	}
	fault := errors.New("fault")
	b := text("one")
	check := func(string) error {
		if draft, err := os.ReadFile(b.Draft); err != nil || string(draft) != "one" {
			t.Errorf("the draft holds %q while the model is checked (%v)", draft, err)
		}
		return fault
	}
	if err := onnx.WriteFile(out, m, onnx.Options{Beside: b, Check: check}); !errors.Is(err, fault) {
		t.Errorf("a check that fails: %v", err)
	}
	holds("")
	broken := &onnx.Beside{Path: side, Write: func(io.Writer) error { return fault }}
	if err := onnx.WriteFile(out, m, onnx.Options{Beside: broken}); !errors.Is(err, fault) {
		t.Errorf("a file that cannot be written: %v", err)
	}
	holds("")
	if err := onnx.WriteFile(out, m, onnx.Options{Beside: text("one")}); err != nil {
		t.Fatal(err)
	}
	holds("one", "m.onnx", "m.weights")
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	if err := onnx.WriteFile(out, m, onnx.Options{Beside: text("two")}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that exists: %v", err)
	}
	holds("one", "m.weights")
	if err := onnx.WriteFile(out, m, onnx.Options{Beside: text("two"), Force: true}); err != nil {
		t.Fatal(err)
	}
	holds("two", "m.onnx", "m.weights")
	in, err := onnx.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	over := text("three")
	over.Path = out
	if err := onnx.WriteFile(filepath.Join(dir, "n.onnx"), in, onnx.Options{Beside: over, Force: true}); !errors.Is(err, onnx.ErrInput) {
		t.Errorf("a file over the input: %v", err)
	}
	holds("two", "m.onnx", "m.weights")
}
