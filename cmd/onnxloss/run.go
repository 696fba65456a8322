package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
	"github.com/urfave/cli/v2"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run any ONNX model with the built-in interpreter",
		ArgsUsage: "MODEL",
		Description: "Inputs come from .npy, .npz or .pb (TensorProto) files; what is not given is\n" +
			"filled with seeded random values. Symbolic dimensions of such inputs are 1 for the\n" +
			"first axis, and otherwise what --dim says.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "input", Aliases: []string{"i"}, Usage: "feed input NAME from a file, as `NAME=FILE`"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write each output to `DIR` as NAME.npy"},
			&cli.StringSliceFlag{Name: "dim", Usage: "size of a symbolic dimension of inputs that are made up, as `NAME=N`"},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of the inputs that are made up"},
			dtypeFlag, threadsFlag,
			&cli.IntFlag{Name: "repeat", Value: 1, Usage: "run `N` times and print the times"},
			&cli.BoolFlag{Name: "profile", Usage: "print the time by operator"},
			&cli.StringFlag{Name: "max-memory", Usage: "fail rather than hold more than `SIZE` (as in 512MB, 2GB) beside the weights"},
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
	if opts.MaxMemory, err = parseSize(c.String("max-memory")); err != nil {
		return err
	}
	if c.Int("repeat") < 1 {
		return usagef("--repeat %d: want at least 1", c.Int("repeat"))
	}
	m, err := readModel(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	plan, err := interp.New(m, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	feeds, err := feedsFor(c, plan)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out, times, err := repeat(c, plan, feeds)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := writeOutputs(c, plan, out); err != nil {
		return err
	}
	return reportRun(c, plan, out, times)
}

// feedsFor reads the inputs that were given and makes up the others.
func feedsFor(c *cli.Context, plan *interp.Plan) (map[string]*tensor.Tensor, error) {
	files, err := pairs(c, "input")
	if err != nil {
		return nil, err
	}
	dims, err := dimSizes(c)
	if err != nil {
		return nil, err
	}
	feeds := map[string]*tensor.Tensor{}
	for _, v := range plan.Inputs() {
		if file, ok := files[v.Name]; ok {
			if feeds[v.Name], err = readTensor(file, v.Name, v.Type); err != nil {
				return nil, err
			}
			delete(files, v.Name)
		} else if v.Init == nil {
			t, err := interp.RandomInput(v, dims, c.Uint64("seed"))
			if err != nil {
				return nil, err
			}
			feeds[v.Name] = t
			if !c.Bool("quiet") {
				fmt.Fprintf(c.App.ErrWriter, "input %q: filled with random %v (seed %d)\n", v.Name, t, c.Uint64("seed"))
			}
		}
	}
	for name := range files {
		return nil, usagef("the model has no input %q; it has %s", name, names(plan.Inputs()))
	}
	return feeds, nil
}

func names(vs []*graph.Value) string {
	var s []string
	for _, v := range vs {
		s = append(s, v.Name)
	}
	return strings.Join(s, ", ")
}

// pairs parses the repeated flag NAME=VALUE.
func pairs(c *cli.Context, flag string) (map[string]string, error) {
	p := map[string]string{}
	for _, s := range c.StringSlice(flag) {
		i := strings.LastIndex(s, "=")
		if i <= 0 || i == len(s)-1 {
			return nil, usagef("--%s %q: want NAME=VALUE", flag, s)
		}
		p[s[:i]] = s[i+1:]
	}
	return p, nil
}

func dimSizes(c *cli.Context) (map[string]int, error) {
	given, err := pairs(c, "dim")
	if err != nil {
		return nil, err
	}
	dims := map[string]int{}
	for name, s := range given {
		var n int
		if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n < 0 {
			return nil, usagef("--dim %s=%s: want a number", name, s)
		}
		dims[name] = n
	}
	return dims, nil
}

// repeat runs the plan and gives the outputs of the last run and all times, in
// milliseconds.
func repeat(c *cli.Context, plan *interp.Plan, feeds map[string]*tensor.Tensor) (map[string]*tensor.Tensor, []float64, error) {
	var out map[string]*tensor.Tensor
	var times []float64
	for range c.Int("repeat") {
		began := time.Now()
		var prof *interp.Profile
		var err error
		if c.Bool("profile") {
			out, prof, err = plan.RunProfiled(c.Context, feeds)
		} else {
			out, err = plan.Run(c.Context, feeds)
		}
		if err != nil {
			return nil, nil, err
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
		if prof != nil && len(times) == c.Int("repeat") {
			if err := printProfile(c, prof); err != nil {
				return nil, nil, err
			}
		}
	}
	slices.Sort(times)
	return out, times, nil
}

// printProfile goes to standard error where standard output is for JSON.
func printProfile(c *cli.Context, prof *interp.Profile) error {
	dst := c.App.Writer
	if c.Bool("json") {
		dst = c.App.ErrWriter
	}
	w := tabwriter.NewWriter(dst, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "operator\tnodes\tms\tshare\tMB\t")
	for _, r := range prof.ByOp() {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.1f%%\t%.2f\t\n", r.Op, r.Nodes, r.Time.Seconds()*1e3, r.Share*100, float64(r.Bytes)/1e6)
	}
	return w.Flush()
}

func writeOutputs(c *cli.Context, plan *interp.Plan, out map[string]*tensor.Tensor) error {
	dir := c.String("output")
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range plan.Fetches() {
		if err := npy.WriteFile(filepath.Join(dir, fileName(name)+".npy"), out[name]); err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
	}
	return nil
}

// fileName is a value's name without what file systems refuse or misread.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, strings.TrimLeft(name, "./"))
}

type runOutput struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

func reportRun(c *cli.Context, plan *interp.Plan, out map[string]*tensor.Tensor, times []float64) error {
	least, median := times[0], times[len(times)/2]
	if c.Bool("json") {
		list := []runOutput{}
		for _, name := range plan.Fetches() {
			t := out[name]
			list = append(list, runOutput{name, t.DType.String(), append([]int{}, t.Shape...)})
		}
		return printJSON(c, map[string]any{"ms": map[string]float64{"min": least, "median": median}, "outputs": list})
	}
	for _, name := range plan.Fetches() {
		t := out[name]
		say(c, "%s  %v  %s", name, t, interp.Summary(t))
	}
	say(c, "time: %.2f ms (median of %d; least %.2f)", median, len(times), least)
	return nil
}

// parseSize reads a number of bytes with an optional unit; "" is 0.
func parseSize(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	var n float64
	var unit string
	if _, err := fmt.Sscanf(s, "%g%s", &n, &unit); err != nil && unit == "" && n == 0 {
		return 0, usagef("--max-memory %q: want a size such as 512MB", s)
	}
	scale, ok := map[string]float64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}[strings.ToUpper(unit)]
	if !ok || n <= 0 || n*scale > 1<<60 {
		return 0, usagef("--max-memory %q: want a size such as 512MB", s)
	}
	return int64(n * scale), nil
}
