package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/interp/fuse"
	"github.com/onnxloss/onnxloss/graph/interp/plan"
	"github.com/urfave/cli/v2"
)

var dumpPlanFlag = &cli.StringFlag{Name: "dump-plan", Usage: "print the interpreter's steps after pass `PASS` and do not run the model: " + strings.Join(passNames(), ", ")}

// passNames are the interpreter's passes, in order.
func passNames() []string {
	var names []string
	for _, p := range fuse.Passes() {
		names = append(names, p.Name)
	}
	return names
}

// checkDumpPlan reports a --dump-plan that names no pass or wants what a dump has not.
func checkDumpPlan(c *cli.Context) error {
	pass, names := c.String("dump-plan"), passNames()
	switch {
	case !c.IsSet("dump-plan"):
		return nil
	case !slices.Contains(names, pass):
		near := didYouMean(pass, names, "")
		return usagef("--dump-plan %q: no such pass; %s", pass, strings.TrimSpace(near+" Available: "+strings.Join(names, ", ")))
	case c.Bool("json"):
		return usagef("--json and --dump-plan: steps can only be printed as text")
	}
	return nil
}

// dumpPlan plans m and prints the steps of the graph, behind those of its subgraphs, as
// they are after the pass that --dump-plan names.
func dumpPlan(c *cli.Context, path string, m *graph.Model, opts interp.Options) error {
	opts.AfterPass = func(pass string, p *plan.Program) {
		if pass == c.String("dump-plan") {
			printf(c.App.Writer, "graph %q after %s: %d steps\n", p.Graph.Name, pass, len(p.Steps))
			for line := range strings.Lines(p.String()) {
				printf(c.App.Writer, "%s\n", strings.TrimSuffix(line, "\n"))
			}
		}
	}
	if _, err := interp.NewContext(c.Context, m, opts); err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	return nil
}
