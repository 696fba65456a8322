package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestNextWorks runs what inspect says to do next, in a shell: for every model
// of testdata, and for a file whose name a shell would split.
func TestNextWorks(t *testing.T) {
	models, err := filepath.Glob("../../testdata/models/*.onnx")
	if err != nil || len(models) == 0 {
		t.Fatal(models, err)
	}
	odd, _ := tiny(t, t.TempDir())
	for _, path := range append(models, odd) {
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := call(t.Context(), "inspect", path, "--json")
			var doc inspection
			if err := json.Unmarshal([]byte(stdout), &struct {
				Next **next `json:"next"`
			}{&doc.Next}); err != nil || code != 0 {
				t.Fatalf("exit code %d, %v: %s", code, err, stderr)
			}
			if out, err := exec.Command("sh", "-c", doc.Next.Line+" --no-verify").CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", doc.Next.Line, err, out)
			}
			if code, _, stderr := call(t.Context(), doc.Next.Command[1:]...); code != exitBad {
				t.Errorf("the same again: exit code %d, want %d since the file exists; %s", code, exitBad, stderr)
			}
		})
	}
}

// TestPage: names do not steer the terminal, with colours or without; columns
// line up by letters, and long text is broken.
func TestPage(t *testing.T) {
	for _, colours := range []bool{false, true} {
		var b strings.Builder
		p := &page{&b, colours, pageWidth}
		p.line(p.in(green, "a\x1b[2Jb\u202ec"))
		p.rows("  ", [][]cell{{{"é", plain}, {"1", plain}}, {{"long\nname", red}, {"2", plain}}, {{"x", plain}, {"y", plain}, {strings.Repeat("word ", 40), plain}}})
		text := b.String()
		if colours {
			if n := strings.Count(text, "\x1b["); n != 4 {
				t.Errorf("%d sequences, want 4: %q", n, text)
			}
			text = regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(text, "")
		}
		lines := strings.Split(text, "\n")
		if lines[0] != `a\x1b[2Jb\u202ec` || lines[1] != "  é           1" || lines[2] != `  long\nname  2` {
			t.Errorf("%q", lines[:3])
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); n > pageWidth {
				t.Errorf("%d letters: %s", n, l)
			}
		}
	}
}

// TestShort: the middle of long names is left out, whole letters at a time.
func TestShort(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcdefghij": "ab…hij", "日本語日本語日": "日本…本語日"} {
		if got := short(in, 6); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
