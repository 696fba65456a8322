package main

import (
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/graph/op"
	"github.com/urfave/cli/v2"
)

func opsCommand() *cli.Command {
	return &cli.Command{
		Name:  "ops",
		Usage: "list the operators: versions, and the gradient or why there is none",
		Description: `Lists every operator the interpreter runs. Versions are the opset versions at which
the operator changed.

  onnxloss ops | grep Pool`,
		Flags: []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("ops takes no arguments, got %q", c.Args().Slice())
			}
			rows := describeOps()
			if c.Bool("json") {
				return printJSON(c, map[string]any{"ops": rows})
			}
			w := table(c)
			fmt.Fprintln(w, "operator\tgradient\topset versions\tequation")
			for _, r := range rows {
				name, gradient, text := r.Name, "yes", r.Equation
				if r.Domain != "" {
					name = r.Domain + "." + name
				}
				if !r.Gradient {
					gradient = "no"
					text += "   (no gradient: " + r.Why + ")"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, gradient, strings.Trim(fmt.Sprint(r.Versions), "[]"), text)
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
