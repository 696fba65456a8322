package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/urfave/cli/v2"
)

// isStream reports whether out is not a name to put a file under: standard
// output, a device, a pipe, or another name of what is open already.
func isStream(out string) bool {
	clean := filepath.ToSlash(filepath.Clean(out))
	if out == "-" || clean == "/dev/stdout" || clean == "/dev/stderr" || strings.HasPrefix(clean, "/dev/fd/") || strings.HasPrefix(clean, "/proc/") {
		return true
	}
	st, err := os.Stat(out)
	return err == nil && !st.Mode().IsRegular() && !st.IsDir()
}

// checkTarget refuses an output that exists or is the input, before any work.
func checkTarget(c *cli.Context, in, out string) error {
	if out == "-" {
		if c.Bool("json") {
			return usagef("--json and --output - both want standard output")
		}
		return nil
	}
	st, err := os.Stat(out)
	if err != nil {
		return nil // the writer will tell
	}
	src, err := os.Stat(in)
	switch {
	case err == nil && os.SameFile(src, st):
		return fmt.Errorf("%s: is the input, which is never overwritten", out)
	case st.IsDir():
		return fmt.Errorf("%s: is a folder", out)
	case !isStream(out) && !c.Bool("force"):
		return fmt.Errorf("%s: exists; give --force to overwrite it", out)
	}
	return nil
}

// checkExternal refuses an output that holds weights of the input.
func checkExternal(m *graph.Model, out string) error {
	st, err := os.Stat(out)
	if err != nil || m.Source.Path == "" {
		return nil
	}
	names, err := onnx.ExternalFiles(m)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Source.Path, err)
	}
	for _, name := range names {
		own, err := os.Stat(filepath.Join(filepath.Dir(m.Source.Path), filepath.FromSlash(name)))
		if err == nil && os.SameFile(own, st) {
			return fmt.Errorf("%s: holds weights of the input, which is never overwritten", out)
		}
	}
	return nil
}

// deliver writes m to out, verified before anything appears there. The report
// is nil if nothing was verified.
func deliver(c *cli.Context, m *graph.Model, out string) (*verify.Report, error) {
	var report *verify.Report
	opts := onnx.Options{Force: c.Bool("force"), Check: func(draft string) (err error) {
		if !c.Bool("no-verify") {
			report, err = verifyDraft(c, m, draft)
		}
		if err == nil {
			err = c.Context.Err()
		}
		return err
	}}
	if isStream(out) {
		err := stream(c, m, out, opts)
		return report, err
	}
	return report, onnx.WriteFile(out, m, opts)
}

// stream writes m to standard output, a device or a pipe, by way of a
// temporary file that has no name any more when the first byte leaves.
func stream(c *cli.Context, m *graph.Model, out string, opts onnx.Options) error {
	dir, err := os.MkdirTemp("", "onnxloss")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	draft := filepath.Join(dir, "train.onnx")
	if err := onnx.WriteFile(draft, m, opts); err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the name of the draft
		}
		return fmt.Errorf("%s: %w", streamName(out), err)
	}
	f, err := os.Open(draft)
	if err != nil {
		return err
	}
	defer f.Close()
	os.RemoveAll(dir)
	if names, err := onnx.ExternalFiles(m); err == nil && len(names) > 0 {
		note(c, "the model reads weights from other files (%s), which must lie beside it", names[0])
	}
	if out == "-" {
		_, err = io.Copy(c.App.Writer, f)
		return err
	}
	return copyTo(out, f)
}

func streamName(out string) string {
	if out == "-" {
		return "standard output"
	}
	return out
}

func copyTo(path string, r io.Reader) error {
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	if e := w.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// verifyDraft verifies the training graph that was made of m, as it lies in a
// file, against the model as it was read.
func verifyDraft(c *cli.Context, m *graph.Model, draft string) (*verify.Report, error) {
	defer progress(c, "verifying")()
	out, err := onnx.ReadFile(draft)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	original, err := onnx.ReadAt(m.Source.ReaderAt, m.Source.Size, m.Source.Path)
	if err != nil {
		return nil, err
	}
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	return verify.Training(c.Context, out, verify.Options{Threads: n, Original: original})
}
