package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

func rewriteCommand() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the training graph to `OUT` (- for standard output)"},
		&cli.StringFlag{Name: "loss", Usage: "the loss, by `NAME`: " + strings.Join(loss.Names(loss.Classification), ", ")},
		&cli.StringFlag{Name: "form", Value: string(emit.LossForm), Usage: "how much to append: loss"},
		&cli.Float64Flag{Name: "eps", Usage: "compute log(p + `EPS`) in place of the exact form (1e-7 is the source document's)"},
		&cli.StringFlag{Name: "target", Value: loss.Dense, Usage: "what the trainer feeds: dense ([N, A, C] in [0, 1]) or index (int64 [N, A])"},
		&cli.StringFlag{Name: "reduction", Value: loss.Mean, Usage: "over the anchors: mean, sum, none, positives or fed"},
		&cli.StringFlag{Name: "class-weights", Usage: "a weight for each class, from `FILE` (.npy, .npz, .pb, or .json list)"},
		&cli.Float64Flag{Name: "label-smoothing", Usage: "smooth the targets by `S` in [0, 1)"},
		&cli.Int64Flag{Name: "ignore-index", Usage: "leave out anchors whose target is `K`"},
		&cli.BoolFlag{Name: "anchor-weights", Usage: "add an input with a weight for each anchor"},
		&cli.StringFlag{Name: "confidence", Usage: "add the loss of the objectness logits: mse or bce"},
	}
	return &cli.Command{
		Name:      "rewrite",
		Usage:     "append the training graph of a loss, verified before it is written",
		ArgsUsage: "MODEL",
		Description: "Finds the classification head, appends the canonical logits [N, A, C] and the loss,\n" +
			"verifies the result against the float64 closed form, and writes it. The parameters\n" +
			"of a loss are flags: see onnxloss losses NAME.",
		Flags: slices.Concat(flags, paramFlags(), headFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "no-verify", Usage: "write without verifying"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite OUT if it exists"},
			&cli.IntFlag{Name: "threads", Usage: "use at most `N` cores"},
			jsonFlag, quietFlag,
		}),
		Action: runRewrite,
	}
}

// paramFlags is one flag for each parameter that any loss has.
func paramFlags() []cli.Flag {
	users := map[string][]string{}
	var order []string
	for _, l := range loss.All() {
		for _, p := range l.Params {
			if users[p.Name] == nil {
				order = append(order, p.Name)
			}
			users[p.Name] = append(users[p.Name], l.Name)
		}
	}
	var flags []cli.Flag
	for _, p := range order {
		flags = append(flags, &cli.Float64Flag{Name: flagName(p), Category: "Parameters of the loss", Usage: "of " + strings.Join(users[p], ", ")})
	}
	return flags
}

