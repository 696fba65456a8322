package onnx

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/draft"
)

// Options say how a file is written.
type Options struct {
	// Force overwrites a file that exists. The file that the model was read
	// from, and those that hold its external data, are never overwritten.
	Force bool
	// Check, if set, is called with the name of the complete file before it
	// gets the name it was written for. If it fails, nothing is left behind
	// and its error is WriteFile's.
	Check func(path string) error
	// Context ends the writing early, with its error; nil is never.
	Context context.Context
	// Digest, if set, takes what is copied; it is the model's.
	Digest *Digest
	// Data, if set, is called with the name and size of the file of external
	// data that goes with the model, once it is written.
	Data func(name string, size int64)
	// Beside, if set, is a file that goes with the model.
	Beside *Beside
}

// Beside is a file that goes with a model: it is complete when the model is checked, and
// gets its name right before the model does, so that a machine that stops between the two
// leaves it beside what was there before.
type Beside struct {
	Path  string // in the model's folder
	Write func(w io.Writer) error
	// Draft is the file's name while the model is checked, which WriteFile sets.
	Draft string

	file *draft.File
}

// check refuses a file that cannot be written beside m.
func (b *Beside) check(special bool, m *graph.Model, opts Options) error {
	if b == nil {
		return nil
	}
	if special {
		return errors.New("is no regular file, beside which another could lie")
	}
	if special, err := checkTarget(b.Path, m, opts); err != nil || special {
		return fmt.Errorf("%s: %w", filepath.Base(b.Path), cmp.Or(err, errors.New("is no regular file")))
	}
	return nil
}

// create writes the draft.
func (b *Beside) create() error {
	f, err := draft.Create(filepath.Dir(b.Path))
	if err != nil {
		return err
	}
	b.file, b.Draft = f, f.Name()
	w := bufio.NewWriterSize(f.File, 1<<20)
	if err := b.Write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// drop removes the draft, unless it was committed.
func (b *Beside) drop() {
	if b != nil && b.file != nil {
		b.file.Drop()
	}
}

// commit gives the draft its name.
func (b *Beside) commit(force bool) error {
	if b == nil {
		return nil
	}
	return b.file.Commit(b.Path, force)
}

// ErrInput is the error of writing a model over the file it was read from, and
// ErrData that of writing it over its external data.
var (
	ErrInput = errors.New("the output is the input")
	ErrData  = errors.New("the output contains weights of the input")
)

// WriteFile writes m to path; "-" is standard output. A file that exists is an
// error that wraps fs.ErrExist, unless opts.Force is set; a link is replaced, not
// what it leads to.
//
// If m has external data and path lies in another folder than the file m was
// read from, the ranges that tensors refer to go to one file beside path, which
// what is written refers to. Its name is that of path, 16 digits made of its
// content, and ".data"; names that m has are never names on the disk. In the
// same folder, and on standard output, devices and pipes, the references stay as
// they are.
//
// The write is one transaction: path has its old content or the new one with
// the external data that belongs to it, also if the process or the machine
// stops. External data that only the model that was replaced had, in a file
// named after path, is removed in the end. What killed runs have left in the
// folder is removed at the start.
//
// Errors begin with the path.
func WriteFile(path string, m *graph.Model, opts Options) error {
	if path == "-" {
		return Write(os.Stdout, m)
	}
	if opts.Context == nil {
		opts.Context = context.Background()
	}
	if err := writeFile(path, m, opts); err != nil {
		return fmt.Errorf("%s: %w", path, cause(err))
	}
	return nil
}

// Write writes m to w. External data stays where it is.
func Write(w io.Writer, m *graph.Model) error {
	return WriteContext(context.Background(), w, m, nil)
}

// WriteContext is Write that ends early with ctx. If d is not nil, it is m's, and
// takes what is copied.
func WriteContext(ctx context.Context, w io.Writer, m *graph.Model, d *Digest) error {
	return write(ctx, w, m, nil, d)
}

func write(ctx context.Context, w io.Writer, m *graph.Model, refs references, d *Digest) error {
	r, err := encode(m, refs)
	if err != nil {
		return err
	}
	if d == nil {
		d = &Digest{ctx: ctx, model: m, finished: true} // which copies alone
		defer d.Close()
	}
	o := &output{ctx: ctx, w: w, src: m.Source, later: m.Later, digest: d}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			if o.base, err = f.Seek(0, io.SeekCurrent); err == nil {
				o.file = f
			}
		}
	}
	if err := o.write(r); err != nil {
		return fmt.Errorf("writing the model: %w", cause(err))
	}
	return nil
}

