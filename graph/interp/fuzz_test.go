package interp_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// FuzzRun plans and runs any bytes that can be read as a model. Seeds are
// ONNX's own cases, where ONNX_TESTDATA names their folder.
func FuzzRun(f *testing.F) {
	for _, suite := range []string{"node", "simple"} {
		seeds, _ := filepath.Glob(filepath.Join(os.Getenv("ONNX_TESTDATA"), suite, "*", "model.onnx"))
		for _, path := range seeds {
			b, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(b) < 1<<12 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := onnx.ReadAt(bytes.NewReader(b), int64(len(b)), "m.onnx")
		if err != nil {
			return
		}
		start := time.Now()
		_, err = runFuzzed(m)
		var d *interp.DefectError
		if errors.As(err, &d) {
			t.Fatalf("%v\n%s", d, d.Stack)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("%v, where 300ms are given", d)
		}
	})
}

// runFuzzed runs m on inputs that are made up, within little memory and time.
func runFuzzed(m *graph.Model) (map[string]*tensor.Tensor, error) {
	plan, err := interp.New(m, interp.Options{Threads: 1, MaxMemory: 1 << 26})
	if err != nil {
		return nil, err
	}
	feeds := map[string]*tensor.Tensor{}
	for _, v := range plan.Feeds() {
		if size := 1.0; v.Shape() != nil {
			for _, d := range v.Shape() {
				size *= float64(max(d.Value, 1))
			}
			if size > 1<<16 {
				return nil, nil // which takes longer to make up than to run
			}
		}
		x, err := random.Input(v, nil, 1, nil)
		if err != nil {
			return nil, err
		}
		feeds[v.Name] = x
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	return plan.Run(ctx, feeds)
}
