package main

import (
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/urfave/cli/v2"
)

func lossesCommand() *cli.Command {
	return &cli.Command{
		Name:      "losses",
		Usage:     "list the losses, or explain one: equation, source, parameters, defaults",
		ArgsUsage: "[NAME]",
		Description: `z are the logits of one anchor, q its targets, p the probabilities that the
equation names.

  onnxloss losses
  onnxloss losses focal-softmax`,
		Flags: []cli.Flag{jsonFlag},
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
	for _, kind := range []loss.Kind{loss.Classification, loss.Confidence} {
		w := table(c)
		if kind == loss.Classification {
			fmt.Fprintln(w, "--loss\tparameters\tloss of one anchor: z its logits, q its targets")
		} else {
			fmt.Fprintln(w, "\n--confidence\tparameters\tloss of one anchor: z its objectness logit, t its target")
		}
		for _, l := range list {
			if l.Kind != kind {
				continue
			}
			var params []string
			for _, p := range l.Params {
				params = append(params, fmt.Sprintf("%s %g", flagName(p.Name), p.Default))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", typedName(l), strings.Join(params, ", "), l.Equation)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// typedName is a loss as --loss or --confidence takes it.
func typedName(l *loss.Loss) string {
	if l.Kind == loss.Confidence {
		return strings.TrimPrefix(l.Name, "conf-")
	}
	return l.Name
}

func explainLoss(c *cli.Context, l *loss.Loss) error {
	w := table(c)
	where := fmt.Sprintf("z are the logits of one anchor, q its targets, p the %v of z", l.Activation)
	option := "--loss"
	if l.Kind == loss.Confidence {
		where = fmt.Sprintf("z is the objectness logit of one anchor, t its target, p the %v of z", l.Activation)
		option = "--confidence"
	}
	fmt.Fprintf(w, "%s\n\n  %s\n\n%s.\nSource: %s.\nOption: %s %s\n", l.Name, l.Equation, where, l.Source, option, typedName(l))
	if len(l.Params) == 0 {
		fmt.Fprintln(w, "\nIt has no parameters.")
	} else {
		fmt.Fprintln(w, "\nparameter\tdefault\trange")
	}
	for _, p := range l.Params {
		fmt.Fprintf(w, "--%s\t%g\t%s\t%s\n", flagName(p.Name), p.Default, p.Range(), p.Doc)
	}
	return w.Flush()
}

// flagName is a parameter's flag: the golden values' name with hyphens.
func flagName(param string) string { return strings.ReplaceAll(param, "_", "-") }
