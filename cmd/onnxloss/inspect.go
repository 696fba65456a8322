package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "find the classification head and show why",
		ArgsUsage: "MODEL",
		Description: `Prints the heads, best first: the tensors holding their class logits, the path from
the last layer with weights to the output, the weighted evidence for and against,
the rejected candidates with reasons, and the command to run next. For a training
graph it prints the inputs and outputs. Exits 3 if no head is found, or several
equally likely ones: choose with --head, --classes or --activation.

A layout names the axes of a tensor; positions are a map's rows, columns and anchors
flattened into one axis. A path reads downwards, and branches meet in the step below.
Output is coloured on terminals only, unless NO_COLOR is set.

  onnxloss inspect detector.onnx
  onnxloss inspect detector.onnx --head /model/head/cls/Conv_output_0
  onnxloss inspect detector.onnx --why /model/head/box/Conv_output_0
  onnxloss inspect detector.onnx --html head.html
  onnxloss inspect detector.onnx --json | python3 -m json.tool`,
		Flags: slices.Concat(headFlags(), []cli.Flag{
			&cli.StringFlag{Name: "save-head", Usage: "write the best head, or the one --head selects, to `FILE` for --head-file"},
			&cli.BoolFlag{Name: "trace-rules", Usage: "print each rule's verdict on each tensor, in the order of evaluation"},
			&cli.StringFlag{Name: "why", Usage: "explain what `TENSOR` is, whether it is the head, and the evidence"},
		}, drawFlags(), []cli.Flag{linksFlag, jsonFlag, quietFlag}),
		Action: runInspect,
	}
}

// headFlags are the flags that decide on a head.
func headFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "head", Usage: "use `HEAD`: a tensor (or several, separated by commas, for the levels of one head), the number that inspect prints, or all"},
		&cli.StringFlag{Name: "slice", Usage: "the classes are channels `START:STOP` of the tensors that --head names; START:STOP:STRIDE if several anchors share the axis, with STRIDE channels each"},
		&cli.StringFlag{Name: "head-file", Usage: "use the head that inspect --save-head wrote to `FILE`, without searching"},
		&cli.IntFlag{Name: "classes", Usage: "consider only heads with `N` classes; also decides how many anchors share a channel axis", Action: positive("classes")},
		&cli.StringFlag{Name: "activation", Usage: "consider only heads with activation `ACT`: sigmoid, softmax or none; if the graph ends at the logits, ACT is taken as the head's", Action: checkActivation},
		&cli.StringFlag{Name: "evidence", Usage: "`PLACES` to look for evidence, separated by commas: graph (always included), metadata, weights (biases of the last layers), probe (a run on random images)", Value: "graph,metadata,weights,probe", Action: checkEvidence},
	}
}

// locate finds the heads, by the flags of headFlags.
func locate(c *cli.Context, path string, m *graph.Model) (*patterns.Report, error) {
	opts, err := headOptions(c)
	if err != nil {
		return nil, err
	}
	r, err := patterns.Locate(m, opts)
	if err != nil {
		return r, fmt.Errorf("%s: %w", title(path), err)
	}
	return r, nil
}

func headOptions(c *cli.Context) (patterns.Options, error) {
	o := patterns.Options{
		Head: c.String("head"), Classes: c.Int("classes"), Activation: patterns.Activation(c.String("activation")),
		Evidence: places(c.String("evidence")), Trace: c.Bool("trace-rules"),
	}
	if text := c.String("slice"); text != "" {
		k, err := parseSlice(text)
		if err != nil {
			return o, usagef("--slice %q: %v", text, err)
		}
		if o.Head == "" {
			return o, usagef("--slice %q needs --head to name the tensor", text)
		}
		o.Slice = k
	}
	var err error
	if path := c.String("head-file"); path != "" {
		for _, flag := range []string{"head", "slice", "classes", "activation"} {
			if c.IsSet(flag) {
				return o, usagef("--head-file describes the whole head and cannot be combined with --%s", flag)
			}
		}
		o.Decided, err = readHead(path)
	}
	return o, err
}

