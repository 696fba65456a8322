package onnx

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/draft"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestCrash ends a process that replaces a model at each of the steps that change
// the folder: the model is the old one or the new one, with its own weights, and
// the next run that writes anything there leaves nothing of the one that ended.
func TestCrash(t *testing.T) {
	if out := os.Getenv("ONNX_CRASH_OUT"); out != "" {
		crash(t, os.Getenv("ONNX_CRASH_IN"), out)
		return
	}
	in := t.TempDir()
	for name, w := range map[string][]byte{"old": {0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}, "new": {0, 0, 0x40, 0x40, 0, 0, 0x80, 0x40}} {
		dir := filepath.Join(in, name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/w", w, 0o666); err != nil {
			t.Fatal(err)
		}
		externalModel(t, dir, "w", "", "")
	}
	inside := smallFile(t) // weights 1, 2 as old has them
	for _, c := range []struct{ name, old, new string }{
		{"outside to outside", in + "/old/m.onnx", in + "/new/m.onnx"},
		{"outside to the same", in + "/old/m.onnx", in + "/old/m.onnx"},
		{"inside to outside", inside, in + "/new/m.onnx"},
		{"outside to inside", in + "/new/m.onnx", inside},
		{"nothing to outside", "", in + "/new/m.onnx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := map[string]int{}
			for n, over := 0, false; !over; n++ {
				dir := t.TempDir()
				out := dir + "/out.onnx"
				foreign := []string{"other.onnx.0123456789abcdef.data", "out.onnx.0123456789abcdef.data", "out.onnx.data", ".onnxloss-notes.tmp"}
				for _, name := range foreign {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				if c.old != "" {
					if err := WriteFile(out, read(t, c.old), Options{}); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.Command(os.Args[0], "-test.run=^TestCrash$")
				cmd.Env = append(os.Environ(), "ONNX_CRASH_IN="+c.new, "ONNX_CRASH_OUT="+out, "ONNX_CRASH_AT="+strconv.Itoa(n))
				text, err := cmd.CombinedOutput()
				if over = err == nil; err != nil && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("step %d: %v %s", n, err, text)
				}
				got := weights(t, out)
				if want := []string{weights(t, c.old), weights(t, c.new)}; !slices.Contains(want, got) {
					t.Fatalf("step %d: %s in %q", n, got, list(t, dir))
				}
				seen[got]++
				// Another model is written to the folder.
				if err := WriteFile(dir+"/z.onnx", read(t, smallFile(t)), Options{}); err != nil {
					t.Fatal(err)
				}
				if now := weights(t, out); now != got {
					t.Fatalf("step %d: %s after another run, %s before", n, now, got)
				}
				want := append(slices.Clone(foreign), "z.onnx")
				if got != "none" {
					names, _ := refersTo(out)
					for name := range names {
						want = append(want, name)
					}
					want = append(want, "out.onnx")
				}
				slices.Sort(want)
				if got := list(t, dir); !slices.Equal(got, want) {
					t.Fatalf("step %d: files %q, want %q", n, got, want)
				}
			}
			t.Log(seen)
		})
	}
}

// weights is what the model at path has in w; "none" if there is no model.
func weights(t *testing.T, path string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return "none"
	}
	x, err := read(t, path).Graph.Value("w").Init.Load()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(tensor.Data[float32](x))
}

// crash writes the model in to out, and ends the process at a step.
func crash(t *testing.T, in, out string) {
	left, err := strconv.Atoi(os.Getenv("ONNX_CRASH_AT"))
	if err != nil {
		t.Fatal(err)
	}
	m := read(t, in)
	m.SetMeta("written", strings.Repeat("x", 1000))
	draft.Step = func() {
		if left--; left < 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := WriteFile(out, m, Options{Force: true}); err != nil {
		t.Fatal(err)
	}
}
