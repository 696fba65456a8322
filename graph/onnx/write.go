package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/graph"
)

// Options say how a file is written.
type Options struct {
	// Force overwrites a file that exists. The file that the model was read
	// from is never overwritten.
	Force bool
	// Check, if set, is called with the name of the complete file before it
	// gets the name it was written for. If it fails, nothing is left behind
	// and its error is WriteFile's.
	Check func(path string) error
}

// ErrInput is the error of writing a model over the file it was read from.
var ErrInput = errors.New("the output is the input")

// WriteFile writes m to path; "-" is standard output. The file is written
// under another name in the same folder and then renamed, so that it appears
// whole or not at all. A file that exists is an error that wraps fs.ErrExist,
// unless opts.Force is set.
//
// If m has external data and path lies in another folder than the file m was
// read from, the external data is copied there too, under the same names.
// There a file of the same content is left alone; one of other content is an
// error, unless opts.Force is set.
//
// Errors begin with the path.
func WriteFile(path string, m *graph.Model, opts Options) error {
	if path == "-" {
		return Write(os.Stdout, m)
	}
	if err := writeFile(path, m, opts); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Write writes m to w. External data stays where it is.
func Write(w io.Writer, m *graph.Model) error {
	r, err := encode(m)
	if err != nil {
		return err
	}
	o := &output{w: w, src: m.Source, later: m.Later}
	if err := o.write(r); err != nil {
		return fmt.Errorf("writing the model: %w", cause(err))
	}
	return nil
}

func writeFile(path string, m *graph.Model, opts Options) error {
	special, err := checkTarget(path, sourceFile(m), opts)
	if err != nil {
		return err
	}
	if special {
		if opts.Check != nil {
			return errors.New("is no regular file, so that what is written there cannot be checked first")
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return cause(err)
		}
		return errors.Join(Write(f, m), cause(f.Close()))
	}
	undo, err := copyExternal(path, m, opts)
	if err == nil {
		err = Replace(path, opts.Force, func(f *os.File) error {
			if err := Write(f, m); err != nil || opts.Check == nil {
				return err
			}
			return opts.Check(f.Name())
		})
	}
	if err != nil {
		undo()
	}
	return err
}

// sourceFile is the file that m was read from; nil if it was not a file.
func sourceFile(m *graph.Model) *os.File {
	if m.Source == nil {
		return nil
	}
	f, _ := m.Source.ReaderAt.(*os.File)
	return f
}

// checkTarget reports whether path is something that can be written to but not
// replaced, such as a device or a pipe. It fails where nothing may be written.
func checkTarget(path string, input *os.File, opts Options) (special bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil && !opts.Force {
			return false, fmt.Errorf("%w, as a link to nothing", fs.ErrExist)
		}
		return false, nil
	}
	if err != nil {
		return false, cause(err)
	}
	if input != nil {
		if own, err := input.Stat(); err == nil && os.SameFile(own, info) {
			return false, ErrInput
		}
	}
	switch {
	case info.IsDir():
		return false, errors.New("is a folder")
	case !info.Mode().IsRegular():
		return true, nil
	case !opts.Force:
		return false, fs.ErrExist
	}
	return false, nil
}

// Replace makes path a file with what fill writes, which has another name in the
// same folder until it is whole. If anything fails, path is as it was and
// nothing is left beside it. A file that exists is an error that wraps
// fs.ErrExist, unless force is set.
func Replace(path string, force bool, fill func(*os.File) error) (err error) {
	f, err := createBeside(path)
	if err != nil {
		return cause(err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
			err = cause(err)
		}
	}()
	if err := fill(f); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil {
		if err := f.Chmod(info.Mode().Perm()); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if force {
		return os.Rename(f.Name(), path)
	}
	// A link fails if the name has come to exist meanwhile; a rename would not.
	err = os.Link(f.Name(), path)
	if err == nil {
		return os.Remove(f.Name())
	}
	if _, serr := os.Lstat(path); serr == nil {
		return fs.ErrExist
	}
	return os.Rename(f.Name(), path) // a file system without links
}

// createBeside creates a file of a name of its own in path's folder, with the
// permissions that the process gives to files it creates.
func createBeside(path string) (*os.File, error) {
	for try := 0; ; try++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".onnx-%016x", rand.Uint64()))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || !errors.Is(err, fs.ErrExist) || try == 100 {
			return f, err
		}
	}
}

// cause is an error of the operating system without the names of temporary
// files and system calls; any other error is itself.
func cause(err error) error {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}
