package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// ReadOptions say how a model's file is read.
type ReadOptions struct {
	// FollowLinks are folders that links of external data may lead into.
	FollowLinks []string
}

// LinkError is the error of external data that is a link which is not followed.
type LinkError struct {
	Link   string // its path
	Target string // where it leads
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("%s is a link to %s, which is outside of the model's folder", e.Link, e.Target)
}

// folders is where a model's external data is looked for, and where links may
// lead. All are absolute and free of links.
type folders struct {
	// beside is the folder of the model's path and then, if the model is a link,
	// the folder that it leads to, and so on: what the user's own path goes
	// through.
	beside []string
	links  []string // others that links may lead into
}

// foldersOf is the folders of the model that was opened by path as f.
func foldersOf(f *os.File, path string, opts ReadOptions) (*folders, error) {
	dirs := &folders{}
	for _, dir := range opts.FollowLinks {
		if dir == "" {
			return nil, errors.New("empty name of a folder for links")
		}
		real, err := realPath(dir)
		if err != nil {
			return nil, err
		}
		dirs.links = append(dirs.links, real)
	}
	const most = 40 // links one behind the other, as the kernel has it
	at := path
	for range most {
		dir, name := filepath.Split(at)
		real, err := realPath(dir + ".")
		if err != nil {
			break
		}
		dirs.beside = append(dirs.beside, real)
		at = filepath.Join(real, name)
		target, err := os.Readlink(at)
		if err != nil {
			break
		}
		if at = target; !filepath.IsAbs(at) {
			at = real + string(filepath.Separator) + target
		}
	}
	// What path leads to now must be what was opened.
	opened, err := f.Stat()
	last, err2 := os.Lstat(at)
	if err != nil || err2 != nil || !os.SameFile(opened, last) {
		dirs.beside = []string{filepath.Dir(path)}
	}
	return dirs, nil
}

// realPath is path, absolute and without links.
func realPath(path string) (string, error) {
	if !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		path = dir + string(filepath.Separator) + path // links stand before dots
	}
	return filepath.EvalSymlinks(path)
}

// open opens the file of the given name beside the model. Neither the name nor a
// link may lead out of the model's folders, and it must be a regular file.
func (d *folders) open(name string) (*os.File, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, fmt.Errorf("external data %q: not a path inside the model's folder", name)
	}
	var err error
	for _, dir := range d.beside {
		var f *os.File
		if f, err = openInside(dir, local); err != nil {
			f, err = d.follow(dir, local)
		}
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return nil, fmt.Errorf("external data %q: %w", name, cause(err))
}

// follow opens what local leads to, in folder dir or another that links may lead
// into.
func (d *folders) follow(dir, local string) (*os.File, error) {
	link := filepath.Join(dir, local)
	target, err := realPath(link)
	if err != nil {
		return nil, err
	}
	real, err := realPath(dir)
	if err != nil {
		return nil, err
	}
	for _, allowed := range slices.Concat([]string{real}, d.beside, d.links) {
		if within(target, allowed) {
			rel, _ := filepath.Rel(allowed, target)
			return openInside(allowed, rel)
		}
	}
	return nil, &LinkError{link, target}
}

// within reports whether path is inside of dir; both are free of links.
func within(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// openInside opens a regular file in dir or below it; the system makes sure that
// no link leads out of dir.
func openInside(dir, local string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	irregular := errors.New("not a file")
	info, err := root.Stat(local) // first, because opening a device may do something
	if err == nil && !info.Mode().IsRegular() {
		err = irregular
	}
	if err != nil {
		return nil, err
	}
	f, err := root.OpenFile(local, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, irregular
	}
	return f, nil
}