func runRewrite(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	opts, err := rewriteOptions(c)
	if err != nil {
		return err
	}
	out := c.String("output")
	if out == "" {
		return usagef("--output OUT is missing; see onnxloss rewrite --help")
	}
	if err := checkTarget(c, path, out); err != nil {
		return err
	}
	m, err := readModel(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	sum := hashSource(m)
	report, err := locate(c, path, m)
	if err != nil {
		return err
	}
	if opts.Source.SHA256, err = sum(); err != nil {
		return err
	}
	opts.Source.File = filepath.Base(path)
	manifest, err := emit.Rewrite(m, chosen(c, report), opts)
	if err != nil {
		return rewriteError(path, err)
	}
	proof, err := deliver(c, path, m, out)
	if err != nil {
		return err
	}
	return reportRewrite(c, out, manifest, proof)
}

// rewriteError turns options that the model or the loss cannot serve into
// usage errors.
func rewriteError(path string, err error) error {
	var bad *loss.OptionError
	var none *emit.NoObjectness
	if errors.As(err, &bad) || errors.As(err, &none) {
		return usagef("%v", err)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func rewriteOptions(c *cli.Context) (emit.Options, error) {
	o := emit.Options{Form: emit.Form(c.String("form")), Confidence: c.String("confidence")}
	name := c.String("loss")
	if name == "" {
		return o, usagef("--loss NAME is missing; there are %s", strings.Join(loss.Names(loss.Classification), ", "))
	}
	if o.Form != emit.LossForm {
		return o, usagef("--form %q: this program emits the form loss", o.Form)
	}
	o.Loss = loss.Options{
		Name: name, Eps: c.Float64("eps"), Target: c.String("target"), Reduction: c.String("reduction"),
		LabelSmoothing: c.Float64("label-smoothing"), AnchorWeights: c.Bool("anchor-weights"), Params: map[string]float64{},
	}
	l, err := loss.Find(loss.Classification, name)
	if err != nil {
		return o, usagef("--%v", err)
	}
	if o.Confidence != "" {
		if _, err := loss.Find(loss.Confidence, o.Confidence); err != nil {
			return o, usagef("--confidence %q: want %s", o.Confidence, strings.Join(loss.Names(loss.Confidence), " or "))
		}
	}
	if c.IsSet("ignore-index") {
		k := c.Int64("ignore-index")
		o.Loss.IgnoreIndex = &k
	}
	for _, other := range loss.All() {
		for _, p := range other.Params {
			if c.IsSet(flagName(p.Name)) {
				o.Loss.Params[p.Name] = c.Float64(flagName(p.Name))
			}
		}
	}
	if o.Loss.ClassWeights, err = classWeights(c); err != nil {
		return o, err
	}
	check := o.Loss
	check.ClassWeights = nil // their number is known once the head is
	if _, err := check.Resolve(loss.Classification, 1<<20); err != nil {
		return o, usagef("--%v; see onnxloss losses %s", err, l.Name)
	}
	return o, nil
}

func classWeights(c *cli.Context) ([]float64, error) {
	path := c.String("class-weights")
	if path == "" {
		return nil, nil
	}
	if strings.ToLower(filepath.Ext(path)) == ".json" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var w []float64
		if err := json.Unmarshal(data, &w); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return w, nil
	}
	t, err := readTensor(path, "class_weights", graph.Type{})
	if err != nil {
		return nil, err
	}
	w := op.Floats(t)
	if w == nil || t.Rank() != 1 {
		return nil, fmt.Errorf("%s: %v, want a vector of floats", path, t)
	}
	return w, nil
}

// checkTarget refuses an output that exists or is the input, before any work.
func checkTarget(c *cli.Context, in, out string) error {
	if out == "-" {
		if c.Bool("json") {
			return usagef("--json and --output - both want standard output")
		}
		return nil
	}
	st, err := os.Stat(out)
	if err != nil {
		return nil // the writer will tell
	}
	if src, err := os.Stat(in); err == nil && os.SameFile(src, st) {
		return fmt.Errorf("%s: is the input, which is never overwritten", out)
	}
	if !c.Bool("force") {
		return fmt.Errorf("%s: exists; give --force to overwrite it", out)
	}
	return nil
}

// hashSource begins to digest the model's file and gives a function that waits
// for the result.
func hashSource(m *graph.Model) func() (string, error) {
	var sum string
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		h := sha256.New()
		_, err = io.Copy(h, io.NewSectionReader(m.Source, 0, m.Source.Size))
		sum = hex.EncodeToString(h.Sum(nil))
	}()
	return func() (string, error) { <-done; return sum, err }
}

// locate finds the head, by the flags of headFlags.
func locate(c *cli.Context, path string, m *graph.Model) (*patterns.Report, error) {
	r, err := patterns.Locate(m, headOptions(c))
	if err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// chosen is the best head, or all of them where --head asks for all.
func chosen(c *cli.Context, r *patterns.Report) []*patterns.Head {
	if c.String("head") == "all" {
		return r.Heads
	}
	return r.Heads[:1]
}

// deliver writes m to out, verified before the file gets its name. The report
// is nil if nothing was verified.
func deliver(c *cli.Context, path string, m *graph.Model, out string) (*verify.Report, error) {
	var report *verify.Report
	opts := onnx.Options{Force: c.Bool("force")}
	if !c.Bool("no-verify") {
		opts.Check = func(draft string) (err error) {
			report, err = verifyFile(c.Context, path, draft, c.Int("threads"))
			return err
		}
	}
	if out != "-" {
		err := onnx.WriteFile(out, m, opts)
		return report, err
	}
	dir, err := os.MkdirTemp("", "onnxloss")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	draft := filepath.Join(dir, "train.onnx")
	if err := onnx.WriteFile(draft, m, opts); err != nil {
		return report, err
	}
	return report, copyTo(c.App.Writer, draft)
}

func copyTo(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// verifyFile verifies a written training graph against its original.
func verifyFile(ctx context.Context, original, path string, threads int) (*verify.Report, error) {
	m, err := onnx.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	o := verify.Options{Threads: threads}
	if original != "-" {
		if o.Original, err = onnx.ReadFile(original); err != nil {
			return nil, err
		}
		defer o.Original.Close()
	}
	return verify.Training(ctx, m, o)
}

func reportRewrite(c *cli.Context, out string, x *emit.Manifest, proof *verify.Report) error {
	if c.Bool("json") {
		return printJSON(c, x)
	}
	printManifest(c, x)
	if proof == nil {
		say(c, "verified  no: --no-verify was given")
	} else {
		printReport(c, proof)
	}
	if out != "-" {
		say(c, "written   %s", out)
	}
	return nil
}
