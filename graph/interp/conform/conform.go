// Package conform runs ONNX's own test folders: a model.onnx beside
// test_data_set_* folders that hold input_*.pb and output_*.pb.
package conform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Find lists the cases at or below dir: the folders that hold a model.onnx,
// in lexical order.
func Find(dir string) ([]string, error) {
	var cases []string
	root := dir
	if st, err := os.Lstat(dir); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // which follows the link
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && d.Name() == "model.onnx" {
			cases = append(cases, filepath.Dir(path))
		}
		return nil
	})
	if err == nil && len(cases) == 0 {
		err = fmt.Errorf("%s: no test folders (model.onnx) in it", dir)
	}
	return cases, err
}

// Run runs one case: every data set's outputs must agree with the files', at
// ONNX's own tolerances.
func Run(ctx context.Context, dir string, read onnx.ReadOptions, opts interp.Options) error {
	m, err := read.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return err
	}
	defer m.Close()
	sets, err := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		return errors.New("no test_data_set_* in the folder")
	}
	plan, err := interp.NewContext(ctx, m, opts)
	if err != nil {
		return err
	}
	slices.Sort(sets)
	for _, set := range sets {
		if err := runSet(ctx, m, plan, set); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(set), err)
		}
	}
	return nil
}

func runSet(ctx context.Context, m *graph.Model, plan *interp.Plan, set string) error {
	feeds, want, err := ReadSet(m, set)
	if err != nil {
		return err
	}
	if len(want) < len(m.Graph.Outputs) {
		return fmt.Errorf("output %q: no file to compare it with", m.Graph.Outputs[len(want)].Name)
	}
	got, err := plan.Run(ctx, feeds)
	if err != nil {
		return err
	}
	for i, v := range m.Graph.Outputs {
		if err := Compare(got[v.Name], want[i]); err != nil {
			return fmt.Errorf("output %q: %w", v.Name, err)
		}
	}
	return nil
}

// ReadSet reads a test_data_set_* folder: the inputs of m by name, and what
// its outputs must be, in order.
func ReadSet(m *graph.Model, set string) (feeds map[string]*tensor.Tensor, want []*tensor.Tensor, err error) {
	var inputs []*graph.Value
	for _, v := range m.Graph.Inputs {
		if v.Init == nil {
			inputs = append(inputs, v)
		}
	}
	in, err := readAll(set, "input", inputs)
	if err != nil {
		return nil, nil, err
	}
	feeds = map[string]*tensor.Tensor{}
	for i, t := range in {
		feeds[inputs[i].Name] = t
	}
	want, err = readAll(set, "output", m.Graph.Outputs)
	return feeds, want, err
}

// readAll reads kind_0.pb, kind_1.pb, … as the types of vs.
func readAll(set, kind string, vs []*graph.Value) ([]*tensor.Tensor, error) {
	files, err := filepath.Glob(filepath.Join(set, kind+"_*.pb"))
	if err != nil {
		return nil, err
	}
	number := func(path string) int {
		s := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), kind+"_"), ".pb")
		n, _ := strconv.Atoi(s)
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return number(a) - number(b) })
	if len(files) > len(vs) {
		return nil, fmt.Errorf("%d %s files for %d %ss", len(files), kind, len(vs), kind)
	}
	ts := make([]*tensor.Tensor, len(files))
	for i, f := range files {
		if ts[i], err = onnx.ReadValue(f, vs[i].Type); err != nil {
			return nil, err
		}
	}
	return ts, nil
}
