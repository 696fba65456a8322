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
		Usage:     "verify a training graph from the file alone",
		ArgsUsage: "OUT",
		Description: `Checks the network against its fingerprint, its optimized run against one node by
node, the logits against the head's tensors, and loss and gradient against an
independent float64 computation. With --original, the original outputs are compared
bit for bit too. Exits 4 if a check fails, naming the tensor, the index, and the
actual and expected value. A check that cannot run, for example because an operator
is unsupported, is reported as "not run", and the verdict is then "proved in part".

  onnxloss verify train.onnx
  onnxloss verify train.onnx --verify sample
  onnxloss verify train.onnx --original detector.onnx`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "original", Usage: "also compare with `MODEL`, the model that was rewritten"},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of random inputs, logits and targets, `N`"},
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
			return usagef("OUT and --original both read standard input")
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
