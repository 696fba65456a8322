package main

import (
	"fmt"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/urfave/cli/v2"
)

// proofDoc is the JSON document of rewrite and verify: the manifest's fields, and the proof.
type proofDoc struct {
	*emit.Manifest
	Checks  []verify.Check `json:"checks"`
	Verdict verify.Verdict `json:"verdict"`
	Tool    string         `json:"tool"`
	Seconds float64        `json:"seconds"` // taken by the proof
}

// printProof prints a manifest with its proof as JSON; r is nil where nothing was
// verified.
func printProof(c *cli.Context, x *emit.Manifest, r *verify.Report) error {
	d := proofDoc{Manifest: x, Checks: []verify.Check{}, Verdict: r.Verdict(), Tool: "onnxloss " + version()}
	if r != nil {
		d.Checks, d.Seconds = append(d.Checks, r.Checks...), r.Seconds
	}
	return printJSON(c, d)
}

// printReport prints the checks of a verification, one per line, and the verdict. With
// --quiet, a partial proof is still reported on standard error.
func printReport(c *cli.Context, r *verify.Report) {
	for _, k := range r.Checks {
		say(c, "%v", k)
	}
	if line := fmt.Sprintf("%-9s %s", "verdict", r.Summary()); r.Verdict() == verify.ProvedInPart && c.Bool("quiet") {
		printf(printable{c.App.ErrWriter}, "%s\n", line)
	} else {
		say(c, "%s", line)
	}
}
