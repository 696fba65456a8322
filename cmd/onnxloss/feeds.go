package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/urfave/cli/v2"
)

// feedsFor reads the given inputs and generates the others; targets of a training graph m
// are sized to the logits that its images produce.
func feedsFor(c *cli.Context, path string, m *graph.Model, plan *interp.Plan) (map[string]*tensor.Tensor, error) {
	files, err := inputFiles(c, plan.Inputs())
	if err != nil {
		return nil, err
	}
	x, err := emit.ReadManifest(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title(path), err)
	}
	var made, targets []*graph.Value
	f := &feeder{c: c, plan: plan, feeds: map[string]*tensor.Tensor{}}
	for _, v := range plan.Inputs() {
		if file, ok := files[v.Name]; ok {
			if f.feeds[v.Name], err = readTensor(file, v.Name, v.Type); err != nil {
				return nil, err
			}
		} else if v.Init == nil {
			if made = append(made, v); isTarget(x, v) {
				targets = append(targets, v)
			}
		}
	}
	if f.sizes, err = dimSizes(c, made); err != nil {
		return nil, err
	}
	if x != nil {
		for name, n := range x.Fixed() {
			if _, given := f.sizes[name]; !given {
				f.sizes[name] = n
			}
		}
	}
	f.bind(x, f.feeds)
	err = f.makeUp(made, func(v *graph.Value) bool { return !slices.Contains(targets, v) })
	if err == nil && f.open(targets) {
		err = f.runLogits(m, x)
	}
	if err == nil {
		err = f.makeUp(targets, func(*graph.Value) bool { return true })
	}
	var kind *random.TypeError
	if errors.As(err, &kind) {
		return nil, fmt.Errorf("%s: %w; give it with --input", title(path), err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title(path), err)
	}
	return f.feeds, nil
}

// inputFiles is the files given by --input, by input name. Names and files may
// contain equals signs, so the longest matching input name wins.
func inputFiles(c *cli.Context, inputs []*graph.Value) (map[string]string, error) {
	files := map[string]string{}
	for _, s := range c.StringSlice("input") {
		name, file, ok := strings.Cut(s, "=")
		if !ok || name == "" || file == "" {
			return nil, usagef("--input %q: expected NAME=FILE", s)
		}
		best := -1
		for i, v := range inputs {
			if rest, ok := strings.CutPrefix(s, v.Name+"="); ok && (best < 0 || len(v.Name) > len(inputs[best].Name)) {
				best, name, file = i, v.Name, rest
			}
		}
		if best < 0 {
			return nil, usagef("--input %s: the model has no input %q; %s", s, name, listed("its inputs:", inputs))
		}
		if files[name] != "" {
			return nil, usagef("--input %s: input %q is given twice", s, name)
		}
		files[name] = file
	}
	return files, nil
}

func listed(intro string, vs []*graph.Value) string {
	if len(vs) == 0 {
		return intro + " none"
	}
	var names []string
	for _, v := range vs {
		names = append(names, v.Name)
	}
	return intro + " " + strings.Join(names, ", ")
}

// dimFlag sets dimensions of generated inputs.
var dimFlag = &cli.StringSliceFlag{Name: "dim", Usage: "set a dimension of generated inputs, as `NAME=N`: NAME is a symbolic dimension, or INPUT:AXIS (axes count from 0) if it has no name"}

// dimSizes is the sizes that --dim sets, each of a dimension of vs that is not fixed.
func dimSizes(c *cli.Context, vs []*graph.Value) (map[string]int, error) {
	names, axes := random.DimNames(vs), map[string]bool{}
	for _, v := range vs {
		for i, d := range v.Shape() {
			axes[random.AxisName(v, i)] = !d.IsKnown()
		}
	}
	dims := map[string]int{}
	for _, s := range c.StringSlice("dim") {
		i := strings.LastIndex(s, "=")
		if i <= 0 {
			return nil, usagef("--dim %q: expected NAME=N", s)
		}
		n, err := strconv.Atoi(s[i+1:])
		switch {
		case err != nil || n < 0:
			return nil, usagef("--dim %q: expected a number of at least 0", s)
		case len(names) == 0:
			return nil, usagef("--dim %s: the generated inputs have no symbolic dimensions", s)
		case !axes[s[:i]] && !slices.Contains(names, s[:i]):
			return nil, usagef("--dim %s: no generated input has this dimension; they have %s", s, strings.Join(names, ", "))
		}
		dims[s[:i]] = n
	}
	return dims, nil
}

// imageSizes is the sizes that --dim sets for inputs of the network in m.
func imageSizes(c *cli.Context, m *graph.Model) (map[string]int, error) {
	x, err := emit.ReadManifest(m)
	if err != nil || x == nil {
		return dimSizes(c, dataInputs(m)) // reading the manifest reports it
	}
	var images []*graph.Value
	for _, p := range x.Inputs {
		if v := m.Graph.Value(p.Name); v != nil && p.Role == emit.RoleImage {
			images = append(images, v)
		}
	}
	return dimSizes(c, images)
}

// writeOutputs writes the named outputs into a folder, or none of them if
// anything fails.
func writeOutputs(ctx context.Context, dir string, names []string, out map[string]*tensor.Tensor) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	drafts := onnx.NewDrafts(dir)
	defer drafts.Drop()
	taken := map[string]bool{}
	var write func(name string, t *tensor.Tensor) error
	write = func(name string, t *tensor.Tensor) error {
		if t.IsNone() {
			return nil
		}
		for i, e := range t.Seq {
			if err := write(fmt.Sprintf("%s.%d", name, i), e); err != nil {
				return err
			}
		}
		if t.IsSequence() {
			return nil
		}
		path := filepath.Join(dir, fileName(name)+".npy")
		for i := 2; taken[path]; i++ {
			path = filepath.Join(dir, fmt.Sprintf("%s_%d.npy", fileName(name), i))
		}
		taken[path] = true
		if err := drafts.Write(path, func(f *os.File) error { return npy.Write(&target{f, ctx}, t) }); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}
	for _, name := range names {
		if err := write(name, out[name]); err != nil {
			return err
		}
	}
	if path, err := drafts.Place(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// fileName is a value's name with characters that are unsafe in file names replaced.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || !visible.Rune(r) {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "./"))
	if name == "" {
		return "output"
	}
	return name
}
