package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/patterns"
	"github.com/onnxloss/onnxloss/patterns/picture"
	"github.com/urfave/cli/v2"
)

// drawings are the flags for drawings, each with the function that draws it.
var drawings = []struct {
	flag string
	draw func(context.Context, *patterns.Excerpt, picture.Page) ([]byte, error)
}{
	{"svg", func(ctx context.Context, e *patterns.Excerpt, p picture.Page) ([]byte, error) {
		return picture.SVG(ctx, e, p.Caption)
	}},
	{"html", picture.HTML},
}

// drawFlags are the flags of drawings.
func drawFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "svg", Usage: "draw the neighbourhood of the head to `FILE` as SVG; - is standard output"},
		&cli.StringFlag{Name: "html", Usage: "write a self-contained page to `FILE` with that drawing and the whole model, to zoom and search"},
		&cli.BoolFlag{Name: "force", Usage: "overwrite FILE if it exists"},
	}
}

// drawn reports whether a drawing was requested, and fails if it cannot be written.
func drawn(c *cli.Context, path string) (bool, error) {
	names := map[string]bool{}
	for _, d := range drawings {
		if !c.IsSet(d.flag) {
			continue
		}
		out := c.String(d.flag)
		switch {
		case out == "":
			return true, usagef("--%s FILE is missing", d.flag)
		case c.IsSet("why"):
			return true, usagef("--why and --%s cannot be combined", d.flag)
		case names[filepath.Clean(out)]:
			return true, usagef("--svg and --html both write to %s", out)
		case out == "-" && c.Bool("json"):
			return true, usagef("--json and --%s - both write to standard output", d.flag)
		}
		names[filepath.Clean(out)] = true
		if err := checkTarget(c, path, out); err != nil {
			return true, err
		}
	}
	return len(names) > 0, nil
}

// drawHead writes the requested drawings of the best head.
func drawHead(c *cli.Context, path string, m *graph.Model, r *patterns.Report, n *next) error {
	h := r.Heads[0]
	e := r.Neighbourhood(h)
	p := pageOf(path, m, r, n)
	if whole, err := patterns.Overview(m, h.Tints()); err != nil {
		p.Notes = append(p.Notes, err.Error())
	} else {
		p.Whole = whole
	}
	if e.Levels > 0 {
		p.Text += fmt.Sprintf(" · %s more not drawn", count(e.Levels, "level"))
	}
	return writePictures(c, m, e, p)
}

// drawTraining writes the requested drawings of a whole training graph, with the part
// that rewriting appended in its own colour.
func drawTraining(c *cli.Context, path string, m *graph.Model, x *emit.Manifest) error {
	own, err := x.Appended(m.Graph)
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	e, err := patterns.Overview(m, func(n *graph.Node) patterns.Tint {
		if own[n] {
			return patterns.Loss
		}
		return patterns.Network
	})
	if err != nil {
		return fmt.Errorf("%s: %w", title(path), err)
	}
	p := picture.Page{Facts: []string{describeModel(m)}, Next: "onnxloss verify " + quote(path)}
	p.Title, p.Text = filepath.Base(title(path)), fmt.Sprintf("a training graph of %s, loss %s, form %s", x.Source.File, x.Loss.Name, x.Form)
	for _, port := range x.Outputs {
		p.Facts = append(p.Facts, fmt.Sprintf("output %s: %s", short(port.Name, 80), port.Role))
	}
	return writePictures(c, m, e, p)
}

// writePictures writes the requested drawings of e.
func writePictures(c *cli.Context, m *graph.Model, e *patterns.Excerpt, p picture.Page) error {
	for _, d := range drawings {
		out := c.String(d.flag)
		if out == "" {
			continue
		}
		if err := checkExternal(m, out); err != nil {
			return err
		}
		text, err := d.draw(c.Context, e, p)
		if err != nil {
			return err
		}
		if err := writeNew(c, out, text); err != nil {
			return err
		}
		if out != "-" {
			note(c, "written   %s", out)
		}
	}
	return nil
}

// writeNew writes a file, whole or not at all, overwriting an existing one only with
// --force.
func writeNew(c *cli.Context, out string, text []byte) error {
	if isStream(out) {
		return writeWhole(c, out, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
	}
	err := onnx.Replace(out, c.Bool("force"), func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	return nil
}

// pageOf is the text of a drawing of the best head.
func pageOf(path string, m *graph.Model, r *patterns.Report, n *next) picture.Page {
	h := r.Heads[0]
	x := h.Record()
	p := picture.Page{Reasons: h.Reasons(), Next: n.Line, Notes: append(warnings(r), n.Notes...)}
	p.Title = filepath.Base(title(path))
	p.Text = x.String()
	p.Facts = append(p.Facts, describeModel(m))
	for i, l := range x.Levels {
		if i == maxBranches && len(x.Levels) > i+1 {
			p.Facts = append(p.Facts, fmt.Sprintf("… %s more", count(len(x.Levels)-i, "level")))
			break
		}
		v := h.Levels[i].Source
		p.Facts = append(p.Facts, fmt.Sprintf("class logits: %s, %s, %s, anchors: %s", short(v.Name, 80), typeWords(v.Type), layoutWords(l), anchorWords(l)))
	}
	for i, l := range x.Objectness {
		if i == maxBranches && len(x.Objectness) > i+1 {
			break
		}
		p.Facts = append(p.Facts, fmt.Sprintf("objectness: %s, channels: %s", short(h.Objectness[i].Source.Name, 80), l.Slice))
	}
	if h.Box != nil {
		p.Facts = append(p.Facts, fmt.Sprintf("boxes: %s, %s", short(h.Box.Name, 80), typeWords(h.Box.Type)))
	}
	return p
}
