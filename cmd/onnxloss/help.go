package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// The help texts are laid out here rather than by the templates of package cli,
// which put options before arguments and sort them by name.

const appText = `onnxloss makes an exported ONNX object detector trainable. It finds the
classification head, appends the training subgraph of a loss in plain ONNX
operators, and proves the result before it writes it.

Find the head:

  onnxloss inspect detector.onnx

Write the training graph:

  onnxloss rewrite detector.onnx -o train.onnx --loss modified-focal-sigmoid

Usage: onnxloss COMMAND [arguments]

Commands:
%s
Run onnxloss COMMAND --help for details. Options may come before or after arguments.
Use - to read a model from standard input.

Exit codes: 0 success, 1 bad input, 2 usage error, 3 no head found or several equally
likely ones, 4 verification failed, 130 interrupted.
`

func appHelp(app *cli.App) string {
	var b strings.Builder
	for _, c := range app.Commands {
		fmt.Fprintf(&b, "  %-10s  %s\n", c.Name, c.Usage)
	}
	return escape(fmt.Sprintf(appText, b.String()))
}

// commandHelp is a command's help, wrapped at width: usage, description, and options in the order
// and under the headings that the command gives them.
func commandHelp(c *cli.Command, width int) string {
	var b strings.Builder
	usage := "onnxloss " + c.Name
	if c.ArgsUsage != "" {
		usage += " " + c.ArgsUsage
	}
	fmt.Fprintf(&b, "onnxloss %s: %s.\n\nUsage: %s [options]\n", c.Name, c.Usage, usage)
	if c.Description != "" {
		fmt.Fprintf(&b, "\n%s\n", c.Description)
	}
	var headings []string
	groups := map[string][]cli.Flag{}
	for _, f := range append(slices.Clone(c.Flags), cli.HelpFlag) {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		heading := f.(cli.CategorizableFlag).GetCategory()
		if groups[heading] == nil {
			headings = append(headings, heading)
		}
		groups[heading] = append(groups[heading], f)
	}
	for _, h := range headings {
		title := "Options"
		if h != "" {
			title = h
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		writeFlags(&b, groups[h], width)
	}
	return escape(b.String())
}

// helpWidth is the greatest width of help texts; a narrower terminal gets narrower lines.
const helpWidth = 88

// writeFlags writes options in two columns, in lines of at most room characters.
func writeFlags(b *strings.Builder, flags []cli.Flag, room int) {
	var left, right []string
	width := 0
	for _, f := range flags {
		l, r := describeFlag(f)
		left, right = append(left, l), append(right, r)
		width = max(width, len(l))
	}
	for i := range left {
		indent := fmt.Sprintf("  %-*s  ", width, left[i])
		for _, line := range wrap(right[i], max(room-width-4, leastWidth/2)) {
			b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
			indent = strings.Repeat(" ", width+4)
		}
	}
}

// describeFlag returns how a flag is typed and what it does. The word in backquotes
// stands for its value.
func describeFlag(f cli.Flag) (left, right string) {
	d := f.(cli.DocGenerationFlag)
	var names []string
	for _, n := range f.Names() {
		if len(n) == 1 {
			names = append([]string{dashed(n)}, names...)
			continue
		}
		names = append(names, dashed(n))
	}
	left, right = strings.Join(names, ", "), d.GetUsage()
	if !d.TakesValue() {
		return left, right
	}
	value := "VALUE"
	if parts := strings.SplitN(right, "`", 3); len(parts) == 3 {
		value, right = parts[1], strings.Join(parts, "")
	}
	if v := strings.Trim(d.GetValue(), `"`); v != "" && v != "0" && v != "[]" {
		right += " (default " + v + ")"
	}
	if s, ok := f.(cli.DocGenerationSliceFlag); ok && s.IsSliceFlag() {
		right += "; may be repeated"
	}
	return left + " " + value, right
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// escape protects text from package cli's template engine.
func escape(text string) string {
	return `{{print ` + fmt.Sprintf("%q", text) + `}}`
}