// places are the places of evidence in a list.
func places(text string) []patterns.Evidence {
	list := []patterns.Evidence{}
	for word := range strings.SplitSeq(text, ",") {
		list = append(list, patterns.Evidence(strings.TrimSpace(word)))
	}
	return list
}

func checkEvidence(_ *cli.Context, text string) error {
	for _, place := range places(text) {
		if !slices.Contains(patterns.Places(), place) {
			return usagef("--evidence %q: expected graph, metadata, weights or probe", text)
		}
	}
	return nil
}

// parseSlice reads START:STOP or START:STOP:STRIDE.
func parseSlice(text string) (*patterns.Slice, error) {
	words := strings.Split(text, ":")
	if len(words) != 2 && len(words) != 3 {
		return nil, errors.New("expected START:STOP or START:STOP:STRIDE")
	}
	n := make([]int, 3)
	for i, w := range words {
		var err error
		if n[i], err = strconv.Atoi(w); err != nil || n[i] < 0 {
			return nil, fmt.Errorf("%q is not a number of channels", w)
		}
	}
	switch k := (patterns.Slice{Start: n[0], Stop: n[1], Stride: n[2]}); {
	case k.Stop <= k.Start:
		return nil, errors.New("no channels: STOP must be greater than START")
	case len(words) == 3 && k.Stride < k.Stop:
		return nil, errors.New("more channels than STRIDE")
	default:
		return &k, nil
	}
}

func positive(flag string) func(*cli.Context, int) error {
	return func(_ *cli.Context, n int) error {
		if n < 1 {
			return usagef("--%s %d: must be at least 1", flag, n)
		}
		return nil
	}
}

func checkActivation(_ *cli.Context, name string) error {
	switch patterns.Activation(name) {
	case patterns.Sigmoid, patterns.Softmax, patterns.None:
		return nil
	}
	return usagef("--activation %q: expected sigmoid, softmax or none", name)
}

func runInspect(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	draw, err := drawn(c, path)
	if err != nil {
		return err
	}
	if out := c.String("save-head"); out != "" {
		if out == "-" && c.Bool("json") {
			return usagef("--json and --save-head - both write to standard output")
		}
		if err := checkTarget(c, path, out); err != nil {
			return err
		}
	}
	m, err := readModel(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	manifest, err := emit.ReadManifest(m)
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	if manifest != nil {
		if draw {
			if err := drawTraining(c, path, m, manifest); err != nil {
				return err
			}
		}
		return showManifest(c, path, manifest)
	}
	if tensor := c.String("why"); tensor != "" {
		return explain(c, path, m, tensor)
	}
	report, err := locate(c, path, m)
	if report == nil {
		return err
	}
	n := choiceOf(c, path, report)
	if err == nil {
		n = nextOf(c, path, report)
	}
	if out := c.String("save-head"); out != "" && err == nil {
		if err := saveHead(c, out, report.Heads[0]); err != nil {
			return err
		}
	}
	if draw && err == nil {
		if err := drawHead(c, path, m, report, n); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c, describeInspection(path, m, report, n, err)), err)
	}
	p := newPage(c)
	p.model(path, m)
	if len(report.Heads) == 0 {
		p.trace(report)
		return err // it lists the candidates
	}
	p.heads(report)
	p.rejected(report)
	p.trace(report)
	p.next(n, warnings(report))
	return err
}

func showManifest(c *cli.Context, path string, x *emit.Manifest) error {
	if c.Bool("json") {
		return printJSON(c, x)
	}
	say(c, "%s: a training graph of %s, form %s", title(path), x.Source.File, x.Form)
	printManifest(c, x)
	say(c, "\nnext:\n  onnxloss verify %s", quote(path))
	return nil
}
