package patterns_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
)

// open reads the model beside an answer key, compressed or not.
func open(t testing.TB, keyPath string) *graph.Model {
	t.Helper()
	path := strings.TrimSuffix(keyPath, ".json") + ".onnx"
	if _, err := os.Stat(path); err != nil {
		packed := path + ".xz"
		path = filepath.Join(t.TempDir(), filepath.Base(path))
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("xz", "-dc", packed)
		cmd.Stdout = out
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v", packed, err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m, err := onnx.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = onnx.Close(m) })
	return m
}

func ownName(v *graph.Value) string { return v.Name }

// folders are where models with answer keys lie.
func folders(t testing.TB) []string {
	dirs := []string{filepath.Join("..", "testdata", "models")}
	if d := os.Getenv("ONNXLOSS_MODELS"); d != "" {
		return append(dirs, d)
	}
	t.Log("ONNXLOSS_MODELS is not set: the models of the repository alone")
	return dirs
}

func TestEveryModelGivesItsKey(t *testing.T) {
	for _, dir := range folders(t) {
		for _, path := range models(t, dir) {
			k := readKey(t, path)
			t.Run(k.Name, func(t *testing.T) {
				r, err := patterns.Locate(open(t, path), patterns.Options{})
				if v := verdict(k, r, err, ownName); v != "right" {
					t.Error(v)
				}
			})
		}
	}
}
