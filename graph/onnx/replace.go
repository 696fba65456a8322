package onnx

import (
	"os"
	"path/filepath"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/draft"
)

// Replace makes path a file with what fill writes, which has another name in the
// same folder until it is whole and on the disk. If anything fails, path is as it
// was and nothing is left beside it. A file that exists is an error that wraps
// fs.ErrExist, unless force is set. What killed runs have left in the folder is
// removed.
func Replace(path string, force bool, fill func(*os.File) error) error {
	dir := filepath.Dir(path)
	draft.Sweep(dir, inUse)
	f, err := draft.Create(dir)
	if err != nil {
		return cause(err)
	}
	defer f.Drop()
	if err := fill(f.File); err != nil {
		return cause(err)
	}
	return cause(f.Commit(path, force))
}

// Drafts are files of one folder that get their names when all of them are
// whole, in place of what is there.
type Drafts struct {
	dir   string
	paths []string
	files []*draft.File
}

// NewDrafts begins to write to dir. What killed runs have left there is removed.
// The caller ends it with Drop.
func NewDrafts(dir string) *Drafts {
	draft.Sweep(dir, inUse)
	return &Drafts{dir: dir}
}

// Write makes a file with what fill writes, for path.
func (d *Drafts) Write(path string, fill func(*os.File) error) error {
	f, err := draft.Create(d.dir)
	if err != nil {
		return cause(err)
	}
	d.paths, d.files = append(d.paths, path), append(d.files, f)
	return cause(fill(f.File))
}

// Place gives the files their names. It does not wait for the disk.
func (d *Drafts) Place() (path string, err error) {
	for i, f := range d.files {
		if err := f.Place(d.paths[i], true); err != nil {
			return d.paths[i], cause(err)
		}
	}
	return "", nil
}

// Drop removes the files that have not got their names.
func (d *Drafts) Drop() {
	for _, f := range d.files {
		f.Drop()
	}
}
