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

// next is what to do with a model that was inspected.
type next struct {
	// Command is to be typed, as words; nil if nothing can be done.
	Command []string `json:"command"`
	// Line is the command for a shell.
	Line string `json:"line"`
	// Notes are what to know beside it, or why there is no command.
	Notes []string `json:"notes"`
}

// nextOf is the rewrite of the best head.
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
	n.Command = []string{"onnxloss", "rewrite", argument(path), "-o", freshName(path), "--loss", emit.Suggest(h)}
	for _, f := range []string{"head", "classes", "activation"} {
		if c.IsSet(f) {
			n.Command = append(n.Command, "--"+f, fmt.Sprint(c.Value(f)))
		}
	}
	words := make([]string, len(n.Command))
	for i, w := range n.Command {
		words[i] = quote(w)
	}
	n.Line = strings.Join(words, " ")
	if path == "-" {
		n.Line += " < MODEL"
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

// argument is path as an argument that is no flag.
func argument(path string) string {
	if path != "-" && strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// freshName is a name in the working directory for what is made of the model
// at path, which no file has.
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

// next writes what to do, and the warnings before it.
func (p *page) next(n *next, warnings []string) {
	for _, x := range warnings {
		p.line()
		p.wrapped("", yellow, "warning  ", x)
	}
	if n.Line == "" && len(n.Notes) == 0 {
		return
	}
	p.line()
	p.line(p.in(bold, "next"))
	if n.Line != "" {
		p.line("  ", p.in(bold, n.Line))
	}
	for _, x := range n.Notes {
		p.wrapped("  ", plain, "", x)
	}
}
