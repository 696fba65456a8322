package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The limits of the checks.
const (
	limit32    = 1e-5    // loss in float32 against the closed form
	limit64    = 1e-9    // loss in float64
	limit16    = 1e-3    // gradient in float16, whose unit in the last place is 2^-10 of it
	largest16  = 65504   // greatest float16
	smallest16 = 0x1p-14 // the least normal float16
	limitGrad  = 1e-6    // central differences, relative to the greatest derivative
	limitTails = 1e-4    // near-zero losses in float32 and float64

	// The network's distance from a float64 run, relative to that of a run node by node,
	// which counts as at least so many roundings of the greatest value.
	limitUnfused = 4
	roundings    = 0x1p-22
)

// Options are the options of verification.
type Options struct {
	// Original is the model that was rewritten, read anew; nil if not available.
	Original *graph.Model
	Threads  int
	// MaxMemory is as in interp.Options.
	MaxMemory int64
	Seed      uint64
	// Dims are the sizes of dimensions of the network's inputs that are not fixed; see
	// random.Input.
	Dims map[string]int
	// Sample checks the network by its fingerprint only, without loading or running it,
	// and proves the rest on drawn logits.
	Sample bool
	// Need, if not nil, is called with the memory that the proof is about to need, if it
	// runs the network.
	Need func(Need)
	// Stage, if not nil, is called before each stage n of a total, counted from 1.
	Stage func(n, of int, what string)
	// plan replaces interp.New in tests, if not nil.
	plan func(*graph.Model, interp.Options) (*interp.Plan, error)
}

// errSample is why the network is not run with Options.Sample.
var errSample = errors.New("sample verification does not run the network")

// ErrNoManifest is the error for a model that is not a training graph.
var ErrNoManifest = errors.New("the model has no manifest: it is not a training graph written by onnxloss")

// Training verifies the training graph m. The error is a *FailedError if a check failed,
// and the context's if that ended; the report is returned in both cases. A broken model is
// an error without a report, and so is one that needs more memory than allowed: a
// *MemoryError.
func Training(ctx context.Context, m *graph.Model, o Options) (*Report, error) {
	x, err := emit.ReadManifest(m)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, ErrNoManifest
	}
	p := &proof{ctx: ctx, model: m, manifest: x, opts: o}
	for name, n := range x.Fixed() {
		p.opts.Dims = with(maps.Clone(p.opts.Dims), name, n)
	}
	p.plan = p.newPlan
	if o.plan != nil {
		p.plan = o.plan
	}
	began := time.Now()
	for _, t := range p.terms() {
		if err := t.check(m.Graph); err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
	}
	for _, step := range []func() error{p.declares, p.memory, p.network, p.forward, p.losses} {
		err := step()
		for _, c := range p.report.Checks {
			err = cmp.Or(err, c.broken)
		}
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
	}
	p.add(&p.ports)
	p.report.Seconds = time.Since(began).Seconds()
	if err := ctx.Err(); err != nil {
		return &p.report, err
	}
	return &p.report, p.report.Err()
}

// proof is the state of one Training.
type proof struct {
	ctx      context.Context
	model    *graph.Model
	manifest *emit.Manifest
	opts     Options
	plan     func(*graph.Model, interp.Options) (*interp.Plan, error)
	report   Report
	values   map[string]*tensor.Tensor // from the float32 run
	drawn    bool                      // the head's tensors in values are random
	bound    map[string]int            // sizes of symbolic dimensions in that run
	ports    Check                     // of the graph's interface; every run contributes
	begun    int                       // stages started
	single   string                    // why the network was run on one image instead of several
}

// stage reports the current stage to the caller.
func (p *proof) stage(what string) {
	p.begun++
	if p.opts.Stage == nil {
		return
	}
	total := 1 + len(p.terms()) // fingerprint, losses
	if !p.opts.Sample {
		total += 2 // the network, and node by node
		if p.opts.Original != nil {
			total++
		}
	}
	p.opts.Stage(p.begun, max(total, p.begun), what)
}

