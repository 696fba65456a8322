package main

import (
	"cmp"
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
	err := onnx.CheckData(out, m)
	if errors.Is(err, onnx.ErrData) {
		err = fmt.Errorf("%s: holds weights of the input, which is never overwritten", out)
	}
	return err
}

// delivery is what was written beside the model, and what was verified.
type delivery struct {
	report *verify.Report // nil if nothing was verified
	data   string         // the file of external data, and its size; "" if there is none
}

// deliver writes m to out, verified before anything appears there.
func deliver(c *cli.Context, m *graph.Model, digest *onnx.Digest, out string) (*delivery, error) {
	dims, err := imageSizes(c, m)
	if err != nil {
		return &delivery{}, err
	}
	d := &delivery{}
	check := func(draft *graph.Model) (err error) {
		if verifyMode(c) != verifyNone {
			d.report, err = verifyDraft(c, m, draft, dims)
		}
		return cmp.Or(err, c.Context.Err())
	}
	if isStream(out) {
		return d, stream(c, m, digest, out, check)
	}
	return d, onnx.WriteFile(out, m, onnx.Options{
		Context: c.Context, Digest: digest,
		Force: c.Bool("force"),
		Check: func(path string) error {
			if verifyMode(c) == verifyNone {
				return c.Context.Err()
			}
			draft, err := onnx.ReadFile(path)
			if err != nil {
				return err
			}
			defer draft.Close()
			return check(draft)
		},
		Data: func(name string, size int64) {
			d.data = fmt.Sprintf("%s, %s", name, sizeWords(size))
		},
	})
}

// stream writes m to standard output, a device or a pipe, by way of a
// temporary file. External data stays where it is.
func stream(c *cli.Context, m *graph.Model, digest *onnx.Digest, out string, check func(*graph.Model) error) error {
	f, err := os.CreateTemp("", "onnxloss")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // where an open file cannot be removed
	defer f.Close()
	os.Remove(f.Name())
	size := int64(0)
	if err = onnx.WriteContext(c.Context, f, m, digest); err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		var draft *graph.Model
		if draft, err = onnx.ReadLike(m, f, size); err == nil {
			err = check(draft)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", streamName(out), err)
	}
	if names, err := onnx.ExternalFiles(m); err == nil && len(names) > 0 {
		note(c, "the model reads weights from other files (%s), which must lie beside it", strings.Join(names, ", "))
	}
	from := io.NewSectionReader(f, 0, size)
	if out == "-" {
		_, err = io.Copy(c.App.Writer, from)
		return err
	}
	return copyTo(out, from)
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

// verifyDraft verifies the training graph that was made of m, as it was read
// again from a file, against the model as it was read.
func verifyDraft(c *cli.Context, m, draft *graph.Model, dims map[string]int) (*verify.Report, error) {
	noteMemory(c, draft)
	defer progress(c, "verifying")()
	original, err := onnx.ReadLike(m, m.Source.ReaderAt, m.Source.Size)
	if err != nil {
		return nil, err
	}
	n, err := threads(c)
	if err != nil {
		return nil, err
	}
	most, err := memoryLimit(c)
	if err != nil {
		return nil, err
	}
	return verify.Training(c.Context, draft, verify.Options{Threads: n, MaxMemory: most, Original: original, Dims: dims, Sample: verifyMode(c) == verifySample})
}
