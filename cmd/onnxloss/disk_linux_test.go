package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDiskFull writes to a file system that is too small, where the user may
// make one: the error says so, and nothing is left of what was begun.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=4k"); err != nil {
		t.Skip("no file system of its own to fill: ", err)
	}
	defer syscall.Unmount(small, 0)
	models, err := filepath.Abs("../../testdata/models")
	if err != nil {
		t.Fatal(err)
	}
	detector := filepath.Join(models, "yolov1.onnx")
	for _, args := range [][]string{
		{"rewrite", detector, "-o", filepath.Join(small, "out.onnx"), "--loss", "ce"},
		{"rewrite", filepath.Join(models, "retinanet.onnx"), "-o", filepath.Join(small, "out.onnx"), "--loss", "ce"},
		{"run", detector, "-o", small},
	} {
		code, _, stderr := call(t.Context(), args...)
		if code != exitBad || !strings.HasSuffix(stderr, "no space left on device\n") || !strings.Contains(stderr, "onnxloss: "+small) {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
		expectFiles(t, small)
	}
	t.Setenv("TMPDIR", small) // for drafts of streams
	if code, stdout, stderr := call(t.Context(), "rewrite", detector, "-o", "-", "--loss", "ce"); code != exitBad || stdout != "" || !strings.Contains(stderr, "no space left") {
		t.Errorf("to standard output: exit code %d, %s", code, stderr)
	}
	expectFiles(t, small)
	if code, _, stderr := call(t.Context(), "rewrite", path, "-o", "-", "--loss", "bce"); code != 0 {
		t.Errorf("a draft that fits: exit code %d, %s", code, stderr)
	}
}

// TestNoPermission writes where nothing may be written: a read-only file
// system for root, who may write to any folder, else a folder.
func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	want := "permission denied\n"
	if os.Geteuid() == 0 {
		if err := syscall.Mount("tmpfs", closed, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
			t.Skip("root may write anywhere: ", err)
		}
		defer syscall.Unmount(closed, 0)
		want = "read-only file system\n"
	}
	for _, args := range [][]string{
		{"rewrite", path, "-o", filepath.Join(closed, "out.onnx"), "--loss", "bce"},
		{"run", path, "-o", closed},
		{"run", path, "-o", filepath.Join(closed, "deeper")},
	} {
		code, _, stderr := call(t.Context(), args...)
		if code != exitBad || !strings.HasSuffix(stderr, want) {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
		expectFiles(t, closed)
	}
	if os.Geteuid() == 0 {
		return
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t.Context(), "inspect", path); code != exitBad || stderr != "onnxloss: "+path+": permission denied\n" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
