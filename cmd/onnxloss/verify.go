package main

import (
	"fmt"

	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "prove a training graph again, from the file alone",
		ArgsUsage: "OUT",
		Description: "Holds the network to its fingerprint, the logits to the head's tensors, and loss and\n" +
			"gradient to the float64 closed form. With --original the original outputs are compared\n" +
			"bit for bit too. Exits 4 if anything is not as the manifest says.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "original", Usage: "the model that was rewritten, `MODEL`"},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of the drawn inputs, logits and targets"},
			&cli.IntFlag{Name: "threads", Usage: "use at most `N` cores"},
			jsonFlag, quietFlag,
		},
		Action: func(c *cli.Context) error {
			path, err := oneArg(c, "OUT")
			if err != nil {
				return err
			}
			m, err := readModel(c, path)
			if err != nil {
				return err
			}
			defer m.Close()
			o := verify.Options{Threads: c.Int("threads"), Seed: c.Uint64("seed")}
			if original := c.String("original"); original != "" {
				if o.Original, err = onnx.ReadFile(original); err != nil {
					return err
				}
				defer o.Original.Close()
			}
			report, err := verify.Training(c.Context, m, o)
			if report != nil {
				if c.Bool("json") {
					if e := printJSON(c, report); e != nil {
						return e
					}
				} else {
					printReport(c, report)
				}
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		},
	}
}
