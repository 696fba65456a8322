package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

// next is what to do after inspecting a model.
type next struct {
	// Command is the command as words; nil if there is none.
	Command []string `json:"command"`
	// Line is the command as a shell line.
	Line string `json:"line"`
	// Choice is shell lines to choose from if the graph does not say which head is
	// meant.
	Choice []string `json:"choice,omitempty"`
	// Notes are remarks, or why there is no command.
	Notes []string `json:"notes"`
}

// nextOf suggests a rewrite of the best head.
func nextOf(c *cli.Context, path string, r *patterns.Report) *next {
	n := &next{Notes: []string{}}
	if len(r.Heads) == 0 {
		return n
	}
	h := r.Heads[0]
	if h.Quantized != "" {
		n.Notes = append(n.Notes, "training cannot reach this head: "+h.Quantized,
			"export the model before it is quantized, and inspect that")
		return n
	}
	n.Command, n.Line = rewriteOf(c, path, h, c.String("head"))
	if open := h.OpenClasses(); h.Classes < 0 {
		n.Command, n.Line = append(n.Command, "--classes", "N"), n.Line+" --classes N"
		n.Notes = append(n.Notes, fmt.Sprintf("the graph leaves the number of classes open (%s): N is how many are fed in training", open))
	}
	if h.Activation == patterns.None && h.Classes > 1 {
		other := "if its classes exclude each other: --loss modified-focal-softmax"
		if h.PerImage() {
			other = "if an image may be of several classes: --loss bce"
		}
		n.Notes = append(n.Notes, "the graph ends before the activation; "+other)
	}
	if len(r.Heads) > 1 && c.String("head") == "" {
		n.Notes = append(n.Notes, "this takes head 1; --head N takes another, --head all takes all")
	}
	return n
}

// rewriteOf is a rewrite of head h, called name by the user or the report, as
// words and as a shell line.
func rewriteOf(c *cli.Context, path string, h *patterns.Head, name string) (words []string, line string) {
	words = []string{"onnxloss", "rewrite", argument(path), "-o", freshName(path), "--loss", emit.Suggest(h)}
	if name != "" {
		words = append(words, "--head", name)
	}
	for _, f := range []string{"classes", "activation", "slice", "head-file", "evidence"} {
		if c.IsSet(f) {
			words = append(words, "--"+f, fmt.Sprint(c.Value(f)))
		}
	}
	line = quoteAll(words)
	if path == "-" {
		line += " < MODEL"
	}
	return words, line
}

// choiceOf suggests a rewrite for each of several equally likely heads.
func choiceOf(c *cli.Context, path string, r *patterns.Report) *next {
	n := &next{Notes: []string{}}
	for i, h := range r.Heads {
		if i == maxDetails || h.Quantized != "" {
			break
		}
		_, line := rewriteOf(c, path, h, fmt.Sprint(i+1))
		n.Choice = append(n.Choice, line)
	}
	return n
}

// argument is path as an argument that cannot be taken for a flag.
func argument(path string) string {
	if path != "-" && strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// freshName is an unused file name in the working directory for the training graph of the
// model at path.
func freshName(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), ".onnx")
	if path == "-" {
		base = "model"
	}
	name := argument(base + ".train.onnx")
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); err != nil {
			return name
		}
		name = argument(fmt.Sprintf("%s.train%d.onnx", base, i))
	}
}

// next writes warnings, then what to do.
func (p *page) next(n *next, warnings []string) {
	for _, x := range warnings {
		p.line()
		p.wrapped("", yellow, "warning  ", x)
	}
	if n.Line == "" && len(n.Notes)+len(n.Choice) == 0 {
		return
	}
	p.line()
	p.line(p.in(bold, "next"))
	if n.Line != "" {
		p.line("  ", p.in(bold, n.Line))
	}
	for i, x := range n.Choice {
		p.line([]string{"  either  ", "  or      "}[min(i, 1)], p.in(bold, x))
	}
	for _, x := range n.Notes {
		p.wrapped("  ", plain, "", x)
	}
}
