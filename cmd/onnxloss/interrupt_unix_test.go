//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestInterruptedPipe: a model that comes from a pipe to which nobody writes does not
// keep the program from ending.
func TestInterruptedPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "model.onnx")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{{"inspect", pipe}, {"run", pipe}, {"verify", pipe}, {"compare", pipe}} {
		cmd := exec.Command("onnxloss", args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		for ; err != nil; w, err = os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0) {
			time.Sleep(time.Millisecond) // until the program reads
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		w.Close()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || stderr.String() != "onnxloss: interrupted\n" {
			t.Errorf("%q: exit code %d, %s", args, code, stderr.String())
		}
	}
}
