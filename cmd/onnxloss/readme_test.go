package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/interp/orttest"
)

// readme is the README and its code blocks.
func readme(t *testing.T) (root string, blocks []string) {
	t.Helper()
	root = orttest.Root(t)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```(?:js|go)?\n(.*?)^```$").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(m[1]))
	}
	return root, blocks
}

// block is the one code block that has the text.
func block(t *testing.T, blocks []string, text string) string {
	t.Helper()
	for _, b := range blocks {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("no code block of the README has %q", text)
	return ""
}

// measured are the figures that differ between machines.
var measured = regexp.MustCompile(`worst .*`)

// TestReadmeCommand runs the README's first command: it prints what the README
// says.
func TestReadmeCommand(t *testing.T) {
	root, blocks := readme(t)
	command, _, _ := strings.Cut(block(t, blocks, "go run ./cmd/onnxloss rewrite"), "\n")
	args := strings.Fields(strings.TrimPrefix(command, "go run ./cmd/"))
	t.Chdir(root)
	out := filepath.Join(t.TempDir(), args[4])
	want := strings.ReplaceAll(block(t, blocks, "ok        network"), args[4], out)
	args[4] = out
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	if got := stdout.String(); measured.ReplaceAllString(got, "") != measured.ReplaceAllString(want, "") {
		t.Errorf("got\n%s\nthe README has\n%s", got, want)
	}
}

// TestReadmeCompare runs the README's comparison: it prints what the README
// says.
func TestReadmeCompare(t *testing.T) {
	root, blocks := readme(t)
	args := strings.Fields(strings.TrimPrefix(block(t, blocks, "go run ./cmd/onnxloss compare"), "go run ./cmd/"))
	t.Chdir(root)
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr.String())
	}
	got, want := stdout.String(), block(t, blocks, "whose gradient it is")
	if got != want {
		t.Errorf("got\n%s\nthe README has\n%s", got, want)
	}
}

// TestReadmeInspect: the README shows what inspect prints of a model.
func TestReadmeInspect(t *testing.T) {
	root, blocks := readme(t)
	t.Chdir(root)
	code, got, stderr := call(t.Context(), "inspect", "testdata/models/yolov1.onnx")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	fresh := regexp.MustCompile(`yolov1\.train\d*\.onnx`) // the number is that of files there
	if want := block(t, blocks, "class logits"); fresh.ReplaceAllString(got, "") != fresh.ReplaceAllString(want, "") {
		t.Errorf("got\n%s\nthe README has\n%s", got, want)
	}
}

// TestReadmeTrainer runs the README's trainer on what its command writes.
func TestReadmeTrainer(t *testing.T) {
	modules := filepath.Join(orttest.Need(t), "node_modules")
	root, blocks := readme(t)
	dir := t.TempDir()
	tool, train, script := filepath.Join(dir, "onnxloss"), filepath.Join(dir, "train.onnx"), filepath.Join(dir, "train.mjs")
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte(block(t, blocks, "onnxruntime-node")), 0o666); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", tool, "./cmd/onnxloss")
	build.Dir = root
	rewrite := exec.Command(tool, "rewrite", "-q", "testdata/models/yolov1.onnx", "-o", train, "--loss", "modified-focal-softmax")
	rewrite.Dir = root
	for _, c := range []*exec.Cmd{build, rewrite} {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", c, err, out)
		}
	}
	out, err := exec.Command("node", script, train, tool).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Six digits agree on every machine.
	cut := func(s string) string {
		return regexp.MustCompile(`loss (\d\.\d{5})\d*\s*`).ReplaceAllString(s, "loss $1")
	}
	if want := block(t, blocks, "logits [ "); cut(string(out)) != cut(want) {
		t.Errorf("got %q, the README has %q", out, want)
	}
}

// TestReadmeCommands: each command line in a code block runs, each flag that the text names
// exists, and the table of commands is that of the program.
func TestReadmeCommands(t *testing.T) {
	root, blocks := readme(t)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Symlink(filepath.Join(root, "testdata"), "testdata"); err != nil {
		t.Skip(err)
	}
	for _, b := range blocks {
		for line := range strings.Lines(b) {
			if args := strings.Fields(line); len(args) > 1 && args[0] == "onnxloss" {
				if code, _, stderr := call(t.Context(), args[1:]...); code != 0 {
					t.Errorf("%s: exit %d: %s", line, code, stderr)
				}
			}
		}
	}
	app := newApp(nil, io.Discard, io.Discard)
	flags := map[string]bool{"--help": true}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			flags[dashed(f.Names()[0])] = true
		}
		if !bytes.Contains(text, []byte("\n| `onnxloss "+c.Name)) {
			t.Errorf("the table of commands lacks %s", c.Name)
		}
	}
	for _, f := range regexp.MustCompile("`[^`\n]*`").FindAll(text, -1) {
		for _, name := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(string(f), -1) {
			if !flags[name] {
				t.Errorf("%s: there is no flag %s", f, name)
			}
		}
	}
	for _, m := range regexp.MustCompile("`onnxloss ([a-z]+)").FindAllSubmatch(text, -1) {
		if app.Command(string(m[1])) == nil {
			t.Errorf("there is no command %s", m[1])
		}
	}
}
