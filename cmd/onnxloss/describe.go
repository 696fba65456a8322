package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/visible"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/urfave/cli/v2"
)

// describeModel is a model's origin and size in one line.
func describeModel(m *graph.Model) string {
	by := "producer unknown"
	if m.Producer != "" {
		by = strings.TrimSpace("by " + m.Producer + " " + m.ProducerVersion)
	}
	return fmt.Sprintf("%s, opset %d, %s", by, m.Opset(""), count(len(m.Graph.Nodes), "node"))
}

// count is n things, in words.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// sizeWords is a number of bytes in words.
func sizeWords(n int64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(n) >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/u.size, u.name)
		}
	}
	return count(int(n), "byte")
}

// quote is s as one word of a shell's command line.
func quote(s string) string {
	plain := func(r rune) bool {
		return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-./:,+@%=", r) || r > 127 && visible.Rune(r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	if visible.Text(s) != s {
		return "$'" + visible.Text(strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s)) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// quoteAll is args as words of a shell's command line.
func quoteAll(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quote(a)
	}
	return strings.Join(quoted, " ")
}

// table is aligned columns within the answer.
func table(c *cli.Context) *wrapTable {
	w := answer(c)
	return &wrapTable{w: w, columns: columns(w)}
}

// axisWords is the axes of a layout in words.
var axisWords = map[patterns.Axis]string{
	patterns.Batch: "batch", patterns.Channel: "channels", patterns.Anchor: "anchors", patterns.Row: "rows",
	patterns.Column: "columns", patterns.Rows: "positions", patterns.One: "1",
}

func layoutWords(l patterns.PartRecord) string {
	words := make([]string, len(l.Layout))
	for i := range words {
		words[i] = axisWords[patterns.Axis(l.Layout[i])]
	}
	return "[" + strings.Join(words, ", ") + "]"
}

func printManifest(c *cli.Context, x *emit.Manifest) {
	for _, h := range x.Heads {
		say(c, "head      %s", h)
	}
	say(c, "loss      %s", describeLoss(x.Loss))
	if x.Box != nil {
		say(c, "loss      %s", describeLoss(*x.Box))
	}
	if x.Confidence != nil {
		say(c, "loss      %s", describeLoss(*x.Confidence))
	}
	for _, f := range x.Functions {
		say(c, "function  %s.%s", f.Domain, f.Name)
	}
	for _, in := range x.Inputs {
		say(c, "input     %s", describePort(in))
	}
	for _, o := range x.Outputs {
		say(c, "output    %s", describePort(o))
	}
}

func describeLoss(o loss.Options) string {
	s := o.Name
	for _, k := range slices.Sorted(maps.Keys(o.Params)) {
		if o.PerClass[k] != nil {
			continue
		}
		s += fmt.Sprintf(", %s %g", flagName(k), o.Params[k])
	}
	for _, k := range slices.Sorted(maps.Keys(o.PerClass)) {
		s += fmt.Sprintf(", %s of each class", flagName(k))
	}
	if m := o.Modulate; m != nil {
		s += ", modulated by gamma " + oneOrEach(m.Gamma)
		if m.Alpha != nil {
			s += " and alpha " + oneOrEach(m.Alpha)
		}
	}
	if o.Eps > 0 {
		s += fmt.Sprintf(", eps %g", o.Eps)
	}
	return s + fmt.Sprintf(", %s targets, reduction %s", o.Target, o.Reduction)
}

// oneOrEach is a number, or that there is one for each class.
func oneOrEach(x []float64) string {
	if len(x) == 1 {
		return fmt.Sprintf("%g", x[0])
	}
	return "of each class"
}

func describePort(p emit.Port) string {
	s := fmt.Sprintf("%s (%s", p.Name, p.Role)
	if p.Of != "" {
		s += " of " + p.Of
	}
	s += ")"
	if p.DType == "" || p.Shape == nil {
		return s
	}
	dims := make([]string, len(*p.Shape))
	for i, d := range *p.Shape {
		dims[i] = fmt.Sprint(d)
	}
	return s + " " + p.DType + "[" + strings.Join(dims, ",") + "]"
}
