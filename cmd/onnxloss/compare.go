package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/compare"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "compare losses on one model and batch: values, and where gradients come from",
		ArgsUsage: "MODEL",
		Description: `Runs the network in the built-in interpreter (float32) and evaluates the closed
form of each loss on its logits (float64). An anchor is positive if its target is
an object's class, and hard if p_t, the probability the head assigns to the truth,
is below 0.5. Shares use per-anchor gradient norms, so they sum to 100 %.

Inputs that are not given are random, as in run; without --target, 1 anchor in 100
(--positives) gets a random class. Both are reported. Each entry of --losses is a
name, optionally followed by parameters; the default is every loss.

  onnxloss compare detector.onnx
  onnxloss compare detector.onnx --input images=batch.npy --target labels.npy \
      --losses ce,focal-softmax,sigmoid-focal,sigmoid-focal:gamma=0:alpha=0.5`,
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "losses", Usage: "losses to compare, a `LIST` of NAME or NAME:PARAMETER=NUMBER:… separated by commas; eps, label-smoothing, modulate-gamma and modulate-alpha count as parameters"},
			&cli.StringSliceFlag{Name: "input", Aliases: []string{"i"}, Usage: "feed input NAME from FILE, as `NAME=FILE`: .npy, .npz or .pb (TensorProto)"},
			&cli.StringFlag{Name: "target", Usage: "read the targets from `FILE`: class indices, int64 [N, A], or floats [N, A, C] in [0, 1]"},
			&cli.Float64Flag{Name: "positives", Value: 0.01, Usage: "`SHARE` of anchors that are positive in random targets"},
			&cli.StringFlag{Name: "reduction", Value: loss.Mean, Usage: "`HOW` per-anchor losses are reduced: mean, sum, weighted-mean or positives; see rewrite"},
			&cli.Int64Flag{Name: "ignore-index", Usage: "ignore anchors whose target is `K`"},
			&cli.IntFlag{Name: "background", Usage: "class `K` means no object; by default what the model says"},
			&cli.StringFlag{Name: "class-weights", Usage: "read one weight per class from `FILE`: .npy, .npz, .pb, or a .json list"},
			&cli.StringFlag{Name: "class-counts", Usage: "read the number of training objects per class from `FILE`, for losses that need it"},
			dimFlag,
			&cli.Uint64Flag{Name: "seed", Usage: "seed of random inputs and targets, `N`"},
			linksFlag, threadsFlag, memoryFlag, jsonFlag, quietFlag,
		}, headFlags()...),
		Action: runCompare,
	}
}

func runCompare(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	entries, err := compareEntries(c)
	if err != nil {
		return err
	}
	opts, err := interpOptions(c)
	if err != nil {
		return err
	}
	m, err := readWhole(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	head, err := comparedHead(c, path, m)
	if err != nil {
		return err
	}
	opts.Fetches, opts.Feeds = []string{head.logits}, head.feeds
	plan, err := interp.NewContext(c.Context, head.model, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	feeds, err := feedsFor(c, path, head.model, plan)
	if err != nil {
		return err
	}
	p := startProgress(c, "running the network")
	out, err := plan.Run(c.Context, feeds)
	p.end()
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	b, err := compareBatch(c, path, head, out[head.logits])
	if err != nil {
		return err
	}
	report, err := compare.Losses(entries, b)
	var bad *loss.OptionError
	var infinite *compare.NotFiniteError
	switch {
	case errors.As(err, &bad):
		return usagef("--%v", bad)
	case errors.As(err, &infinite):
		return fmt.Errorf("%s: %w", title(path), err)
	case err != nil:
		return fmt.Errorf("%s: %w", targetTitle(c), err)
	}
	return reportComparison(c, head, report)
}

// compareReductions are the reductions to one number that need no input beside the batch.
var compareReductions = []string{loss.Mean, loss.Sum, loss.WeightedMean, loss.Positives}

// compareEntries is the losses of --losses, with the options that they share.
func compareEntries(c *cli.Context) ([]compare.Entry, error) {
	if r := c.String("reduction"); !slices.Contains(compareReductions, r) {
		return nil, usagef("--reduction %q: expected one of %s", r, strings.Join(compareReductions, ", "))
	}
	if s := c.Float64("positives"); !(s >= 0 && s <= 1) {
		return nil, usagef("--positives %v: expected a share in [0, 1]", s)
	}
	words := splitSpecs(c.String("losses"))
	switch {
	case len(words) > 0:
	case c.IsSet("losses"):
		return nil, usagef("--losses names no loss; see onnxloss losses")
	default:
		words = loss.Names(loss.Classification)
	}
	weights, err := classNumbers(c, "class-weights")
	if err != nil {
		return nil, err
	}
	counts, err := classNumbers(c, "class-counts")
	if err != nil {
		return nil, err
	}
	var entries []compare.Entry
	for _, w := range words {
		o, err := parseSpec(w)
		if err != nil {
			return nil, usagef("--losses: %v", err)
		}
		l, err := loss.Find(loss.Classification, o.Name)
		if err != nil {
			return nil, usagef("--losses %s: not a classification loss, the only kind compare handles", w)
		}
		o.Reduction, o.ClassWeights = c.String("reduction"), weights
		if l.Counts {
			o.ClassCounts = counts
		}
		entries = append(entries, compare.Entry{Label: w, Options: o})
	}
	return entries, nil
}

// headOfBatch is the head on which losses are compared.
type headOfBatch struct {
	record     patterns.HeadRecord
	softmax    bool
	background int
	logits     string   // the tensor [N, A, C]
	feeds      []string // what the network is fed; nil for all its inputs
	model      *graph.Model
}

// comparedHead finds the head, in a plain model or a training graph, and makes
// its logits [N, A, C] a value of the graph.
func comparedHead(c *cli.Context, path string, m *graph.Model) (*headOfBatch, error) {
	x, err := emit.ReadManifest(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title(path), err)
	}
	if x != nil {
		return trainedHead(c, path, m, x)
	}
	r, err := locate(c, path, m)
	if err != nil {
		return nil, err
	}
	if c.String("head") == "all" && len(r.Heads) > 1 {
		return nil, usagef("--head all: losses are compared on one head; the model has %d", len(r.Heads))
	}
	h := r.Heads[0]
	var parts []patterns.Part
	for _, l := range h.Levels {
		parts = append(parts, l.Part)
	}
	v, err := emit.Canonical(parts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title(path), err)
	}
	return &headOfBatch{record: h.Record(), softmax: h.Activation == patterns.Softmax, background: h.Background, logits: v.Name, model: r.Model}, nil
}

