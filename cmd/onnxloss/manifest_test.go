package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph/thorough"
)

// TestManifestChanged changes every word and number of a manifest: verify
// finds fault or not, and neither panics nor takes long.
func TestManifestChanged(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	dir := t.TempDir()
	path, _ := tiny(t, dir)
	out := filepath.Join(dir, "out.onnx")
	if code, _, stderr := call(t.Context(), "rewrite", path, "-o", out, "--loss", "modified-focal-softmax", "--check-targets", "--as-function", "-q"); code != 0 {
		t.Fatal(stderr)
	}
	whole, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(whole, []byte(`{"manifestVersion"`))
	codes := map[int]int{}
	for i, at := range regexp.MustCompile(`"[^"]+"|[0-9]+`).FindAllIndex(whole[from:], -1) {
		if i%thorough.Every(4) > 0 {
			continue
		}
		old := string(whole[from+at[0] : from+at[1]])
		changes := []string{strings.Repeat("9", len(old)), strings.Repeat(" ", len(old)-1) + "0"}
		if old[0] == '"' {
			changes = []string{old[:len(old)-2] + "!\""}
		} else if len(old) > 1 {
			changes = append(changes, "-"+old[1:], strings.Repeat(" ", len(old)-2)+"-1")
		}
		for _, change := range changes {
			b := bytes.Clone(whole)
			copy(b[from+at[0]:], change)
			if err := os.WriteFile(out, b, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"compare", out, "-q", "--losses", "bce,ce"}, {"verify", out, "-q"}} {
				code, _, stderr := call(t.Context(), args...)
				codes[code]++
				if code < 0 || code > exitProof || code == exitUsage || strings.Contains(stderr, "defect") {
					t.Errorf("%s in place of %s: %s: exit code %d, %s", change, old, args[0], code, stderr)
				}
			}
		}
	}
	if codes[exitBad] == 0 || codes[exitProof] == 0 {
		t.Errorf("runs by exit code: %v, want some of 1 and of 4", codes)
	}
	t.Logf("runs by exit code: %v", codes)
}
