package onnx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestNoPermission writes to a folder of another user.
func TestNoPermission(t *testing.T) {
	m := read(t, smallFile(t))
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out.onnx")
	err := asUser(t, func() error { return WriteFile(path, m, Options{}) })
	if !errors.Is(err, fs.ErrPermission) || err.Error() != path+": permission denied" {
		t.Error(err)
	}
	os.Chmod(dir, 0o755)
	if names := list(t, dir); len(names) != 0 {
		t.Error(names)
	}
}

// asUser calls do as an ordinary user, since root may do anything.
func asUser(t *testing.T, do func() error) error {
	if os.Geteuid() != 0 {
		return do()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Skip(err)
	}
	defer syscall.Setfsuid(0)
	return do()
}

// TestDiskFull fills a small file system, where the user may make one.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("no file system of its own to fill: ", err)
	}
	defer syscall.Unmount(dir, 0)
	from := t.TempDir()
	if err := os.WriteFile(from+"/w", []byte("12345678"), 0o666); err != nil {
		t.Fatal(err)
	}
	m := read(t, externalModel(t, from, "w", "", "")) // whose data there is room for
	if _, err := m.Graph.AddInit("big", tensor.Of([]int{1 << 20}, make([]float32, 1<<20))); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out.onnx")
	err := WriteFile(path, m, Options{})
	if !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), ".onnxloss-") {
		t.Error(err)
	}
	if names := list(t, dir); len(names) != 0 {
		t.Error(names)
	}
}
