package main

import (
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

// Modes of verification.
const (
	verifyFull   = "full"
	verifySample = "sample"
	verifyNone   = "none"
)

func verifyFlag(modes string) cli.Flag {
	return &cli.StringFlag{Name: "verify", Value: verifyFull, Usage: "`MODE` of verification: " + modes + "; sample proves the loss on random logits and checks the network by fingerprint without running it, which takes little memory"}
}

// verifyMode is the mode that the flags select.
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
		return usagef("--no-verify and --verify %s cannot be combined", mode)
	case mode == verifyFull || mode == verifySample || mode == verifyNone && writes:
		return nil
	case writes:
		return usagef("--verify %q: expected full, sample or none", mode)
	}
	return usagef("--verify %q: expected full or sample", mode)
}

// muchMemory is the number of bytes from which verification announces what it needs.
const muchMemory = 256 << 20

// noteMemory announces what running the network needs, if that is much.
func noteMemory(c *cli.Context) func(verify.Need) {
	return func(n verify.Need) {
		if n.Total() >= muchMemory {
			note(c, "verification needs about %v; --verify sample avoids that", n)
		}
	}
}
