package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/urfave/cli/v2"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run any ONNX model with the built-in interpreter",
		ArgsUsage: "MODEL",
		Description: `Inputs that are not given are filled with random values: floats in [0, 1), integers
in [0, 8). Their symbolic dimensions default to 1 for the first axis, 256 for the
sides of images and 16 otherwise; --dim sets them.

  onnxloss run model.onnx
  onnxloss run model.onnx --input images=photo.npy --output results
  onnxloss run model.onnx --dim height=640 --dim width=640 --repeat 10 --profile
  onnxloss run model.onnx --repeat 3 --trace run.json`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "input", Aliases: []string{"i"}, Usage: "feed input NAME from FILE, as `NAME=FILE`: .npy, .npz or .pb (TensorProto)"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write each output to `DIR` as NAME.npy, overwriting existing files; elements of a sequence as NAME.0.npy, …"},
			dimFlag,
			&cli.Uint64Flag{Name: "seed", Usage: "seed of random inputs, `N`"},
			dtypeFlag, linksFlag, threadsFlag,
			&cli.IntFlag{Name: "repeat", Value: 1, Usage: "run `N` times and print the times"},
			&cli.BoolFlag{Name: "profile", Usage: "print time, GFLOP/s and bytes per operator of the last run; with --json, include them"},
			&cli.IntFlag{Name: "profile-nodes", Usage: "print the same for the `N` slowest nodes"},
			&cli.StringFlag{Name: "trace", Usage: "write the last run as Chrome trace JSON to `FILE`, for chrome://tracing or Perfetto"},
			dumpPlanFlag,
			memoryFlag,
			jsonFlag, quietFlag,
		},
		Action: runRun,
	}
}

func runRun(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	opts, err := interpOptions(c)
	if err != nil {
		return err
	}
	if c.Int("repeat") < 1 {
		return usagef("--repeat %d: expected at least 1", c.Int("repeat"))
	}
	if err := checkDumpPlan(c); err != nil {
		return err
	}
	if c.String("trace") == "-" && c.Bool("json") {
		return usagef("--json and --trace - both write to standard output")
	}
	if n := c.Int("profile-nodes"); n < 0 {
		return usagef("--profile-nodes %d: expected 0 or more", n)
	}
	if c.String("output") == "-" {
		return usagef("--output -: expected a folder")
	}
	m, err := readWhole(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	if c.IsSet("dump-plan") {
		return dumpPlan(c, path, m, opts)
	}
	plan, err := interp.NewContext(c.Context, m, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	feeds, err := feedsFor(c, path, m, plan)
	if err != nil {
		return err
	}
	out, prof, times, err := repeat(c, plan, feeds)
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	doc := profileOf(c, prof)
	if !c.Bool("json") {
		if err := doc.print(c.App.Writer); err != nil {
			return err
		}
	}
	if err := writeTrace(c, title(path), prof); err != nil {
		return err
	}
	if dir := c.String("output"); dir != "" {
		if err := writeOutputs(c.Context, dir, plan.Fetches(), out); err != nil {
			return err
		}
	}
	return reportRun(c, plan, out, times, doc)
}

// repeat runs the plan and returns the outputs of the last run, its profile if requested,
// and the times of all runs in milliseconds.
func repeat(c *cli.Context, plan *interp.Plan, feeds map[string]*tensor.Tensor) (out map[string]*tensor.Tensor, prof *interp.Profile, times []float64, err error) {
	profiled := c.Bool("profile") || c.Int("profile-nodes") > 0 || c.String("trace") != ""
	p := startProgress(c, "running")
	defer p.end()
	for i := range c.Int("repeat") {
		if n := c.Int("repeat"); n > 1 {
			p.stage(i+1, n, "the network")
		}
		began := time.Now()
		if profiled && i == c.Int("repeat")-1 {
			out, prof, err = plan.RunProfiled(c.Context, feeds)
		} else {
			out, err = plan.Run(c.Context, feeds)
		}
		if err != nil {
			return nil, nil, nil, err
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(times)
	return out, prof, times, nil
}

type runOutput struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	// Elements are those of a sequence, which has no shape.
	Elements []runOutput `json:"elements,omitempty"`
}

func describeOutput(name string, t *tensor.Tensor) runOutput {
	switch {
	case t.IsNone():
		return runOutput{Name: name, DType: "none"}
	case t.IsSequence():
		o := runOutput{Name: name, DType: "sequence"}
		for i, e := range t.Seq {
			o.Elements = append(o.Elements, describeOutput(fmt.Sprintf("%s.%d", name, i), e))
		}
		return o
	}
	return runOutput{Name: name, DType: t.DType.String(), Shape: append([]int{}, t.Shape...)}
}

func reportRun(c *cli.Context, plan *interp.Plan, out map[string]*tensor.Tensor, times []float64, prof *profileDoc) error {
	least, median := times[0], times[len(times)/2]
	if c.Bool("json") {
		list := []runOutput{}
		for _, name := range plan.Fetches() {
			list = append(list, describeOutput(name, out[name]))
		}
		doc := map[string]any{
			"ms": map[string]float64{"min": least, "median": median}, "peakBytes": plan.PeakMemory(), "weightBytes": plan.WeightBytes(), "outputs": list,
		}
		if prof != nil {
			doc["profile"] = prof
		}
		return printJSON(c, doc)
	}
	if c.Bool("quiet") {
		return nil
	}
	w := table(c)
	for _, name := range plan.Fetches() {
		writeOutput(w, name, out[name])
	}
	w.Flush()
	if len(times) == 1 {
		say(c, "time: %.2f ms", least)
	} else {
		say(c, "time: %.2f ms (median of %d; least %.2f)", median, len(times), least)
	}
	say(c, "memory: %.1f MB at peak, plus %.1f MB of weights", float64(plan.PeakMemory())/1e6, float64(plan.WeightBytes())/1e6)
	return nil
}

func writeOutput(w io.Writer, name string, t *tensor.Tensor) {
	if t.IsSequence() || t.IsNone() {
		printf(w, "%s\t%v\n", name, t)
		for i, e := range t.Seq {
			writeOutput(w, fmt.Sprintf("%s.%d", name, i), e)
		}
		return
	}
	printf(w, "%s\t%v\t%s\n", name, t, summary(t))
}

var units = map[string]float64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}

// memoryLimit is the value of --max-memory; 0 if it is not given.
func memoryLimit(c *cli.Context) (int64, error) { return parseSize(c.String("max-memory")) }

// parseSize parses a number of bytes with an optional unit; "" is 0.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRightFunc(s, unicode.IsLetter)
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	scale := units[strings.ToUpper(s[len(digits):])]
	if size := n * scale; err == nil && size >= 1 && size < 1<<60 {
		return int64(size), nil
	}
	return 0, usagef("--max-memory %q: expected a size such as 512MB", s)
}
