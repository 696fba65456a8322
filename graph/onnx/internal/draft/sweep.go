package draft

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxAge is from when on a draft is taken for abandoned where locks tell nothing.
const maxAge = 24 * time.Hour

// Sweep removes the drafts in dir that killed processes left, and what they were
// published as unless it is in use. What cannot be removed stays.
func Sweep(dir string, used func(path string) bool) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	names, _ := d.Readdirnames(-1)
	d.Close()
	for _, name := range names {
		ok, here := isDraft(name)
		if !ok {
			continue
		}
		if f := abandoned(filepath.Join(dir, name), here); f != nil {
			if info, err := f.Stat(); err == nil {
				f.path = otherName(dir, names, info)
			}
			f.Release(used)
		}
	}
}

// abandoned opens the draft at path, locked; nil if it may still be somebody's.
func abandoned(path string, here bool) *File {
	f, err := openRegular(path, os.O_RDWR)
	if err != nil {
		return nil
	}
	held, lockErr := lock(f, true)
	info, err := f.Stat()
	if err == nil && (held || lockErr != nil) && isNamed(f, path) {
		if isMine(f) && (held && here || time.Since(info.ModTime()) > maxAge) {
			return &File{File: f, draft: path}
		}
	}
	f.Close()
	return nil
}

// otherName is the path of the file info in dir under another of the names; ""
// if it has none there.
func otherName(dir string, names []string, info fs.FileInfo) string {
	if n, _ := links(info); n < 2 {
		return ""
	}
	for _, other := range names {
		if Is(other) {
			continue
		}
		path := filepath.Join(dir, other)
		if o, err := os.Lstat(path); err == nil && os.SameFile(o, info) {
			return path
		}
	}
	return ""
}
