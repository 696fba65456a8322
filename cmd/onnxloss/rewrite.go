package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

func rewriteCommand() *cli.Command {
	return &cli.Command{
		Name:      "rewrite",
		Usage:     "append a loss and write the training graph, verified first",
		ArgsUsage: "MODEL -o OUT --loss NAME",
		Description: `Finds the classification head, joins its levels to one tensor of logits
[N, A, C] (N images, A anchors, C classes), appends the loss, verifies the
result against an independent float64 computation, and writes it. The trainer
feeds targets and reads logits and loss; the manifest, which --json prints and
the file carries as metadata, names them all. Weights in other files are referenced
if OUT is in MODEL's folder, and copied into one file beside OUT if not. With -o -
or a device as OUT they stay where they are.

  onnxloss rewrite detector.onnx -o train.onnx --loss modified-focal-sigmoid
  onnxloss rewrite detector.onnx -o train.onnx --loss focal-softmax --gamma 1.5 \
      --target index --reduction positives
  onnxloss rewrite - -o - --loss ce < detector.onnx > train.onnx`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the training graph to `OUT`; - is standard output"},
			&cli.StringFlag{Name: "loss", Usage: "the loss, by `NAME`: " + strings.Join(loss.Names(loss.Classification), ", ") + "; onnxloss losses explains them"},
		}, headFlags(), []cli.Flag{
			&cli.StringFlag{Name: "form", Value: string(emit.LossForm), Usage: "how much to append, by `NAME`: loss, or logits-gradient for the derivative of the loss with respect to the logits as well"},
			&cli.StringFlag{Name: "dtype", Usage: "`TYPE` of the logits, dense targets and logits gradient: float16, float32 or float64; by default the head's own type, or float32 if that has 16 bits. With float16 the loss is computed in float32 from the rounded logits, and every other input and output stays float32; gradients above 65504 overflow to infinity and those below 6e-8 underflow to 0: to avoid that, scale the loss through --reduction fed and its normalizer"},
			&cli.BoolFlag{Name: "as-function", Usage: "put the loss and its gradient into a model function, which viewers show as one box; raises the IR version to 8 if it is lower"},
			&cli.BoolFlag{Name: "replace", Usage: "MODEL is a training graph: remove its loss first (without this flag, training graphs are refused)"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite OUT if it exists"},
			verifyFlag("full, sample or none"),
			&cli.BoolFlag{Name: "no-verify", Usage: "write without verifying; same as --verify none"},
			dimFlag,
			linksFlag, threadsFlag, memoryFlag, jsonFlag, quietFlag,
		}, lossFlags(), paramFlags()),
		Action: runRewrite,
	}
}

// lossFlags are the flags for options that all losses share.
func lossFlags() []cli.Flag {
	const category = "The loss"
	return []cli.Flag{
		&cli.StringFlag{Category: category, Name: "target", Value: loss.Dense, Usage: "`KIND` of targets the trainer feeds: dense (float32 [N, A, C], in [0, 1]) or index (int64 [N, A])"},
		&cli.StringFlag{Category: category, Name: "reduction", Usage: "`HOW` per-anchor losses are reduced: mean (over anchors that are not ignored; the default of most losses), sum, none, weighted-mean (divided by the sum of the targets' class weights, as in PyTorch's cross_entropy), positives (divided by the number of positives) or fed (divided by a number that the trainer feeds)"},
		&cli.Float64Flag{Category: category, Name: "eps", Usage: "compute log(p + `EPS`) instead of the exact, stable form; the source document uses 1e-7"},
		&cli.StringFlag{Category: category, Name: "class-weights", Usage: "read one weight per class from `FILE`: .npy, .npz, .pb, or a .json list; --reduction weighted-mean divides by them, mean does not"},
		&cli.StringFlag{Category: category, Name: "modulate", Usage: "apply focal modulation to the loss, as in `gamma=2,alpha=0.25`; either may be a file with one number per class, and alpha is optional"},
		&cli.StringFlag{Category: category, Name: "class-counts", Usage: "read the number of training objects per class from `FILE`, for losses that need it"},
		&cli.Float64Flag{Category: category, Name: "label-smoothing", Usage: "smooth the targets by `S` in [0, 1): q becomes q(1−S) + S/C for a softmax over C classes, as in PyTorch, and q(1−S) + S/2 for a sigmoid"},
		&cli.Int64Flag{Category: category, Name: "ignore-index", Usage: "ignore anchors whose target is `K`"},
		&cli.IntFlag{Category: category, Name: "background", Usage: "class `K` means no object; by default what the model says"},
		&cli.BoolFlag{Category: category, Name: "anchor-weights", Usage: "add an input with one weight per anchor"},
		&cli.BoolFlag{Category: category, Name: "check-targets", Usage: "add an output, int64 [4]: how many targets are out of range or NaN, and the image, anchor and class (or box side) of the first"},
		&cli.StringFlag{Category: category, Name: "box", Usage: "add loss `NAME` for boxes predicted as distributions over bins: " + strings.Join(loss.Names(loss.Box), " or ") + "; distances beyond the last bin are clamped to it and counted by --check-targets"},
		&cli.StringFlag{Category: category, Name: "confidence", Usage: "add loss `NAME` for the objectness logits: " + strings.Join(loss.Names(loss.Confidence), " or ")},
	}
}

