package op_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
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

// skips are the cases that are known to fail, with the reason. The list may
// only shrink.
func skips(t *testing.T) map[string]string {
	f, err := os.Open(filepath.Join("testdata", "conformance_skip.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, reason, ok := strings.Cut(s.Text(), "\t")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("conformance_skip.txt: %q has no reason", s.Text())
		}
		if _, twice := list[name]; twice {
			t.Fatalf("conformance_skip.txt: %s is listed twice", name)
		}
		list[name] = reason
	}
	return list
}

func TestConformance(t *testing.T) {
	names, dirs := cases(t)
	skip := skips(t)
	passed, skipped := 0, 0
	for _, name := range names {
		err := conform(dirs[name], float32Tolerance)
		reason, listed := skip[name]
		switch {
		case err == nil && listed && os.Getenv("ONNX_TESTDATA") == "":
			t.Errorf("%s passes: take it off conformance_skip.txt (%s)", name, reason)
		case err == nil:
			passed++
		case listed:
			skipped++
		default:
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d of %d cases pass, %d are on the skip list", passed, len(names), skipped)
}

// ONNX's own tolerances.
var float32Tolerance = tolerance{rel: 1e-3, abs: 1e-7}

type tolerance struct{ rel, abs float64 }

// conform runs every data set of one case.
func conform(dir string, tol tolerance) error {
	m, err := onnx.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return err
	}
	defer onnx.Close(m)
	sets, err := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if err != nil || len(sets) == 0 {
		return fmt.Errorf("no data sets (%v)", err)
	}
	for _, set := range sets {
		feeds, want, err := readSet(m, set)
		if err != nil {
			return err
		}
		got, err := run(m, feeds)
		if err != nil {
			return err
		}
		for i, w := range want {
			v := m.Graph.Outputs[i]
			if err := differ(got[v.Name], w, tol); err != nil {
				return fmt.Errorf("output %d %q: %w", i, v.Name, err)
			}
		}
	}
	return nil
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

// readSet reads the inputs and the outputs of one data set.
func readSet(m *graph.Model, set string) (feeds map[string]*tensor.Tensor, want []*tensor.Tensor, err error) {
	feeds = map[string]*tensor.Tensor{}
	i := 0
	for _, v := range m.Graph.Inputs {
		if v.Init != nil {
			continue
		}
		t, err := onnx.ReadValue(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)), v.Type)
		if err != nil {
			return nil, nil, err
		}
		feeds[v.Name] = t
		i++
	}
	for i, v := range m.Graph.Outputs {
		path := filepath.Join(set, fmt.Sprintf("output_%d.pb", i))
		if _, err := os.Stat(path); err != nil {
			break
		}
		t, err := onnx.ReadValue(path, v.Type)
		if err != nil {
			return nil, nil, err
		}
		want = append(want, t)
	}
	if len(want) == 0 {
		return nil, nil, errors.New("no expected outputs")
	}
	return feeds, want, nil
}

// differ says how got is not want; nil if it is, within the tolerance.
func differ(got, want *tensor.Tensor, tol tolerance) error {
	switch {
	case got == nil:
		return errors.New("is missing")
	case want.IsNone() != got.IsNone(), want.IsSequence() != got.IsSequence():
		return fmt.Errorf("got %v, want %v", got, want)
	case want.IsNone():
		return nil
	case want.IsSequence():
		if len(got.Seq) != len(want.Seq) {
			return fmt.Errorf("got %d elements, want %d", len(got.Seq), len(want.Seq))
		}
		for i := range want.Seq {
			if err := differ(got.Seq[i], want.Seq[i], tol); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	case got.DType != want.DType || !slices.Equal(got.Shape, want.Shape):
		return fmt.Errorf("got %v, want %v", got, want)
	case want.DType == tensor.String:
		if g, w := tensor.Data[string](got), tensor.Data[string](want); !slices.Equal(g, w) {
			return fmt.Errorf("got %q, want %q", g, w)
		}
		return nil
	}
	g, err := floats(got)
	if err != nil {
		return err
	}
	w, err := floats(want)
	if err != nil {
		return err
	}
	for i := range w {
		if g[i] == w[i] || math.IsNaN(g[i]) && math.IsNaN(w[i]) {
			continue
		}
		if d := math.Abs(g[i] - w[i]); !(d <= tol.abs+tol.rel*math.Abs(w[i])) {
			return fmt.Errorf("element %d: got %v, want %v", i, g[i], w[i])
		}
	}
	return nil
}

// floats is the elements of a tensor of numbers, by the interpreter's own Cast.
func floats(t *tensor.Tensor) ([]float64, error) {
	switch t.DType {
	case tensor.Float64:
		return tensor.Data[float64](t), nil
	case tensor.Complex64, tensor.Complex128:
		return nil, fmt.Errorf("%v cannot be compared", t)
	}
	f, err := castTensor(t, tensor.Float64)
	if err != nil {
		return nil, err
	}
	return tensor.Data[float64](f), nil
}
