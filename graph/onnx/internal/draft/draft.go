package draft

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// File is a draft, or a file that was published.
type File struct {
	*os.File
	draft string // the draft's path; "" if it has none
	path  string // where it was published; "" if nowhere
	made  bool   // by this process
}

// Create makes an empty draft in dir, with the permissions that the process
// gives to files it creates.
func Create(dir string) (*File, error) {
	for try := 0; ; try++ {
		path := filepath.Join(dir, newName())
		step()
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case errors.Is(err, fs.ErrExist) && try < 100:
			continue
		case err != nil:
			return nil, err
		}
		held, err := lock(f, false)
		if (held || err != nil) && isNamed(f, path) || try == 100 {
			open.add(path)
			return &File{File: f, draft: path, made: true}, nil
		}
		f.Close() // a sweep has it
	}
}

// Adopt opens what was published at path, so that it stays until Release. It
// fails if the file is about to be removed, is no regular file or belongs to
// another user.
func Adopt(path string) (*File, error) { return adopt(path, os.O_RDONLY, false) }

// Doom opens what was published at path, so that Release removes it unless it
// is in use. It fails if another process holds it.
func Doom(path string) (*File, error) { return adopt(path, os.O_RDWR, true) }

func adopt(path string, mode int, exclusive bool) (*File, error) {
	f, err := openRegular(path, mode)
	if err != nil {
		return nil, err
	}
	held, err := lock(f, exclusive)
	if !held && (err == nil || exclusive) || !isNamed(f, path) || !isMine(f) {
		f.Close()
		return nil, fs.ErrNotExist
	}
	a := &File{File: f, path: path}
	if draft := filepath.Join(filepath.Dir(path), newName()); link(path, draft) == nil {
		a.draft = draft
	}
	return a, nil
}

// openRegular opens a regular file, and neither a link nor what a link leads to.
func openRegular(path string, mode int) (*os.File, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fs.ErrInvalid
	}
	f, err := os.OpenFile(path, mode|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(before, info) {
		f.Close()
		return nil, fs.ErrNotExist
	}
	return f, nil
}

// isNamed reports whether path is a name of f.
func isNamed(f *os.File, path string) bool {
	a, err := f.Stat()
	b, err2 := os.Lstat(path)
	return err == nil && err2 == nil && os.SameFile(a, b)
}

// Path is where the file was published; "" if nowhere.
func (f *File) Path() string { return f.path }

// isMine reports whether f belongs to this user: whoever owns a file can change
// it later.
func isMine(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	_, mine := links(info)
	return mine
}

// Publish gives the draft the further name path, which must not exist, once its
// bytes are on the disk. On a file system without links it loses the draft's,
// so that nothing reminds of it after the process was killed.
func (f *File) Publish(path string) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := link(f.draft, path); err != nil {
		if _, err := os.Lstat(path); err == nil {
			return fs.ErrExist
		}
		if err := rename(f.draft, path); err != nil {
			return err
		}
		f.draft = ""
	}
	open.drop(f.draft)
	f.path = path
	return syncFolder(filepath.Dir(path))
}

// Commit puts the draft at path, in place of what is there, whose permissions
// it takes; a link is replaced, not what it leads to. Unless force is set, path
// must not exist. Bytes and name are on the disk when it returns. If it fails,
// path is as it was.
func (f *File) Commit(path string, force bool) error {
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Place(path, force); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// Place is Commit for what can be made again: it does not wait for the disk.
func (f *File) Place(path string, force bool) error {
	if err := f.TakeMode(path); err != nil {
		return err
	}
	if !renamesOpen {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := f.moveTo(path, force); err != nil {
		return err
	}
	open.drop(f.draft)
	f.draft = ""
	f.Close()
	return nil
}

// TakeMode gives the draft the permissions of the file at path, if there is one.
func (f *File) TakeMode(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return f.Chmod(info.Mode().Perm())
}

func (f *File) moveTo(path string, force bool) error {
	if force {
		return rename(f.draft, path)
	}
	// A link fails if the name has come to exist meanwhile; a rename would not.
	err := link(f.draft, path)
	if err == nil {
		remove(f.draft) // what is left of it is swept
		return nil
	}
	if _, serr := os.Lstat(path); serr == nil {
		return fs.ErrExist
	}
	return rename(f.draft, path) // a file system without links
}

// Drop removes the draft's name. What was published or committed stays.
func (f *File) Drop() { f.Release(func(string) bool { return true }) }

// Release is Drop, and removes the file as it was published, too, unless it is
// in use or another process has to do with it.
func (f *File) Release(used func(path string) bool) {
	unwanted := f.path != "" && f.alone() && !used(f.path)
	if !renamesOpen {
		f.Close()
	}
	if unwanted {
		remove(f.path)
	}
	if f.draft != "" {
		remove(f.draft)
		open.drop(f.draft)
	}
	f.draft, f.path = "", ""
	f.Close()
}

// alone reports whether nobody else holds or names what was published.
func (f *File) alone() bool {
	held, err := lock(f.File, true)
	if err != nil { // no locks
		return f.made
	}
	info, serr := f.Stat()
	if !held || serr != nil || !isNamed(f.File, f.path) {
		return false
	}
	names, _ := links(info)
	return names == 1 || names == 2 && f.draft != ""
}

// patience is how long LockFolder waits for another process.
const patience = 5 * time.Second

// LockFolder waits until no other process has locked dir, and locks it. It gives
// up where there are no such locks, or somebody has it for longer than a process
// needs to put a file under its name.
func LockFolder(dir string) (unlock func()) {
	d, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for began := time.Now(); time.Since(began) < patience; time.Sleep(5 * time.Millisecond) {
		if held, err := lock(d, true); held || err != nil {
			break
		}
	}
	return func() { d.Close() }
}

// syncFolder brings the names in dir to the disk, where the system can.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // a folder that may be written and not read
	}
	defer d.Close()
	step()
	if err := d.Sync(); errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// Step, if set, is called before each change of a folder: tests end the process
// there.
var Step func()

func step() {
	if Step != nil {
		Step()
	}
}

// osLink is a variable for the test of file systems without links.
var osLink = os.Link

func link(old, name string) error {
	step()
	return osLink(old, name)
}

func rename(old, name string) error {
	step()
	return os.Rename(old, name)
}

func remove(path string) error {
	step()
	return os.Remove(path)
}
