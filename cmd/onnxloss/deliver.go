package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

// isStream reports whether out cannot be replaced by renaming a file: standard
// output, a device, a pipe, or another name of an open file.
func isStream(out string) bool {
	clean := filepath.ToSlash(filepath.Clean(out))
	if out == "-" || clean == "/dev/stdout" || clean == "/dev/stderr" || strings.HasPrefix(clean, "/dev/fd/") || strings.HasPrefix(clean, "/proc/") {
		return true
	}
	st, err := os.Stat(out)
	return err == nil && !st.Mode().IsRegular() && !st.IsDir()
}

// checkTarget refuses, before any work, an output that exists or is the input.
func checkTarget(c *cli.Context, in, out string) error {
	if out == "-" {
		if c.Bool("json") {
			return usagef("--json and --output - both write to standard output")
		}
		return nil
	}
	st, err := os.Stat(out)
	if err != nil {
		return nil // writing reports it
	}
	src, err := os.Stat(in)
	switch {
	case err == nil && os.SameFile(src, st):
		return fmt.Errorf("%s: this is the input, which is never overwritten", out)
	case st.IsDir():
		return fmt.Errorf("%s: is a directory", out)
	case !isStream(out) && !c.Bool("force"):
		return fmt.Errorf("%s: already exists; --force overwrites it", out)
	}
	return nil
}

// checkExternal refuses an output that contains weights of the input.
func checkExternal(m *graph.Model, out string) error {
	err := onnx.CheckData(out, m)
	if errors.Is(err, onnx.ErrData) {
		err = fmt.Errorf("%s: contains weights of the input, which is never overwritten", out)
	}
	return err
}

// delivery is the result of deliver.
type delivery struct {
	report *verify.Report // nil if nothing was verified
	data   string         // the file of external data, and its size; "" if there is none
}

// deliver verifies the training graph, then writes it to out.
func deliver(c *cli.Context, t *emit.Training, o emit.FileOptions, out string) (*delivery, error) {
	d := &delivery{}
	dims, err := imageSizes(c, t.Model)
	if err != nil {
		return d, err
	}
	if verifyMode(c) != verifyNone {
		o.Prove = func(_ context.Context, original, draft *graph.Model) (err error) {
			d.report, err = verifyDraft(c, original, draft, dims)
			return err
		}
	}
	o.Data = func(name string, size int64) { d.data = fmt.Sprintf("%s, %s", name, sizeWords(size)) }
	if isStream(out) {
		return d, stream(c, t, o, out)
	}
	return d, t.WriteFile(out, o)
}

// stream writes the training graph to standard output, a device or a pipe. External data
// stays where it is.
func stream(c *cli.Context, t *emit.Training, o emit.FileOptions, out string) error {
	to := &outlet{c: c, out: out, model: t.Model}
	err := t.Write(to, o)
	if e := to.close(); to.err == nil {
		to.err = e
	}
	switch {
	case to.err != nil && out != "-":
		return fmt.Errorf("%s: %w", out, cause(to.err))
	case to.err != nil:
		return to.err
	case err != nil:
		return fmt.Errorf("%s: %w", streamName(out), err)
	}
	return nil
}

// outlet is the destination of a stream, opened at the first write.
type outlet struct {
	c     *cli.Context
	out   string
	model *graph.Model
	to    io.Writer
	file  *os.File // nil for standard output
	err   error
}

func (s *outlet) Write(p []byte) (int, error) {
	if s.to == nil && s.err == nil {
		s.err = s.open()
	}
	n := 0
	if s.err == nil {
		n, s.err = s.to.Write(p)
	}
	return n, s.err
}

func (s *outlet) open() (err error) {
	if names, err := onnx.ExternalFiles(s.model); err == nil && len(names) > 0 {
		note(s.c, "the model reads weights from other files (%s), which must be in its folder", strings.Join(names, ", "))
	}
	s.to = s.c.App.Writer
	if s.out != "-" {
		s.file, err = os.OpenFile(s.out, os.O_WRONLY, 0)
		s.to = s.file
	}
	return err
}

func (s *outlet) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func streamName(out string) string {
	if out == "-" {
		return "standard output"
	}
	return out
}

// verifyDraft verifies a training graph, read back from what was written, against the
// original.
func verifyDraft(c *cli.Context, original, draft *graph.Model, dims map[string]int) (*verify.Report, error) {
	p := startProgress(c, "verifying")
	defer p.end()
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	most, err := memoryLimit(c)
	if err != nil {
		return nil, err
	}
	return verify.Training(c.Context, draft, verify.Options{Threads: n, MaxMemory: most, Need: noteMemory(c), Stage: p.stage, Original: original, Dims: dims, Sample: verifyMode(c) == verifySample})
}
