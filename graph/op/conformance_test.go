package op_test

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// ONNX's own cases: Debian's package libonnx-testdata, or the folder that
// ONNX_TESTDATA names.
var suites = []string{"node", "simple", "pytorch-operator", "pytorch-converted"}

func testData(t *testing.T) string {
	dir := os.Getenv("ONNX_TESTDATA")
	if dir == "" {
		dir = "/usr/share/libonnx-testdata/data"
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no ONNX cases: install libonnx-testdata, or set ONNX_TESTDATA (%v)", err)
	}
	return dir
}

// cases are the folders of ONNX's cases, by suite and name.
func cases(t *testing.T) (names []string, dirs map[string]string) {
	dirs = map[string]string{}
	for _, s := range suites {
		found, err := filepath.Glob(filepath.Join(testData(t), s, "*", "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			name := s + "/" + filepath.Base(filepath.Dir(f))
			names = append(names, name)
			dirs[name] = filepath.Dir(f)
		}
	}
	if len(names) == 0 {
		t.Fatalf("no cases in %s", testData(t))
	}
	return names, dirs
}

// TestConformanceDouble runs them all with float32 computed as float64.
func TestConformanceDouble(t *testing.T) {
	names, dirs := cases(t)
	for _, name := range names {
		base := path.Base(name)
		err := runCase(dirs[name], interp.Options{Double: true})
		if err != nil && conform.Skip(base, true) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestConformance runs them all. A case on the list of those that cannot pass
// must not pass, and must be there.
func TestConformance(t *testing.T) {
	names, dirs := cases(t)
	passed, skipped := 0, map[string]bool{}
	for _, name := range names {
		err := runCase(dirs[name], interp.Options{})
		reason := conform.Skip(path.Base(name), false)
		switch {
		case err == nil && conform.Skips()[path.Base(name)] != "" && os.Getenv("ONNX_TESTDATA") == "":
			t.Errorf("%s passes: take it off the list (%s)", name, reason)
		case err == nil:
			passed++
		case reason != "":
			skipped[path.Base(name)] = true
		default:
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range conform.Skips() {
		if !skipped[name] && os.Getenv("ONNX_TESTDATA") == "" {
			t.Errorf("there is no case %s: take it off the list", name)
		}
	}
	t.Logf("%d of %d cases pass, %d are on the list of those that cannot", passed, len(names), len(skipped))
}

// runCase runs one case within ten seconds for each of its data sets.
func runCase(dir string, opts interp.Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return conform.Run(ctx, dir, onnx.ReadOptions{}, opts)
}

// run runs a model within ten seconds.
func run(m *graph.Model, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	plan, err := interp.New(m, interp.Options{})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return plan.Run(ctx, feeds)
}
