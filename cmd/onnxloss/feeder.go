package main

import (
	"slices"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/urfave/cli/v2"
)

// isTarget reports whether v is an input of manifest x other than an image.
func isTarget(x *emit.Manifest, v *graph.Value) bool {
	return x != nil && slices.ContainsFunc(x.Inputs, func(p emit.Port) bool { return p.Name == v.Name && p.Role != emit.RoleImage })
}

// feeder generates inputs.
type feeder struct {
	c     *cli.Context
	plan  *interp.Plan
	feeds map[string]*tensor.Tensor
	sizes map[string]int // of symbolic dimensions, by --dim or by tensors
}

// bind takes the sizes of dimensions from tensors, except those that --dim sets.
func (f *feeder) bind(x *emit.Manifest, tensors map[string]*tensor.Tensor) {
	if x == nil {
		return
	}
	for name, n := range x.Sizes(tensors) {
		if _, ok := f.sizes[name]; !ok {
			f.sizes[name] = n
		}
	}
}

// open reports whether a dimension of vs has no size.
func (f *feeder) open(vs []*graph.Value) bool {
	return slices.ContainsFunc(random.DimNames(vs), func(name string) bool { _, ok := f.sizes[name]; return !ok })
}

// makeUp generates the inputs in vs for which asked returns true.
func (f *feeder) makeUp(vs []*graph.Value, asked func(*graph.Value) bool) error {
	seed := f.c.Uint64("seed")
	for _, v := range vs {
		if !asked(v) {
			continue
		}
		t, err := random.Input(v, f.sizes, seed, f.plan.Fits(f.feeds))
		if err != nil {
			return err
		}
		f.feeds[v.Name] = t
		note(f.c, `input "%s": filled with random %v (seed %d)`, v.Name, t, seed)
	}
	return nil
}

// runLogits runs the network of a training graph up to the logits, which determine the
// sizes of the targets.
func (f *feeder) runLogits(m *graph.Model, x *emit.Manifest) error {
	o, err := interpOptions(f.c)
	if err != nil {
		return err
	}
	o.Feeds = []string{}
	images := map[string]*tensor.Tensor{}
	for _, p := range x.Inputs {
		if t := f.feeds[p.Name]; t != nil && p.Role == emit.RoleImage {
			o.Feeds, images[p.Name] = append(o.Feeds, p.Name), t
		}
	}
	for _, p := range x.Outputs {
		if p.Role == emit.RoleLogits {
			o.Fetches = append(o.Fetches, p.Name)
		}
	}
	plan, err := interp.NewContext(f.c.Context, m, o)
	if err != nil {
		return err
	}
	f.bind(x, images)
	out, err := plan.Run(f.c.Context, images)
	if err == nil {
		f.bind(x, out)
	}
	return err
}