func writeFile(path string, m *graph.Model, opts Options) error {
	special, err := checkTarget(path, m, opts)
	if err != nil {
		return err
	}
	if err := opts.Beside.check(special, m, opts); err != nil {
		return err
	}
	if special {
		if opts.Check != nil {
			return errors.New("not a regular file, so its content cannot be verified before it is visible")
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(Write(f, m), cause(f.Close()))
	}
	dir := filepath.Dir(path)
	draft.Sweep(dir, inUse)
	g, err := gather(m, dir)
	if err != nil {
		return err
	}
	if opts.Digest == nil {
		opts.Digest = NewDigest(opts.Context, m)
		defer opts.Digest.Close()
	}
	if g == nil {
		opts.Digest.startData()
		return commit(path, m, nil, func() {}, opts)
	}
	data, err := g.write(m, path, opts)
	if err != nil {
		return err
	}
	defer data.Release(inUse)
	opts.Digest.startData() // of what stays
	name := filepath.Base(data.Path())
	err = commit(path, m, g.refs, data.Drop, opts)
	if err == nil && opts.Data != nil {
		opts.Data(name, g.size)
	}
	return err
}

// commit writes m to path, with new references, and removes what the model that
// was there alone had. It calls done once the new one is there.
func commit(path string, m *graph.Model, refs references, done func(), opts Options) error {
	dir := filepath.Dir(path)
	f, err := draft.Create(dir)
	if err != nil {
		return err
	}
	defer f.Drop()
	if opts.Beside != nil {
		defer opts.Beside.drop()
		if err := opts.Beside.create(); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(opts.Beside.Path), cause(err))
		}
	}
	if err := write(opts.Context, f.File, m, refs, opts.Digest); err != nil {
		return err
	}
	if opts.Check != nil {
		if err := opts.Check(f.Name()); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	defer draft.LockFolder(dir)() // so that no other process replaces the model that is looked at
	defer release(ownData(path))
	if err := opts.Beside.commit(opts.Force); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(opts.Beside.Path), cause(err))
	}
	if err := f.Commit(path, opts.Force); err != nil {
		return err
	}
	done()
	return nil
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
func checkTarget(path string, m *graph.Model, opts Options) (special bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil && !opts.Force {
			return false, fmt.Errorf("%w (a dangling link)", fs.ErrExist)
		}
		return false, CheckData(path, m)
	}
	if err != nil {
		return false, err
	}
	if input := sourceFile(m); input != nil {
		if own, err := input.Stat(); err == nil && os.SameFile(own, info) {
			return false, ErrInput
		}
	}
	switch {
	case info.IsDir():
		return false, errors.New("is a directory")
	case !info.Mode().IsRegular():
		return true, nil
	case !opts.Force:
		return false, fs.ErrExist
	}
	return false, CheckData(path, m)
}

// CheckData fails if path is where m's external data is, or should be.
func CheckData(path string, m *graph.Model) error {
	names, err := ExternalFiles(m)
	if err != nil || m.Source == nil || m.Source.Path == "" {
		return err
	}
	eachData(m, func(d *graph.Data) { // also what would be written into the model
		if d.External != "" && !d.Origin.IsZero() {
			names = append(names, d.External)
		}
	})
	slices.Sort(names)
	names = slices.Compact(names)
	info, _ := os.Stat(path)
	here, _ := sameFolder(filepath.Dir(m.Source.Path), filepath.Dir(path))
	for _, name := range names {
		local := filepath.FromSlash(name)
		if here && filepath.Clean(local) == filepath.Base(path) {
			return ErrData
		}
		if info == nil {
			continue
		}
		have, err := os.Stat(filepath.Join(filepath.Dir(m.Source.Path), local))
		if err == nil && os.SameFile(have, info) {
			return ErrData
		}
		if f, err := openExternal(m.Source, name); err == nil {
			have, err = f.Stat()
			f.Close()
			if err == nil && os.SameFile(have, info) {
				return ErrData
			}
		}
	}
	return nil
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

// Abandon removes what writes under way have left on the disk so far, for a process that
// ends without waiting for them. Nothing can be written afterwards.
func Abandon() { draft.Abandon() }
