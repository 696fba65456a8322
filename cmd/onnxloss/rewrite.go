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
		Usage:     "append the training graph of a loss, verified before it is written",
		ArgsUsage: "MODEL -o OUT --loss NAME",
		Description: `Finds the classification head, joins its levels to one tensor of logits
[N, A, C] (N images, A anchors, C classes), appends the loss, verifies the
result against an independent float64 computation, and writes it. The trainer
feeds targets, and reads logits and loss; the manifest, which --json prints and
the file keeps as metadata, names them all. Weights in other files are referred
to where OUT lies in MODEL's folder; elsewhere they go into one file named after
OUT and their content. With -o - and devices they stay where they are.

  onnxloss rewrite detector.onnx -o train.onnx --loss modified-focal-sigmoid
  onnxloss rewrite detector.onnx -o train.onnx --loss focal-softmax --gamma 1.5 \
      --target index --reduction positives
  onnxloss rewrite - -o - --loss ce < detector.onnx > train.onnx`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the training graph to `OUT`; - is standard output"},
			&cli.StringFlag{Name: "loss", Usage: "the loss, by `NAME`: " + strings.Join(loss.Names(loss.Classification), ", ") + "; onnxloss losses explains them"},
		}, headFlags(), []cli.Flag{
			&cli.StringFlag{Name: "form", Value: string(emit.LossForm), Usage: "how much to append, by `NAME`: loss, or logits-gradient for the loss's derivatives by the logits too"},
			&cli.StringFlag{Name: "dtype", Usage: "`TYPE` of logits, dense targets and logits gradient: float16, float32 or float64; by default the head's own, but float32 for 16 bits. With float16 the loss is computed in float32 from the rounded logits, and all else that is fed or read stays float32; gradients above 65504 become infinite and those below 6e-8 become 0, which --reduction fed with a normalizer divided by a loss scale avoids"},
			&cli.BoolFlag{Name: "as-function", Usage: "put the loss, and its gradient, into a function of the model, which viewers show as one box; raises the IR version to 8 where it is less"},
			&cli.BoolFlag{Name: "replace", Usage: "take the loss off MODEL first, which is a training graph; without this, one is refused"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite OUT if it exists"},
			verifyFlag("full, sample or none"),
			&cli.BoolFlag{Name: "no-verify", Usage: "write without verifying, as --verify none"},
			dimFlag,
			linksFlag, threadsFlag, memoryFlag, jsonFlag, quietFlag,
		}, lossFlags(), paramFlags()),
		Action: runRewrite,
	}
}

// lossFlags are the options that all losses share.
func lossFlags() []cli.Flag {
	const category = "The loss"
	return []cli.Flag{
		&cli.StringFlag{Category: category, Name: "target", Value: loss.Dense, Usage: "what the trainer feeds, `KIND`: dense, a float32 [N, A, C] in [0, 1], or index, an int64 [N, A]"},
		&cli.StringFlag{Category: category, Name: "reduction", Usage: "`HOW` per-anchor losses are reduced: mean (over the number of anchors that are not ignored; unless the loss has another default), sum, none (not at all), weighted-mean (sum over the class weights of the anchors' targets, as in PyTorch's cross_entropy), positives (sum over their number) or fed (sum over a number that is fed)"},
		&cli.Float64Flag{Category: category, Name: "eps", Usage: "compute log(p + `EPS`) in place of the exact, stable form; 1e-7 is the source document's"},
		&cli.StringFlag{Category: category, Name: "class-weights", Usage: "a factor for each class, from `FILE`: .npy, .npz, .pb, or a list in .json; --reduction weighted-mean divides by them, mean does not"},
		&cli.StringFlag{Category: category, Name: "modulate", Usage: "put a focal modulation on the loss, as in `gamma=2,alpha=0.25`, where each may be a file with a number for each class, and alpha may be left out"},
		&cli.StringFlag{Category: category, Name: "class-counts", Usage: "how many objects of each class the training data has, from `FILE`, for the losses that ask for it"},
		&cli.Float64Flag{Category: category, Name: "label-smoothing", Usage: "smooth the targets by `S` in [0, 1): each q of the equation becomes q(1−S) + S/C under a softmax over C classes, as in PyTorch, and q(1−S) + S/2 under a sigmoid"},
		&cli.Int64Flag{Category: category, Name: "ignore-index", Usage: "leave out anchors whose target is `K`"},
		&cli.IntFlag{Category: category, Name: "background", Usage: "class `K` stands for no object; the head's own if the model tells"},
		&cli.BoolFlag{Category: category, Name: "anchor-weights", Usage: "add an input with a factor for each anchor"},
		&cli.BoolFlag{Category: category, Name: "check-targets", Usage: "add an output, int64 [4], that counts targets that are out of range or NaN and tells where the first is: image, anchor, and class or side of a box"},
		&cli.StringFlag{Category: category, Name: "box", Usage: "add a loss of boxes that are distributions over bins, by `NAME`: " + strings.Join(loss.Names(loss.Box), " or ") + "; a distance beyond the last bin is clamped to it, and counted by --check-targets"},
		&cli.StringFlag{Category: category, Name: "confidence", Usage: "add a loss of the objectness logits, by `NAME`: " + strings.Join(loss.Names(loss.Confidence), " or ")},
	}
}

// paramFlags is one flag for each parameter that any loss has. Losses whose
// parameters of one name differ in meaning or range are told apart.
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
			texts = append(texts, fmt.Sprintf("%s; of %s", text, strings.Join(users[name+text], ", ")))
		}
		flags = append(flags, &cli.Float64Flag{
			Name: flagName(name), Category: "Parameters of single losses",
			Usage: "`NUMBER` " + strings.Join(texts, "; or "),
		})
	}
	for _, name := range loss.PerClassNames() {
		flags = append(flags, &cli.StringFlag{
			Name: flagName(name) + perClassSuffix, Category: "Parameters of single losses",
			Usage: "a " + name + " for each class, from `FILE`, of the focal losses; as --class-weights",
		})
	}
	return flags
}

// perClassSuffix is what the flag of numbers for each class has behind that of one.
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
		done.data += ": the weights that " + title(path) + " keeps in other files"
	}
	return reportRewrite(c, out, t.Manifest, done)
}

// appendError is an error of making the training graph in the flags' words.
func appendError(path string, err error) error {
	var trained *emit.TrainedError
	switch {
	case errors.Is(err, emit.ErrNotTrained):
		return fmt.Errorf("%s: --replace takes the loss off a training graph, which this is not", title(path))
	case errors.As(err, &trained):
		return fmt.Errorf("%s: %w; --replace takes that loss off first", title(path), err)
	}
	return rewriteError(path, err)
}

// noteTraining says what was done to the model beside appending the loss.
func noteTraining(c *cli.Context, t *emit.Training) {
	if x := t.Replaced; x != nil {
		note(c, "the loss %s, of a rewrite of %s, is taken off", x.Loss.Name, x.Source.File)
	}
	if t.Inlined {
		note(c, "the head lies inside a function: functions are replaced by their nodes")
	}
	for _, h := range t.Heads {
		if lost := h.LostBatch(); lost != nil {
			note(c, "warning: %v", lost)
		}
	}
	if t.Model.IR != t.IR {
		note(c, "the IR version was %d and is %d, the first with functions", t.IR, t.Model.IR)
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
		say(c, "verified  no: %s was given", flag)
	} else {
		printReport(c, proof)
	}
	if out != "-" {
		say(c, "written   %s", out)
	}
	return nil
}
