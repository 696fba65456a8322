package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
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