// trainedHead is the first head of a training graph.
func trainedHead(c *cli.Context, path string, m *graph.Model, x *emit.Manifest) (*headOfBatch, error) {
	if len(x.Heads) == 0 {
		return nil, fmt.Errorf("%s: the manifest names no head", title(path))
	}
	of := ""
	if len(x.Heads) > 1 {
		of = "head0"
	}
	out := x.Output(emit.RoleLogits, of)
	if out == nil {
		return nil, fmt.Errorf("%s: the manifest names no logits", title(path))
	}
	h := &headOfBatch{record: x.Heads[0], softmax: x.Heads[0].Activation == patterns.Softmax, background: -1, logits: out.Name, feeds: []string{}, model: m}
	if b := x.Heads[0].Background; b != nil {
		h.background = *b
	}
	for _, in := range x.Inputs {
		if in.Role == emit.RoleImage {
			h.feeds = append(h.feeds, in.Name)
		}
	}
	return h, nil
}

// compareBatch pairs the logits with given or random targets.
func compareBatch(c *cli.Context, path string, h *headOfBatch, logits *tensor.Tensor) (*compare.Batch, error) {
	if logits.Rank() != 3 || !logits.DType.IsFloat() {
		return nil, fmt.Errorf("%s: logits are %v, expected floats [N, A, C]", title(path), logits)
	}
	b := &compare.Batch{Softmax: h.softmax, Background: h.background}
	b.N, b.A, b.C = logits.Shape[0], logits.Shape[1], logits.Shape[2]
	b.Logits = op.Floats(logits)
	if b.Background >= b.C || b.Background < -1 {
		return nil, fmt.Errorf("%s: the background is class %d, of %s", title(path), b.Background, classes(b.C))
	}
	if c.IsSet("background") {
		if b.Background = c.Int("background"); b.Background < 0 || b.Background >= b.C {
			return nil, usagef("--background %d: the head has %s", b.Background, count(b.C, "class"))
		}
	}
	var ignore *int64
	if c.IsSet("ignore-index") {
		ignore = new(int64)
		*ignore = c.Int64("ignore-index")
	}
	file := c.String("target")
	if file == "" {
		b.Draw(c.Float64("positives"), c.Uint64("seed"))
		note(c, "targets: random classes for a share of %[2]v of each image's %[1]d anchors, at least 1 (seed %[3]d)", b.A, c.Float64("positives"), c.Uint64("seed"))
		return b, nil
	}
	t, err := readTensor(file, "target", graph.Type{})
	if err != nil {
		return nil, err
	}
	return b, setTargets(b, file, t, ignore)
}

// setTargets takes targets from a file: indices [N, A] or floats [N, A, C].
func setTargets(b *compare.Batch, file string, t *tensor.Tensor, ignore *int64) error {
	want := []int{b.N, b.A}
	if t.DType.IsFloat() {
		want = append(want, b.C)
	}
	if fmt.Sprint(t.Shape) != fmt.Sprint(want) || !t.DType.IsFloat() && t.DType != tensor.Int64 {
		return fmt.Errorf("%s: got %v, expected int64 [%d, %d] or floats [%d, %d, %d] for the head's anchors and classes", file, t, b.N, b.A, b.N, b.A, b.C)
	}
	if t.DType == tensor.Int64 {
		b.SetIndex(tensor.Data[int64](t), ignore)
		return nil
	}
	b.Target, b.Ignore = op.Floats(t), ignore
	if ignore != nil && (*ignore == 0 || *ignore == 1) {
		return usagef("--ignore-index %d is a valid dense target; choose a number outside [0, 1]", *ignore)
	}
	return nil
}

// targetTitle names the source of the targets in messages.
func targetTitle(c *cli.Context) string {
	if file := c.String("target"); file != "" {
		return file
	}
	return "targets"
}