// newPlan is a plan bound to the proof's context and memory limit.
func (p *proof) newPlan(m *graph.Model, o interp.Options) (*interp.Plan, error) {
	o.MaxMemory = p.opts.MaxMemory
	return interp.NewContext(p.ctx, m, o)
}

// planned is a plan of the network. The previous plan and its weights are garbage by then,
// and are collected if they are large.
func (p *proof) planned(m *graph.Model, o interp.Options) (*interp.Plan, error) {
	weights := int64(0)
	for _, v := range m.Graph.Inits {
		weights += v.Init.Bytes
	}
	if weights > collectFrom {
		runtime.GC()
	}
	return p.plan(m, o)
}

// collectFrom is the number of bytes of weights that is worth a collection.
const collectFrom = 16 << 20

// add finishes a check. An interrupted check is not run, whatever it compared.
func (p *proof) add(c *Check) {
	if p.ctx.Err() != nil {
		c.leave("interrupted")
	}
	if c.Compared == 0 && !c.same {
		c.leave("nothing was compared")
	}
	if c.Status == "" {
		c.Status = OK
	}
	p.report.Checks = append(p.report.Checks, *c)
}

// network checks the original part of the graph against its fingerprint.
func (p *proof) network() error {
	c := &Check{Name: "network", What: "nodes and weights of the original network, against the fingerprint in the manifest"}
	if p.opts.Original == nil {
		c.What += ", in place of its outputs, as no original was given"
	}
	p.stage("the network's fingerprint")
	sum, err := p.fingerprint(p.model)
	if err != nil {
		return err
	}
	c.Compared = len(p.model.Graph.Nodes)
	if sum != p.manifest.Source.Fingerprint {
		c.fail("the network has changed since it was rewritten: got %.16s…, want %.16s…", sum, p.manifest.Source.Fingerprint)
	}
	if p.opts.Original != nil {
		if sum, err = p.ofOriginal(); err != nil {
			c.stop(fmt.Errorf("original: %w", err))
		} else if sum != p.manifest.Source.Fingerprint {
			c.fail("the original model has a different network: got %.16s…, want %.16s…", sum, p.manifest.Source.Fingerprint)
		}
	}
	p.add(c)
	return nil
}

// ofOriginal is the fingerprint of the original network. If a head is inside a function,
// the training graph has the functions inlined, and they are inlined here too.
func (p *proof) ofOriginal() (string, error) {
	m := p.opts.Original
	sum, err := p.fingerprint(m)
	if len(m.Functions) == 0 || err == nil && sum == p.manifest.Source.Fingerprint {
		return sum, err
	}
	in, err := graph.Inline(m)
	if err != nil {
		return "", err
	}
	return p.fingerprint(in.Model)
}

func (p *proof) fingerprint(m *graph.Model) (string, error) {
	roots, err := p.manifest.Roots(m.Graph)
	if err != nil {
		return "", err
	}
	return emit.Fingerprint(m.Graph, roots)
}

