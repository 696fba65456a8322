package main

import (
	"fmt"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "prove a training graph again, from the file alone",
		ArgsUsage: "OUT",
		Description: `Holds the network to its fingerprint, its run to one node by node, the logits to
the head's tensors, and loss and gradient to an independent float64 computation.
With --original the original outputs are compared bit for bit too. Exits 4 if
anything is not as the manifest says, with the value, where it is, what it is and
what it should be. A check that cannot be made, as an operator is not supported, is
not run, and the last line says so: proved in part.

  onnxloss verify train.onnx
  onnxloss verify train.onnx --verify sample
  onnxloss verify train.onnx --original detector.onnx`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "original", Usage: "compare with `MODEL`, which was rewritten"},
			&cli.Uint64Flag{Name: "seed", Usage: "seed `N` of the drawn inputs, logits and targets"},
			verifyFlag("full or sample"),
			dimFlag, linksFlag, threadsFlag, memoryFlag, jsonFlag, quietFlag,
		},
		Action: runVerify,
	}
}

func runVerify(c *cli.Context) error {
	path, err := oneArg(c, "OUT")
	if err != nil {
		return err
	}
	if err := checkVerify(c); err != nil {
		return err
	}
	o := verify.Options{Seed: c.Uint64("seed"), Sample: verifyMode(c) == verifySample}
	if o.Threads, err = threads(c); err != nil {
		return err
	}
	if o.MaxMemory, err = memoryLimit(c); err != nil {
		return err
	}
	m, err := readWhole(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	if o.Dims, err = imageSizes(c, m); err != nil {
		return err
	}
	if original := c.String("original"); original != "" {
		if original == "-" && path == "-" {
			return usagef("OUT and --original both want standard input")
		}
		if o.Original, err = readWhole(c, original); err != nil {
			return err
		}
		defer o.Original.Close()
	}
	p := startProgress(c, "verifying")
	o.Need, o.Stage = noteMemory(c), p.stage
	report, err := verify.Training(c.Context, m, o)
	p.end()
	switch {
	case report == nil:
	case c.Bool("json"):
		x, e := emit.ReadManifest(m)
		if e == nil {
			e = printProof(c, x, report)
		}
		if e != nil {
			return e
		}
	default:
		printReport(c, report)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	return nil
}
