package draft

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAbandon: what was not finished goes, what was finished stays.
func TestAbandon(t *testing.T) {
	defer func(old map[string]bool) { open.paths = old }(open.paths)
	dir := t.TempDir()
	done, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := done.Commit(filepath.Join(dir, "model.onnx"), false); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir); err != nil {
		t.Fatal(err)
	}
	Abandon()
	open.Unlock()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "model.onnx" {
		t.Errorf("%v are left (%v)", files, err)
	}
}
