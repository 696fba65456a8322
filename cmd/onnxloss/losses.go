package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/urfave/cli/v2"
)

func lossesCommand() *cli.Command {
	return &cli.Command{
		Name:      "losses",
		Usage:     "list the losses, or explain one: equation, source, parameters, defaults",
		ArgsUsage: "[NAME]",
		Flags:     []cli.Flag{jsonFlag},
		Action: func(c *cli.Context) error {
			list := loss.All()
			if c.NArg() > 1 {
				return usagef("one NAME, please, not %q", c.Args().Slice())
			}
			if name := c.Args().First(); name != "" {
				l, err := findLoss(name)
				if err != nil {
					return err
				}
				list = []*loss.Loss{l}
			}
			switch {
			case c.Bool("json"):
				return printJSON(c, map[string]any{"losses": describeLosses(list)})
			case c.NArg() == 1:
				return explainLoss(c, list[0])
			}
			return listLosses(c, list)
		},
	}
}

func findLoss(name string) (*loss.Loss, error) {
	l, err := loss.Find(loss.Classification, name)
	if err == nil {
		return l, nil
	}
	if l, e := loss.Find(loss.Confidence, name); e == nil {
		return l, nil
	}
	return nil, usagef("%v", err)
}

type lossRow struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	Equation string     `json:"equation"`
	Source   string     `json:"source"`
	Params   []paramRow `json:"params"`
}

type paramRow struct {
	Name    string  `json:"name"`
	Default float64 `json:"default"`
	Range   string  `json:"range"`
	Doc     string  `json:"doc"`
}

func describeLosses(list []*loss.Loss) []lossRow {
	rows := []lossRow{}
	for _, l := range list {
		r := lossRow{l.Name, l.Kind.String(), l.Equation, l.Source, []paramRow{}}
		for _, p := range l.Params {
			r.Params = append(r.Params, paramRow{p.Name, p.Default, p.Range(), p.Doc})
		}
		rows = append(rows, r)
	}
	return rows
}

func listLosses(c *cli.Context, list []*loss.Loss) error {
	w := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "loss\tparameters\tloss of one anchor")
	for _, l := range list {
		var params []string
		for _, p := range l.Params {
			params = append(params, fmt.Sprintf("%s %g", p.Name, p.Default))
		}
		name := l.Name
		if l.Kind == loss.Confidence {
			name += " (--confidence)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", name, strings.Join(params, ", "), l.Equation)
	}
	return w.Flush()
}

func explainLoss(c *cli.Context, l *loss.Loss) error {
	w := c.App.Writer
	fmt.Fprintf(w, "%s\n\n  %s\n\nz are the logits of one anchor, q its targets, p the %v of z.\nSource: %s.\n", l.Name, l.Equation, l.Activation, l.Source)
	if len(l.Params) == 0 {
		_, err := fmt.Fprintln(w, "No parameters.")
		return err
	}
	fmt.Fprintln(w, "\nParameters:")
	for _, p := range l.Params {
		fmt.Fprintf(w, "  --%-10s %g, in %s: %s\n", flagName(p.Name), p.Default, p.Range(), p.Doc)
	}
	return nil
}

// flagName is a parameter's flag: the golden values' name with hyphens.
func flagName(param string) string { return strings.ReplaceAll(param, "_", "-") }