// forward runs the network once in float32: the original outputs must have the
// bits that the original model computes, and the canonical logits those of the
// head's tensors. What cannot run because an operator is not supported is
// reported as not run; a broken network is an error.
func (p *proof) forward() error {
	outputs := &Check{Name: "outputs", What: "original outputs, bit for bit, before and after"}
	logits := &Check{Name: "logits", What: "canonical logits against the head's tensors, read by layout, bit for bit"}
	var original, sources []string
	for _, out := range p.manifest.Outputs {
		if out.Role == emit.RoleOriginal {
			original = append(original, out.Name)
		}
	}
	for _, t := range p.terms() {
		for _, l := range t.levels {
			sources = append(sources, l.Source)
		}
	}
	names := unique(slices.Concat(original, sources))
	if !p.opts.Sample {
		p.stage("a run of the network")
	}
	feeds, err := p.execute(names)
	if err != nil {
		reason, ok := excuse(err)
		if !ok {
			return err
		}
		outputs.leave("%s", reason)
		names = unique(sources)
		feeds, err = p.execute(names)
	}
	unfused := &Check{Name: "unfused", What: "the network's values against those of a run node by node"}
	if err == nil {
		p.stage("a run node by node")
		unfused = p.unfused(names, feeds)
		if unfused.Reason == "" {
			unfused.Reason = p.single
		}
	}
	if err != nil {
		reason, ok := excuse(err)
		if !ok {
			return err
		}
		unfused.leave("%s", reason)
		logits.What = "canonical logits against random tensors in place of the head's, read by layout, bit for bit"
		if p.ctx.Err() != nil {
			logits.leave("interrupted")
		} else if e := p.drawSources(sources); e != nil {
			logits.leave("%v; %v", err, e)
		}
	}
	if p.opts.Original != nil && outputs.Status == "" {
		p.compareOutputs(outputs, original, feeds)
	}
	if p.opts.Original != nil || outputs.Status != "" {
		p.add(outputs)
	}
	p.add(unfused)
	for _, t := range p.terms() {
		if logits.Status == "" {
			p.compareLogits(logits, t)
		}
	}
	p.add(logits)
	return nil
}

// excuse is why the network could not run, if that says nothing against the model: an
// operator is not supported, memory is short, the run was interrupted, or the network does
// not accept the sizes chosen for its inputs.
func excuse(err error) (reason string, ok bool) {
	var sizes *sizesError
	if errors.As(err, &sizes) {
		return err.Error(), true
	}
	return blameless(err)
}

// sizesError is the error of a run with chosen input sizes.
type sizesError struct {
	feeds string
	dims  []string
	err   error
}

func (e *sizesError) Error() string {
	return fmt.Sprintf("the network does not run with the input sizes chosen (%s): %v; the sizes of %s must be given", e.feeds, e.err, strings.Join(e.dims, ", "))
}

func (e *sizesError) Unwrap() error { return e.err }

// execute computes the named values of the network on random inputs, which it returns too.
// If the first dimension is symbolic there are two images, or one if the network does not
// accept two. The error is a *sizesError if Options.Dims does not fix all sizes.
func (p *proof) execute(fetches []string) (map[string]*tensor.Tensor, error) {
	if p.opts.Sample {
		return nil, errSample
	}
	var inputs []string
	for _, in := range p.manifest.Inputs {
		if in.Role == emit.RoleImage {
			inputs = append(inputs, in.Name)
		}
	}
	plan, err := p.planned(p.model, interp.Options{Threads: p.opts.Threads, Feeds: inputs, Fetches: fetches})
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(random.DimNames(plan.Feeds()), func(name string) bool {
		_, ok := p.opts.Dims[name]
		return ok
	})
	var failed *sizesError
	for _, batch := range []int{images, 1} {
		feeds, err := p.images(plan, batch)
		if err != nil {
			return nil, err
		}
		values, err := plan.Run(p.ctx, feeds)
		if err == nil {
			if failed != nil {
				p.single = fmt.Sprintf("one image was used because a run of %d failed: %v", images, failed.err)
			}
			p.values, p.bound = values, imageSizes(plan, feeds)
			for name, t := range values {
				p.gave(name, t, p.bound, false)
			}
			return feeds, nil
		}
		if _, ok := blameless(err); ok || len(open) == 0 {
			return nil, err
		}
		failed = &sizesError{describe(plan, feeds), open, err}
	}
	return nil, failed
}

// describe lists the feeds of a plan.
func describe(plan *interp.Plan, feeds map[string]*tensor.Tensor) string {
	var words []string
	for _, v := range plan.Feeds() {
		words = append(words, fmt.Sprintf("%s %v", v.Name, feeds[v.Name]))
	}
	return strings.Join(words, ", ")
}

// drawnSize is the size chosen for dimensions that are not fixed.
const drawnSize = 8

