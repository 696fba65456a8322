package main

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/conform"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

func conformCommand() *cli.Command {
	return &cli.Command{
		Name:      "conform",
		Usage:     "run ONNX's own test folders (model.onnx, test_data_set_*/input_*.pb)",
		ArgsUsage: "DIR...",
		Description: `Runs every case at or below the given folders with the built-in interpreter and
compares the outputs at ONNX's tolerances. Cases that fail for a known
reason are reported as skipped, with that reason. Exits 1 if any other case fails.

  onnxloss conform /usr/share/libonnx-testdata/data/node`,
		Flags: []cli.Flag{
			dtypeFlag, linksFlag, threadsFlag, memoryFlag, jsonFlag, quietFlag,
		},
		Action: runConform,
	}
}

type caseResult struct {
	Case   string `json:"case"`
	Reason string `json:"reason"`
}

type conformResult struct {
	Passed  int          `json:"passed"`
	Failed  []caseResult `json:"failed"`
	Skipped []caseResult `json:"skipped"`
}

func runConform(c *cli.Context) error {
	if c.NArg() == 0 {
		return usagef("DIR is missing; see onnxloss conform --help")
	}
	opts, err := interpOptions(c)
	if err != nil {
		return err
	}
	res := conformResult{Failed: []caseResult{}, Skipped: []caseResult{}}
	for _, dir := range c.Args().Slice() {
		cases, err := conform.Find(dir)
		if err != nil {
			return err
		}
		p := startProgress(c, "running")
		defer p.end()
		for i, k := range cases {
			name, _ := filepath.Rel(filepath.Dir(filepath.Clean(dir)), k)
			p.stage(i+1, len(cases), filepath.ToSlash(name))
			res.add(c, p, filepath.ToSlash(name), k, opts)
			if err := c.Context.Err(); err != nil {
				return err
			}
		}
		p.end()
	}
	if c.Bool("json") {
		if err := printJSON(c, res); err != nil {
			return err
		}
	} else {
		say(c, "%d passed, %d failed, %d skipped", res.Passed, len(res.Failed), len(res.Skipped))
	}
	if len(res.Failed) > 0 {
		return fmt.Errorf("%s failed", count(len(res.Failed), "case"))
	}
	return nil
}

func (r *conformResult) add(c *cli.Context, p *progress, name, dir string, opts interp.Options) {
	err := conform.Run(c.Context, dir, onnx.ReadOptions{FollowLinks: c.StringSlice(linksFlag.Name)}, opts)
	reason := conform.Skip(filepath.Base(dir), opts.Double)
	p.clear()
	switch {
	case c.Context.Err() != nil:
	case err != nil && reason != "":
		r.Skipped = append(r.Skipped, caseResult{name, reason})
		say(c, "skip  %s: %s", name, reason)
	case err != nil:
		r.Failed = append(r.Failed, caseResult{name, err.Error()})
		printf(answer(c), "FAIL  %s: %v\n", name, err)
	default:
		r.Passed++
	}
}

// interpOptions are the options that run, conform and compare share.
func interpOptions(c *cli.Context) (o interp.Options, err error) {
	if o.Threads, err = threads(c); err != nil {
		return o, err
	}
	if o.MaxMemory, err = memoryLimit(c); err != nil {
		return o, err
	}
	switch d := c.String("dtype"); d {
	case "", "float32":
	case "float64":
		o.Double = true
	default:
		return o, usagef("--dtype %q: expected float32 or float64", d)
	}
	return o, nil
}

// threads is the number of cores to use; 0 is all.
func threads(c *cli.Context) (int, error) {
	n := c.Int("threads")
	if n < 0 {
		return 0, usagef("--threads %d: expected 0 or more", n)
	}
	return min(n, runtime.NumCPU()), nil
}
