package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/urfave/cli/v2"
)

func opsCommand() *cli.Command {
	return &cli.Command{
		Name:  "ops",
		Usage: "list the operators: versions, gradient or why none",
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("ops takes no arguments, not %q", c.Args().Slice())
			}
			rows := describeOps()
			if c.Bool("json") {
				return printJSON(c, map[string]any{"ops": rows})
			}
			w := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "operator\tversions\tgradient\tequation")
			for _, r := range rows {
				name := r.Name
				if r.Domain != "" {
					name = r.Domain + "." + name
				}
				gradient := "yes"
				if !r.Gradient {
					gradient = "none: " + r.Why
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, strings.Trim(fmt.Sprint(r.Versions), "[]"), gradient, r.Equation)
			}
			return w.Flush()
		},
	}
}

type opRow struct {
	Name     string  `json:"name"`
	Domain   string  `json:"domain"`
	Equation string  `json:"equation"`
	Versions []int64 `json:"versions"`
	Gradient bool    `json:"gradient"`
	Why      string  `json:"noGradient,omitempty"`
}

func describeOps() []opRow {
	var rows []opRow
	for _, o := range op.All() {
		rows = append(rows, opRow{o.Name, o.Domain, o.Equation, o.Versions, o.Grad != nil, o.NoGrad})
	}
	return rows
}