// drawSources generates the head's tensors if the network is not run.
func (p *proof) drawSources(names []string) error {
	p.values, p.drawn = map[string]*tensor.Tensor{}, true
	if err := op.InferModel(p.model).ReadErr(); err != nil { // refines their types
		return err
	}
	for _, name := range names {
		v := p.model.Graph.Value(name)
		if v == nil {
			p.values = nil
			return fmt.Errorf("the graph has no %q", name)
		}
		dims := map[string]int{}
		for i := range v.Shape() {
			if i > 0 {
				dims[random.AxisName(v, i)] = drawnSize
			}
		}
		t, err := random.Input(v, dims, p.opts.Seed, interp.Fits(p.opts.MaxMemory))
		if err != nil {
			p.values = nil
			return err
		}
		p.values[name] = t
	}
	return nil
}

// images generates the inputs, with size n for a first dimension that is not known.
func (p *proof) images(plan *interp.Plan, batch int) (map[string]*tensor.Tensor, error) {
	feeds := map[string]*tensor.Tensor{}
	for _, v := range plan.Feeds() {
		dims := maps.Clone(p.opts.Dims)
		if s := v.Shape(); len(s) > 0 && !s[0].IsKnown() {
			if _, ok := dims[s[0].Param]; !ok {
				dims = with(dims, random.AxisName(v, 0), batch)
			}
		}
		x, err := random.Input(v, dims, p.opts.Seed, plan.Fits(feeds))
		if err != nil {
			return nil, err
		}
		feeds[v.Name] = x
	}
	return feeds, nil
}

// with is dims with size n for name, unless it has one.
func with(dims map[string]int, name string, n int) map[string]int {
	if dims == nil {
		dims = map[string]int{}
	}
	if _, ok := dims[name]; !ok {
		dims[name] = n
	}
	return dims
}

func unique(names []string) []string {
	seen := map[string]bool{}
	var list []string
	for _, n := range names {
		if !seen[n] {
			seen[n] = true
			list = append(list, n)
		}
	}
	return list
}

func (p *proof) compareOutputs(c *Check, original []string, feeds map[string]*tensor.Tensor) {
	p.stage("a run of the original")
	plan, err := p.planned(p.opts.Original, interp.Options{Threads: p.opts.Threads, Feeds: slices.Sorted(maps.Keys(feeds)), Fetches: original})
	var before map[string]*tensor.Tensor
	if err == nil {
		before, err = plan.Run(p.ctx, feeds)
	}
	if err != nil {
		c.stop(fmt.Errorf("original model: %w", err))
		return
	}
	for _, name := range original {
		c.bits(name, p.values[name], before[name])
	}
}

// compareLogits computes a term's logits from the head's tensors by the graph, and compares
// them with those read directly from the tensors.
func (p *proof) compareLogits(c *Check, t *term) {
	var names []string
	feeds := map[string]*tensor.Tensor{}
	sources := make([]*tensor.Tensor, len(t.levels))
	for i, l := range t.levels {
		names = append(names, l.Source)
		sources[i] = p.values[l.Source]
		feeds[l.Source] = sources[i]
	}
	want, err := gather(t.levels, sources, t.rows*t.classes)
	if err != nil {
		c.stop(err)
		return
	}
	if t.rows > 1 {
		want = tensor.Of([]int{want.Shape[0], want.Shape[1] * t.rows, t.classes}, tensor.Data[float64](want))
	}
	plan, err := p.newPlan(p.model, interp.Options{Threads: p.opts.Threads, Feeds: unique(names), Fetches: []string{t.logits.Name}})
	if err != nil {
		c.stop(err)
		return
	}
	out, err := plan.Run(p.ctx, feeds)
	if err != nil {
		c.stop(err)
		return
	}
	p.values[t.logits.Name] = out[t.logits.Name]
	p.gave(t.logits.Name, out[t.logits.Name], p.bound, false)
	c.bits(t.logits.Name, out[t.logits.Name], float(t.logits, false, want.Shape, tensor.Data[float64](want)))
}
