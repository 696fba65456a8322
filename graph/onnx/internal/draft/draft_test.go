//go:build unix

package draft

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func never(string) bool { return false }

func create(t *testing.T, dir, content string) *File {
	t.Helper()
	f, err := Create(dir)
	if err == nil {
		_, err = f.WriteString(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Drop)
	return f
}

// name is that of a draft of this machine, or of another.
func name(here bool) string {
	if here {
		return newName()
	}
	id := "00000000-12345678"
	return prefix + id + "-" + checkSum(id) + suffix
}

// TestSweep: drafts are removed by lock, age, owner and kind, not by name alone.
func TestSweep(t *testing.T) {
	if ok, here := isDraft(newName()); !ok || !here {
		t.Fatal("a new name is not that of a draft")
	}
	if ok, here := isDraft(name(false)); !ok || here {
		t.Fatal("a draft of another machine")
	}
	day := time.Now().Add(-maxAge - time.Minute)
	for _, c := range []struct {
		what  string
		name  string
		make  func(path string) error
		swept bool
	}{
		{"abandoned", name(true), nil, true},
		{"of another machine", name(false), nil, false},
		{"of another machine, a day old", name(false), func(path string) error { return os.Chtimes(path, day, day) }, true},
		{"alike, without a check sum", prefix + "01234567-01234567-01234567" + suffix, func(path string) error { return os.Chtimes(path, day, day) }, false},
		{"alike, by a person", prefix + "notes" + suffix, func(path string) error { return os.Chtimes(path, day, day) }, false},
		{"a folder", name(true), func(path string) error { os.Remove(path); return os.Mkdir(path, 0o777) }, false},
		{"a link", name(true), func(path string) error { os.Remove(path); return os.Symlink(os.Args[0], path) }, false},
		{"a pipe", name(true), func(path string) error { os.Remove(path); return syscall.Mkfifo(path, 0o666) }, false},
		{"of another user", name(true), func(path string) error { return os.Chown(path, 12345, 12345) }, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.name)
			err := os.WriteFile(path, []byte("x"), 0o666)
			if err == nil && c.make != nil {
				err = c.make(path)
			}
			if errors.Is(err, fs.ErrPermission) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			Sweep(dir, never)
			if got := len(list(t, dir)) == 0; got != c.swept {
				t.Errorf("swept %v, want %v", got, c.swept)
			}
		})
	}
}

// TestLive: what a process holds is not swept, and not removed by another that
// has it too.
func TestLive(t *testing.T) {
	dir := t.TempDir()
	f := create(t, dir, "x")
	Sweep(dir, never)
	if len(list(t, dir)) != 1 {
		t.Fatal("a draft that is held was swept")
	}
	path := filepath.Join(dir, "data")
	if err := f.Publish(path); err != nil {
		t.Fatal(err)
	}
	Sweep(dir, never)
	second, err := Adopt(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Doom(path); err == nil {
		t.Error("a file that others hold can be doomed")
	}
	f.Release(never)
	if !slices.Contains(list(t, dir), "data") {
		t.Fatal("removed what another had adopted")
	}
	second.Release(never)
	if got := list(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// TestPublished: a file that was published and has a further link stays, as does
// one that was replaced under its name.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(path string) error
		want   []string
	}{
		{"nothing", func(string) error { return nil }, nil},
		{"linked", func(path string) error { return os.Link(path, path+"2") }, []string{"data", "data2"}},
		{"replaced", func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte("theirs"), 0o666))
		}, []string{"data"}},
	} {
		dir := t.TempDir()
		f := create(t, dir, "x")
		path := filepath.Join(dir, "data")
		if err := errors.Join(f.Publish(path), c.change(path)); err != nil {
			t.Fatal(err)
		}
		f.Release(never)
		if got := list(t, dir); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}

// TestNoLinks: without links files get their names all the same.
func TestNoLinks(t *testing.T) {
	osLink = func(old, name string) error {
		return &os.LinkError{Op: "link", Old: old, New: name, Err: syscall.EPERM}
	}
	defer func() { osLink = os.Link }()
	TestCommit(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "data")
	f := create(t, dir, "x")
	if err := f.Publish(path); err != nil {
		t.Fatal(err)
	}
	if err := create(t, dir, "y").Publish(path); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	second, err := Adopt(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Release(never)
	if b, err := os.ReadFile(path); err != nil || string(b) != "x" {
		t.Errorf("%q %v: removed what another had adopted", b, err)
	}
	second.Release(never)
	if slices.Contains(list(t, dir), "data") {
		t.Error("left what nobody uses")
	}
}

func TestCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := create(t, dir, "one").Commit(path, false); err != nil {
		t.Fatal(err)
	}
	two := create(t, dir, "two")
	if err := two.Commit(path, false); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	two.Drop()
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	f := create(t, dir, "three")
	if err := f.Commit(path, true); err != nil {
		t.Fatal(err)
	}
	f.Drop()
	b, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || string(b) != "three" || info.Mode().Perm() != 0o640 {
		t.Errorf("%q %v %v %v", b, info, err, err2)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("f", link); err != nil {
		t.Fatal(err)
	}
	if err := create(t, dir, "four").Commit(link, true); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "three" {
		t.Error("what a link leads to was replaced, not the link")
	}
	Sweep(dir, never)
	for _, name := range list(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Error("left ", name)
		}
	}
}

// TestTogether makes drafts while others sweep: none is lost.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 50 {
				if i%2 == 0 {
					Sweep(dir, never)
					continue
				}
				f, err := Create(dir)
				if err != nil {
					t.Error(err)
					return
				}
				path := filepath.Join(dir, string(rune('a'+i))+string(rune('0'+k)))
				if err := f.Commit(path, k%2 == 0); err != nil {
					t.Error(err)
				}
				f.Drop()
			}
		})
	}
	wg.Wait()
	if got := list(t, dir); len(got) != 200 {
		t.Errorf("%d files, want 200: %q", len(got), got)
	}
}