// paramFlags is one flag for each parameter of any loss. Losses whose
// parameters share a name but differ in meaning or range are listed separately.
func paramFlags() []cli.Flag {
	var names []string
	usage := map[string][]string{}
	users := map[string][]string{}
	for _, l := range loss.All() {
		for _, p := range l.Params {
			text := fmt.Sprintf("in %s: %s", p.Range(), p.Doc)
			if usage[p.Name] == nil {
				names = append(names, p.Name)
			}
			if users[p.Name+text] == nil {
				usage[p.Name] = append(usage[p.Name], text)
			}
			users[p.Name+text] = append(users[p.Name+text], l.Name)
		}
	}
	var flags []cli.Flag
	for _, name := range names {
		var texts []string
		for _, text := range usage[name] {
			texts = append(texts, fmt.Sprintf("%s (%s)", text, strings.Join(users[name+text], ", ")))
		}
		flags = append(flags, &cli.Float64Flag{
			Name: flagName(name), Category: "Loss parameters",
			Usage: "`NUMBER` " + strings.Join(texts, "; or "),
		})
	}
	for _, name := range loss.PerClassNames() {
		flags = append(flags, &cli.StringFlag{
			Name: flagName(name) + perClassSuffix, Category: "Loss parameters",
			Usage: "read one " + name + " per class from `FILE`, for focal losses; formats as for --class-weights",
		})
	}
	return flags
}

// perClassSuffix turns the name of a flag for one number into that for one number per class.
const perClassSuffix = "-per-class"

func runRewrite(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	if err := checkVerify(c); err != nil {
		return err
	}
	opts := emit.FileOptions{Replace: c.Bool("replace"), Force: c.Bool("force")}
	if opts.Head, err = headOptions(c); err != nil {
		return err
	}
	if opts.Options, err = rewriteOptions(c); err != nil {
		return err
	}
	opts.File = filepath.Base(title(path))
	if _, err := memoryLimit(c); err != nil {
		return err
	}
	out := c.String("output")
	if out == "" {
		return usagef("--output OUT is missing; see onnxloss rewrite --help")
	}
	if err := checkTarget(c, path, out); err != nil {
		return err
	}
	m, err := readWhole(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := checkExternal(m, out); err != nil {
		return err
	}
	t, err := emit.Append(c.Context, m, opts)
	if err != nil {
		return appendError(path, err)
	}
	defer t.Close()
	noteTraining(c, t)
	done, err := deliver(c, t, opts, out)
	proof := done.report
	var failed *verify.FailedError
	if errors.As(err, &failed) {
		printReport(c, proof)
		if c.Bool("json") {
			err = errors.Join(printProof(c, t.Manifest, proof), err)
		}
	}
	if err != nil {
		return err
	}
	if done.data != "" {
		done.data += ": weights that " + title(path) + " keeps in other files"
	}
	return reportRewrite(c, out, t.Manifest, done)
}

// appendError rephrases an error of making the training graph in terms of flags.
func appendError(path string, err error) error {
	var trained *emit.TrainedError
	switch {
	case errors.Is(err, emit.ErrNotTrained):
		return fmt.Errorf("%s: not a training graph, so --replace has no loss to remove", title(path))
	case errors.As(err, &trained):
		return fmt.Errorf("%s: %w; --replace removes that loss first", title(path), err)
	}
	return rewriteError(path, err)
}

// noteTraining reports changes to the model other than appending the loss.
func noteTraining(c *cli.Context, t *emit.Training) {
	if x := t.Replaced; x != nil {
		note(c, "removed loss %s, which a rewrite of %s had appended", x.Loss.Name, x.Source.File)
	}
	if t.Inlined {
		note(c, "the head is inside a function: functions were inlined")
	}
	for _, h := range t.Heads {
		if lost := h.LostBatch(); lost != nil {
			note(c, "warning: %v", lost)
		}
	}
	if t.Model.IR != t.IR {
		note(c, "IR version raised from %d to %d, the first with functions", t.IR, t.Model.IR)
	}
}

func reportRewrite(c *cli.Context, out string, x *emit.Manifest, done *delivery) error {
	proof := done.report
	if c.Bool("json") {
		if err := printProof(c, x, proof); err != nil {
			return err
		}
	} else {
		printManifest(c, x)
	}
	if done.data != "" {
		say(c, "data      %s", done.data)
	}
	if proof == nil {
		flag := "--verify none"
		if c.Bool("no-verify") {
			flag = "--no-verify"
		}
		say(c, "verified  no (%s)", flag)
	} else {
		printReport(c, proof)
	}
	if out != "-" {
		say(c, "written   %s", out)
	}
	return nil
}
