package main

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestFileName: whatever a value's name is, its file lies in the folder of outputs,
// and is called what it seems to be.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"scores": "scores", "/model/out:0": "model_out_0", "../../x": "x", ".bashrc": "bashrc", "": "output", "...": "output",
		`a\b`: "a_b", "a\nb": "a_b", "a\u202eb": "a_b", "a\u2028b": "a_b", "a\u009bb": "a_b", "größe 2": "größe 2",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	long := fileName(strings.Repeat("ü", 1000))
	if len(long) > 210 || !utf8.ValidString(long) || !filepath.IsLocal(long) {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}
