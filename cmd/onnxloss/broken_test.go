package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

// tinyText is a detector of a few hundred bytes.
const tinyText = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,3,3] image) => (float[1,6,3,3] scores, float[1,4,3,3] boxes)
<float[6,2,1,1] w = {1,2,3,4,5,6,7,8,9,10,11,12}, float[4,2,1,1] v = {1,2,3,4,5,6,7,8}> {
  z = Conv(image, w)
  scores = Sigmoid(z)
  d = Conv(image, v)
  boxes = Exp(d)
}`

// tiny writes the detector into a folder and gives its path and bytes.
func tiny(t *testing.T, dir string) (string, []byte) {
	t.Helper()
	m, err := text.Parse(tinyText)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tiny.onnx")
	if err := onnx.WriteFile(path, m, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, b
}

// call runs the program in this process.
func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, append([]string{"onnxloss"}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// expectFiles fails the test if dir has other files.
func expectFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if fmt.Sprint(names) != fmt.Sprint(want) {
		t.Fatalf("files %q, want %q", names, want)
	}
}

// TestTruncated cuts a model at every byte: every command says what is wrong,
// and nothing is written.
func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	path, whole := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	for n := 0; n < len(whole); n += thorough.Every(3) {
		if err := os.WriteFile(path, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"inspect", path}, {"inspect", path, "--svg", out, "--json"}, {"rewrite", path, "-o", out, "--loss", "bce"}, {"run", path}, {"verify", path}, {"compare", path, "--losses", "bce"}} {
			code, _, stderr := call(t.Context(), args...)
			if code != exitBad && code != exitNoHead || !strings.HasPrefix(lastLine(stderr, "onnxloss: "), "onnxloss: "+path+": ") {
				t.Errorf("%s of %d bytes: exit code %d, %s", args[0], n, code, stderr)
			}
		}
		expectFiles(t, dir, "tiny.onnx")
	}
}

// TestChanged changes every byte of a model and of a training graph: whatever
// that means, nothing panics, and a failed command leaves no file.
func TestChanged(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of runs")
	}
	dir := t.TempDir()
	path, whole := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	for n := 0; n < len(whole); n += thorough.Every(7) {
		for _, bits := range []byte{1, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[n] ^= bits
			if err := os.WriteFile(path, b, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"inspect", path}, {"rewrite", path, "-o", out, "--loss", "bce"}, {"run", path, "--max-memory", "1MB"}, {"compare", path, "--losses", "bce", "-q"}} {
				code, _, stderr := call(t.Context(), args...)
				if code < 0 || code > exitProof || code == exitUsage || strings.Contains(stderr, "defect") {
					t.Errorf("%s with byte %d ^ %#x: exit code %d, %s", args[0], n, bits, code, stderr)
				}
				if args[0] != "rewrite" {
					continue
				}
				if code != 0 {
					expectFiles(t, dir, "tiny.onnx")
				}
				os.Remove(out)
			}
		}
	}
}

// interruptedAfter is a context that is cancelled once it was asked n times.
type interruptedAfter struct {
	context.Context
	left atomic.Int64
	stop context.CancelFunc
}

func (c *interruptedAfter) Err() error {
	if c.left.Add(-1) < 0 {
		c.stop()
	}
	return c.Context.Err()
}

// TestInterrupted interrupts a rewrite earlier and later: nothing is left.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for n := int64(0); ; n = n*2 + 1 {
		for _, to := range []string{out, "-"} {
			ctx := &interruptedAfter{}
			ctx.Context, ctx.stop = context.WithCancel(t.Context())
			ctx.left.Store(n)
			code, stdout, stderr := call(ctx, "rewrite", path, "-o", to, "--loss", "bce", "-q")
			ctx.stop()
			if code == 0 {
				if n == 0 {
					t.Fatal("an interrupted run went on")
				}
				return
			}
			if code != exitInterrupted || stderr != "onnxloss: interrupted\n" || stdout != "" {
				t.Fatalf("after %d questions: exit code %d, %q, %s", n, code, stdout, stderr)
			}
			expectFiles(t, dir, "tiny.onnx")
			expectFiles(t, tmp)
		}
	}
}

// TestInterruptedProof interrupts a verification earlier and later: what it did not get
// to was not run, and nothing failed.
func TestInterruptedProof(t *testing.T) {
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	if code, _, stderr := call(t.Context(), "rewrite", path, "-o", out, "--loss", "bce", "--form", "logits-gradient", "--check-targets", "-q"); code != 0 {
		t.Fatal(stderr)
	}
	left := 0
	for n := int64(0); ; n += n/2 + 1 {
		ctx := &interruptedAfter{}
		ctx.Context, ctx.stop = context.WithCancel(t.Context())
		ctx.left.Store(n)
		code, stdout, stderr := call(ctx, "verify", out, "--original", path, "--json")
		ctx.stop()
		if code == 0 {
			break
		}
		if code != exitInterrupted || !strings.HasSuffix(stderr, "interrupted\n") {
			t.Fatalf("after %d questions: exit code %d, %s", n, code, stderr)
		}
		var doc struct {
			Checks []struct{ Name, Status, Reason string }
		}
		if stdout == "" {
			continue // it did not get to the proof
		}
		if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
			t.Fatal(err)
		}
		for _, c := range doc.Checks {
			switch {
			case c.Status == "not run" && c.Reason == "interrupted":
				left++
			case c.Status != "ok":
				t.Errorf("after %d questions: %+v", n, c)
			}
		}
	}
	if left == 0 {
		t.Error("no check was interrupted")
	}
}

// TestSignal interrupts the program as a user, a service manager or a terminal
// that is closed does.
func TestSignal(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGHUP) // so that no child inherits that they are ignored
	defer signal.Stop(caught)
	path, _ := tiny(t, t.TempDir())
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		cmd := exec.Command("onnxloss", "run", path, "--repeat", "1000000000")
		lines := started(t, cmd)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		lines.Scan()
		cmd.Wait()
		if lines.Text() != "onnxloss: interrupted" || cmd.ProcessState.ExitCode() != exitInterrupted {
			t.Errorf("%v: %v, %q", sig, cmd.ProcessState, lines.Text())
		}
	}
	cmd := exec.Command("sh", "-c", `trap "" HUP; exec onnxloss run "$0" --repeat 1000000000`, path) // as nohup does
	lines := started(t, cmd)
	cmd.Process.Signal(syscall.SIGHUP)
	time.AfterFunc(300*time.Millisecond, func() { cmd.Process.Kill() })
	lines.Scan()
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Errorf("a hangup that is ignored ended the program: %v, %q", cmd.ProcessState, lines.Text())
	}
}

// started starts cmd and waits for its first line on standard error, of an input
// that is filled.
func started(t *testing.T, cmd *exec.Cmd) *bufio.Scanner {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	return lines
}

// TestConcurrent lets runs write the same file: one does, or with --force all
// do, one after the other; the file is whole at any time.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	for _, force := range []bool{false, true} {
		var wg sync.WaitGroup
		var written atomic.Int64
		for range 8 {
			wg.Go(func() {
				args := []string{"rewrite", path, "-o", out, "--loss", "bce", "-q"}
				if force {
					args = append(args, "--force")
				}
				switch code, _, stderr := call(t.Context(), args...); {
				case code == 0:
					written.Add(1)
				case code != exitBad || !strings.Contains(stderr, "exists"):
					t.Errorf("exit code %d, %s", code, stderr)
				}
			})
		}
		wg.Wait()
		if want := map[bool]int64{false: 1, true: 8}[force]; written.Load() != want {
			t.Errorf("force %v: %d runs have written, want %d", force, written.Load(), want)
		}
		if code, _, stderr := call(t.Context(), "verify", out, "--original", path); code != 0 {
			t.Errorf("exit code %d, %s", code, stderr)
		}
		expectFiles(t, dir, "out.onnx", "tiny.onnx")
	}
}

// TestPrintable: names in a model do not steer the terminal.
func TestPrintable(t *testing.T) {
	var b strings.Builder
	p := printable{&b}
	if n, err := p.Write([]byte("a\x1b[31m\tσ\u009bz\x7f\n")); n != 14 || err != nil {
		t.Error(n, err)
	}
	if b.String() != `a\x1b[31m\tσ\u009bz\x7f`+"\n" {
		t.Errorf("%q", b.String())
	}
}
