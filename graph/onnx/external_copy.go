package onnx

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/graph"
)

// copyExternal copies m's external data to the folder of path, if that is not
// where it is. undo removes the copies.
func copyExternal(path string, m *graph.Model, opts Options) (undo func(), err error) {
	var made []string
	undo = func() {
		for _, name := range made {
			os.Remove(name)
		}
	}
	if m.Source == nil || m.Source.Path == "" {
		return undo, nil
	}
	from, err := os.Stat(filepath.Dir(m.Source.Path))
	if err != nil {
		return undo, err
	}
	if to, err := os.Stat(filepath.Dir(path)); err != nil || os.SameFile(from, to) {
		return undo, cause(err)
	}
	names, err := ExternalFiles(m)
	if err != nil {
		return undo, err
	}
	for _, name := range names {
		target := filepath.Join(filepath.Dir(path), filepath.FromSlash(name))
		done, err := copyBeside(m.Source.Path, name, target, opts)
		if done {
			made = append(made, target)
		}
		if err != nil {
			return undo, fmt.Errorf("external data %q: %w", name, cause(err))
		}
	}
	return undo, nil
}

// copyBeside copies the external file name of the model at path to target. It
// reports whether it made a file that was not there.
func copyBeside(path, name, target string, opts Options) (made bool, err error) {
	src, err := openExternal(path, name)
	if err != nil {
		return false, err
	}
	defer src.Close()
	old, err := os.Stat(target)
	if err == nil {
		same, err := sameContent(src, target, old)
		if same || err != nil {
			return false, err
		}
		if !opts.Force {
			return false, fmt.Errorf("%w, with other content", fs.ErrExist)
		}
	} else if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return false, err
	}
	err = Replace(target, opts.Force, func(f *os.File) error {
		_, err := io.Copy(f, src)
		return err
	})
	return old == nil && err == nil, err
}

// sameContent reports whether the file at path, described by info, is src or
// has its bytes. It leaves src at its beginning.
func sameContent(src *os.File, path string, info os.FileInfo) (bool, error) {
	own, err := src.Stat()
	if err != nil {
		return false, err
	}
	if os.SameFile(own, info) {
		return true, nil
	}
	if own.Size() != info.Size() || !info.Mode().IsRegular() {
		return false, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	a, b := make([]byte, largeWindow), make([]byte, largeWindow)
	for {
		n, err := io.ReadFull(src, a)
		k, _ := io.ReadFull(f, b)
		if n != k || !bytes.Equal(a[:n], b[:k]) {
			_, err := src.Seek(0, io.SeekStart)
			return false, err
		}
		if err != nil {
			_, err = src.Seek(0, io.SeekStart)
			return true, err
		}
	}
}
