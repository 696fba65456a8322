package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

func inspectCommand() *cli.Command {
	return &cli.Command{
		Name:      "inspect",
		Usage:     "say where the classification head is, and why",
		ArgsUsage: "MODEL",
		Description: "Prints the heads, best first, with the evidence, and for every other candidate the\n" +
			"reason against it. Of a training graph it prints the manifest. Exits 3 if no head is\n" +
			"found, or several that cannot be told apart.",
		Flags:  append(headFlags(), jsonFlag, quietFlag),
		Action: runInspect,
	}
}

// headFlags are the flags that decide on a head.
func headFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "head", Usage: "take `HEAD`: a tensor, the number that inspect prints, or all"},
	}
}

func headOptions(c *cli.Context) patterns.Options {
	return patterns.Options{Head: c.String("head")}
}

func runInspect(c *cli.Context) error {
	path, err := oneArg(c, "MODEL")
	if err != nil {
		return err
	}
	m, err := readModel(c, path)
	if err != nil {
		return err
	}
	defer m.Close()
	manifest, err := emit.ReadManifest(m)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if manifest != nil {
		return showManifest(c, manifest)
	}
	report, err := locate(c, path, m)
	if report != nil {
		if c.Bool("json") {
			if e := printJSON(c, report); e != nil {
				return e
			}
		} else {
			printHeads(c, m, report)
		}
	}
	if err == nil && !c.Bool("json") {
		say(c, "\nnext: onnxloss rewrite %s -o train.onnx --loss modified-focal-sigmoid%s", path, headArgument(c))
	}
	return err
}

func headArgument(c *cli.Context) string {
	if h := c.String("head"); h != "" {
		return fmt.Sprintf(" --head %q", h)
	}
	return ""
}

func showManifest(c *cli.Context, x *emit.Manifest) error {
	if c.Bool("json") {
		return printJSON(c, x)
	}
	say(c, "a training graph of %s, form %s", x.Source.File, x.Form)
	printManifest(c, x)
	return nil
}

func printManifest(c *cli.Context, x *emit.Manifest) {
	for _, h := range x.Heads {
		say(c, "head      %s", describeHead(h))
	}
	say(c, "loss      %s", describeLoss(x.Loss))
	if x.Confidence != nil {
		say(c, "loss      %s", describeLoss(*x.Confidence))
	}
	for _, in := range x.Inputs {
		say(c, "input     %s", describePort(in))
	}
	for _, o := range x.Outputs {
		say(c, "output    %s", describePort(o))
	}
}

func printHeads(c *cli.Context, m *graph.Model, r *patterns.Report) {
	say(c, "%s, opset %d, %d nodes", producer(m), m.Opset(""), len(m.Graph.Nodes))
	for i, h := range r.Heads {
		say(c, "\nhead %d: %s", i+1, describeHead(emit.DescribeHead(h)))
		for _, l := range h.Levels {
			say(c, "  level %s %v, layout %s, %v anchors", l.Source.Name, l.Source.Type, l.Layout, l.Anchors)
		}
		for _, p := range h.Objectness {
			say(c, "  objectness %s %v", p.Source.Name, p.Source.Type)
		}
		if h.Box != nil {
			say(c, "  boxes %s %v", h.Box.Name, h.Box.Type)
		}
		for _, e := range h.Evidence {
			say(c, "  + %s", e)
		}
	}
	printRejected(c, r)
}

func printRejected(c *cli.Context, r *patterns.Report) {
	if c.Bool("quiet") {
		return
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 4, 2, ' ', 0)
	first := true
	for _, k := range r.Candidates {
		if k.Rejected == "" {
			continue
		}
		if first {
			fmt.Fprintln(w, "\nnot the head:")
			first = false
		}
		fmt.Fprintf(w, "  %s\t%d channels\t%s\t%s\n", k.Source.Name, k.Classes, k.Role, k.Rejected)
	}
	w.Flush()
}

func producer(m *graph.Model) string {
	if m.Producer == "" {
		return "producer unknown"
	}
	return "by " + m.Producer + " " + m.ProducerVersion
}
