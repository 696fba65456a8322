package main

import (
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

// How much is verified.
const (
	verifyFull   = "full"
	verifySample = "sample"
	verifyNone   = "none"
)

func verifyFlag(modes string) cli.Flag {
	return &cli.StringFlag{Name: "verify", Value: verifyFull, Usage: "how much to verify, `MODE`: " + modes + "; a sample proves the loss on drawn logits and holds the network to its fingerprint without running it, in little memory"}
}

// verifyMode is how much the flags ask for.
func verifyMode(c *cli.Context) string {
	if c.Bool("no-verify") {
		return verifyNone
	}
	return c.String("verify")
}

func checkVerify(c *cli.Context) error {
	mode, writes := c.String("verify"), c.Command.Name == "rewrite"
	switch {
	case c.Bool("no-verify") && c.IsSet("verify") && mode != verifyNone:
		return usagef("--no-verify and --verify %s contradict each other", mode)
	case mode == verifyFull || mode == verifySample || mode == verifyNone && writes:
		return nil
	case writes:
		return usagef("--verify %q: want full, sample or none", mode)
	}
	return usagef("--verify %q: want full or sample", mode)
}

// muchMemory is from how many bytes on it is said in advance what verifying holds.
const muchMemory = 256 << 20

// noteMemory says what it takes to run the network, where that is much.
func noteMemory(c *cli.Context) func(verify.Need) {
	return func(n verify.Need) {
		if n.Total() >= muchMemory {
			note(c, "verifying needs about %v; --verify sample needs neither", n)
		}
	}
}
