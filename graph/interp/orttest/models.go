package orttest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Model is a model of the tests.
type Model struct {
	Name string // of the file, without its extension
	Key  string // path of the answer key
	file string // the model, or the model compressed by xz
}

// Models lists the models of testdata/models and, where ONNXLOSS_MODELS names
// a folder, of that; a folder that is named must have some.
func Models(t testing.TB) []Model {
	t.Helper()
	models := list(t, filepath.Join(Root(t), "testdata", "models"))
	folder := os.Getenv("ONNXLOSS_MODELS")
	if folder == "" {
		t.Log("ONNXLOSS_MODELS is not set: tried on testdata/models alone")
		return models
	}
	return append(models, list(t, folder)...)
}

func list(t testing.TB, folder string) []Model {
	t.Helper()
	keys, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("%s: no models with answer keys", folder)
	}
	var models []Model
	for _, key := range keys {
		base := strings.TrimSuffix(key, ".json")
		file := base + ".onnx"
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			file += ".xz"
		}
		models = append(models, Model{filepath.Base(base), key, file})
	}
	return models
}

// File is the path of the model, unpacked for the time of the test where it is
// compressed. What lies beside it (external data) stays there.
func (m Model) File(t testing.TB) string {
	t.Helper()
	if filepath.Ext(m.file) != ".xz" {
		return m.file
	}
	path := filepath.Join(t.TempDir(), m.Name+".onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("xz", "--decompress", "--stdout", m.file)
	cmd.Stdout = f
	var message strings.Builder
	cmd.Stderr = &message
	if err := errors.Join(cmd.Run(), f.Close()); err != nil {
		t.Fatalf("unpacking %s: %v %s", m.file, err, &message)
	}
	return path
}

// Root is the folder of the module whose tests run.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod in the folders around the test")
		}
		dir = up
	}
}

// Inputs makes up a value for each input of g that has no initializer; see
// random.Input.
func Inputs(t testing.TB, g *graph.Graph, dims map[string]int, seed uint64) map[string]*tensor.Tensor {
	t.Helper()
	feeds := map[string]*tensor.Tensor{}
	for _, v := range g.Inputs {
		if v.Init != nil {
			continue
		}
		x, err := random.Input(v, dims, seed, nil)
		if err != nil {
			t.Fatal(err)
		}
		feeds[v.Name] = x
	}
	return feeds
}
